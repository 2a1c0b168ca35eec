// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make tracked pages normal: MOVDIR64B over every line, then a fence, and only
 * then out of the tracker.  Runs where nothing may be allocated or locked.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/nmi.h>
#include <linux/vmalloc.h>
#include <asm/cpufeature.h>
#include <asm/pgtable.h>

#include "tdx/movdir64b.h"
#include "tdx_reset.h"
#include "trace.h"

static const u8 zeroes[TDX_LINE_SIZE] __aligned(TDX_LINE_SIZE);

/*
 * A window of one page for memory that the direct map does not show (guest
 * memory may be unmapped there).  Made at load, because mapping needs memory.
 */
static struct page *window_page;
static void *window;
static pte_t *window_pte;

/* Is the page writable through the direct map?  Frames up to @mapped_end are. */
static bool direct_mapped(u64 pfn, u64 *mapped_end)
{
	unsigned long address = (unsigned long)__va(PFN_PHYS(pfn));
	unsigned int level;
	pte_t *pte;
	u64 size;

	if (pfn < *mapped_end)
		return true;
	pte = lookup_address(address, &level);
	if (!pte || !pte_present(*pte) || !pte_write(*pte))
		return false;
	size = page_level_size(level) >> PAGE_SHIFT;
	*mapped_end = (pfn & ~(size - 1)) + size;
	return true;
}

static void *map_page(u64 pfn, bool alone, u64 *mapped_end)
{
	if (direct_mapped(pfn, mapped_end))
		return __va(PFN_PHYS(pfn));
	*mapped_end = 0;
	if (!alone || !window_pte)
		return NULL;
	set_pte(window_pte, pfn_pte(pfn, PAGE_KERNEL));
	asm volatile("invlpg (%0)" : : "r" (window) : "memory");
	return window;
}

/*
 * One run of pages, short enough for the watchdog.  Stops early at a page that
 * nothing maps.  Returns how many are clean.
 */
static u64 scrub_run(u64 pfn, u64 nr, bool alone, u64 *mapped_end)
{
	/* Alone: other CPUs may have been stopped inside a tracer. */
	bool traced = !alone && trace_tdx_scrub_enabled();
	u64 start = traced ? ktime_get_mono_fast_ns() : 0;
	u64 done;

	for (done = 0; done < nr; done++) {
		void *page = map_page(pfn + done, alone, mapped_end);

		if (!page)
			break;
		movdir64b_clear_page(page, zeroes);
	}
	movdir64b_fence();
	tracker_clear(&tracker, pfn, done);
	if (traced)
		trace_tdx_scrub(pfn, done, ktime_get_mono_fast_ns() - start);
	touch_nmi_watchdog();
	return done;
}

/**
 * scrub_progress_begin - rewriting begins, and may take long
 * @progress: its total is set
 *
 * Context: any.
 */
void scrub_progress_begin(struct scrub_progress *progress)
{
	progress->start = ktime_get_mono_fast_ns();
	progress->told = progress->start;
}

/**
 * scrub_progress_tell - how far it is, how fast, and for how long; once a second
 * @progress: begun; one CPU tells
 * @done: pages rewritten
 *
 * Context: any.
 */
void scrub_progress_tell(struct scrub_progress *progress, u64 done)
{
	u64 now = ktime_get_mono_fast_ns();
	u64 ms = (now - progress->start) / NSEC_PER_MSEC;

	if (now - progress->told < NSEC_PER_SEC || !done)
		return;
	progress->told = now;
	/* As in handoff.c: a silent console would look like a dead machine. */
	pr_crit("hand-off: %llu of %llu MiB rewritten, %llu MiB/s, about %llu s left\n",
		done >> (20 - PAGE_SHIFT), progress->total >> (20 - PAGE_SHIFT),
		(done >> (20 - PAGE_SHIFT)) * MSEC_PER_SEC / ms,
		(progress->total - min(done, progress->total)) * ms / done / MSEC_PER_SEC);
}

#define RUN_PAGES (SZ_64M >> PAGE_SHIFT)

/**
 * scrub_tracked - make the tracked pages of a range normal
 * @pfn: the first page frame to look at
 * @end: where to stop
 * @alone: no other CPU runs; otherwise others do the same with other pages, and
 *	a page outside of the direct map is left
 * @progress: begun, to be told, or NULL
 *
 * The caller has flushed the caches of every CPU that may hold lines of these
 * pages under a private KeyID.
 *
 * Context: any, with interrupts off; no allocation, no lock.
 * Return: how many pages were cleaned and left the tracker.  A page that cannot
 * be cleaned stays in it.
 */
u64 scrub_tracked(u64 pfn, u64 end, bool alone, struct scrub_progress *progress)
{
	struct tracker_range range;
	u64 scrubbed = 0, mapped_end = 0;

	if (!boot_cpu_has(X86_FEATURE_MOVDIR64B))
		return 0;
	while (tracker_next(&tracker, pfn, end, &range)) {
		u64 nr = min_t(u64, range.nr, RUN_PAGES);
		u64 done;

		/* What one look-up told holds for consecutive pages only. */
		if (range.pfn != pfn)
			mapped_end = 0;
		done = scrub_run(range.pfn, nr, alone, &mapped_end);
		scrubbed += done;
		pfn = range.pfn + done + (done < nr);
		if (progress)
			scrub_progress_tell(progress, scrubbed);
	}
	return scrubbed;
}

/**
 * scrub_mapped - rewrite pages that the direct map shows
 * @pfn: the first
 * @nr: how many
 *
 * Like the kernel's own reset, for the caller of which it is done again; the
 * tracker is not touched.
 *
 * Context: any.
 */
void scrub_mapped(u64 pfn, u64 nr)
{
	u64 end = pfn + nr;

	for (; pfn < end; pfn++)
		movdir64b_clear_page(__va(PFN_PHYS(pfn)), zeroes);
	movdir64b_fence();
}

/**
 * scrub_start - reserve what scrubbing needs
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int scrub_start(void)
{
	unsigned int level;

	window_page = alloc_page(GFP_KERNEL);
	if (!window_page)
		return -ENOMEM;
	window = vmap(&window_page, 1, VM_MAP, PAGE_KERNEL);
	if (!window) {
		__free_page(window_page);
		window_page = NULL;
		return -ENOMEM;
	}
	window_pte = lookup_address((unsigned long)window, &level);
	if (level != PG_LEVEL_4K)
		window_pte = NULL;
	return 0;
}

/**
 * scrub_stop - give back what scrub_start() reserved
 *
 * Context: process, may sleep.
 */
void scrub_stop(void)
{
	window_pte = NULL;
	vunmap(window);
	__free_page(window_page);
}
