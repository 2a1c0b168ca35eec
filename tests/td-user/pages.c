// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a TD's pages come from: the page allocator, or a range that was named,
 * such as a part of the crash kernel's memory, so that a capture kernel would
 * run on them.  Pages of a range are given out once.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <asm/pgtable.h>

#include "td-user.h"

static u64 range_next, range_end;	/* page frames */

/* The kernel write-protects the crash kernel's memory once that is loaded. */
static int make_writable(u64 pfn, u64 end)
{
	while (pfn < end) {
		unsigned long address = (unsigned long)__va(PFN_PHYS(pfn));
		unsigned int level;
		pte_t *pte = lookup_address(address, &level);

		if (!pte || !pte_present(*pte))
			return -EFAULT;
		WRITE_ONCE(pte->pte, pte->pte | _PAGE_RW | _PAGE_DIRTY);
		asm volatile("invlpg (%0)" : : "r" (address) : "memory");
		pfn += level == PG_LEVEL_4K ? 1 : PMD_SIZE >> PAGE_SHIFT;
	}
	return 0;
}

/* @pa, @size: whole 2 MiB.  One CPU only: others may have it in their TLBs. */
int td_use_range(u64 pa, u64 size)
{
	int ret;

	if (!size || (pa | size) & (PMD_SIZE - 1) || !pfn_valid(PHYS_PFN(pa)) ||
	    !pfn_valid(PHYS_PFN(pa + size - 1)))
		return -EINVAL;
	ret = make_writable(PHYS_PFN(pa), PHYS_PFN(pa + size));
	if (ret)
		return ret;
	range_next = PHYS_PFN(pa);
	range_end = PHYS_PFN(pa + size);
	pr_info("TDs get their pages from %#llx to %#llx\n", pa, pa + size);
	return 0;
}

struct page *td_alloc(unsigned int order)
{
	u64 pfn = round_up(range_next, 1ULL << order);
	static int node;

	if (!range_end) {
		/* From all nodes in turn. */
		node = next_node_in(node, node_online_map);
		return alloc_pages_node(node, GFP_KERNEL | __GFP_NOWARN, order);
	}
	if (pfn + (1ULL << order) > range_end)
		return NULL;
	range_next = pfn + (1ULL << order);
	return pfn_to_page(pfn);
}

void td_free(struct page *page, unsigned int order)
{
	if (!range_end)
		__free_pages(page, order);
}
