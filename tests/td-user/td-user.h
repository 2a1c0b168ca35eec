/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test only: an in-kernel user of TDX on a kernel that has none.
 *
 *   main.c	parameters, commands
 *   vmx.c	VMXON and VMXOFF, CPUs that come and go
 *   seam.c	one SEAMCALL, through tdx_reset.ko or past it
 *   td.c	TDs, and pages in the states between
 *   pages.c	where their pages come from
 */
#ifndef TD_USER_H
#define TD_USER_H

#include <linux/list.h>
#include <linux/types.h>
#include <asm/msr.h>

#include "tdx/abi.h"
#include "tdx/reset.h"

struct page;

#define TD_VERSION_1	0x10000	/* of a leaf */

/**
 * struct td_page - a page that TDX has, or had and that was not rewritten
 * @list: of the TD
 * @page: the page; not ours to free if @given
 * @gpa: guest address, for guest memory
 * @order: of @page: 0 or 9
 * @given: memory of somebody else
 * @back: taken back, not rewritten
 */
struct td_page {
	struct list_head list;
	struct page *page;
	u64 gpa;
	unsigned int order;
	bool given;
	bool back;
};

/**
 * struct td - one TD
 * @guest: its memory
 * @tables: secure EPT
 * @control: TDCS pages, vCPU pages
 * @tdr: physical address of the TDR, in @control_tdr
 * @tdvpr: of the vCPU
 * @hkid: its KeyID
 * @control_tdr: the page of its TDR, until that was given back
 * @cpu: where the vCPU was initialised
 * @next_gpa: behind its memory
 * @tables_end: guest addresses up to here have their tables
 * @torn_down: its KeyID is free, so that pages can be reclaimed
 */
struct td {
	struct list_head guest, tables, control;
	struct page *control_tdr;
	u64 tdr, tdvpr;
	u32 hkid;
	int cpu;
	u64 next_gpa;
	u64 tables_end;
	bool torn_down;
};

static inline u64 td_msr(u32 msr)
{
	u32 low, high;

	rdmsr(msr, low, high);
	return (u64)high << 32 | low;
}

/* main.c: parameters. */
extern bool own;
extern int skip_vmxon;
extern bool vmxoff_at_reboot;
extern bool break_chain;

/* vmx.c */
int vmx_start(void);
void vmx_stop(void);
void vmx_tdx_enabled(void);

/* seam.c */
u64 seam(u64 leaf, u64 rcx, u64 rdx, u64 r8, u64 r9);
u64 seam_out(u64 leaf, struct seamcall_args *args);
void seam_reset(u64 pfn, u64 nr);

/* pages.c */
int td_use_range(u64 pa, u64 size);
struct page *td_alloc(unsigned int order);
void td_free(struct page *page, unsigned int order);

/* td.c */
extern struct td tds[];
extern unsigned int nr_tds;
int td_make(unsigned int nr, unsigned int mib, bool large);
int td_give(u64 pa);
u32 td_global_keyid(void);
void td_drop_page(struct td_page *p);
u64 td_on_vcpu(struct td *td, u64 leaf);
int td_failed(const char *what, u64 status);

/* td_end.c */
int td_state(const char *state);
void td_destroy_all(void);

static inline bool td_is_error(u64 status)
{
	return status & TDX_STATUS_ERROR;
}

#endif /* TD_USER_H */
