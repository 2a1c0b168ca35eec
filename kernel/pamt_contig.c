// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory in one piece of any size, for the PAMT.
 *
 * alloc_contig_pages() looks for a range that can be emptied and empties it.
 * Kernels that do not export it (6.12) export alloc_contig_range(), for drivers
 * that know their range: then the looking is done here.
 *
 * Context: process, may sleep, for seconds where pages cannot be moved.
 */
#include <linux/gfp.h>
#include <linux/hugetlb.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/sched.h>

#include "compat.h"
#include "own.h"

#if COMPAT_ALLOC_CONTIG
static struct page *contig_alloc(u64 nr, int node)
{
	return alloc_contig_pages(nr, GFP_KERNEL, node, NULL);
}
#elif COMPAT_ALLOC_CONTIG_RANGE
/*
 * The first page from @pfn on that rules a range of @nr pages out: it is not of
 * this zone, or can never be moved.  A look without a lock: what is right in the
 * end is alloc_contig_range()'s to say.
 */
static u64 obstacle(const struct zone *zone, u64 pfn, u64 nr)
{
	u64 end = pfn + nr;

	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || page_zone(page) != zone || PageReserved(page) || PageHuge(page))
			break;
	}
	return pfn;
}

static struct page *zone_alloc(const struct zone *zone, u64 nr)
{
	u64 pfn = ALIGN(zone->zone_start_pfn, pageblock_nr_pages);
	u64 bad;

	while (pfn + nr <= zone_end_pfn(zone)) {
		bad = obstacle(zone, pfn, nr);
		if (bad < pfn + nr) {
			pfn = ALIGN(bad + 1, pageblock_nr_pages);
		} else {
			if (!alloc_contig_range(pfn, pfn + nr, COMPAT_CONTIG_KIND,
						GFP_KERNEL | __GFP_NOWARN))
				return pfn_to_page(pfn);
			pfn = ALIGN(pfn + nr, pageblock_nr_pages);
		}
		cond_resched();
	}
	return NULL;
}

/* ZONE_MOVABLE is for what can be moved; low memory is kept for who needs it. */
static struct page *node_alloc(u64 nr, int node)
{
	struct page *page = NULL;
	int i;

	for (i = ZONE_NORMAL; i >= 0 && !page; i--) {
		struct zone *zone = &NODE_DATA(node)->node_zones[i];

		if (populated_zone(zone))
			page = zone_alloc(zone, nr);
	}
	return page;
}

static struct page *contig_alloc(u64 nr, int node)
{
	struct page *page = node_alloc(nr, node);
	int other;

	for_each_online_node(other)
		if (!page && other != node)
			page = node_alloc(nr, other);
	return page;
}
#else
static struct page *contig_alloc(u64 nr, int node)
{
	return NULL;
}
#endif

/**
 * pamt_contig_usable - does this kernel let modules have such memory?
 *
 * Context: any.
 * Return: true if pamt_contig_alloc() can succeed.
 */
bool pamt_contig_usable(void)
{
	return COMPAT_ALLOC_CONTIG || COMPAT_ALLOC_CONTIG_RANGE;
}

/**
 * pamt_contig_alloc - memory in one piece
 * @nr: pages
 * @node: where it should be; another one is as good if there is none
 *
 * Context: process, may sleep.
 * Return: the first page, for pamt_contig_free(), or NULL.
 */
struct page *pamt_contig_alloc(u64 nr, int node)
{
	return contig_alloc(nr, node);
}

/**
 * pamt_contig_free - give it back
 * @page: what pamt_contig_alloc() returned; normal memory
 * @nr: pages
 *
 * Context: process.
 */
void pamt_contig_free(struct page *page, u64 nr)
{
	free_contig_range(page_to_pfn(page), nr);
}
