// SPDX-License-Identifier: GPL-2.0-or-later
/* See fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

int fresh_module(void **state)
{
	struct tdx_config cfg = { .sys_disable = SYS_DISABLE_ABSENT, .major = 1, .minor = 5 };
	static uint8_t *ram;

	(void)state;
	if (!ram) {
		ram = aligned_alloc(4096, RAM_SIZE);
		mem_add_ram(RAM_START, RAM_SIZE, ram);
	}
	memset(ram, 0, RAM_SIZE);
	mem_reset();
	tdx_reset(&cfg);
	return 0;
}

struct seam_regs seamcall(uint64_t leaf, uint64_t rcx, uint64_t rdx, uint64_t r8, uint64_t r9)
{
	struct seam_regs r = { .rax = leaf, .rcx = rcx, .rdx = rdx, .r8 = r8, .r9 = r9 };

	tdx_seamcall(0, &r);
	return r;
}

void expect(uint64_t want, uint64_t leaf, uint64_t rcx, uint64_t rdx, uint64_t r8, uint64_t r9)
{
	struct seam_regs r = seamcall(leaf, rcx, rdx, r8, r9);

	if (r.vmfail || (r.rax & TDX_STATUS_MASK) != want)
		fail_msg("%s: status %#lx%s, not %#lx", tdx_leaf_name(leaf), r.rax,
			 r.vmfail ? " (VMfailInvalid)" : "", want);
}

void write_tdmr(void)
{
	uint64_t *t = mem_ptr(TDMR_INFO), *array = mem_ptr(TDMR_ARRAY);

	memset(t, 0, 512);
	t[1] = 1ULL << 30;
	t[2] = PAMT_4K + 1026 * 4096;		/* 1G */
	t[3] = 4096;
	t[4] = PAMT_4K + 1024 * 4096;		/* 2M */
	t[5] = 2 * 4096;
	t[6] = PAMT_4K;				/* 4K */
	t[7] = 1024 * 4096;
	t[9] = RAM_START;			/* below 1 MiB */
	t[10] = PAMT_4K;
	t[11] = PAMT_PAGES * 4096;
	t[12] = 64 * MIB;
	t[13] = (1ULL << 30) - 64 * MIB;
	array[0] = TDMR_INFO;
}

void init_module(void)
{
	write_tdmr();
	expect(TDX_SUCCESS, TDH_SYS_INIT, 0, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_SYS_LP_INIT, 0, 0, 0, 0);
}

void configure_module(void)
{
	expect(TDX_SUCCESS, TDH_SYS_CONFIG, TDMR_ARRAY, 1, SIM_FIRST_TDX_KEYID, 0);
}

void ready_module(void)
{
	expect(TDX_SUCCESS, TDH_SYS_KEY_CONFIG, 0, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_SYS_TDMR_INIT, 0, 0, 0, 0);
}

void create_tdr(void)
{
	uint64_t *params = mem_ptr(PARAMS);

	params[0] = 0x10000000;		/* SEPT_VE_DISABLE */
	params[1] = 3;
	params[2] = 1;
	expect(TDX_SUCCESS, TDH_MNG_CREATE, TDR, HKID, 0, 0);
}

void configure_keys(void)
{
	expect(TDX_SUCCESS, TDH_MNG_KEY_CONFIG, TDR, 0, 0, 0);
}

void add_tdcs(void)
{
	for (int i = 0; i < SIM_TDCX_PAGES; i++)
		expect(TDX_SUCCESS, TDH_MNG_ADDCX, TDCX(i), TDR, 0, 0);
}

void init_td(void)
{
	expect(TDX_SUCCESS, TDH_MNG_INIT, TDR, PARAMS, 0, 0);
}

void create_vcpu(void)
{
	expect(TDX_SUCCESS, TDH_VP_CREATE, TDVPR, TDR, 0, 0);
}

void init_vcpu(void)
{
	for (int i = 0; i < SIM_TDVPX_PAGES; i++)
		expect(TDX_SUCCESS, TDH_VP_ADDCX, TDVPX(i), TDVPR, 0, 0);
	expect(TDX_SUCCESS, TDH_VP_INIT | 1 << TDX_LEAF_VERSION_SHIFT, TDVPR, 0, 0, 0);
}

void add_tables(void)
{
	for (int level = 3; level > 0; level--)
		expect(TDX_SUCCESS, TDH_MEM_SEPT_ADD, level, TDR, SEPT(level), 0);
	expect(TDX_SUCCESS, TDH_MEM_PAGE_ADD, GPA, TDR, GUEST(0), SOURCE);
}

void finalise_td(void)
{
	expect(TDX_SUCCESS, TDH_MR_FINALIZE, TDR, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_MEM_PAGE_AUG, GPA + 4096, TDR, GUEST(1), 0);
}

void bring_up(void)
{
	init_module();
	configure_module();
	ready_module();
}

void create_td(void)
{
	create_tdr();
	configure_keys();
	add_tdcs();
	init_td();
	create_vcpu();
	init_vcpu();
	add_tables();
	finalise_td();
}
