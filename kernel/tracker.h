/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracker: the set P of pages that are private or dirty.
 *
 * Readers never lock and may run anywhere, also in NMI and with every other
 * CPU stopped in the middle of an update.  Setting and clearing are atomic for
 * each word of the bitmap, so that neighbours may change at the same time.
 * Two callers who change the *same* page have to agree among themselves
 * (watch.c does).
 *
 * The source is plain enough to be compiled in userspace (tests/unit/shim).
 */
#ifndef TDX_RESET_TRACKER_H
#define TDX_RESET_TRACKER_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "tdx/private_map.h"

/**
 * struct tracker - a set of page frames
 * @map: header of the private map; the tracker owns this page
 * @sections: table of the private map: physical address of a bitmap, or 0
 * @nr_sections: entries of @sections
 * @count: pages in the set
 */
struct tracker {
	struct private_map_header *map;
	u64 *sections;
	u64 nr_sections;
	atomic64_t count;
};

/**
 * struct tracker_range - consecutive pages of the set
 * @pfn: the first page frame
 * @nr: how many
 */
struct tracker_range {
	u64 pfn;
	u64 nr;
};

int tracker_create(struct tracker *tracker, u64 end_pfn);
int tracker_populate(struct tracker *tracker, u64 pfn, u64 nr);
void tracker_destroy(struct tracker *tracker);

s64 tracker_set(struct tracker *tracker, u64 pfn, u64 nr);
u64 tracker_clear(struct tracker *tracker, u64 pfn, u64 nr);
u64 tracker_clear_all(struct tracker *tracker);

bool tracker_test(const struct tracker *tracker, u64 pfn);
bool tracker_next(const struct tracker *tracker, u64 pfn, u64 end,
		  struct tracker_range *range);
u64 tracker_snapshot(const struct tracker *tracker,
		     struct tracker_range *ranges, u64 max);

/**
 * tracker_count - pages in the set
 * @tracker: the set
 *
 * Context: any.
 * Return: the number; exact when nobody changes the set meanwhile.
 */
static inline u64 tracker_count(const struct tracker *tracker)
{
	return atomic64_read(&tracker->count);
}

/**
 * tracker_end - the first page frame that the set cannot hold
 * @tracker: the set
 *
 * Context: any.
 */
static inline u64 tracker_end(const struct tracker *tracker)
{
	return tracker->nr_sections * PRIVATE_MAP_SECTION_PAGES;
}

#endif /* TDX_RESET_TRACKER_H */
