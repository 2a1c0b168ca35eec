// SPDX-License-Identifier: GPL-2.0-only
/*
 * touch: what an unlucky driver does in the second kernel.
 *
 * Takes nearly all free memory without clearing it, stores 8 bytes with a
 * non-temporal store into each line and reads them back.  On a line that TDX
 * still owns such a store is the partial write that poisons it, and the read
 * consumes the poison: machine check.  All of it happens at module load.
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
MODULE_PARM_DESC(max_mib, "take at most this much memory, in MiB (0: all there is)");

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
static unsigned long touch_block(struct page *page, unsigned int order)
{
	phys_addr_t pa = PFN_PHYS(page_to_pfn(page));
	size_t size = PAGE_SIZE << order, at;
	void *va = page_address(page);
	unsigned long wrong = 0;

	for (at = 0; at < size; at += TOUCH_LINE)
		store_nt(va + at, touch_value(pa + at));
	/* Write-combining buffers must be empty before the lines are read. */
	mb();
	for (at = 0; at < size; at += TOUCH_LINE)
		if (READ_ONCE(*(u64 *)(va + at)) != touch_value(pa + at))
			wrong++;
	return wrong;
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

static int __init touch_init(void)
{
	unsigned long pages = 0, wrong = 0, limit = ULONG_MAX, next_report;
	unsigned int order = TOUCH_MAX_ORDER;
	struct page *page;
	LIST_HEAD(blocks);

	/* Clearing through the cache would make every line normal before us. */
	if (want_init_on_alloc(TOUCH_GFP) || want_init_on_free()) {
		pr_err("touch: this kernel clears memory before it gives it out; boot with init_on_alloc=0 init_on_free=0\n");
		return -EINVAL;
	}
	if (max_mib && max_mib < (ULONG_MAX >> 20))
		limit = (max_mib << 20) >> PAGE_SHIFT;

	next_report = jiffies + HZ;
	while (pages < limit) {
		while (order && (1UL << order) > limit - pages)
			order--;
		page = touch_alloc(&order);
		if (!page)
			break;
		set_page_private(page, order);
		list_add(&page->lru, &blocks);
		wrong += touch_block(page, order);
		pages += 1UL << order;
		if (time_after(jiffies, next_report)) {
			pr_info("touch: %lu MiB so far\n", pages >> (20 - PAGE_SHIFT));
			next_report = jiffies + HZ;
		}
		cond_resched();
	}
	touch_free_all(&blocks);

	if (wrong) {
		pr_err("touch: %lu pages, mismatch in %lu lines\n", pages, wrong);
		return -EIO;
	}
	if (!pages) {
		pr_err("touch: no page to be had, nothing was tried\n");
		return -ENOMEM;
	}
	pr_info("touch: %lu pages, ok\n", pages);
	return 0;
}

static void __exit touch_exit(void)
{
}

module_init(touch_init);
module_exit(touch_exit);

MODULE_DESCRIPTION("Writes parts of lines into memory that nobody cleared, and reads them");
MODULE_LICENSE("GPL");
