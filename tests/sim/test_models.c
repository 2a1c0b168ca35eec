// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The models of the simulated host without QEMU: line states, write-combining
 * buffers, the TDX module, memory operands.  A test here says what hardware and
 * the ABI do; it must not know who calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "sim.h"
#include "tdx_module.h"

#define RAM_START	(1ULL << 20)
#define RAM_SIZE	(63ULL << 20)
#define MIB		(1ULL << 20)

static uint8_t *ram;

/* operand.c asks for segment bases; here they are fixed. */
bool qemu_reg(const char *name, uint64_t *out)
{
	*out = !strcmp(name, "gs_base") ? 0x1000 : 0x2000;
	return true;
}

static uint64_t status(uint64_t rax)
{
	return rax & TDX_STATUS_MASK;
}

static struct seam_regs seamcall(uint64_t leaf, uint64_t rcx, uint64_t rdx, uint64_t r8,
				 uint64_t r9)
{
	struct seam_regs r = { .rax = leaf, .rcx = rcx, .rdx = rdx, .r8 = r8, .r9 = r9 };

	tdx_seamcall(0, &r);
	return r;
}

static void expect(uint64_t want, uint64_t leaf, uint64_t rcx, uint64_t rdx, uint64_t r8,
		   uint64_t r9)
{
	struct seam_regs r = seamcall(leaf, rcx, rdx, r8, r9);

	if (status(r.rax) != want)
		fail_msg("leaf %lu: status %#lx, not %#lx", leaf, r.rax, want);
}

/* --- fixtures -------------------------------------------------------------------- */

#define TDMR_INFO	(2 * MIB)
#define TDMR_ARRAY	(2 * MIB + 4096)
#define PAMT_4K		(4 * MIB)
#define PAMT_PAGES	(1024 + 2 + 1)
#define PAGES		(16 * MIB)	/* free pages for TDs from here */
#define HKID		(SIM_FIRST_TDX_KEYID + 1)

static int fresh_module(void **state)
{
	struct tdx_config cfg = { .sys_disable = SYS_DISABLE_ABSENT, .major = 1, .minor = 5 };

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

/* One TDMR of 1 GiB over the RAM there is; what has no RAM is reserved. */
static void write_tdmr(void)
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

static void bring_up(void)
{
	write_tdmr();
	expect(TDX_SUCCESS, TDH_SYS_INIT, 0, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_SYS_LP_INIT, 0, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_SYS_CONFIG, TDMR_ARRAY, 1, SIM_FIRST_TDX_KEYID, 0);
	expect(TDX_SUCCESS, TDH_SYS_KEY_CONFIG, 0, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_SYS_TDMR_INIT, 0, 0, 0, 0);
}

/* The control pages of a TD, from PAGES on, and TD_PARAMS. */
#define TDR		PAGES
#define TDCX(n)		(PAGES + (1 + (n)) * 4096)
#define TDVPR		(PAGES + 16 * 4096)
#define SEPT(level)	(PAGES + (20 + (level)) * 4096)
#define GUEST(n)	(PAGES + (32 + (n)) * 4096)
#define SOURCE		(3 * MIB)
#define PARAMS		(3 * MIB + 4096)
#define GPA		0x100000ULL

static void create_td(void)
{
	uint64_t *params = mem_ptr(PARAMS);

	params[0] = 0x10000000;		/* SEPT_VE_DISABLE */
	params[1] = 3;
	params[2] = 1;
	expect(TDX_SUCCESS, TDH_MNG_CREATE, TDR, HKID, 0, 0);
	expect(TDX_SUCCESS, TDH_MNG_KEY_CONFIG, TDR, 0, 0, 0);
	for (int i = 0; i < SIM_TDCX_PAGES; i++)
		expect(TDX_SUCCESS, TDH_MNG_ADDCX, TDCX(i), TDR, 0, 0);
	expect(TDX_SUCCESS, TDH_MNG_INIT, TDR, PARAMS, 0, 0);
	for (int level = 3; level > 0; level--)
		expect(TDX_SUCCESS, TDH_MEM_SEPT_ADD, level, TDR, SEPT(level), 0);
	expect(TDX_SUCCESS, TDH_MEM_PAGE_ADD, GPA, TDR, GUEST(0), SOURCE);
	expect(TDX_SUCCESS, TDH_MR_FINALIZE, TDR, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_MEM_PAGE_AUG, GPA + 4096, TDR, GUEST(1), 0);
}

/* --- memory ------------------------------------------------------------------------ */

static uint64_t poisoned_at;

static void on_poison(uint64_t pa)
{
	poisoned_at = pa;
}

static void test_store_makes_its_line_normal(void **state)
{
	(void)state;
	mem_tdx_write_page(PAGES);
	assert_int_equal(mem_count(0, mem_end()).owned_lines, 64);
	((uint8_t *)mem_ptr(PAGES))[100] ^= 1;
	assert_int_equal(mem_count(0, mem_end()).owned_lines, 63);
	assert_false(mem_line_owned(PAGES + 64));
	memset(mem_ptr(PAGES), 0, 4096);
	assert_int_equal(mem_count(0, mem_end()).owned_lines, 0);
}

static void test_old_contents_are_not_owned(void **state)
{
	uint8_t old[4096];

	(void)state;
	mem_tdx_write_page(PAGES);
	memcpy(old, mem_ptr(PAGES), sizeof(old));
	mem_tdx_write_page(PAGES);
	memcpy(mem_ptr(PAGES), old, sizeof(old));
	assert_int_equal(mem_count(0, mem_end()).owned_lines, 0);
}

static void test_partial_write_poisons_only_owned(void **state)
{
	(void)state;
	mem_tdx_write_page(PAGES);
	wc_store(0, PAGES + 128, 8, on_poison);
	wc_store(0, PAGES + 8192, 8, on_poison);	/* never given to TDX */
	assert_int_equal(mem_count(0, mem_end()).poisoned_lines, 0);
	wc_flush(0, on_poison);
	assert_int_equal(poisoned_at, PAGES + 128);
	assert_int_equal(mem_count(0, mem_end()).poisoned_lines, 1);
	mem_full_line(PAGES + 128);
	assert_int_equal(mem_count(0, mem_end()).poisoned_lines, 0);
}

static void test_full_line_of_stores_does_not_poison(void **state)
{
	(void)state;
	mem_tdx_write_page(PAGES);
	for (int i = 0; i < 8; i++)
		wc_store(1, PAGES + i * 8, 8, on_poison);
	wc_flush(1, on_poison);
	assert_int_equal(mem_count(0, mem_end()).poisoned_lines, 0);
	assert_false(mem_line_owned(PAGES));
	assert_true(mem_line_owned(PAGES + 64));
}

static void test_buffers_run_out(void **state)
{
	(void)state;
	mem_tdx_write_page(PAGES);
	for (int i = 0; i < 64; i++)
		wc_store(0, PAGES + i * 64, 8, on_poison);
	/* Those that had to leave are poisoned, the rest is still on its way. */
	assert_in_range(mem_count(0, mem_end()).poisoned_lines, 48, 63);
	wc_flush(0, on_poison);
	assert_int_equal(mem_count(0, mem_end()).poisoned_lines, 64);
}

static void test_store_over_poison_keeps_it(void **state)
{
	(void)state;
	mem_tdx_write_page(PAGES);
	mem_poison(PAGES);
	memset(mem_ptr(PAGES), 0, 4096);
	assert_int_equal(mem_count(0, mem_end()).poisoned_lines, 1);
}

/* --- the module ---------------------------------------------------------------------- */

static void test_pamt_private_after_tdmr_init(void **state)
{
	(void)state;
	bring_up();
	assert_int_equal(pamt_totals().pages, PAMT_PAGES);
	assert_int_equal(pamt_totals().by_type[TDX_PT_RSVD], PAMT_PAGES);
	assert_int_equal(seamcall(TDH_PHYMEM_PAGE_RDMD, PAMT_4K, 0, 0, 0).rcx, TDX_PT_RSVD);
	assert_int_equal(seamcall(TDH_PHYMEM_PAGE_RDMD, PAGES, 0, 0, 0).rcx, TDX_PT_NDA);
	expect(TDX_OPERAND_ADDR_RANGE_ERROR, TDH_PHYMEM_PAGE_RDMD, 2ULL << 30, 0, 0, 0);
}

static void test_wrong_order_is_refused(void **state)
{
	(void)state;
	write_tdmr();
	expect(TDX_SYS_NOT_READY, TDH_SYS_LP_INIT, 0, 0, 0, 0);
	expect(TDX_SYS_LP_INIT_NOT_DONE, TDH_SYS_RD, 0, TDX_MD_FEATURES0, 0, 0);
	expect(TDX_SUCCESS, TDH_SYS_INIT, 0, 0, 0, 0);
	expect(TDX_SYS_INIT_NOT_PENDING, TDH_SYS_INIT, 0, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_SYS_LP_INIT, 0, 0, 0, 0);
	expect(TDX_SYS_LP_INIT_DONE, TDH_SYS_LP_INIT, 0, 0, 0, 0);
	expect(TDX_SYS_KEY_CONFIG_NOT_PENDING, TDH_SYS_KEY_CONFIG, 0, 0, 0, 0);
	expect(TDX_SYS_NOT_READY, TDH_MNG_CREATE, TDR, HKID, 0, 0);
}

static void test_config_refuses_memory_outside_cmrs(void **state)
{
	uint64_t *t;

	(void)state;
	write_tdmr();
	t = mem_ptr(TDMR_INFO);
	t[13] -= MIB;			/* 1 MiB without RAM is not reserved */
	expect(TDX_SUCCESS, TDH_SYS_INIT, 0, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_SYS_LP_INIT, 0, 0, 0, 0);
	expect(TDX_OPERAND_INVALID, TDH_SYS_CONFIG, TDMR_ARRAY, 1, SIM_FIRST_TDX_KEYID, 0);
	assert_int_equal(pamt_totals().pages, 0);
}

static void test_td_life(void **state)
{
	(void)state;
	bring_up();
	create_td();
	/* TDR, TDCX, 3 SEPT, 2 guest pages */
	assert_int_equal(pamt_totals().pages, PAMT_PAGES + 1 + SIM_TDCX_PAGES + 3 + 2);
	assert_int_equal(pamt_totals().by_type[TDX_PT_REG], 2);
	assert_true(mem_line_owned(GUEST(1)));

	expect(TDX_GPA_RANGE_NOT_BLOCKED, TDH_MEM_PAGE_REMOVE, GPA, TDR, 0, 0);
	expect(TDX_SUCCESS, TDH_MEM_RANGE_BLOCK, GPA, TDR, 0, 0);
	expect(TDX_GPA_RANGE_ALREADY_BLOCKED, TDH_MEM_RANGE_BLOCK, GPA, TDR, 0, 0);
	expect(TDX_TLB_TRACKING_NOT_DONE, TDH_MEM_PAGE_REMOVE, GPA, TDR, 0, 0);
	expect(TDX_SUCCESS, TDH_MEM_TRACK, TDR, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_MEM_PAGE_REMOVE, GPA, TDR, 0, 0);
	/* Taken back, but every line still belongs to the TD: dirty. */
	assert_false(pamt_private(GUEST(0)));
	assert_int_equal(mem_count(GUEST(0), GUEST(1)).owned_lines, 64);

	expect(TDX_LIFECYCLE_STATE_INCORRECT, TDH_PHYMEM_PAGE_RECLAIM, SEPT(1), 0, 0, 0);
	expect(TDX_SUCCESS, TDH_MNG_VPFLUSHDONE, TDR, 0, 0, 0);
	expect(TDX_WBCACHE_NOT_COMPLETE, TDH_MNG_KEY_FREEID, TDR, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_PHYMEM_CACHE_WB, 0, 0, 0, 0);
	expect(TDX_NO_HKID_READY_TO_WBCACHE, TDH_PHYMEM_CACHE_WB, 0, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_MNG_KEY_FREEID, TDR, 0, 0, 0);
	expect(TDX_TD_ASSOCIATED_PAGES_EXIST, TDH_PHYMEM_PAGE_RECLAIM, TDR, 0, 0, 0);
	for (int i = 0; i < SIM_TDCX_PAGES; i++)
		expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RECLAIM, TDCX(i), 0, 0, 0);
	for (int level = 1; level <= 3; level++)
		expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RECLAIM, SEPT(level), 0, 0, 0);
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RECLAIM, GUEST(1), 0, 0, 0);
	expect(TDX_PAGE_ALREADY_FREE, TDH_PHYMEM_PAGE_RECLAIM, GUEST(1), 0, 0, 0);
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RECLAIM, TDR, 0, 0, 0);
	assert_int_equal(pamt_totals().pages, PAMT_PAGES);
}

static void test_wrong_pages_are_refused(void **state)
{
	(void)state;
	bring_up();
	create_td();
	expect(TDX_PAGE_METADATA_INCORRECT, TDH_MEM_PAGE_AUG, GPA + 8192, TDR, GUEST(0), 0);
	expect(TDX_EPT_ENTRY_NOT_FREE, TDH_MEM_PAGE_AUG, GPA, TDR, GUEST(5), 0);
	expect(TDX_EPT_WALK_FAILED, TDH_MEM_PAGE_AUG, 1ULL << 30, TDR, GUEST(5), 0);
	expect(TDX_OP_STATE_INCORRECT, TDH_MEM_PAGE_ADD, GPA + 8192, TDR, GUEST(5), SOURCE);
	expect(TDX_PAGE_METADATA_INCORRECT, TDH_MEM_PAGE_AUG, GPA + 8192, TDR, PAMT_4K, 0);
	expect(TDX_OPERAND_ADDR_RANGE_ERROR, TDH_MEM_PAGE_AUG, GPA + 8192, TDR, 4ULL << 30, 0);
	expect(TDX_HKID_NOT_FREE, TDH_MNG_CREATE, GUEST(6), HKID, 0, 0);
	expect(TDX_OPERAND_INVALID, TDH_MNG_CREATE, GUEST(6), 3, 0, 0);
	expect(TDX_OPERAND_INVALID, 99, 0, 0, 0, 0);
	expect(TDX_OPERAND_INVALID, TDH_MNG_CREATE | 1 << 16, GUEST(6), HKID + 1, 0, 0);
}

static void test_injected_status(void **state)
{
	(void)state;
	bring_up();
	tdx.inject[TDH_MNG_CREATE].status = TDX_RND_NO_ENTROPY;
	tdx.inject[TDH_MNG_CREATE].count = 2;
	expect(TDX_RND_NO_ENTROPY, TDH_MNG_CREATE, TDR, HKID, 0, 0);
	expect(TDX_RND_NO_ENTROPY, TDH_MNG_CREATE, TDR, HKID, 0, 0);
	assert_false(pamt_private(TDR));
	expect(TDX_SUCCESS, TDH_MNG_CREATE, TDR, HKID, 0, 0);
}

static void test_sys_disable(void **state)
{
	(void)state;
	bring_up();
	create_td();
	expect(TDX_OPERAND_INVALID, TDH_SYS_DISABLE, 0, 0, 0, 0);
	assert_int_equal(seamcall(TDH_SYS_RD, 0, TDX_MD_FEATURES0, 0, 0).r8 &
			 TDX_FEATURES0_SYS_DISABLE, 0);

	tdx.cfg.sys_disable = SYS_DISABLE_ENDLESS;
	for (int i = 0; i < 100; i++)
		expect(TDX_INTERRUPTED_RESUMABLE, TDH_SYS_DISABLE, 0, 0, 0, 0);

	tdx.cfg.sys_disable = SYS_DISABLE_ROUNDS;
	tdx.cfg.rounds = 2;
	assert_true(seamcall(TDH_SYS_RD, 0, TDX_MD_FEATURES0, 0, 0).r8 &
		    TDX_FEATURES0_SYS_DISABLE);
	expect(TDX_INTERRUPTED_RESUMABLE, TDH_SYS_DISABLE, 0, 0, 0, 0);
	expect(TDX_INTERRUPTED_RESUMABLE, TDH_SYS_DISABLE, 0, 0, 0, 0);
	assert_int_not_equal(mem_count(0, mem_end()).owned_lines, 0);
	expect(TDX_SUCCESS, TDH_SYS_DISABLE, 0, 0, 0, 0);
	assert_int_equal(mem_count(0, mem_end()).owned_lines, 0);
	assert_int_equal(pamt_totals().pages, 0);
	bring_up();		/* the module can be initialised again */
}

/* --- operands -------------------------------------------------------------------------- */

static uint64_t operand(const char *bytes, unsigned int len, const uint64_t *regs)
{
	struct insn insn = { .len = len, .next_rip = 0x5000 };

	memcpy(insn.bytes, bytes, len);
	insn_prefixes(&insn);
	assert_int_equal(insn_modrm_end(&insn, insn.opcode + 2), len);
	return insn_address(&insn, insn.opcode + 2, regs);
}

static void test_memory_operands(void **state)
{
	uint64_t regs[16];

	(void)state;
	for (int i = 0; i < 16; i++)
		regs[i] = 0x100000 + 0x100 * i;
	/* movnti %rax, ... */
	assert_int_equal(operand("\x48\x0f\xc3\x03", 4, regs), regs[R_BX]);
	assert_int_equal(operand("\x48\x0f\xc3\x43\xf8", 5, regs), regs[R_BX] - 8);
	assert_int_equal(operand("\x48\x0f\xc3\x05\x10\x00\x00\x00", 8, regs), 0x5010);
	assert_int_equal(operand("\x49\x0f\xc3\x04\xc8", 5, regs), regs[R_8] + regs[R_CX] * 8);
	assert_int_equal(operand("\x4a\x0f\xc3\x84\x13\x00\x01\x00\x00", 9, regs),
			 regs[R_BX] + regs[R_10] + 0x100);
	assert_int_equal(operand("\x65\x48\x0f\xc3\x03", 5, regs), regs[R_BX] + 0x1000);
	assert_int_equal(operand("\x48\x0f\xc3\x04\x25\x00\x30\x00\x00", 9, regs), 0x3000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fresh_module)
	const struct CMUnitTest tests[] = {
		TEST(test_store_makes_its_line_normal),
		TEST(test_old_contents_are_not_owned),
		TEST(test_partial_write_poisons_only_owned),
		TEST(test_full_line_of_stores_does_not_poison),
		TEST(test_buffers_run_out),
		TEST(test_store_over_poison_keeps_it),
		TEST(test_pamt_private_after_tdmr_init),
		TEST(test_wrong_order_is_refused),
		TEST(test_config_refuses_memory_outside_cmrs),
		TEST(test_td_life),
		TEST(test_wrong_pages_are_refused),
		TEST(test_injected_status),
		TEST(test_sys_disable),
		TEST(test_memory_operands),
	};

	return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
