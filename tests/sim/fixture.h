/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A module on 63 MiB of RAM, for the tests of the models: no QEMU anywhere. */
#ifndef SIM_FIXTURE_H
#define SIM_FIXTURE_H

#include "memory.h"
#include "tdx_module.h"

#define MIB		(1ULL << 20)
#define RAM_START	MIB
#define RAM_SIZE	(63 * MIB)

/* One TDMR of 1 GiB over the RAM there is; what has no RAM is reserved. */
#define TDMR_INFO	(2 * MIB)
#define TDMR_ARRAY	(2 * MIB + 4096)
#define PAMT_4K		(4 * MIB)
#define PAMT_PAGES	(1024 + 2 + 1)
#define PAGES		(16 * MIB)	/* free pages for TDs from here */
#define HKID		(SIM_FIRST_TDX_KEYID + 1)

/* The control pages of the one TD, and TD_PARAMS. */
#define TDR		PAGES
#define TDCX(n)		(PAGES + (1 + (n)) * 4096)
#define TDVPR		(PAGES + 8 * 4096)
#define TDVPX(n)	(PAGES + (9 + (n)) * 4096)
#define SEPT(level)	(PAGES + (20 + (level)) * 4096)
#define GUEST(n)	(PAGES + (32 + (n)) * 4096)
#define SOURCE		(3 * MIB)
#define PARAMS		(3 * MIB + 4096)
#define GPA		0x100000ULL
/* PAMT, TDR, TDCX, one vCPU, three tables */
#define TD_PAGES	(PAMT_PAGES + 1 + SIM_TDCX_PAGES + 1 + SIM_TDVPX_PAGES + 3)

/* Setup of every test: everything normal, module just loaded. */
int fresh_module(void **state);

struct seam_regs seamcall(uint64_t leaf, uint64_t rcx, uint64_t rdx, uint64_t r8, uint64_t r9);

/* The call must answer @want; details (bits 31:0) are not compared. */
void expect(uint64_t want, uint64_t leaf, uint64_t rcx, uint64_t rdx, uint64_t r8, uint64_t r9);

/* The steps of a life; each needs the one before. */
void write_tdmr(void);
void init_module(void);
void configure_module(void);
void ready_module(void);
void create_tdr(void);
void configure_keys(void);
void add_tdcs(void);
void init_td(void);
void create_vcpu(void);
void init_vcpu(void);
void add_tables(void);
void finalise_td(void);

void bring_up(void);		/* as far as ready_module() */
void create_td(void);		/* from create_tdr() on; two guest pages, at GPA */

#endif
