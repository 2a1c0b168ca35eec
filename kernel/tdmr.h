/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TDMRs: what part of memory TDX may use.  Plain computing on numbers, compiled
 * for the kernel and for the unit tests.
 */
#ifndef TDX_RESET_TDMR_H
#define TDX_RESET_TDMR_H

#include <linux/types.h>

#include "tdx/abi.h"

#define TDMR_ALIGN		0x40000000ULL	/* 1 GiB, of base and size */
#define TDMR_INFO_ALIGN		512		/* of TDMR_INFO and of the array of them */
#define TDMR_LEVELS		3		/* of PAMT: 4 KiB, 2 MiB, 1 GiB */

/**
 * struct mem_range - bytes of physical memory
 * @start: the first
 * @end: behind the last
 */
struct mem_range {
	u64 start;
	u64 end;
};

/**
 * struct tdmr_limits - what the TDX module says of TDMRs
 * @max_tdmrs: how many
 * @max_reserved: reserved areas of each
 * @entry: bytes of a PAMT entry, by TDX_PS_*
 */
struct tdmr_limits {
	u16 max_tdmrs;
	u16 max_reserved;
	u16 entry[TDMR_LEVELS];
};

/**
 * struct tdmr - one TDMR
 * @base: its first byte
 * @size: in bytes
 * @pamt: where its PAMT is, by TDX_PS_*; empty before there is one
 */
struct tdmr {
	u64 base;
	u64 size;
	struct mem_range pamt[TDMR_LEVELS];
};

unsigned int tdmr_cover(const struct mem_range *ranges, unsigned int nr_ranges,
			u64 unit, struct tdmr *tdmrs, unsigned int max);
u64 tdmr_pamt_size(const struct tdmr *tdmr, const struct tdmr_limits *limits,
		   unsigned int level);
size_t tdmr_info_size(const struct tdmr_limits *limits);
int tdmr_fill_info(const struct tdmr *tdmrs, unsigned int nr_tdmrs, unsigned int index,
		   const struct mem_range *ranges, unsigned int nr_ranges,
		   const struct tdmr_limits *limits, u64 *info);

#endif /* TDX_RESET_TDMR_H */
