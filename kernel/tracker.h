/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracker: the set P of pages that are private or dirty.
 *
 * Two backends, chosen when the set is created: a bitmap (tracker_bitmap.c),
 * the default, and the kernel's xarray (tracker_xarray.c), whose top says what
 * it costs to use it here.  Both keep these rules:
 *
 * Readers never lock and may run anywhere, also in NMI and with every other
 * CPU stopped in the middle of an update: a page that is in the set and not
 * being taken out is found.  Setting and clearing allocate nothing and wait for
 * no stopped CPU; neighbours may change at the same time.  Two callers who
 * change the *same* page have to agree among themselves (effects.c does).
 *
 * The source is plain enough to be compiled in userspace (tests/unit/shim).
 */
#ifndef TDX_RESET_TRACKER_H
#define TDX_RESET_TRACKER_H

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/types.h>

#include "tdx/private_map.h"

/*
 * The xarray's lock is a spinlock_t, which sleeps on PREEMPT_RT, and a page of
 * 2 MiB needs the multi-order entries that most kernels have.
 */
#if defined(CONFIG_XARRAY_MULTI) && !defined(CONFIG_PREEMPT_RT)
#define TRACKER_HAS_XARRAY	1
#else
#define TRACKER_HAS_XARRAY	0
#endif

/**
 * enum tracker_backend - how a set is kept
 * @TRACKER_BITMAP: one bit a page
 * @TRACKER_XARRAY: the kernel's xarray, multi-order entries
 */
enum tracker_backend {
	TRACKER_BITMAP = PRIVATE_MAP_BITMAP,
	TRACKER_XARRAY = PRIVATE_MAP_XARRAY,
};

struct tracker_xarray;

/**
 * struct tracker - a set of page frames
 * @map: header of the private map; the tracker owns this page
 * @nr_sections: entries of @sections
 * @sections: bitmap: the private map's table
 * @pages: bitmap: for each section not less than the pages it has in the set
 * @xarray: what that backend needs; NULL: bitmap
 * @lost: called when the set could not follow for want of memory: a page is
 *	missing (then tracker_set() tells, too), or stayed that should have left.
 *	Any context.  The owner of the set sets it; may be NULL
 */
struct tracker {
	struct private_map_header *map;
	u64 nr_sections;
	u64 *sections;
	atomic_t *pages;
	struct tracker_xarray *xarray;
	void (*lost)(void);
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

/* tracker.c */
int tracker_create(struct tracker *tracker, enum tracker_backend backend,
		   u64 end_pfn);
void tracker_destroy(struct tracker *tracker);
int tracker_populate(struct tracker *tracker, u64 pfn, u64 nr);
u64 tracker_clear_all(struct tracker *tracker);
u64 tracker_snapshot(const struct tracker *tracker,
		     struct tracker_range *ranges, u64 max);
u64 tracker_count(const struct tracker *tracker);
unsigned int tracker_search_cpus(const struct tracker *tracker);

/* tracker_bitmap.c */
int bitmap_create(struct tracker *tracker);
int bitmap_populate(struct tracker *tracker, u64 pfn, u64 nr);
void bitmap_destroy(struct tracker *tracker);
s64 bitmap_set_pages(struct tracker *tracker, u64 pfn, u64 nr);
u64 bitmap_clear_pages(struct tracker *tracker, u64 pfn, u64 nr);
bool bitmap_test_page(const struct tracker *tracker, u64 pfn);
u64 bitmap_find_page(const struct tracker *tracker, u64 pfn, u64 end, bool in);
u64 bitmap_count_pages(const struct tracker *tracker);

/* tracker_xarray.c */
int xarray_create(struct tracker *tracker);
void xarray_destroy(struct tracker *tracker);
s64 xarray_set_pages(struct tracker *tracker, u64 pfn, u64 nr);
u64 xarray_clear_pages(struct tracker *tracker, u64 pfn, u64 nr);
bool xarray_test_page(const struct tracker *tracker, u64 pfn);
u64 xarray_find_page(const struct tracker *tracker, u64 pfn, u64 end, bool in);
u64 xarray_count_pages(const struct tracker *tracker);
void xarray_maintain(struct tracker_xarray *set);

static inline bool tracker_is_xarray(const struct tracker *tracker)
{
	return TRACKER_HAS_XARRAY && tracker->xarray;
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

/**
 * tracker_set - put pages into the set
 * @tracker: the set
 * @pfn: the first page
 * @nr: how many
 *
 * A full barrier: who sees what the caller does afterwards sees the pages in
 * the set.
 *
 * Context: any, NMI included; xarray: not inside itself on one CPU, and not
 * when a CPU was stopped in the middle of an update (no crash sets pages).
 * Return: how many were not in the set before; -ERANGE if there is no room for
 * some of the pages, -ENOMEM if there is no memory for some (the others are in
 * the set then).
 */
static inline s64 tracker_set(struct tracker *tracker, u64 pfn, u64 nr)
{
	return tracker_is_xarray(tracker) ? xarray_set_pages(tracker, pfn, nr) :
					    bitmap_set_pages(tracker, pfn, nr);
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
 * Context: any, NMI included; xarray: not inside an update on one CPU, except
 * in a crash.
 * Return: how many were in the set and left it.
 */
static inline u64 tracker_clear(struct tracker *tracker, u64 pfn, u64 nr)
{
	return tracker_is_xarray(tracker) ? xarray_clear_pages(tracker, pfn, nr) :
					    bitmap_clear_pages(tracker, pfn, nr);
}

/**
 * tracker_test - is a page in the set?
 * @tracker: the set
 * @pfn: the page
 *
 * Context: any, NMI included.
 * Return: true if it is.
 */
static inline bool tracker_test(const struct tracker *tracker, u64 pfn)
{
	if (pfn >= tracker_end(tracker))
		return false;
	return tracker_is_xarray(tracker) ? xarray_test_page(tracker, pfn) :
					    bitmap_test_page(tracker, pfn);
}

bool tracker_next(const struct tracker *tracker, u64 pfn, u64 end,
		  struct tracker_range *range);

#endif /* TDX_RESET_TRACKER_H */
