// SPDX-License-Identifier: GPL-2.0-only
/*
 * touch: what an unlucky driver does in the second kernel.
 *
 * Takes nearly all free memory without clearing it, stores 8 bytes with a
 * non-temporal store into each line and reads them back.  On a line that TDX
 * still owns such a store is the partial write that poisons it, and the read
 * consumes the poison: machine check.  With max_mib= of all that is taken pages
 * at even distances are written.  All of it happens at module load.
 */
#include <linux/cache.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#define TOUCH_LINE	64
/* 2 MiB blocks are quick to get; smaller ones follow when these run out. */
#define TOUCH_MAX_ORDER	9
/*
 * No reclaim, no reserves, no complaint: an allocation that does not succeed
 * at once means that this order is used up.
 */
#define TOUCH_GFP	(__GFP_HIGHMEM | __GFP_NOWARN | __GFP_NOMEMALLOC)

static unsigned long max_mib;
module_param(max_mib, ulong, 0444);
MODULE_PARM_DESC(max_mib, "write about this much memory, in MiB, spread over all there is (0: all)");

/* Recognisable, and different in each line of the machine. */
static u64 touch_value(phys_addr_t pa)
{
	return 0x746f756368000000ULL ^ pa;
}

static void store_nt(u64 *to, u64 value)
{
	asm volatile("movnti %1, %0" : "=m" (*to) : "r" (value));
}

/*
 * True while @page's zone is above its low watermark.  The allocator prefers
 * zones that are; a page from another one says that all are used up, and that
 * taking more would bring the OOM killer.
 */
static bool touch_zone_has_room(struct page *page)
{
	struct zone *zone = page_zone(page);

	return zone_page_state(zone, NR_FREE_PAGES) > low_wmark_pages(zone);
}

/* The largest block up to @order pages; lowers @order to what there is. */
static struct page *touch_alloc(unsigned int *order)
{
	for (;;) {
		struct page *page = alloc_pages(TOUCH_GFP, *order);

		if (page && touch_zone_has_room(page))
			return page;
		if (page)
			__free_pages(page, *order);
		if (!*order)
			return NULL;
		(*order)--;
	}
}

/* Return: lines that read back something else. */
static unsigned long touch_page(struct page *page)
{
	phys_addr_t pa = PFN_PHYS(page_to_pfn(page));
	void *va = page_address(page);
	unsigned long wrong = 0;
	size_t at;

	for (at = 0; at < PAGE_SIZE; at += TOUCH_LINE)
		store_nt(va + at, touch_value(pa + at));
	/* Write-combining buffers must be empty before the lines are read. */
	mb();
	for (at = 0; at < PAGE_SIZE; at += TOUCH_LINE)
		if (READ_ONCE(*(u64 *)(va + at)) != touch_value(pa + at))
			wrong++;
	return wrong;
}

/*
 * Blocks that are left to others: a task that begins meanwhile needs one for its
 * stack, and when there are only single pages the OOM killer comes.
 */
#define LEFT_BLOCKS	32
#define LEFT_ORDER	3

static struct page *left[LEFT_BLOCKS];

static void touch_keep_left(void)
{
	unsigned int i;

	for (i = 0; i < LEFT_BLOCKS; i++)
		left[i] = alloc_pages(TOUCH_GFP, LEFT_ORDER);
}

static void touch_give_left(void)
{
	unsigned int i;

	for (i = 0; i < LEFT_BLOCKS; i++)
		if (left[i])
			__free_pages(left[i], LEFT_ORDER);
}

/* Return: pages that were taken. */
static unsigned long touch_take_all(struct list_head *blocks)
{
	unsigned int order = TOUCH_MAX_ORDER;
	unsigned long taken = 0;
	struct page *page;

	touch_keep_left();
	while ((page = touch_alloc(&order))) {
		set_page_private(page, order);
		list_add(&page->lru, blocks);
		taken += 1UL << order;
		cond_resched();
	}
	touch_give_left();
	return taken;
}

static void touch_free_all(struct list_head *blocks)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, blocks, lru) {
		unsigned int order = page_private(page);

		list_del(&page->lru);
		set_page_private(page, 0);
		__free_pages(page, order);
		cond_resched();
	}
}

/*
 * Of @taken pages @want are written, at even distances.
 * Return: lines that read back something else.
 */
static unsigned long touch_all(struct list_head *blocks, unsigned long taken,
			       unsigned long want, unsigned long *pages)
{
	unsigned long wrong = 0, due = 0, next_report = jiffies + HZ;
	struct page *page;
	unsigned long i;

	list_for_each_entry(page, blocks, lru) {
		for (i = 0; i < 1UL << page_private(page); i++) {
			due += want;
			if (due < taken)
				continue;
			due -= taken;
			wrong += touch_page(page + i);
			(*pages)++;
		}
		if (time_after(jiffies, next_report)) {
			pr_info("touch: %lu MiB so far\n", *pages >> (20 - PAGE_SHIFT));
			next_report = jiffies + HZ;
		}
		cond_resched();
	}
	return wrong;
}

static int __init touch_init(void)
{
	unsigned long taken, want, wrong, pages = 0;
	LIST_HEAD(blocks);

	/* Clearing through the cache would make every line normal before us. */
	if (want_init_on_alloc(TOUCH_GFP) || want_init_on_free()) {
		pr_err("touch: this kernel clears memory before it gives it out; boot with init_on_alloc=0 init_on_free=0\n");
		return -EINVAL;
	}
	taken = touch_take_all(&blocks);
	want = taken;
	if (max_mib && max_mib < (ULONG_MAX >> 20))
		want = min(taken, (max_mib << 20) >> PAGE_SHIFT);
	wrong = touch_all(&blocks, taken, want, &pages);
	touch_free_all(&blocks);

	if (wrong) {
		pr_err("touch: %lu of %lu pages, mismatch in %lu lines\n", pages, taken, wrong);
		return -EIO;
	}
	if (!pages) {
		pr_err("touch: no page to be had, nothing was tried\n");
		return -ENOMEM;
	}
	pr_info("touch: %lu of %lu pages, ok\n", pages, taken);
	return 0;
}

static void __exit touch_exit(void)
{
}

module_init(touch_init);
module_exit(touch_exit);

MODULE_DESCRIPTION("Writes parts of lines into memory that nobody cleared, and reads them");
MODULE_LICENSE("GPL");
