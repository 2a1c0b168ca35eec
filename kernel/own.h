/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Own mode: this module brings TDX up itself, on kernels without TDX host
 * support.
 *
 *   own.c		load and unload, the path of every SEAMCALL, the end
 *   own_sleep.c		no suspend or hibernation with TDX
 *   enable.c		tdx_enable(), tdx_cpu_enable(): the steps
 *   enable_info.c	what the TDX module says of itself and of memory
 *   enable_error.c	statuses in words
 *   tdmr.c		memory -> TDMRs -> TDMR_INFO; plain computing
 *   pamt_alloc.c	where the PAMT comes from and goes to
 *   pamt_contig.c	memory in one piece
 */
#ifndef TDX_RESET_OWN_H
#define TDX_RESET_OWN_H

#include <linux/types.h>

#include "tdx/seamcall.h"
#include "tdmr.h"

/**
 * struct tdx_info - metadata of the TDX module
 * @version: major, minor, update
 * @features: TDX_FEATURES0
 * @limits: what a TDMR may be
 * @nr_cmrs: entries of @cmr; 0 if the module does not tell
 * @cmr: memory that the firmware made fit for TDX
 */
struct tdx_info {
	u16 version[3];
	u64 features;
	struct tdmr_limits limits;
	unsigned int nr_cmrs;
	struct mem_range cmr[TDX_MAX_CMRS];
};

/**
 * struct tdmr_set - the TDMRs and what they need
 * @ranges: memory in the page allocator, ascending, page aligned
 * @nr_ranges: entries of @ranges
 * @tdmrs: ascending
 * @nr_tdmrs: entries of @tdmrs
 * @info: TDMR_INFO structures behind the array of their addresses, or NULL
 * @info_bytes: of @info
 */
struct tdmr_set {
	struct mem_range *ranges;
	unsigned int nr_ranges;
	struct tdmr *tdmrs;
	unsigned int nr_tdmrs;
	void *info;
	size_t info_bytes;
};

/* own.c */
u64 own_seamcall(u64 leaf, struct seamcall_args *args);
u64 own_global_keyid(void);

/* enable.c */
int enable_load(void);
void enable_unload(void);
bool enable_ready(void);
bool enable_sleep(void);
void enable_wake(void);
u64 enable_call(u64 leaf, struct seamcall_args *args);

/* own_sleep.c */
int own_sleep_start(void);
void own_sleep_stop(void);

/* enable_info.c */
int enable_read_info(struct tdx_info *info);
int enable_find_memory(struct tdmr_set *set);
u64 enable_outside(const struct mem_range *in, unsigned int nr,
		   const struct mem_range *range);
int enable_check_cmrs(const struct tdx_info *info, struct tdmr_set *set);

/* enable_error.c */
int enable_error(u64 leaf, u64 status);

/* pamt_contig.c */
bool pamt_contig_usable(void);
struct page *pamt_contig_alloc(u64 nr, int node);
void pamt_contig_free(struct page *page, u64 nr);

/* pamt_alloc.c */
int pamt_alloc_load(void);
void pamt_alloc_unload(void);
const char *pamt_alloc_name(void);
int pamt_alloc(struct tdmr_set *set, const struct tdmr_limits *limits);
void pamt_alloc_expose(void);
void pamt_release(void);
void pamt_abandon(void);

#endif /* TDX_RESET_OWN_H */
