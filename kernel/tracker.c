// SPDX-License-Identifier: GPL-2.0-only
/* The tracker: what does not depend on the backend. */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "tracker.h"

static void fill_header(struct tracker *tracker, enum tracker_backend backend)
{
	struct private_map_header *map = tracker->map;

	map->magic = PRIVATE_MAP_MAGIC;
	map->version = PRIVATE_MAP_VERSION;
	map->header_size = sizeof(*map);
	map->section_shift = PRIVATE_MAP_SECTION_SHIFT;
	map->backend = backend;
	map->nr_sections = tracker->nr_sections;
	map->checksum = private_map_checksum(map);
}

/**
 * tracker_create - an empty set, able to hold pages below @end_pfn
 * @tracker: the set, uninitialised
 * @backend: how it is kept
 * @end_pfn: first page frame that will never be in the set
 *
 * No section is populated yet.
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL, -ENOMEM, or -EOPNOTSUPP for a backend that this kernel
 * cannot serve; in case of an error nothing is allocated.
 */
int tracker_create(struct tracker *tracker, enum tracker_backend backend,
		   u64 end_pfn)
{
	u64 nr_sections = end_pfn / PRIVATE_MAP_SECTION_PAGES +
			  !!(end_pfn % PRIVATE_MAP_SECTION_PAGES);
	int ret = -EOPNOTSUPP;

	if (!nr_sections)
		return -EINVAL;

	memset(tracker, 0, sizeof(*tracker));
	tracker->nr_sections = nr_sections;
	tracker->map = (void *)get_zeroed_page(GFP_KERNEL);
	if (!tracker->map)
		return -ENOMEM;

	if (backend == TRACKER_BITMAP)
		ret = bitmap_create(tracker);
	else if (TRACKER_HAS_XARRAY && backend == TRACKER_XARRAY)
		ret = xarray_create(tracker);
	if (ret) {
		free_page((unsigned long)tracker->map);
		memset(tracker, 0, sizeof(*tracker));
		return ret;
	}
	fill_header(tracker, backend);
	return 0;
}

/**
 * tracker_destroy - free everything
 * @tracker: the set; no reader or writer may be left
 *
 * Context: process, may sleep.
 */
void tracker_destroy(struct tracker *tracker)
{
	if (tracker_is_xarray(tracker))
		xarray_destroy(tracker);
	else
		bitmap_destroy(tracker);
	free_page((unsigned long)tracker->map);
	memset(tracker, 0, sizeof(*tracker));
}

/**
 * tracker_populate - make room for pages, if there is none yet
 * @tracker: the set
 * @pfn: the first page
 * @nr: how many
 *
 * The xarray has room for all below the end.
 *
 * Context: process, may sleep; one caller at a time.
 * Return: 0, -ERANGE beyond the end given to tracker_create(), or -ENOMEM.
 */
int tracker_populate(struct tracker *tracker, u64 pfn, u64 nr)
{
	if (!nr)
		return 0;
	if (pfn >= tracker_end(tracker) || nr > tracker_end(tracker) - pfn)
		return -ERANGE;
	return tracker_is_xarray(tracker) ? 0 : bitmap_populate(tracker, pfn, nr);
}

/**
 * tracker_clear_all - empty the set
 * @tracker: the set
 *
 * Context: any, NMI included.
 * Return: how many pages were in the set.
 */
u64 tracker_clear_all(struct tracker *tracker)
{
	return tracker_clear(tracker, 0, tracker_end(tracker));
}

/**
 * tracker_count - pages in the set
 * @tracker: the set
 *
 * Context: any.  The bitmap looks at every section: tens of microseconds for
 * 12 TiB.
 * Return: the number; exact when nobody changes the set meanwhile.
 */
u64 tracker_count(const struct tracker *tracker)
{
	return tracker_is_xarray(tracker) ? xarray_count_pages(tracker) :
					    bitmap_count_pages(tracker);
}

/* One worker refills the xarray's reserve of nodes, in competition for its lock. */
#define XARRAY_SEARCH_CPUS	16

/**
 * tracker_search_cpus - how many CPUs may set and clear pages without a pause
 * @tracker: the set
 *
 * Context: any.
 */
unsigned int tracker_search_cpus(const struct tracker *tracker)
{
	return tracker_is_xarray(tracker) ? XARRAY_SEARCH_CPUS : ~0U;
}

/* The first page at or after pfn, below end, that is (not) in the set. */
static u64 find_page(const struct tracker *tracker, u64 pfn, u64 end, bool in)
{
	return tracker_is_xarray(tracker) ?
	       xarray_find_page(tracker, pfn, end, in) :
	       bitmap_find_page(tracker, pfn, end, in);
}

/**
 * tracker_next - the next pages of the set
 * @tracker: the set
 * @pfn: where to start looking
 * @end: where to stop looking (exclusive)
 * @range: what was found; as long as it can be below @end, over the borders of
 *	sections
 *
 * Context: any, NMI included.
 * Return: false if there is none; @range is unchanged then.
 */
bool tracker_next(const struct tracker *tracker, u64 pfn, u64 end,
		  struct tracker_range *range)
{
	u64 first;

	end = min(end, tracker_end(tracker));
	first = find_page(tracker, pfn, end, true);
	if (first >= end)
		return false;
	range->pfn = first;
	/* From the page behind it: the first may be gone by now. */
	range->nr = find_page(tracker, first + 1, end, false) - first;
	return true;
}

/**
 * tracker_snapshot - the set as a list of ranges
 * @tracker: the set
 * @ranges: where to put them, ascending
 * @max: room in @ranges
 *
 * Context: any, NMI included.  Pages that come or go meanwhile may or may not
 * be in the list.
 * Return: how many ranges the set has; if more than @max, the list is the
 * beginning only.
 */
u64 tracker_snapshot(const struct tracker *tracker,
		     struct tracker_range *ranges, u64 max)
{
	struct tracker_range range = { };
	u64 nr = 0;

	while (tracker_next(tracker, range.pfn + range.nr, U64_MAX, &range)) {
		if (nr < max)
			ranges[nr] = range;
		nr++;
	}
	return nr;
}
