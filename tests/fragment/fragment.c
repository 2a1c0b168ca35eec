// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: leaves memory in pieces, as a machine has it that ran for long.
 * On command:
 *
 *   echo FLOOR PERCENT SEED SPARE >/sys/module/fragment/parameters/unmovable
 *	takes single pages with GFP_KERNEL, as slab and page tables do, until
 *	FLOOR MiB are free, and gives all back but one page in PERCENT of the
 *	2 MiB blocks, chosen by SEED.  SPARE MiB in one piece, aligned to their
 *	size, stay free of them (0: none do)
 *   echo ADDRESS PAGES >/sys/module/fragment/parameters/pin
 *	pins memory of the process that writes, as VFIO does: FOLL_LONGTERM
 *   echo MIB >/sys/module/fragment/parameters/steal
 *	keeps MIB MiB: what a leak looks like
 *   echo 1 >/sys/module/fragment/parameters/release
 *	everything back but what was stolen
 *
 * hit tells how many 2 MiB blocks have a page that cannot be moved because of
 * this module, and how many there are.
 *
 * Locking: the kernel's lock of module parameters serialises the commands.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#define BLOCK_ORDER	(21 - PAGE_SHIFT)
#define BLOCK_PAGES	BIT(BLOCK_ORDER)
#define MIB_PAGES	(SZ_1M >> PAGE_SHIFT)

/* By frame: pages that are allocated here.  @end_pfn bits. */
static unsigned long *ours;
static unsigned long end_pfn;

/* By block: it has a page of @ours, or one that is pinned. */
static unsigned long *hit;

/**
 * struct pinned - pages of a process, pinned together
 * @list: all of them
 * @nr: entries of @pages
 * @pages: what pin_user_pages_fast() answered
 */
struct pinned {
	struct list_head list;
	int nr;
	struct page *pages[];
};

static LIST_HEAD(all_pinned);

static LIST_HEAD(stolen);

static unsigned long free_pages_now(void)
{
	struct sysinfo info;

	si_meminfo(&info);
	return info.freeram;
}

/* Pages of CMA areas do not count: GFP_KERNEL never gets them. */
static void take_all(unsigned long floor)
{
	while (free_pages_now() > floor) {
		unsigned int i;

		for (i = 0; i < 1024; i++) {
			struct page *page = alloc_page(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);

			if (!page)
				return;
			__set_bit(page_to_pfn(page), ours);
		}
		cond_resched();
	}
}

/* The last run of @nr frames, aligned, all of which are here; end_pfn if none is. */
static unsigned long find_spare(unsigned long nr)
{
	unsigned long pfn;

	if (!nr)
		return end_pfn;
	for (pfn = round_down(end_pfn, nr); pfn >= nr; pfn -= nr)
		if (find_next_zero_bit(ours, pfn, pfn - nr) == pfn)
			return pfn - nr;
	return end_pfn;
}

static bool chosen(unsigned long block, unsigned int percent, unsigned int seed)
{
	return hash_32(block * 2654435761U ^ seed * 40503U, 16) % 100 < percent;
}

/*
 * Blocks that are full of other pages, all movable: one of those is moved away.
 * What cannot be, or lies in a CMA area, stays as it is.
 */
static void take_one_of(unsigned long block)
{
	unsigned long pfn = block << BLOCK_ORDER;
	unsigned int i;

	for (i = 0; i < 4; i++, pfn += BLOCK_PAGES / 4) {
		if (!pfn_to_online_page(pfn) ||
		    alloc_contig_range(pfn, pfn + 1, 0, GFP_KERNEL | __GFP_NOWARN))
			continue;
		__set_bit(pfn, ours);
		__set_bit(block, hit);
		return;
	}
}

static int set_unmovable(const char *value, const struct kernel_param *kp)
{
	unsigned long floor, spare_nr, spare, pfn, block;
	unsigned int percent, seed;

	if (sscanf(value, "%lu %u %u %lu", &floor, &percent, &seed, &spare_nr) != 4 ||
	    percent > 100)
		return -EINVAL;
	take_all(floor * MIB_PAGES);
	spare_nr *= MIB_PAGES;
	spare = find_spare(spare_nr);
	if (spare_nr && spare == end_pfn) {
		pr_err("no %lu pages in one piece were allocated, none can be spared\n", spare_nr);
		return -ENOSPC;
	}
	for_each_set_bit(pfn, ours, end_pfn) {
		block = pfn >> BLOCK_ORDER;
		if (!test_bit(block, hit) && (pfn < spare || pfn >= spare + spare_nr) &&
		    chosen(block, percent, seed)) {
			__set_bit(block, hit);
			continue;
		}
		__clear_bit(pfn, ours);
		__free_page(pfn_to_page(pfn));
	}
	for_each_clear_bit(block, hit, end_pfn >> BLOCK_ORDER) {
		pfn = block << BLOCK_ORDER;
		if ((pfn < spare || pfn >= spare + spare_nr) && chosen(block, percent, seed))
			take_one_of(block);
		cond_resched();
	}
	return 0;
}

static int set_pin(const char *value, const struct kernel_param *kp)
{
	struct pinned *pinned;
	unsigned long address;
	int nr, got, i;

	if (sscanf(value, "%lx %d", &address, &nr) != 2 || nr < 1 || nr > BLOCK_PAGES)
		return -EINVAL;
	pinned = kvzalloc(struct_size(pinned, pages, nr), GFP_KERNEL);
	if (!pinned)
		return -ENOMEM;
	got = pin_user_pages_fast(address, nr, FOLL_WRITE | FOLL_LONGTERM, pinned->pages);
	if (got < 1) {
		kvfree(pinned);
		return got ? got : -EFAULT;
	}
	pinned->nr = got;
	list_add(&pinned->list, &all_pinned);
	for (i = 0; i < got; i++)
		__set_bit(page_to_pfn(pinned->pages[i]) >> BLOCK_ORDER, hit);
	return got == nr ? 0 : -EFAULT;
}

static int set_steal(const char *value, const struct kernel_param *kp)
{
	unsigned long nr;
	int ret = kstrtoul(value, 0, &nr);

	if (ret)
		return ret;
	for (nr *= MIB_PAGES; nr; nr--) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_NOWARN);

		if (!page)
			return -ENOMEM;
		list_add(&page->lru, &stolen);
	}
	return 0;
}

static void release_all(void)
{
	struct pinned *pinned, *next;
	unsigned long pfn;

	list_for_each_entry_safe(pinned, next, &all_pinned, list) {
		unpin_user_pages(pinned->pages, pinned->nr);
		list_del(&pinned->list);
		kvfree(pinned);
	}
	for_each_set_bit(pfn, ours, end_pfn) {
		__clear_bit(pfn, ours);
		__free_page(pfn_to_page(pfn));
	}
	bitmap_zero(hit, DIV_ROUND_UP(end_pfn, BLOCK_PAGES));
}

/*
 * Free pages that wait on lists of CPUs do not count as free.  To take a single
 * page by its number has the kernel empty the lists of its zone.
 */
static void drain(void)
{
	unsigned long step = max(round_down(end_pfn / 64, BLOCK_PAGES), BLOCK_PAGES);
	unsigned long pfn;

	for (pfn = 0; pfn < end_pfn; pfn += step)
		if (pfn_to_online_page(pfn) &&
		    !alloc_contig_range(pfn, pfn + 1, 0, GFP_KERNEL | __GFP_NOWARN))
			__free_page(pfn_to_page(pfn));
}

static int set_release(const char *value, const struct kernel_param *kp)
{
	release_all();
	drain();
	return 0;
}

static int get_hit(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%u %lu\n",
			  bitmap_weight(hit, DIV_ROUND_UP(end_pfn, BLOCK_PAGES)),
			  totalram_pages() >> BLOCK_ORDER);
}

static const struct kernel_param_ops unmovable_ops = { .set = set_unmovable };
static const struct kernel_param_ops pin_ops = { .set = set_pin };
static const struct kernel_param_ops steal_ops = { .set = set_steal };
static const struct kernel_param_ops release_ops = { .set = set_release };
static const struct kernel_param_ops hit_ops = { .get = get_hit };

module_param_cb(unmovable, &unmovable_ops, NULL, 0200);
MODULE_PARM_DESC(unmovable, "FLOOR PERCENT SEED SPARE: leave unmovable pages");
module_param_cb(pin, &pin_ops, NULL, 0200);
MODULE_PARM_DESC(pin, "ADDRESS PAGES: pin memory of the writer");
module_param_cb(steal, &steal_ops, NULL, 0200);
MODULE_PARM_DESC(steal, "MIB: keep so much");
module_param_cb(release, &release_ops, NULL, 0200);
MODULE_PARM_DESC(release, "anything: give everything back");
module_param_cb(hit, &hit_ops, NULL, 0444);
MODULE_PARM_DESC(hit, "2 MiB blocks with a page that stays, and all");

static unsigned long last_pfn(void)
{
	unsigned long end = 0;
	int node;

	for_each_online_node(node)
		end = max(end, pgdat_end_pfn(NODE_DATA(node)));
	return end;
}

static int __init fragment_init(void)
{
	end_pfn = last_pfn();
	ours = bitmap_zalloc(end_pfn, GFP_KERNEL | __GFP_NOWARN);
	hit = bitmap_zalloc(DIV_ROUND_UP(end_pfn, BLOCK_PAGES), GFP_KERNEL);
	if (ours && hit)
		return 0;
	bitmap_free(ours);
	bitmap_free(hit);
	return -ENOMEM;
}

static void __exit fragment_exit(void)
{
	struct page *page, *next;

	release_all();
	list_for_each_entry_safe(page, next, &stolen, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	bitmap_free(ours);
	bitmap_free(hit);
}

module_init(fragment_init);
module_exit(fragment_exit);

MODULE_DESCRIPTION("Test only: fragments memory");
MODULE_AUTHOR("The kexec-tdx developers");
MODULE_LICENSE("GPL");
