// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the PAMT is, if this module is loaded before the kernel configures TDX
 * (kernels before 7.1 do that when KVM is loaded): TDH.SYS.CONFIG names an array
 * of TDMR_INFO, and each of them three pieces of PAMT.
 *
 * Source of the layout: Intel TDX Module ABI reference (348551), TDMR_INFO.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pfn.h>

#include "coverage.h"
#include "seamcall.h"
#include "tdx/abi.h"
#include "tdx_reset.h"
#include "trace.h"

/* Each base and size in bytes. */
struct tdmr_info {
	u64 base;
	u64 size;
	struct {
		u64 base;
		u64 size;
	} pamt[3];	/* 1 GiB, 2 MiB, 4 KiB entries */
};

/* Written by TDH.SYS.CONFIG, each before it counts; forgotten if that fails. */
static struct tracker_range ranges[PAMT_MAX_TDMRS * 3];
static unsigned int nr_ranges;

/* An object of ordinary memory at a physical address, or NULL. */
static const void *at(u64 pa, size_t size)
{
	if (!IS_ALIGNED(pa, sizeof(u64)) || !pfn_valid(PHYS_PFN(pa)) ||
	    !pfn_valid(PHYS_PFN(pa + size - 1)))
		return NULL;
	return phys_to_virt(pa);
}

/**
 * pamt_take - the PAMT is about to become private
 * @args: of TDH.SYS.CONFIG: RCX = address of the array, RDX = its entries
 *
 * Own mode asks again with the same if the TDX module was busy, and has the PAMT in
 * the tracker then.
 *
 * Context: any, NMI included; one caller at a time.
 * Return: false if it cannot be found out.
 */
bool pamt_take(const struct seamcall_args *args)
{
	const u64 *array = at(args->rcx, args->rdx * sizeof(u64));
	unsigned int n = 0;
	u64 i, j;

	if (READ_ONCE(nr_ranges))
		return platform.own;
	if (!array || !args->rdx || args->rdx > PAMT_MAX_TDMRS)
		return false;
	for (i = 0; i < args->rdx; i++) {
		const struct tdmr_info *tdmr = at(array[i], sizeof(*tdmr));

		if (!tdmr)
			return false;
		for (j = 0; j < ARRAY_SIZE(tdmr->pamt); j++) {
			struct tracker_range *range = &ranges[n++];
			s64 added;

			range->pfn = PHYS_PFN(tdmr->pamt[j].base);
			range->nr = PFN_UP(tdmr->pamt[j].size);
			added = tracker_set(&tracker, range->pfn, range->nr);
			trace_tdx_set(range->pfn, range->nr, max(added, 0LL),
				      TDH_SYS_CONFIG);
			if (added == -ERANGE)
				coverage_lose(COVERAGE_OUTSIDE_MAP);
			WRITE_ONCE(nr_ranges, n);
		}
	}
	return true;
}

/**
 * pamt_take_back - TDH.SYS.CONFIG failed
 *
 * Context: any, NMI included.
 */
void pamt_take_back(void)
{
	unsigned int i, n = READ_ONCE(nr_ranges);

	WRITE_ONCE(nr_ranges, 0);
	for (i = 0; i < n; i++) {
		u64 cleared = tracker_clear(&tracker, ranges[i].pfn, ranges[i].nr);

		trace_tdx_clear(ranges[i].pfn, ranges[i].nr, cleared, true);
	}
}

/**
 * pamt_known - was TDH.SYS.CONFIG seen?
 *
 * Context: any, NMI included.
 */
bool pamt_known(void)
{
	return READ_ONCE(nr_ranges);
}

/**
 * pamt_has - does the PAMT named by TDH.SYS.CONFIG have this page?
 * @pfn: the page
 *
 * Context: any, NMI included.
 */
bool pamt_has(u64 pfn)
{
	unsigned int i, n = READ_ONCE(nr_ranges);

	for (i = 0; i < n; i++)
		if (pfn - ranges[i].pfn < ranges[i].nr)
			return true;
	return false;
}
