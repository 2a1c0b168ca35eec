// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracker as a bitmap: one bit a page, one page of bits for each 128 MiB
 * section that has memory.  Holes cost twelve bytes a section.  The bitmap lies
 * in memory as include/tdx/private_map.h says, so that it can be read from
 * outside of this kernel.
 *
 * Above the bits stands a number for each section, so that empty sections cost
 * a look-up nothing more.  It is never less than the bits that are set: it
 * rises before a bit is set and falls after a bit was cleared.  (A flag would
 * not do: who finds a section empty and takes the flag away could take away
 * that of a page which came meanwhile.)
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
 * bitmap_create - tracker_create() for this backend
 * @tracker: the set; @map and @nr_sections are there
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM (then nothing is allocated).
 */
int bitmap_create(struct tracker *tracker)
{
	u64 nr = tracker->nr_sections;

	tracker->sections = alloc_pages_exact(nr * sizeof(u64),
					      GFP_KERNEL | __GFP_ZERO);
	if (!tracker->sections)
		return -ENOMEM;
	tracker->pages = alloc_pages_exact(nr * sizeof(atomic_t),
					   GFP_KERNEL | __GFP_ZERO);
	if (!tracker->pages) {
		free_pages_exact(tracker->sections, nr * sizeof(u64));
		return -ENOMEM;
	}
	tracker->map->table_pa = virt_to_phys(tracker->sections);
	return 0;
}

/**
 * bitmap_populate - tracker_populate() for this backend
 * @tracker: the set
 * @pfn: the first page
 * @nr: how many, at least one, all below the end
 *
 * Context: process, may sleep; one caller at a time.
 * Return: 0 or -ENOMEM.
 */
int bitmap_populate(struct tracker *tracker, u64 pfn, u64 nr)
{
	u64 section, last = (pfn + nr - 1) / SECTION_PAGES;

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
 * bitmap_destroy - tracker_destroy() for this backend
 * @tracker: the set
 *
 * Context: process.
 */
void bitmap_destroy(struct tracker *tracker)
{
	u64 section, nr = tracker->nr_sections;

	for (section = 0; section < nr; section++)
		free_page((unsigned long)section_bitmap(tracker, section));
	free_pages_exact(tracker->pages, nr * sizeof(atomic_t));
	free_pages_exact(tracker->sections, nr * sizeof(u64));
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
 * bitmap_set_pages - tracker_set() for this backend
 * @tracker: the set
 * @pfn: the first page
 * @nr: how many
 *
 * Context: any, NMI included.
 * Return: how many were not in the set before, or -ERANGE.
 */
s64 bitmap_set_pages(struct tracker *tracker, u64 pfn, u64 nr)
{
	u64 end = pfn + nr;
	s64 added = 0;
	bool lost = false;

	if (end < pfn || end > tracker_end(tracker)) {
		lost = true;
		end = tracker_end(tracker);
	}

	while (pfn < end) {
		u64 section = pfn / SECTION_PAGES;
		unsigned long *bitmap = section_bitmap(tracker, section);
		u64 bit = pfn % SECTION_PAGES;
		u64 stop = min_t(u64, SECTION_PAGES, bit + (end - pfn));
		unsigned int asked = stop - bit, fresh = 0;

		pfn += asked;
		if (!bitmap) {
			lost = true;
			continue;
		}
		atomic_add(asked, &tracker->pages[section]);
		while (bit < stop) {
			atomic_long_t *word = (atomic_long_t *)&bitmap[bit / BITS_PER_LONG];
			unsigned long mask = next_mask(&bit, stop);

			fresh += hweight_long(mask & ~atomic_long_fetch_or(mask, word));
		}
		if (fresh < asked)
			atomic_sub(asked - fresh, &tracker->pages[section]);
		added += fresh;
	}
	return lost ? -ERANGE : added;
}

/**
 * bitmap_clear_pages - tracker_clear() for this backend
 * @tracker: the set
 * @pfn: the first page
 * @nr: how many
 *
 * Context: any, NMI included.
 * Return: how many were in the set.
 */
u64 bitmap_clear_pages(struct tracker *tracker, u64 pfn, u64 nr)
{
	u64 end = min(pfn + nr, tracker_end(tracker));
	u64 removed = 0;

	while (pfn < end) {
		u64 section = pfn / SECTION_PAGES;
		unsigned long *bitmap = section_bitmap(tracker, section);
		u64 bit = pfn % SECTION_PAGES;
		u64 stop = min_t(u64, SECTION_PAGES, bit + (end - pfn));
		unsigned int gone = 0;

		pfn += stop - bit;
		if (!bitmap || !atomic_read(&tracker->pages[section]))
			continue;
		while (bit < stop) {
			unsigned long *word = &bitmap[bit / BITS_PER_LONG];
			unsigned long mask = next_mask(&bit, stop);

			/* Most words are empty, and a locked operation costs. */
			if (READ_ONCE(*word) & mask)
				gone += hweight_long(mask &
					atomic_long_fetch_andnot(mask, (atomic_long_t *)word));
		}
		if (gone)
			atomic_sub(gone, &tracker->pages[section]);
		removed += gone;
	}
	return removed;
}

/**
 * bitmap_test_page - tracker_test() for this backend
 * @tracker: the set
 * @pfn: the page, below the end
 *
 * Context: any, NMI included.
 * Return: true if it is in the set.
 */
bool bitmap_test_page(const struct tracker *tracker, u64 pfn)
{
	unsigned long *bitmap = section_bitmap(tracker, pfn / SECTION_PAGES);
	u64 bit = pfn % SECTION_PAGES;

	return bitmap && (READ_ONCE(bitmap[bit / BITS_PER_LONG]) >>
			  (bit % BITS_PER_LONG) & 1);
}

/**
 * bitmap_find_page - the first page that is, or is not, in the set
 * @tracker: the set
 * @pfn: where to start looking
 * @end: where to stop, at most the end of the set
 * @in: what to look for
 *
 * Context: any, NMI included.
 * Return: the page, or @end.
 */
u64 bitmap_find_page(const struct tracker *tracker, u64 pfn, u64 end, bool in)
{
	while (pfn < end) {
		u64 section = pfn / SECTION_PAGES;
		u64 bit = pfn % SECTION_PAGES;
		unsigned long *bitmap;
		u64 found;

		if (!atomic_read(&tracker->pages[section])) {
			if (!in)
				break;
			pfn += SECTION_PAGES - bit;
			continue;
		}
		bitmap = section_bitmap(tracker, section);
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
 * bitmap_count_pages - tracker_count() for this backend
 * @tracker: the set
 *
 * Context: any.
 */
u64 bitmap_count_pages(const struct tracker *tracker)
{
	u64 section, count = 0;

	for (section = 0; section < tracker->nr_sections; section++)
		count += atomic_read(&tracker->pages[section]);
	return count;
}
