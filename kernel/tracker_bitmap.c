// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracker as a bitmap: one bit a page, one page of bits for each 128 MiB
 * section that has memory.  Holes cost eight bytes a section.  The bitmap lies
 * in memory as include/tdx/private_map.h says, so that it can be read from
 * outside of this kernel.
 *
 * @pfn    page frame number
 * @bit    index of a page inside its section
 * @word   one unsigned long of a section's bitmap
 * @mask   the bits of one word that a call is about
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "tracker.h"

#define SECTION_PAGES PRIVATE_MAP_SECTION_PAGES

static unsigned long *section_bitmap(const struct tracker *tracker, u64 section)
{
	u64 pa = READ_ONCE(tracker->sections[section]);

	return pa ? phys_to_virt(pa) : NULL;
}

/**
 * tracker_create - an empty set, able to hold pages below @end_pfn
 * @tracker: the set, uninitialised
 * @end_pfn: first page frame that will never be in the set
 *
 * No section is populated yet.
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL or -ENOMEM (then nothing is allocated).
 */
int tracker_create(struct tracker *tracker, u64 end_pfn)
{
	u64 nr_sections = (end_pfn + SECTION_PAGES - 1) / SECTION_PAGES;
	struct private_map_header *map;

	if (!nr_sections)
		return -EINVAL;

	map = (void *)get_zeroed_page(GFP_KERNEL);
	if (!map)
		return -ENOMEM;
	tracker->sections = alloc_pages_exact(nr_sections * sizeof(u64),
					      GFP_KERNEL | __GFP_ZERO);
	if (!tracker->sections) {
		free_page((unsigned long)map);
		return -ENOMEM;
	}

	tracker->map = map;
	tracker->nr_sections = nr_sections;
	atomic64_set(&tracker->count, 0);

	map->magic = PRIVATE_MAP_MAGIC;
	map->version = PRIVATE_MAP_VERSION;
	map->header_size = sizeof(*map);
	map->section_shift = PRIVATE_MAP_SECTION_SHIFT;
	map->backend = PRIVATE_MAP_BITMAP;
	map->nr_sections = nr_sections;
	map->table_pa = virt_to_phys(tracker->sections);
	map->checksum = private_map_checksum(map);
	return 0;
}

/**
 * tracker_populate - make room for pages, if there is none yet
 * @tracker: the set
 * @pfn: the first page
 * @nr: how many
 *
 * Context: process, may sleep; one caller at a time.
 * Return: 0, -ERANGE beyond the end given to tracker_create(), or -ENOMEM.
 */
int tracker_populate(struct tracker *tracker, u64 pfn, u64 nr)
{
	u64 section, last;

	if (!nr)
		return 0;
	last = (pfn + nr - 1) / SECTION_PAGES;
	if (last >= tracker->nr_sections)
		return -ERANGE;

	for (section = pfn / SECTION_PAGES; section <= last; section++) {
		void *bitmap;

		if (tracker->sections[section])
			continue;
		bitmap = (void *)get_zeroed_page(GFP_KERNEL);
		if (!bitmap)
			return -ENOMEM;
		WRITE_ONCE(tracker->sections[section], virt_to_phys(bitmap));
	}
	return 0;
}

/**
 * tracker_destroy - free everything
 * @tracker: the set; no reader or writer may be left
 *
 * Context: process.
 */
void tracker_destroy(struct tracker *tracker)
{
	u64 section;

	for (section = 0; section < tracker->nr_sections; section++)
		free_page((unsigned long)section_bitmap(tracker, section));
	free_pages_exact(tracker->sections, tracker->nr_sections * sizeof(u64));
	free_page((unsigned long)tracker->map);
	memset(tracker, 0, sizeof(*tracker));
}

/*
 * Part of one section, from one word to the next.  *bit moves to the next
 * word; the mask covers what is below end.
 */
static unsigned long next_mask(u64 *bit, u64 end)
{
	u64 first = *bit % BITS_PER_LONG;
	u64 width = min_t(u64, BITS_PER_LONG - first, end - *bit);

	*bit += width;
	return (~0UL >> (BITS_PER_LONG - width)) << first;
}

/**
 * tracker_set - put pages into the set
 * @tracker: the set
 * @pfn: the first page
 * @nr: how many
 *
 * A full barrier: who sees what the caller does afterwards sees the pages in
 * the set.
 *
 * Context: any, NMI included.
 * Return: how many were not in the set before; -ERANGE if there is no room for
 * some of the pages (the others are in the set then).
 */
s64 tracker_set(struct tracker *tracker, u64 pfn, u64 nr)
{
	u64 end = pfn + nr;
	s64 added = 0;
	bool lost = false;

	if (end < pfn || end > tracker_end(tracker)) {
		lost = true;
		end = tracker_end(tracker);
	}

	while (pfn < end) {
		unsigned long *bitmap = section_bitmap(tracker, pfn / SECTION_PAGES);
		u64 bit = pfn % SECTION_PAGES;
		u64 stop = min_t(u64, SECTION_PAGES, bit + (end - pfn));

		pfn += stop - bit;
		if (!bitmap) {
			lost = true;
			continue;
		}
		while (bit < stop) {
			atomic_long_t *word = (atomic_long_t *)&bitmap[bit / BITS_PER_LONG];
			unsigned long mask = next_mask(&bit, stop);

			added += hweight_long(mask & ~atomic_long_fetch_or(mask, word));
		}
	}
	if (added)
		atomic64_add(added, &tracker->count);
	return lost ? -ERANGE : added;
}

/**
 * tracker_clear - take pages out of the set
 * @tracker: the set
 * @pfn: the first page
 * @nr: how many
 *
 * The caller has made sure that the pages are normal: a full barrier is here,
 * but the fence behind MOVDIR64B is the caller's.
 *
 * Context: any, NMI included.
 * Return: how many were in the set.
 */
u64 tracker_clear(struct tracker *tracker, u64 pfn, u64 nr)
{
	u64 end = min(pfn + nr, tracker_end(tracker));
	u64 removed = 0;

	while (pfn < end) {
		unsigned long *bitmap = section_bitmap(tracker, pfn / SECTION_PAGES);
		u64 bit = pfn % SECTION_PAGES;
		u64 stop = min_t(u64, SECTION_PAGES, bit + (end - pfn));

		pfn += stop - bit;
		if (!bitmap)
			continue;
		while (bit < stop) {
			unsigned long *word = &bitmap[bit / BITS_PER_LONG];
			unsigned long mask = next_mask(&bit, stop);

			/* Most words are empty, and a locked operation costs. */
			if (READ_ONCE(*word) & mask)
				removed += hweight_long(mask &
					atomic_long_fetch_andnot(mask, (atomic_long_t *)word));
		}
	}
	if (removed)
		atomic64_sub(removed, &tracker->count);
	return removed;
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
	u64 section, removed = 0;

	for (section = 0; section < tracker->nr_sections; section++)
		if (section_bitmap(tracker, section))
			removed += tracker_clear(tracker, section * SECTION_PAGES,
						 SECTION_PAGES);
	return removed;
}

/**
 * tracker_test - is a page in the set?
 * @tracker: the set
 * @pfn: the page
 *
 * Context: any, NMI included.
 * Return: true if it is.
 */
bool tracker_test(const struct tracker *tracker, u64 pfn)
{
	unsigned long *bitmap;
	u64 bit = pfn % SECTION_PAGES;

	if (pfn >= tracker_end(tracker))
		return false;
	bitmap = section_bitmap(tracker, pfn / SECTION_PAGES);
	return bitmap && (READ_ONCE(bitmap[bit / BITS_PER_LONG]) >>
			  (bit % BITS_PER_LONG) & 1);
}

/* The first page at or after pfn, below end, that is (not) in the set. */
static u64 find_page(const struct tracker *tracker, u64 pfn, u64 end, bool in)
{
	while (pfn < end) {
		unsigned long *bitmap = section_bitmap(tracker, pfn / SECTION_PAGES);
		u64 bit = pfn % SECTION_PAGES;
		u64 found;

		if (!bitmap)
			found = in ? SECTION_PAGES : bit;
		else if (in)
			found = find_next_bit(bitmap, SECTION_PAGES, bit);
		else
			found = find_next_zero_bit(bitmap, SECTION_PAGES, bit);
		pfn += found - bit;
		if (found < SECTION_PAGES)
			break;
	}
	return min(pfn, end);
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
