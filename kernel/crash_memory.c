// SPDX-License-Identifier: GPL-2.0-only
/*
 * E of a crash: the memory that the capture kernel runs in.  That is the
 * crashkernel reservations and the crashkernel CMA areas.
 *
 * Found once, at load.  A reservation never grows (it can shrink through
 * /sys/kernel/kexec_crash_size), so a list made earlier contains a later one,
 * and a crash reads it without a lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ioport.h>
#include <linux/kexec.h>
#include <linux/pfn.h>
#include <linux/range.h>

#include "compat.h"
#include "coverage.h"
#include "tdx_reset.h"

#define RESERVATIONS_MAX 8
#define CRASH_RANGES_MAX (RESERVATIONS_MAX + COMPAT_CRASH_CMA_MAX)

static struct tracker_range crash_ranges[CRASH_RANGES_MAX];
static unsigned int crash_nr_ranges;
static bool crash_incomplete;
static bool crash_has_cma;

static int add_crash_range(u64 start, u64 end_inclusive)
{
	if (crash_nr_ranges == CRASH_RANGES_MAX) {
		crash_incomplete = true;
		return -ENOSPC;
	}
	crash_ranges[crash_nr_ranges].pfn = PFN_DOWN(start);
	crash_ranges[crash_nr_ranges].nr = PFN_UP(end_inclusive + 1) - PFN_DOWN(start);
	crash_nr_ranges++;
	return 0;
}

static int add_reservation(struct resource *res, void *unused)
{
	return add_crash_range(res->start, res->end);
}

static void add_cma_areas(void)
{
	const struct range *ranges = platform_symbol("crashk_cma_ranges");
	const int *nr = platform_symbol("crashk_cma_cnt");
	int i;

	if (!COMPAT_CRASH_CMA_MAX)
		return;
	if (!ranges || !nr) {
		crash_incomplete = true;
		return;
	}
	for (i = 0; i < *nr; i++)
		add_crash_range(ranges[i].start, ranges[i].end);
	crash_has_cma = *nr > 0;
}

/**
 * crash_memory_find - look up where a capture kernel would run
 *
 * Context: process, may sleep.
 */
void crash_memory_find(void)
{
	walk_iomem_res_desc(IORES_DESC_CRASH_KERNEL,
			    IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, -1,
			    NULL, add_reservation);
	add_cma_areas();
}

static bool contains(unsigned long start, unsigned long size)
{
	unsigned int i;

	for (i = 0; i < crash_nr_ranges; i++)
		if (PFN_DOWN(start) >= crash_ranges[i].pfn &&
		    PFN_UP(start + size) <= crash_ranges[i].pfn + crash_ranges[i].nr)
			return true;
	return false;
}

/**
 * crash_memory_known - is the list all that this image will write to?
 * @image: the crash image
 *
 * Context: any, crash included.
 */
bool crash_memory_known(const struct kimage *image)
{
	unsigned long i;

	if (crash_incomplete || !crash_nr_ranges)
		return false;
	for (i = 0; i < image->nr_segments; i++)
		if (!contains(image->segment[i].mem, image->segment[i].memsz))
			return false;
	return true;
}

/**
 * crash_memory_has_cma - may the list hold memory that others use meanwhile?
 *
 * Context: any, crash included.
 * Return: true if there are crashkernel CMA areas, which can hold guest pages.
 */
bool crash_memory_has_cma(void)
{
	return crash_has_cma;
}

/**
 * crash_memory_tracked - is a tracked page where a capture kernel would run?
 *
 * Context: any, NMI included.
 * Return: true if there is one.
 */
bool crash_memory_tracked(void)
{
	struct tracker_range found;
	unsigned int i;

	for (i = 0; i < crash_nr_ranges; i++) {
		u64 pfn = crash_ranges[i].pfn;

		if (tracker_next(&tracker, pfn, pfn + crash_ranges[i].nr, &found))
			return true;
	}
	return false;
}

/**
 * crash_memory_wants_flush - could a cache bring a private line back there?
 *
 * Context: any, NMI included.
 * Return: false if there is no private page where a capture kernel would run, for
 * certain.
 */
bool crash_memory_wants_flush(void)
{
	return crash_memory_tracked() || crash_incomplete || !crash_nr_ranges ||
	       (crash_has_cma && !coverage_complete());
}

/**
 * crash_memory_next - walk over the ranges
 * @index: 0 at first; moved on
 * @range: the answer
 *
 * Context: any, crash included.
 * Return: false at the end.
 */
bool crash_memory_next(unsigned int *index, struct tracker_range *range)
{
	if (*index >= crash_nr_ranges)
		return false;
	*range = crash_ranges[(*index)++];
	return true;
}
