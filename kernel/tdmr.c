// SPDX-License-Identifier: GPL-2.0-only
/*
 * From memory to TDMRs.  A TDMR covers whole GiB; what in it is no memory of
 * the page allocator, or holds PAMT, is a reserved area of it.
 *
 * Source of the layout: Intel TDX Module ABI reference (348551), TDMR_INFO.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "tdmr.h"

/* TDMR_INFO in words: base, size, PAMT of 1 GiB, 2 MiB, 4 KiB, reserved areas. */
#define INFO_PAMT	2
#define INFO_RESERVED	8

/**
 * tdmr_cover - TDMRs over all memory
 * @ranges: memory, ascending
 * @nr_ranges: entries of @ranges
 * @unit: the largest size of a TDMR, a multiple of 1 GiB; 0: any
 * @tdmrs: the answer, @max entries
 * @max: how many there may be
 *
 * Ranges that share a GiB share a TDMR.
 *
 * Context: any.
 * Return: how many are needed; if that is more than @max, @tdmrs is not complete.
 */
unsigned int tdmr_cover(const struct mem_range *ranges, unsigned int nr_ranges,
			u64 unit, struct tdmr *tdmrs, unsigned int max)
{
	unsigned int i, nr = 0;
	u64 covered = 0;

	for (i = 0; i < nr_ranges; i++) {
		u64 start = ranges[i].start & ~(TDMR_ALIGN - 1);
		u64 end = (ranges[i].end + TDMR_ALIGN - 1) & ~(TDMR_ALIGN - 1);
		bool joins = nr && start <= covered;

		if (start < covered)
			start = covered;
		while (start < end) {
			u64 size = unit ? min(unit, end - start) : end - start;

			if (joins && !unit && nr <= max) {
				tdmrs[nr - 1].size += size;
			} else {
				if (nr < max)
					tdmrs[nr] = (struct tdmr){ .base = start, .size = size };
				nr++;
			}
			start += size;
			covered = start;
		}
	}
	return nr;
}

/**
 * tdmr_pamt_size - bytes of one level of a TDMR's PAMT
 * @tdmr: the TDMR
 * @limits: of the TDX module
 * @level: TDX_PS_*
 *
 * Context: any.
 * Return: the bytes, a multiple of 4 KiB.
 */
u64 tdmr_pamt_size(const struct tdmr *tdmr, const struct tdmr_limits *limits,
		   unsigned int level)
{
	u64 entries = tdmr->size >> (12 + 9 * level);

	return (entries * limits->entry[level] + TDX_PAGE_SIZE - 1) & ~(TDX_PAGE_SIZE - 1);
}

/**
 * tdmr_info_size - bytes of a TDMR_INFO
 * @limits: of the TDX module
 *
 * Context: any.
 */
size_t tdmr_info_size(const struct tdmr_limits *limits)
{
	size_t size = (INFO_RESERVED + 2 * limits->max_reserved) * sizeof(u64);

	return (size + TDMR_INFO_ALIGN - 1) & ~(size_t)(TDMR_INFO_ALIGN - 1);
}

/*
 * What begins at @pos: memory that TDX may use (false) or not (true), and where
 * that ends at the latest.
 */
static bool reserved_at(u64 pos, const struct tdmr *tdmrs, unsigned int nr_tdmrs,
			const struct mem_range *ranges, unsigned int nr_ranges, u64 *end)
{
	unsigned int i, level;
	bool memory = false;

	for (i = 0; i < nr_ranges; i++) {
		if (pos < ranges[i].start) {
			*end = min(*end, ranges[i].start);
			break;
		}
		if (pos < ranges[i].end) {
			*end = min(*end, ranges[i].end);
			memory = true;
			break;
		}
	}
	if (!memory)
		return true;
	for (i = 0; i < nr_tdmrs; i++) {
		for (level = 0; level < TDMR_LEVELS; level++) {
			const struct mem_range *pamt = &tdmrs[i].pamt[level];

			if (pos >= pamt->start && pos < pamt->end) {
				*end = min(*end, pamt->end);
				return true;
			}
			if (pos < pamt->start)
				*end = min(*end, pamt->start);
		}
	}
	return false;
}

/**
 * tdmr_fill_info - write one TDMR_INFO
 * @tdmrs: all of them, with their PAMTs
 * @nr_tdmrs: entries of @tdmrs
 * @index: which
 * @ranges: memory, ascending, page aligned
 * @nr_ranges: entries of @ranges
 * @limits: of the TDX module
 * @info: tdmr_info_size() bytes
 *
 * Context: any.
 * Return: 0, or -ENOSPC if it needs more reserved areas than there may be.
 */
int tdmr_fill_info(const struct tdmr *tdmrs, unsigned int nr_tdmrs, unsigned int index,
		   const struct mem_range *ranges, unsigned int nr_ranges,
		   const struct tdmr_limits *limits, u64 *info)
{
	const struct tdmr *tdmr = &tdmrs[index];
	u64 pos = tdmr->base, stop = tdmr->base + tdmr->size;
	u64 *area = info + INFO_RESERVED;
	unsigned int level, nr = 0;
	bool open = false;

	memset(info, 0, tdmr_info_size(limits));
	info[0] = tdmr->base;
	info[1] = tdmr->size;
	for (level = 0; level < TDMR_LEVELS; level++) {
		u64 *pamt = info + INFO_PAMT + 2 * (TDMR_LEVELS - 1 - level);

		pamt[0] = tdmr->pamt[level].start;
		pamt[1] = tdmr->pamt[level].end - tdmr->pamt[level].start;
	}
	while (pos < stop) {
		u64 end = stop;
		bool reserved = reserved_at(pos, tdmrs, nr_tdmrs, ranges, nr_ranges, &end);

		/* Neighbours are one area. */
		if (reserved && open) {
			area[2 * nr - 1] += end - pos;
		} else if (reserved) {
			if (nr == limits->max_reserved)
				return -ENOSPC;
			area[2 * nr] = pos - tdmr->base;
			area[2 * nr + 1] = end - pos;
			nr++;
		}
		open = reserved;
		pos = end;
	}
	return 0;
}
