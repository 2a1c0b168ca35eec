// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of the PAMT: pamt=contig|early|cma.
 *
 *   contig	when TDX is enabled, from memory that is emptied for it
 *		(pamt_contig.c)
 *	early	in the same way, but when this module is loaded
 *	cma	from the default CMA area (cma=SIZE), on kernels that export it
 *
 * Two blocks a TDMR would need more reserved areas than there are, so what the
 * 2 MiB and 1 GiB pages need (1/500 of the whole) is one block for all TDMRs.
 *
 * Once TDH.SYS.CONFIG was called with it (pamt_alloc_expose()), the memory may
 * hold lines that TDX owns, until it was rewritten: pamt_release() does that
 * before anything else may have it.
 *
 * Context: under the lock of the enablement, or at load and unload.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cma.h>
#include <linux/dma-map-ops.h>
#include <linux/gfp.h>
#include <linux/math64.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <asm/smp.h>

#include "compat.h"
#include "effects.h"
#include "own.h"
#include "params.h"
#include "tdx_reset.h"

enum pamt_source {
	PAMT_CONTIG,
	PAMT_EARLY,
	PAMT_CMA,
};

static const char * const source_names[] = {
	[PAMT_CONTIG] = "contig",
	[PAMT_EARLY] = "early",
	[PAMT_CMA] = "cma",
};

static struct params_choice source = {
	.words = source_names,
	.nr = ARRAY_SIZE(source_names),
	.chosen = PAMT_EARLY,
};

/* What to do when there is no memory.  cma= is of use where COMPAT_CMA is. */
static const char * const remedies[] = {
	[PAMT_CONTIG] = "load this module early after boot (pamt=early), or stop what pins memory",
	[PAMT_EARLY] = "load this module earlier after boot",
	[PAMT_CMA] = "boot with a larger cma=, or stop what uses it",
};

module_param_cb(pamt, &params_choice_ops, &source, 0444);
MODULE_PARM_DESC(pamt,
		 "where TDX's page metadata (1/256 of memory) comes from: early (default, at load), contig (when TDX is enabled), cma (cma=SIZE at boot)");

/**
 * struct pamt_block - one piece of memory
 * @page: the first
 * @nr: how many
 */
struct pamt_block {
	struct page *page;
	u64 nr;
};

/* What there is; @exposed: TDX may have written to it. */
static struct {
	struct pamt_block *blocks;
	unsigned int nr;
	bool exposed;
} pamt;

/*
 * pamt=early: the TDMRs for which memory was taken at load, and what was assumed.
 * Empty if it did not fit later and memory was taken anew.
 */
static struct tdmr_set early_set;
static const struct tdmr_limits early_limits = {
	.max_tdmrs = 64,
	.max_reserved = 16,
	.entry = { 16, 16, 16 },
};

#if COMPAT_CMA
static int cma_usable(void)
{
	if (dev_get_cma_area(NULL))
		return 0;
	pr_err("pamt=cma: there is no default CMA area; boot with cma=SIZE (1/256 of memory and some), or use pamt=contig\n");
	return -ENODEV;
}

static struct page *cma_take(u64 nr)
{
	return cma_alloc(dev_get_cma_area(NULL), nr, 0, true);
}

static void cma_give(struct page *page, u64 nr)
{
	cma_release(dev_get_cma_area(NULL), page, nr);
}
#else
static int cma_usable(void)
{
	pr_err("pamt=cma: this kernel gives modules no way to CMA memory; use pamt=contig or pamt=early\n");
	return -EOPNOTSUPP;
}

static struct page *cma_take(u64 nr)
{
	return NULL;
}

static void cma_give(struct page *page, u64 nr)
{
}
#endif

/* One piece; it belongs to @pamt then. */
static struct page *take_block(u64 bytes, int node)
{
	u64 nr = PAGE_ALIGN(bytes) >> PAGE_SHIFT;
	struct page *page = source.chosen == PAMT_CMA ? cma_take(nr) : pamt_contig_alloc(nr, node);

	if (page)
		pamt.blocks[pamt.nr++] = (struct pamt_block){ .page = page, .nr = nr };
	return page;
}

/* The piece of @bytes was not to be had; the others are given back. */
static void say_failed(u64 bytes, u64 wanted, u64 start)
{
	u64 got = 0;
	unsigned int i;

	for (i = 0; i < pamt.nr; i++)
		got += pamt.blocks[i].nr << PAGE_SHIFT;
	pr_err("PAMT: no %llu KiB in one piece (pamt=%s): got %llu of %llu KiB in %llu us, all given back; %s\n",
	       bytes >> 10, source_names[source.chosen], got >> 10, wanted >> 10,
	       div_u64(ktime_get_ns() - start, NSEC_PER_USEC), remedies[source.chosen]);
}

static void free_blocks(void)
{
	while (pamt.nr) {
		struct pamt_block *block = &pamt.blocks[--pamt.nr];

		if (source.chosen == PAMT_CMA)
			cma_give(block->page, block->nr);
		else
			pamt_contig_free(block->page, block->nr);
	}
	kvfree(pamt.blocks);
	pamt.blocks = NULL;
}

/*
 * The node of the first memory that a TDMR covers.  Memory that was added and is
 * offline has no struct pages that tell: the PAMT comes from the node of who asks then.
 */
static int tdmr_node(const struct tdmr *tdmr, const struct tdmr_set *set)
{
	struct page *page = NULL;
	unsigned int i;

	for (i = 0; i < set->nr_ranges && !page; i++)
		if (set->ranges[i].end > tdmr->base)
			page = pfn_to_online_page(PHYS_PFN(max(set->ranges[i].start,
							       tdmr->base)));
	return page ? page_to_nid(page) : numa_mem_id();
}

static u64 upper_size(const struct tdmr *tdmr, const struct tdmr_limits *limits)
{
	return tdmr_pamt_size(tdmr, limits, TDX_PS_2M) +
	       tdmr_pamt_size(tdmr, limits, TDX_PS_1G);
}

static void place(struct mem_range *pamt_range, u64 *pos, u64 size)
{
	pamt_range->start = *pos;
	pamt_range->end = *pos + size;
	*pos += size;
}

/* The TDMRs are known: memory for each. */
static int take_memory(struct tdmr_set *set, const struct tdmr_limits *limits)
{
	u64 start = ktime_get_ns(), wanted = 0, upper = 0, pos, size;
	struct page *page;
	unsigned int i;

	for (i = 0; i < set->nr_tdmrs; i++) {
		wanted += tdmr_pamt_size(&set->tdmrs[i], limits, TDX_PS_4K);
		upper += upper_size(&set->tdmrs[i], limits);
	}
	wanted += upper;
	pamt.blocks = kvcalloc(set->nr_tdmrs + 1, sizeof(*pamt.blocks), GFP_KERNEL);
	if (!pamt.blocks)
		return -ENOMEM;
	for (i = 0; i < set->nr_tdmrs; i++) {
		struct tdmr *tdmr = &set->tdmrs[i];

		size = tdmr_pamt_size(tdmr, limits, TDX_PS_4K);
		page = take_block(size, tdmr_node(tdmr, set));
		if (!page)
			goto out_failed;
		pos = page_to_phys(page);
		place(&tdmr->pamt[TDX_PS_4K], &pos, size);
	}
	size = upper;
	page = take_block(size, tdmr_node(&set->tdmrs[0], set));
	if (!page)
		goto out_failed;
	pos = page_to_phys(page);
	for (i = 0; i < set->nr_tdmrs; i++) {
		struct tdmr *tdmr = &set->tdmrs[i];

		place(&tdmr->pamt[TDX_PS_2M], &pos, tdmr_pamt_size(tdmr, limits, TDX_PS_2M));
		place(&tdmr->pamt[TDX_PS_1G], &pos, tdmr_pamt_size(tdmr, limits, TDX_PS_1G));
	}
	pr_info("PAMT memory: %llu KiB in %u pieces after %llu us (pamt=%s)\n", wanted >> 10,
		pamt.nr, div_u64(ktime_get_ns() - start, NSEC_PER_USEC),
		source_names[source.chosen]);
	return 0;

out_failed:
	say_failed(size, wanted, start);
	return -ENOMEM;
}

/* TDMRs of 16 GiB, whose PAMT has 64 MiB, or larger ones if there may not be so many. */
static int cover(struct tdmr_set *set, const struct tdmr_limits *limits)
{
	u64 unit = 16 * TDMR_ALIGN;
	unsigned int nr;

	set->tdmrs = kcalloc(limits->max_tdmrs, sizeof(*set->tdmrs), GFP_KERNEL);
	if (!set->tdmrs)
		return -ENOMEM;
	for (;;) {
		nr = tdmr_cover(set->ranges, set->nr_ranges, unit, set->tdmrs,
				limits->max_tdmrs);
		if (nr <= limits->max_tdmrs || !unit)
			break;
		unit = unit > SZ_1T ? 0 : unit * 2;
	}
	if (nr > limits->max_tdmrs) {
		pr_err("PAMT: memory lies in %u places, and TDX has room for %u (TDMRs); set memory offline that TDX need not use\n",
		       nr, limits->max_tdmrs);
		return -ENOSPC;
	}
	set->nr_tdmrs = nr;
	return 0;
}

/* All of it is what the early memory is for, or less: offline and in no CMR. */
static bool were_there(const struct tdmr_set *set)
{
	unsigned int i, j = 0;

	for (i = 0; i < set->nr_ranges; i++, j++)
		while (j < early_set.nr_ranges &&
		       memcmp(&set->ranges[i], &early_set.ranges[j], sizeof(*set->ranges)))
			j++;
	return j <= early_set.nr_ranges;
}

/* Does what was taken at load fit what is found now?  If not, it is told. */
static bool early_fits(const struct tdmr_set *set, const struct tdmr_limits *limits)
{
	unsigned int i;

	if (!early_set.nr_ranges)
		return false;	/* told before */
	if (!were_there(set)) {
		pr_warn("enable: memory was added or removed since the PAMT's memory was taken (pamt=early); taking it anew\n");
		return false;
	}
	for (i = 0; i < TDMR_LEVELS; i++) {
		if (limits->entry[i] > early_limits.entry[i]) {
			pr_warn("enable: PAMT entries of %u bytes, pamt=early assumed %u; taking memory anew\n",
				limits->entry[i], early_limits.entry[i]);
			return false;
		}
	}
	if (early_set.nr_tdmrs > limits->max_tdmrs) {
		pr_warn("enable: pamt=early made %u TDMRs, the TDX module allows %u; taking memory anew\n",
			early_set.nr_tdmrs, limits->max_tdmrs);
		return false;
	}
	return true;
}

/* Without TDMRs that would have nothing in them; their PAMT stays unused. */
static int use_early(struct tdmr_set *set)
{
	unsigned int i, r;

	set->tdmrs = kcalloc(early_set.nr_tdmrs, sizeof(*set->tdmrs), GFP_KERNEL);
	if (!set->tdmrs)
		return -ENOMEM;
	for (i = 0; i < early_set.nr_tdmrs; i++) {
		const struct tdmr *tdmr = &early_set.tdmrs[i];

		for (r = 0; r < set->nr_ranges; r++)
			if (set->ranges[r].start < tdmr->base + tdmr->size &&
			    set->ranges[r].end > tdmr->base)
				break;
		if (r < set->nr_ranges)
			set->tdmrs[set->nr_tdmrs++] = *tdmr;
	}
	return 0;
}

static void forget_early(void)
{
	kvfree(early_set.ranges);
	kfree(early_set.tdmrs);
	early_set = (struct tdmr_set){ };
}

static int cover_and_take(struct tdmr_set *set, const struct tdmr_limits *limits)
{
	int ret = cover(set, limits);

	if (!ret)
		ret = take_memory(set, limits);
	if (ret)
		free_blocks();
	return ret;
}

/**
 * pamt_alloc - TDMRs with memory for their PAMTs
 * @set: with its ranges; gets the TDMRs, which the caller frees
 * @limits: of the TDX module
 *
 * Context: process, may sleep; nothing is allocated now.
 * Return: 0, or a negative error with the reason in the log (nothing is
 * allocated then).
 */
int pamt_alloc(struct tdmr_set *set, const struct tdmr_limits *limits)
{
	if (source.chosen != PAMT_EARLY)
		return cover_and_take(set, limits);
	if (early_fits(set, limits))
		return use_early(set);
	free_blocks();
	forget_early();
	return cover_and_take(set, limits);
}

/**
 * pamt_alloc_name - the way that was chosen
 *
 * Context: any.
 * Return: the value of the parameter.
 */
const char *pamt_alloc_name(void)
{
	return source_names[source.chosen];
}

/**
 * pamt_alloc_expose - TDH.SYS.CONFIG is about to tell TDX of the memory
 *
 * Context: process.
 */
void pamt_alloc_expose(void)
{
	pamt.exposed = true;
}

/* WBINVD first: what TDX left in a cache would be written over normal memory. */
static void reset_blocks(void)
{
	unsigned int i;

	wbinvd_on_all_cpus();
	for (i = 0; i < pamt.nr; i++) {
		u64 pfn = page_to_pfn(pamt.blocks[i].page);

		scrub_mapped(pfn, pamt.blocks[i].nr);
		effect_rewritten(pfn, pamt.blocks[i].nr);
		cond_resched();
	}
	pamt_take_back();
	pamt.exposed = false;
}

/**
 * pamt_release - TDX is not going to use the memory
 *
 * It is made normal first, if TDX may have written to it.  What was taken at load
 * stays here for another try.
 *
 * Context: process, may sleep.
 */
void pamt_release(void)
{
	if (pamt.exposed)
		reset_blocks();
	if (!early_set.nr_ranges)
		free_blocks();
}

/**
 * pamt_abandon - forget the memory without touching it: TDX has it
 *
 * Context: process.
 */
void pamt_abandon(void)
{
	kvfree(pamt.blocks);
	pamt.blocks = NULL;
	pamt.nr = 0;
	pamt.exposed = false;
}

/**
 * pamt_alloc_load - is the chosen way possible here?  Take the early memory.
 *
 * Context: process, may sleep.
 * Return: 0 or a negative error, with the reason in the log.
 */
int pamt_alloc_load(void)
{
	int ret = 0;

	if (source.chosen == PAMT_CMA)
		return cma_usable();
	if (!pamt_contig_usable()) {
		pr_err("pamt=%s: this kernel gives modules no way to memory in large pieces; use pamt=cma\n",
		       source_names[source.chosen]);
		return -EOPNOTSUPP;
	}
	if (source.chosen == PAMT_EARLY) {
		ret = enable_find_memory(&early_set);
		if (!ret)
			ret = cover_and_take(&early_set, &early_limits);
		if (ret)
			forget_early();
	}
	return ret;
}

/**
 * pamt_alloc_unload - give back everything that TDX does not have
 *
 * Context: process, may sleep.
 */
void pamt_alloc_unload(void)
{
	if (pamt.exposed)
		reset_blocks();
	free_blocks();
	forget_early();
}
