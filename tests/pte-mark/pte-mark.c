// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: marks pages as the two ways would that the tracker did not take,
 * and says what each cost.
 *
 * how=pte: a software bit in the PTE of the direct map.  That needs 4 KiB PTEs
 * there, so large mappings are split by the kernel's own set_memory_4k() (not
 * exported; found through a kprobe), which flushes TLBs on all CPUs.  The bit
 * itself is then set by a locked instruction; no CPU looks at it, so it needs no
 * flush of its own.
 *
 * how=page: a flag of the page, PG_owner_priv_1, which means nothing for a page
 * that its allocator keeps to itself; a mark that lives beside every other use of
 * the page would need a flag of its own, and there is none left, or page_ext,
 * which stock kernels do not have.
 *
 * The pages are allocated here, in blocks of 1 << order, marked page by page and
 * unmarked; the times go to the log, and loading ends with ECANCELED, so that
 * nothing stays.  Splits and flushes are counted by the kernel, in /proc/vmstat
 * and /proc/interrupts, which the scenario reads before and after.
 */
#define pr_fmt(fmt) "pte-mark: " fmt

#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <asm/pgtable.h>
#include <asm/set_memory.h>

static char *how = "pte";
module_param(how, charp, 0444);
MODULE_PARM_DESC(how, "pte (default) or page");

static uint mib = 256;
module_param(mib, uint, 0444);
MODULE_PARM_DESC(mib, "MiB of memory to mark (default 256)");

static uint order;
module_param(order, uint, 0444);
MODULE_PARM_DESC(order, "pages are allocated in blocks of 1 << order (default 0)");

typedef int (*set_memory_4k_fn)(unsigned long addr, int numpages);

static set_memory_4k_fn split_fn;

static set_memory_4k_fn find_split(void)
{
	struct kprobe kp = { .symbol_name = "set_memory_4k" };
	set_memory_4k_fn fn;

	if (register_kprobe(&kp))
		return NULL;
	fn = (set_memory_4k_fn)kp.addr;
	unregister_kprobe(&kp);
	return fn;
}

/**
 * struct way - one way to mark a page
 * @name: for how=
 * @prepare: what a page needs before its first mark; 0 or an error
 * @mark: set or clear the mark
 * @marked: is it set?
 */
struct way {
	const char *name;
	int (*prepare)(struct page *page);
	void (*mark)(struct page *page, bool on);
	bool (*marked)(struct page *page);
};

static pte_t *direct_pte(struct page *page)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)page_address(page), &level);

	return pte && level == PG_LEVEL_4K ? pte : NULL;
}

static int prepare_pte(struct page *page)
{
	if (direct_pte(page))
		return 0;
	return split_fn((unsigned long)page_address(page), 1);
}

static void mark_pte(struct page *page, bool on)
{
	pte_t *pte = direct_pte(page);

	if (!pte)
		return;
	if (on)
		set_bit(_PAGE_BIT_SOFTW3, (unsigned long *)&pte->pte);
	else
		clear_bit(_PAGE_BIT_SOFTW3, (unsigned long *)&pte->pte);
}

static bool marked_pte(struct page *page)
{
	pte_t *pte = direct_pte(page);

	return pte && test_bit(_PAGE_BIT_SOFTW3, (unsigned long *)&pte->pte);
}

static int prepare_page(struct page *page)
{
	return 0;
}

static void mark_page(struct page *page, bool on)
{
	if (on)
		set_bit(PG_owner_priv_1, (unsigned long *)&page->flags);
	else
		clear_bit(PG_owner_priv_1, (unsigned long *)&page->flags);
}

static bool marked_page(struct page *page)
{
	return test_bit(PG_owner_priv_1, (unsigned long *)&page->flags);
}

static const struct way ways[] = {
	{ "pte", prepare_pte, mark_pte, marked_pte },
	{ "page", prepare_page, mark_page, marked_page },
};

static LIST_HEAD(blocks);
static u64 nr_pages;

static int allocate(void)
{
	while (nr_pages < (u64)mib << (20 - PAGE_SHIFT)) {
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);

		if (!page)
			return -ENOMEM;
		list_add_tail(&page->lru, &blocks);
		nr_pages += 1UL << order;
	}
	return 0;
}

static void release(void)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &blocks, lru) {
		list_del(&page->lru);
		__free_pages(page, order);
	}
}

static int prepare_all(const struct way *way)
{
	struct page *page;
	unsigned long i;

	list_for_each_entry(page, &blocks, lru) {
		for (i = 0; i < 1UL << order; i++) {
			int ret = way->prepare(page + i);

			if (ret)
				return ret;
		}
		cond_resched();
	}
	return 0;
}

/* Returns for how many pages the mark was not as it must be. */
static u64 mark_all(const struct way *way, bool on)
{
	struct page *page;
	unsigned long i;
	u64 wrong = 0;

	list_for_each_entry(page, &blocks, lru) {
		for (i = 0; i < 1UL << order; i++) {
			way->mark(page + i, on);
			wrong += way->marked(page + i) != on;
		}
		cond_resched();
	}
	return wrong;
}

static int __init pte_mark_init(void)
{
	const struct way *way = NULL;
	u64 start, prepared, marked, wrong;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strcmp(how, ways[i].name))
			way = &ways[i];
	if (!way) {
		pr_err("how=%s: no such way; allowed: pte, page\n", how);
		return -EINVAL;
	}
	split_fn = find_split();
	if (!split_fn) {
		pr_err("no set_memory_4k() in this kernel\n");
		return -EOPNOTSUPP;
	}
	ret = allocate();
	if (ret) {
		pr_err("no memory for %u MiB in blocks of order %u; choose less\n", mib, order);
		goto out;
	}

	start = ktime_get_ns();
	ret = prepare_all(way);
	prepared = ktime_get_ns();
	if (ret) {
		pr_err("splitting the direct map: error %d\n", ret);
		goto out;
	}
	wrong = mark_all(way, true);
	wrong += mark_all(way, false);
	marked = ktime_get_ns();
	pr_info("%s: %llu pages, order %u: prepare %llu ns, mark and unmark %llu ns, %llu wrong\n",
		way->name, nr_pages, order, prepared - start, marked - prepared, wrong);
	ret = wrong ? -EIO : -ECANCELED;
out:
	release();
	return ret;
}

static void __exit pte_mark_exit(void)
{
}

module_init(pte_mark_init);
module_exit(pte_mark_exit);

MODULE_DESCRIPTION("Test only: what marking pages in page tables or page flags costs");
MODULE_AUTHOR("The kexec-tdx developers");
MODULE_LICENSE("GPL");
