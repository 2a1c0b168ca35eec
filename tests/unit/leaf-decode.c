// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SEAMCALLs decoded by the leaf-effect table.  What is expected is written
 * down here a second time, leaf by leaf, from the ABI and not from the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/kernel.h>

#include "leaves.h"

#define RCX_PA 0x111111000ULL
#define R8_PA 0x222222000ULL

static struct leaf_call decode(u64 rax, u64 rcx, u64 r8)
{
	struct seamcall_args args = {
		.rcx = rcx,
		.rdx = 0x333333000ULL,
		.r8 = r8,
		.r9 = 0x444444000ULL,
	};

	return leaf_decode(rax, &args);
}

/* leaf; effect; page frame it names, or 0 */
static const struct {
	u16 leaf;
	enum tdx_effect effect;
	u64 pfn;
} expected[] = {
	{ 0,  TDX_EFFECT_NONE, 0 },			/* VP.ENTER */
	{ 1,  TDX_EFFECT_TAKES, RCX_PA >> 12 },		/* MNG.ADDCX */
	{ 2,  TDX_EFFECT_TAKES, R8_PA >> 12 },		/* MEM.PAGE.ADD */
	{ 3,  TDX_EFFECT_TAKES, R8_PA >> 12 },		/* MEM.SEPT.ADD */
	{ 4,  TDX_EFFECT_TAKES, RCX_PA >> 12 },		/* VP.ADDCX */
	{ 5,  TDX_EFFECT_MOVES, R8_PA >> 12 },		/* MEM.PAGE.RELOCATE */
	{ 6,  TDX_EFFECT_TAKES, R8_PA >> 12 },		/* MEM.PAGE.AUG */
	{ 7,  TDX_EFFECT_NONE, 0 },			/* MEM.RANGE.BLOCK */
	{ 8,  TDX_EFFECT_NONE, 0 },			/* MNG.KEY.CONFIG */
	{ 9,  TDX_EFFECT_TAKES, RCX_PA >> 12 },		/* MNG.CREATE */
	{ 10, TDX_EFFECT_TAKES, RCX_PA >> 12 },		/* VP.CREATE */
	{ 11, TDX_EFFECT_NONE, 0 },			/* MNG.RD */
	{ 12, TDX_EFFECT_NONE, 0 },			/* MEM.RD */
	{ 13, TDX_EFFECT_NONE, 0 },			/* MNG.WR */
	{ 14, TDX_EFFECT_NONE, 0 },			/* MEM.WR */
	{ 15, TDX_EFFECT_TAKES, R8_PA >> 12 },		/* MEM.PAGE.DEMOTE */
	{ 16, TDX_EFFECT_NONE, 0 },			/* MR.EXTEND */
	{ 17, TDX_EFFECT_NONE, 0 },			/* MR.FINALIZE */
	{ 18, TDX_EFFECT_NONE, 0 },			/* VP.FLUSH */
	{ 19, TDX_EFFECT_NONE, 0 },			/* MNG.VPFLUSHDONE */
	{ 20, TDX_EFFECT_NONE, 0 },			/* MNG.KEY.FREEID */
	{ 21, TDX_EFFECT_NONE, 0 },			/* MNG.INIT */
	{ 22, TDX_EFFECT_NONE, 0 },			/* VP.INIT */
	{ 23, TDX_EFFECT_RETURNS, 0 },			/* MEM.PAGE.PROMOTE */
	{ 24, TDX_EFFECT_NONE, 0 },			/* PHYMEM.PAGE.RDMD */
	{ 25, TDX_EFFECT_NONE, 0 },			/* MEM.SEPT.RD */
	{ 26, TDX_EFFECT_NONE, 0 },			/* VP.RD */
	{ 27, TDX_EFFECT_NONE, 0 },			/* MNG.KEY.RECLAIMID */
	{ 28, TDX_EFFECT_RETURNS, RCX_PA >> 12 },	/* PHYMEM.PAGE.RECLAIM */
	{ 29, TDX_EFFECT_RETURNS, 0 },			/* MEM.PAGE.REMOVE */
	{ 30, TDX_EFFECT_RETURNS, 0 },			/* MEM.SEPT.REMOVE */
	{ 31, TDX_EFFECT_NONE, 0 },			/* SYS.KEY.CONFIG */
	{ 32, TDX_EFFECT_NONE, 0 },			/* SYS.INFO */
	{ 33, TDX_EFFECT_NONE, 0 },			/* SYS.INIT */
	{ 34, TDX_EFFECT_NONE, 0 },			/* SYS.RD */
	{ 35, TDX_EFFECT_NONE, 0 },			/* SYS.LP.INIT */
	{ 36, TDX_EFFECT_CONFIGURES, 0 },		/* SYS.TDMR.INIT */
	{ 37, TDX_EFFECT_NONE, 0 },			/* SYS.RDALL */
	{ 38, TDX_EFFECT_NONE, 0 },			/* MEM.TRACK */
	{ 39, TDX_EFFECT_NONE, 0 },			/* MEM.RANGE.UNBLOCK */
	{ 40, TDX_EFFECT_NONE, 0 },			/* PHYMEM.CACHE.WB */
	{ 41, TDX_EFFECT_NONE, 0 },			/* PHYMEM.PAGE.WBINVD */
	{ 43, TDX_EFFECT_NONE, 0 },			/* VP.WR */
	{ 44, TDX_EFFECT_NONE, 0 },			/* SYS.LP.SHUTDOWN */
	{ 45, TDX_EFFECT_CONFIGURES, 0 },		/* SYS.CONFIG */
	{ 52, TDX_EFFECT_UPDATES, 0 },			/* SYS.SHUTDOWN */
	{ 53, TDX_EFFECT_UPDATES, 0 },			/* SYS.UPDATE */
	{ 69, TDX_EFFECT_ALL_NORMAL, 0 },		/* SYS.DISABLE */
};

/* Leaves of which a version 1 is known to touch no page either. */
static bool has_version_1(u16 leaf)
{
	return leaf == TDH_MNG_RD || leaf == TDH_VP_INIT || leaf == TDH_VP_RD;
}

#define TDX_LEAF(leaf, operand, size, version, effect) leaf,
static const u16 table_leaves[] = {
#include "tdx/leaf_effects.h"
};

static void every_row(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(ARRAY_SIZE(expected), ARRAY_SIZE(table_leaves));
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		struct leaf_call call = decode(expected[i].leaf, RCX_PA, R8_PA);

		assert_int_equal(call.leaf, expected[i].leaf);
		assert_int_equal(call.effect, expected[i].effect);
		assert_int_equal(call.named, expected[i].pfn != 0);
		assert_int_equal(call.pfn, expected[i].pfn);
		assert_int_equal(call.nr, 1);
		assert_int_equal(call.size_in_r8, expected[i].leaf == 28);

		/* a version that nobody knows the effect of */
		call = decode(expected[i].leaf | 3 << 16, RCX_PA, R8_PA);
		assert_int_equal(call.effect, TDX_EFFECT_UNKNOWN);
		assert_false(call.named);
		call = decode(expected[i].leaf | 1 << 16, RCX_PA, R8_PA);
		assert_int_equal(call.effect, has_version_1(expected[i].leaf) ?
				 expected[i].effect : TDX_EFFECT_UNKNOWN);
	}
}

/* Every number that is not above has to be unknown. */
static void every_other_leaf(void **state)
{
	unsigned int leaf;

	(void)state;
	for (leaf = 0; leaf <= 0xffff; leaf++) {
		struct leaf_call call = decode(leaf, RCX_PA, R8_PA);
		bool known = false;
		size_t i;

		for (i = 0; i < ARRAY_SIZE(expected); i++)
			known |= expected[i].leaf == leaf;
		assert_int_equal(call.effect != TDX_EFFECT_UNKNOWN, known);
	}
}

static void seamldr(void **state)
{
	(void)state;
	assert_int_equal(decode(1ULL << 63, 0, 0).effect, TDX_EFFECT_NONE);
	assert_int_equal(decode(1ULL << 63 | 1, RCX_PA, 0).effect, TDX_EFFECT_NONE);
	assert_int_equal(decode(1ULL << 63 | 0xffff, 0, 0).effect, TDX_EFFECT_NONE);
}

static void page_sizes(void **state)
{
	struct leaf_call call;
	u64 level;

	(void)state;
	/* AUG, RELOCATE and REMOVE: RCX[2:0] is the page's level */
	for (level = 0; level <= 2; level++) {
		call = decode(TDH_MEM_PAGE_AUG, RCX_PA | level, 0x40000000);
		assert_int_equal(call.nr, 1ULL << (9 * level));
		assert_int_equal(call.pfn, 0x40000000 >> 12);
		call = decode(TDH_MEM_PAGE_RELOCATE, RCX_PA | level, 0x40000000);
		assert_int_equal(call.nr, 1ULL << (9 * level));
		call = decode(TDH_MEM_PAGE_REMOVE, RCX_PA | level, 0);
		assert_int_equal(call.nr, 1ULL << (9 * level));
		assert_false(call.named);
	}
	/* no such level: one page, the module refuses it */
	assert_int_equal(decode(TDH_MEM_PAGE_AUG, RCX_PA | 5, R8_PA).nr, 1);
	/* SEPT.ADD, PAGE.ADD, DEMOTE: the level is not the page's */
	assert_int_equal(decode(TDH_MEM_SEPT_ADD, RCX_PA | 2, R8_PA).nr, 1);
	assert_int_equal(decode(TDH_MEM_PAGE_ADD, RCX_PA | 1, R8_PA).nr, 1);
	assert_int_equal(decode(TDH_MEM_PAGE_DEMOTE, RCX_PA | 1, R8_PA).nr, 1);

	assert_int_equal(leaf_level_pages(TDX_PS_4K), 1);
	assert_int_equal(leaf_level_pages(TDX_PS_2M), 512);
	assert_int_equal(leaf_level_pages(TDX_PS_1G), 262144);
	assert_int_equal(leaf_level_pages(3), 1);
	assert_int_equal(leaf_level_pages(~0ULL), 1);
}

/* Bits around an address say other things, and never move a page. */
static void odd_addresses(void **state)
{
	(void)state;
	assert_int_equal(decode(TDH_MNG_CREATE, RCX_PA | 0xfff, 0).pfn, RCX_PA >> 12);
	assert_int_equal(decode(TDH_MNG_CREATE, RCX_PA | 0xfffULL << 52, 0).pfn,
			 RCX_PA >> 12);
	/* a 2 MiB page named by an address inside of it: all of it counts */
	assert_int_equal(decode(TDH_MEM_PAGE_AUG, 1, 0x40012000).pfn, 0x40000);
}

static void outcomes(void **state)
{
	static const struct {
		u64 status;
		enum leaf_outcome outcome;
	} cases[] = {
		{ 0, LEAF_DONE },
		{ TDX_PAGE_ALREADY_FREE, LEAF_DONE },
		{ 0x0000000300000001ULL, LEAF_DONE },
		{ TDX_INTERRUPTED_RESUMABLE, LEAF_UNCLEAR },
		{ TDX_INTERRUPTED_RESUMABLE | 0x1234, LEAF_UNCLEAR },
		{ TDX_SYS_BUSY, LEAF_NOT_DONE },
		{ TDX_RND_NO_ENTROPY, LEAF_NOT_DONE },
		{ TDX_OPERAND_INVALID | 1, LEAF_NOT_DONE },
		{ TDX_OPERAND_BUSY | 0x80, LEAF_NOT_DONE },
		{ TDX_PAGE_METADATA_INCORRECT, LEAF_NOT_DONE },
		{ TDX_VCPU_NOT_ASSOCIATED, LEAF_NOT_DONE },
		{ TDX_FLUSHVP_NOT_DONE, LEAF_NOT_DONE },
		/* the kernel's codes: VMfailInvalid, #GP, #UD */
		{ 0x8000ff00ffff0000ULL, LEAF_NOT_DONE },
		{ 0x8000ff000000000dULL, LEAF_NOT_DONE },
		{ 0x8000ff0000000006ULL, LEAF_NOT_DONE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(leaf_outcome(cases[i].status), cases[i].outcome);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(every_other_leaf),
		cmocka_unit_test(seamldr),
		cmocka_unit_test(page_sizes),
		cmocka_unit_test(odd_addresses),
		cmocka_unit_test(outcomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
