// SPDX-License-Identifier: GPL-2.0-only
/*
 * At load: what is private already?  The kernel initialised TDX at boot, so
 * the PAMT is.  TDH.PHYMEM.PAGE.RDMD tells a page's type.
 *
 * PAMT.  RDMD answers RSVD for it, as for whatever a TDMR reserves.  In Linux
 * that is holes between memblock's ranges, which are no System RAM, the first
 * megabyte, which is skipped, and the PAMT.  A page that the page allocator
 * never had, or has right now, or that lies on an LRU list, is no PAMT page
 * either.  A TDMR covers whole GiBs, and its PAMT is one contiguous block
 * whose 4 KiB part alone has 262144 entries a GiB: so probing at half that
 * distance (2 MiB) meets every block, and from there its edges are found page
 * by page.
 *
 * TDs.  None should exist yet.  Each TD has a TDR: a page of KVM, allocated,
 * on no list, of no type.  Asking for every such page is quick, because there
 * are few, and finds a TD if there is one; its memory is not looked for, and
 * coverage is lost.
 *
 * What our SEAMCALLs left in the caches under a private KeyID is written back
 * at the end: the kernel does not know of it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ioport.h>
#include <linux/ktime.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <asm/smp.h>

#include "coverage.h"
#include "seamcall.h"
#include "tdx/abi.h"
#include "tdx_reset.h"

#define FIRST_PFN		(SZ_1M >> PAGE_SHIFT)	/* Linux gives TDX nothing below */
#define RDMD_TRIES		100
#define PAMT_ENTRIES_PER_GIB	(SZ_1G / TDX_PAGE_SIZE)
#define OPERAND_OUT_OF_RANGE	0xc000010100000000ULL	/* page is in no TDMR */

/**
 * struct search - one run over all memory
 * @stride: distance of the probes for PAMT, in pages
 * @pamt_pages: found
 * @td_pages: found, that belong to a TD
 * @unanswered: pages whose type could not be read
 * @asked: calls of TDH.PHYMEM.PAGE.RDMD
 */
struct search {
	u64 stride;
	u64 pamt_pages;
	u64 td_pages;
	u64 unanswered;
	u64 asked;
};

typedef int (*ram_func)(u64 pfn, u64 nr, void *arg);

struct ram_walk {
	ram_func func;
	void *arg;
};

static int ram_walk_one(struct resource *res, void *arg)
{
	struct ram_walk *walk = arg;
	u64 pfn = PFN_UP(res->start);
	u64 end = PFN_DOWN(res->end + 1);

	return end > pfn ? walk->func(pfn, end - pfn, walk->arg) : 0;
}

/* Call @func for each range of System RAM, until one answers non-zero. */
static int walk_ram(ram_func func, void *arg)
{
	struct ram_walk walk = { .func = func, .arg = arg };

	return walk_iomem_res_desc(IORES_DESC_NONE,
				   IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY,
				   0, -1, &walk, ram_walk_one);
}

static int raise_end(u64 pfn, u64 nr, void *arg)
{
	u64 *end = arg;

	*end = max(*end, pfn + nr);
	return 0;
}

/**
 * search_memory_end - the first page frame behind System RAM
 * @end_pfn: the answer
 *
 * Context: process, may sleep.
 * Return: 0 or -ENXIO.
 */
int search_memory_end(u64 *end_pfn)
{
	*end_pfn = 0;
	walk_ram(raise_end, end_pfn);
	return *end_pfn ? 0 : -ENXIO;
}

static int populate(u64 pfn, u64 nr, void *arg)
{
	return tracker_populate(&tracker, pfn, nr);
}

/**
 * search_populate - give the tracker room for all System RAM
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int search_populate(void)
{
	return walk_ram(populate, NULL);
}

/*
 * The type of a page.  TDX_PT_NDA for a page that is in no TDMR: TDX cannot own
 * it.  -EIO if the module gives no answer.
 */
static int page_type(struct search *search, u64 pfn, u64 *type)
{
	int try;

	for (try = 0; try < RDMD_TRIES; try++) {
		struct seamcall_args args = { .rcx = PFN_PHYS(pfn) };
		u64 status = seamcall(TDH_PHYMEM_PAGE_RDMD, &args);

		search->asked++;
		if (!(status & TDX_STATUS_ERROR)) {
			*type = args.rcx;
			return 0;
		}
		status &= TDX_STATUS_MASK;
		if (status == TDX_OPERAND_INVALID || status == OPERAND_OUT_OF_RANGE) {
			*type = TDX_PT_NDA;
			return 0;
		}
		if (status != TDX_OPERAND_BUSY && status != TDX_SYS_BUSY)
			break;
		cond_resched();
	}
	search->unanswered++;
	return -EIO;
}

/* In use, by whom nobody knows: neither free nor page cache, slab, table. */
static bool page_is_plain(u64 pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && !PageReserved(page) && !PageCompound(page) &&
	       !PageBuddy(page) && !PageLRU(page) && !PageSlab(page) &&
	       !PageTable(page);
}

static bool is_pamt(struct search *search, u64 pfn)
{
	u64 type;

	return page_is_plain(pfn) && !page_type(search, pfn, &type) &&
	       type == TDX_PT_RSVD;
}

static int search_ram(u64 pfn, u64 nr, void *arg)
{
	struct search *search = arg;
	u64 end = pfn + nr, start = max(pfn, FIRST_PFN);
	u64 probe, type;

	for (probe = roundup(start, search->stride); probe < end;
	     probe += search->stride) {
		u64 first = probe, last = probe;

		cond_resched();
		if (tracker_test(&tracker, probe) || !is_pamt(search, probe))
			continue;
		/* To the edges, also over the border of two ranges of RAM. */
		while (first > FIRST_PFN && !tracker_test(&tracker, first - 1) &&
		       is_pamt(search, first - 1))
			first--;
		while (is_pamt(search, last + 1)) {
			last++;
			if (!(last % search->stride))
				cond_resched();
		}
		if (tracker_set(&tracker, first, last + 1 - first) < 0)
			coverage_lose(COVERAGE_OUTSIDE_MAP);
		search->pamt_pages += last + 1 - first;
	}

	for (pfn = start; pfn < end; pfn++) {
		if (!(pfn % PTRS_PER_PMD))
			cond_resched();
		if (!page_is_plain(pfn) || !page_count(pfn_to_page(pfn)) ||
		    tracker_test(&tracker, pfn))
			continue;
		if (!page_type(search, pfn, &type) && type > TDX_PT_RSVD) {
			tracker_set(&tracker, pfn, 1);
			search->td_pages++;
		}
	}
	return 0;
}

struct tdx_sys_info;
typedef const struct tdx_sys_info *(*get_sysinfo_fn)(void);

/*
 * Does the kernel say that it never initialised TDX?  A module that does not
 * answer proves nothing: it may have died with all of its memory still private.
 */
static bool kernel_says_off(void)
{
	get_sysinfo_fn get_sysinfo = platform_symbol("tdx_get_sysinfo");

	return get_sysinfo && !get_sysinfo();
}

/* Does TDX answer for an ordinary page of System RAM? */
static int answers_for(u64 pfn, u64 nr, void *arg)
{
	u64 end = pfn + nr;
	u64 probe = max(pfn, FIRST_PFN);
	u64 type;

	return probe < end && !page_type(arg, probe, &type);
}

static void read_metadata(struct search *search)
{
	u64 features, entry_size;

	platform.sys_disable_known =
		!seamcall_read_metadata(TDX_MD_FEATURES0, &features);
	platform.sys_disable = platform.sys_disable_known &&
			       (features & TDX_FEATURES0_SYS_DISABLE);

	/* Page by page if the size of a PAMT is unknown: slow, but right. */
	search->stride = 1;
	if (!seamcall_read_metadata(TDX_MD_PAMT_4K_ENTRY_SIZE, &entry_size))
		search->stride = max(1, PAMT_ENTRIES_PER_GIB * (entry_size & 0xffff) /
				     TDX_PAGE_SIZE / 2);
	if (platform_symbol("tdx_pamt_get")) {
		search->stride = 1;
		coverage_lose(COVERAGE_DYNAMIC_PAMT);
	}
}

/**
 * search_private_pages - put into the tracker what is private already
 *
 * The caller watches SEAMCALLs already, so nothing becomes private unseen
 * while this runs, and has set COVERAGE_SEARCH_PENDING, which ends here.
 *
 * Context: process, may sleep; a second for some hundred GiB.
 * Return: 0; what could not be found costs coverage, not the load.
 */
int search_private_pages(void)
{
	struct search search = { };
	ktime_t start = ktime_get();

	if (kernel_says_off()) {
		coverage_regain(COVERAGE_SEARCH_PENDING);
		return 0;
	}
	if (walk_ram(answers_for, &search) != 1) {
		wbinvd_on_all_cpus();
		coverage_lose(COVERAGE_SEARCH_FAILED);
		coverage_regain(COVERAGE_SEARCH_PENDING);
		return 0;
	}
	/* Unless it was disabled since: nothing private is left then. */
	cmpxchg(&tdx_state, TDX_OFF, TDX_INITIALIZED);
	read_metadata(&search);

	search.unanswered = 0;
	walk_ram(search_ram, &search);
	wbinvd_on_all_cpus();
	pr_info("%llu PAMT pages found in %lld ms (%llu pages asked)\n",
		search.pamt_pages, ktime_ms_delta(ktime_get(), start),
		search.asked);
	if (search.unanswered)
		coverage_lose(COVERAGE_SEARCH_FAILED);
	if (search.td_pages)
		coverage_lose(COVERAGE_TD_BEFORE_LOAD);
	coverage_regain(COVERAGE_SEARCH_PENDING);
	return 0;
}
