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

#include "fixture.h"
#include "sim.h"

/* operand.c asks for segment bases; here they are fixed. */
bool qemu_reg(const char *name, uint64_t *out)
{
	*out = !strcmp(name, "gs_base") ? 0x1000 : 0x2000;
	return true;
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
	expect(TDX_SYS_LP_INIT_NOT_PENDING, TDH_SYS_LP_INIT, 0, 0, 0, 0);
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
	expect(TDX_TDMR_OUTSIDE_CMRS, TDH_SYS_CONFIG, TDMR_ARRAY, 1, SIM_FIRST_TDX_KEYID, 0);
	assert_int_equal(pamt_totals().pages, 0);
}

static void test_td_life(void **state)
{
	(void)state;
	bring_up();
	create_td();
	/* TDR, TDCX, a vCPU, 3 SEPT, 2 guest pages */
	assert_int_equal(pamt_totals().pages, TD_PAGES + 2);
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
	expect(TDX_FLUSHVP_NOT_DONE, TDH_MNG_VPFLUSHDONE, TDR, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_VP_FLUSH, TDVPR, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_MNG_VPFLUSHDONE, TDR, 0, 0, 0);
	expect(TDX_WBCACHE_NOT_COMPLETE, TDH_MNG_KEY_FREEID, TDR, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_PHYMEM_CACHE_WB, 0, 0, 0, 0);
	expect(TDX_NO_HKID_READY_TO_WBCACHE, TDH_PHYMEM_CACHE_WB, 0, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_MNG_KEY_FREEID, TDR, 0, 0, 0);
	expect(TDX_TD_ASSOCIATED_PAGES_EXIST, TDH_PHYMEM_PAGE_RECLAIM, TDR, 0, 0, 0);
	for (int i = 0; i < SIM_TDCX_PAGES; i++)
		expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RECLAIM, TDCX(i), 0, 0, 0);
	for (int i = 0; i <= SIM_TDVPX_PAGES; i++)
		expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RECLAIM, TDVPR + i * 4096, 0, 0, 0);
	for (int level = 1; level <= 3; level++)
		expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RECLAIM, SEPT(level), 0, 0, 0);
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RECLAIM, GUEST(1), 0, 0, 0);
	expect(TDX_PAGE_METADATA_INCORRECT, TDH_PHYMEM_PAGE_RECLAIM, GUEST(1), 0, 0, 0);
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RECLAIM, TDR, 0, 0, 0);
	assert_int_equal(pamt_totals().pages, PAMT_PAGES);
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

static void test_injected_later(void **state)
{
	(void)state;
	bring_up();
	tdx.inject[TDH_PHYMEM_PAGE_RDMD].status = TDX_OPERAND_BUSY;
	tdx.inject[TDH_PHYMEM_PAGE_RDMD].count = 1;
	tdx.inject[TDH_PHYMEM_PAGE_RDMD].after = 2;
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RDMD, PAGES, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RDMD, PAGES, 0, 0, 0);
	expect(TDX_OPERAND_BUSY, TDH_PHYMEM_PAGE_RDMD, PAGES, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RDMD, PAGES, 0, 0, 0);
}

static void test_injected_failures_of_the_instruction(void **state)
{
	struct seam_regs r = { .rax = TDH_PHYMEM_PAGE_RDMD, .rcx = PAGES };

	(void)state;
	bring_up();
	tdx.inject[TDH_PHYMEM_PAGE_RDMD].status = 0x8000ff0000000006;	/* #UD */
	tdx.inject[TDH_PHYMEM_PAGE_RDMD].count = 1;
	tdx.inject[TDH_PHYMEM_PAGE_RDMD].after = 1;
	assert_false(tdx_undefined(TDH_PHYMEM_PAGE_RDMD));
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RDMD, PAGES, 0, 0, 0);
	assert_true(tdx_undefined(TDH_PHYMEM_PAGE_RDMD));
	assert_false(tdx_undefined(TDH_PHYMEM_PAGE_RDMD));

	tdx.inject[TDH_PHYMEM_PAGE_RDMD].status = 0x8000ff00ffff0000;	/* VMfailInvalid */
	tdx.inject[TDH_PHYMEM_PAGE_RDMD].count = 1;
	tdx_seamcall(0, &r);
	assert_true(r.vmfail);
	assert_int_equal(r.rax, TDH_PHYMEM_PAGE_RDMD);
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_RDMD, PAGES, 0, 0, 0);
}

static void test_interrupted_cache_wb_resumes(void **state)
{
	(void)state;
	bring_up();
	create_tdr();
	expect(TDX_SUCCESS, TDH_MNG_VPFLUSHDONE, TDR, 0, 0, 0);
	tdx.inject[TDH_PHYMEM_CACHE_WB].status = TDX_INTERRUPTED_RESUMABLE;
	tdx.inject[TDH_PHYMEM_CACHE_WB].count = 1;
	expect(TDX_INTERRUPTED_RESUMABLE, TDH_PHYMEM_CACHE_WB, 0, 0, 0, 0);
	expect(TDX_WBCACHE_NOT_COMPLETE, TDH_MNG_KEY_FREEID, TDR, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_PHYMEM_CACHE_WB, 1, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_MNG_KEY_FREEID, TDR, 0, 0, 0);
}

static void test_cmrs(void **state)
{
	(void)state;
	/* One MiB at 20 MiB is no CMR. */
	tdx.cfg.nr_cmrs = 2;
	tdx.cfg.cmr[0].start = RAM_START;
	tdx.cfg.cmr[0].end = 20 * MIB;
	tdx.cfg.cmr[1].start = 21 * MIB;
	tdx.cfg.cmr[1].end = 64 * MIB;
	init_module();
	expect(TDX_TDMR_OUTSIDE_CMRS, TDH_SYS_CONFIG, TDMR_ARRAY, 1, SIM_FIRST_TDX_KEYID, 0);
	tdx.cfg.cmr[0].end = PAMT_4K;
	expect(TDX_PAMT_OUTSIDE_CMRS, TDH_SYS_CONFIG, TDMR_ARRAY, 1, SIM_FIRST_TDX_KEYID, 0);
	tdx.cfg.cmr[0].end = 21 * MIB;
	expect(TDX_SUCCESS, TDH_SYS_CONFIG, TDMR_ARRAY, 1, SIM_FIRST_TDX_KEYID, 0);
}

static void test_config_waits_for_all_cpus(void **state)
{
	struct seam_regs r = { .rax = TDH_SYS_LP_INIT };

	(void)state;
	tdx.cfg.nr_lps = 2;
	init_module();
	expect(TDX_SYS_CONFIG_NOT_PENDING, TDH_SYS_CONFIG, TDMR_ARRAY, 1, SIM_FIRST_TDX_KEYID, 0);
	tdx_seamcall(1, &r);
	assert_int_equal(r.rax, TDX_SUCCESS);
	expect(TDX_SUCCESS, TDH_SYS_CONFIG, TDMR_ARRAY, 1, SIM_FIRST_TDX_KEYID, 0);
}

/* Poison in a page the module reads: TDX is dead, whatever is called then. */
static void dies(uint64_t poisoned, uint64_t leaf, uint64_t rcx, uint64_t rdx, uint64_t r8)
{
	uint64_t private;

	fresh_module(NULL);
	bring_up();
	create_td();
	tdx.cfg.sys_disable = SYS_DISABLE_ROUNDS;
	private = pamt_totals().pages;
	mem_poison(poisoned);
	assert_true(seamcall(leaf, rcx, rdx, r8, SOURCE).vmfail);
	assert_true(seamcall(TDH_SYS_RD, 0, TDX_MD_FEATURES0, 0, 0).vmfail);
	assert_true(seamcall(TDH_SYS_DISABLE, 0, 0, 0, 0).vmfail);
	assert_in_range(pamt_totals().pages, private - 1, private + 1);
	tdx_reset(NULL);		/* the platform is reset */
	expect(TDX_SUCCESS, TDH_SYS_INIT, 0, 0, 0, 0);
}

static void test_poison_inside_seam(void **state)
{
	(void)state;
	dies(TDR + 64, TDH_MEM_TRACK, TDR, 0, 0);
	dies(PAMT_4K + GUEST(9) / 4096 * 16, TDH_PHYMEM_PAGE_RDMD, GUEST(9), 0, 0);
	dies(PAMT_4K + GUEST(9) / 4096 * 16, TDH_MEM_PAGE_AUG, GPA + 0x3000, TDR, GUEST(9));
	dies(SEPT(1), TDH_MEM_PAGE_AUG, GPA + 0x3000, TDR, GUEST(9));
	dies(TDVPR, TDH_VP_RD, TDVPR, 0, 0);
	dies(PAMT_4K, TDH_SYS_DISABLE, 0, 0, 0);
	/* Giving a page away writes it line by line: poison in it goes. */
	fresh_module(NULL);
	bring_up();
	create_td();
	mem_poison(GUEST(9));
	expect(TDX_SUCCESS, TDH_MEM_PAGE_AUG, GPA + 0x3000, TDR, GUEST(9), 0);
	assert_false(mem_line_poisoned(GUEST(9)));
}

static void test_no_erratum_no_poison(void **state)
{
	(void)state;
	mem_set_erratum(false);
	mem_tdx_write_page(PAGES);
	wc_store(0, PAGES + 128, 8, on_poison);
	((uint64_t *)mem_ptr(PAGES + 128))[0] = 0;	/* the store itself */
	wc_flush(0, on_poison);
	mem_set_erratum(true);
	assert_int_equal(mem_count(0, mem_end()).poisoned_lines, 0);
	assert_int_equal(mem_count(0, mem_end()).owned_lines, 63);
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
		TEST(test_injected_status),
		TEST(test_injected_later),
		TEST(test_injected_failures_of_the_instruction),
		TEST(test_interrupted_cache_wb_resumes),
		TEST(test_cmrs),
		TEST(test_config_waits_for_all_cpus),
		TEST(test_poison_inside_seam),
		TEST(test_no_erratum_no_poison),
		TEST(test_sys_disable),
		TEST(test_memory_operands),
	};

	return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
