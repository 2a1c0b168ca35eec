// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The simulated TDX module against tables: what it answers
 * (conformance_rows.h) and what each leaf does to the ownership of pages
 * (include/tdx/leaf_effects.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

/* --- states: each is built from nothing ---------------------------------------------- */

enum state {
	LOADED, BEFORE_LP, INIT, CONFIGURED, BEFORE_TDMR, READY, SHUT,
	CREATED, KEYS, TDCS, INITIALISED, VCPU, VCPU_COMPLETE, VCPU_READY, TABLES,
	NO_CHILDREN, RUNNABLE, GPA_BLOCKED, TRACKED, BIG_TRACKED, SMALL_TRACKED,
	VPFLUSH, VPFLUSHED, FLUSHED, TEARDOWN, BIG_TEARDOWN,
};

#define BIG_GPA		0x200000ULL
#define BIG_PAGE	(PAGES + 4 * MIB)

static void add_tdvpx(void)
{
	for (int i = 0; i < SIM_TDVPX_PAGES; i++)
		expect(TDX_SUCCESS, TDH_VP_ADDCX, TDVPX(i), TDVPR, 0, 0);
}

static void build_td(enum state s)
{
	static void (*const steps[])(void) = {
		[CREATED] = create_tdr, [KEYS] = configure_keys, [TDCS] = add_tdcs,
		[INITIALISED] = init_td, [VCPU] = create_vcpu, [VCPU_READY] = init_vcpu,
		[TABLES] = add_tables, [RUNNABLE] = finalise_td,
	};

	if (s == VCPU_COMPLETE) {
		build_td(VCPU);
		add_tdvpx();
		return;
	}
	for (enum state i = CREATED; i <= s && i < G_N_ELEMENTS(steps); i++)
		if (steps[i])
			steps[i]();
}

static void block(uint64_t rcx)
{
	expect(TDX_SUCCESS, TDH_MEM_RANGE_BLOCK, rcx, TDR, 0, 0);
	expect(TDX_SUCCESS, TDH_MEM_TRACK, TDR, 0, 0, 0);
}

static void teardown(enum state s)
{
	expect(TDX_SUCCESS, TDH_VP_FLUSH, TDVPR, 0, 0, 0);
	if (s >= VPFLUSHED)
		expect(TDX_SUCCESS, TDH_MNG_VPFLUSHDONE, TDR, 0, 0, 0);
	if (s >= FLUSHED)
		expect(TDX_SUCCESS, TDH_PHYMEM_CACHE_WB, 0, 0, 0, 0);
	if (s >= TEARDOWN)
		expect(TDX_SUCCESS, TDH_MNG_KEY_FREEID, TDR, 0, 0, 0);
}

static void build_module(enum state s)
{
	if (s >= INIT)
		init_module();
	else
		write_tdmr();
	if (s == BEFORE_LP)
		expect(TDX_SUCCESS, TDH_SYS_INIT, 0, 0, 0, 0);
	if (s >= CONFIGURED)
		configure_module();
	if (s == BEFORE_TDMR)
		expect(TDX_SUCCESS, TDH_SYS_KEY_CONFIG, 0, 0, 0, 0);
	if (s >= READY)
		ready_module();
	if (s == SHUT)
		expect(TDX_SUCCESS, TDH_SYS_SHUTDOWN, SIM_HANDOFF_VERSION, 0, 0, 0);
}

static void build(enum state s)
{
	fresh_module(NULL);
	build_module(s);
	if (s < CREATED)
		return;
	build_td(s >= RUNNABLE ? RUNNABLE : s == NO_CHILDREN ? TABLES : s);
	switch (s) {
	case NO_CHILDREN:
		expect(TDX_SUCCESS, TDH_MEM_PAGE_REMOVE, GPA, TDR, 0, 0);
		break;
	case GPA_BLOCKED:
		expect(TDX_SUCCESS, TDH_MEM_RANGE_BLOCK, GPA, TDR, 0, 0);
		break;
	case TRACKED:
		block(GPA);
		break;
	case BIG_TRACKED:
	case BIG_TEARDOWN:
		expect(TDX_SUCCESS, TDH_MEM_PAGE_AUG, BIG_GPA | 1, TDR, BIG_PAGE, 0);
		if (s == BIG_TRACKED)
			block(BIG_GPA | 1);
		break;
	case SMALL_TRACKED:
		expect(TDX_SUCCESS, TDH_MEM_SEPT_ADD, BIG_GPA | 1, TDR, GUEST(9), 0);
		for (int i = 0; i < 512; i++)
			expect(TDX_SUCCESS, TDH_MEM_PAGE_AUG, BIG_GPA + i * 4096, TDR,
			       BIG_PAGE + i * 4096, 0);
		block(BIG_GPA | 1);
		break;
	default:
		break;
	}
	if (s >= VPFLUSH)
		teardown(s);
}

/* --- answers ---------------------------------------------------------------------------- */

struct call {
	const char *source, *state_name;
	enum state state;
	uint64_t rax, rcx, rdx, r8, r9, status;
};

#define RAX(leaf, version) ((uint64_t)(leaf) | (uint64_t)(version) << TDX_LEAF_VERSION_SHIFT)

static const struct call rows[] = {
#define ROW(source, state, leaf, version, rcx, rdx, r8, r9, status) \
	{ source, #state, state, RAX(leaf, version), rcx, rdx, r8, r9, status },
#define GOOD(...)
#define ABSENT(leaf)
#include "conformance_rows.h"
};

static const struct call good[] = {
#define ROW(...)
#define GOOD(state, leaf, version, rcx, rdx, r8, r9) \
	{ "", #state, state, RAX(leaf, version), rcx, rdx, r8, r9, TDX_SUCCESS },
#define ABSENT(leaf)
#include "conformance_rows.h"
};

static const uint16_t absent[] = {
#define ROW(...)
#define GOOD(...)
#define ABSENT(leaf) leaf,
#include "conformance_rows.h"
};

/* --- who owns what ------------------------------------------------------------------------ */

#define NR_PAGES	((RAM_START + RAM_SIZE) / 4096)

struct owners {
	bool private[NR_PAGES];
	bool owned[NR_PAGES];		/* any line of it */
};

static struct owners before, after;

static void look(struct owners *o)
{
	for (uint64_t i = RAM_START / 4096; i < NR_PAGES; i++) {
		o->private[i] = pamt_private(i * 4096);
		o->owned[i] = mem_page_owned(i * 4096) != 0;
	}
}

static void nothing_changed(const struct call *c, const char *when)
{
	look(&after);
	if (memcmp(&before, &after, sizeof(before)))
		fail_msg("%s in %s: pages change hands %s", tdx_leaf_name(c->rax), c->state_name,
			 when);
}

static struct seam_regs make(const struct call *c)
{
	return seamcall(c->rax, c->rcx, c->rdx, c->r8, c->r9);
}

static void test_answers(void **state)
{
	unsigned int wrong = 0;

	(void)state;
	for (unsigned int i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct seam_regs r;

		build(rows[i].state);
		look(&before);
		r = make(&rows[i]);
		if (r.vmfail || r.rax != rows[i].status) {
			print_error("%s version %lu in %s: %#lx, must be %#lx (%s)\n",
				    tdx_leaf_name(rows[i].rax), rows[i].rax >> 16 & 0xff,
				    rows[i].state_name, r.rax, rows[i].status, rows[i].source);
			wrong++;
		}
		if (rows[i].status & TDX_STATUS_ERROR)
			nothing_changed(&rows[i], "although it fails");
	}
	print_message("%zu answers compared\n", G_N_ELEMENTS(rows));
	assert_int_equal(wrong, 0);
}

/* --- effects --------------------------------------------------------------------------- */

static const struct effect_row {
	uint16_t leaf;
	enum tdx_page_operand operand;
	enum tdx_page_size_source size;
	enum tdx_effect effect;
} effects[] = {
#define TDX_LEAF(leaf, operand, size, version, effect) \
	{ leaf, TDX_OPERAND_##operand, TDX_SIZE_##size, TDX_EFFECT_##effect },
#include "tdx/leaf_effects.h"
};

static uint64_t pages_of(const struct effect_row *e, const struct call *c,
			 const struct seam_regs *out)
{
	switch (e->size) {
	case TDX_SIZE_LEVEL:
		return 1ULL << (9 * (c->rcx & 7));
	case TDX_SIZE_R8_OUT:
		return 1ULL << (9 * out->r8);
	default:
		return 1;
	}
}

#define REQUIRE(what, ...) \
	do { if (!(what)) fail_msg(__VA_ARGS__); } while (0)

/* The page that operand names is private, all of it owned; it was not. */
static void check_taken(const struct call *c, uint64_t page, uint64_t n)
{
	for (uint64_t i = page / 4096; i < page / 4096 + n; i++)
		REQUIRE(!before.private[i] && after.private[i] && after.owned[i],
			"%s in %s: page %#lx is not taken", tdx_leaf_name(c->rax), c->state_name,
			i * 4096);
}

/* Pages that are private before and not after; each must be dirty. */
static uint64_t count_returned(const struct call *c)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < NR_PAGES; i++) {
		if (!before.private[i] || after.private[i])
			continue;
		REQUIRE(after.owned[i], "%s in %s: page %#lx comes back normal, must be dirty",
			tdx_leaf_name(c->rax), c->state_name, i * 4096);
		n++;
	}
	return n;
}

static uint64_t count_taken(void)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < NR_PAGES; i++)
		n += !before.private[i] && after.private[i];
	return n;
}

static void check_effect(const struct effect_row *e, const struct call *c,
			 const struct seam_regs *out)
{
	uint64_t page = e->operand == TDX_OPERAND_RCX ? c->rcx : c->r8, n = pages_of(e, c, out);
	const char *name = tdx_leaf_name(c->rax);
	uint64_t taken, returned;

	look(&after);
	taken = count_taken();
	returned = e->effect == TDX_EFFECT_ALL_NORMAL ? 0 : count_returned(c);
	switch (e->effect) {
	case TDX_EFFECT_NONE:
	case TDX_EFFECT_UPDATES:
		nothing_changed(c, "although the table says none does");
		break;
	case TDX_EFFECT_TAKES:
		check_taken(c, page, n);
		REQUIRE(taken == n && !returned, "%s: takes %lu pages, returns %lu", name, taken,
			returned);
		break;
	case TDX_EFFECT_RETURNS:
		REQUIRE(!taken && returned == n, "%s: takes %lu pages, returns %lu, not %lu", name,
			taken, returned, n);
		if (e->operand == TDX_OPERAND_RCX)
			REQUIRE(!after.private[page / 4096], "%s: not the page it names", name);
		break;
	case TDX_EFFECT_MOVES:
		check_taken(c, page, n);
		REQUIRE(taken == n && returned == n, "%s: takes %lu pages, returns %lu", name,
			taken, returned);
		break;
	case TDX_EFFECT_CONFIGURES:
		REQUIRE(!returned && taken == (c->rax == TDH_SYS_TDMR_INIT ? PAMT_PAGES : 0),
			"%s: takes %lu pages", name, taken);
		break;
	case TDX_EFFECT_ALL_NORMAL:
		for (uint64_t i = 0; i < NR_PAGES; i++)
			REQUIRE(!after.private[i] && !after.owned[i], "%s: page %#lx is not normal",
				name, i * 4096);
		break;
	default:
		fail_msg("%s: effect unknown", name);
	}
}

static const struct effect_row *effect_of(uint64_t rax)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(effects); i++)
		if (effects[i].leaf == (rax & TDX_LEAF_MASK))
			return &effects[i];
	return NULL;
}

static void build_good(const struct call *c)
{
	build(c->state);
	if ((c->rax & TDX_LEAF_MASK) == TDH_SYS_DISABLE)
		tdx.cfg.sys_disable = SYS_DISABLE_ROUNDS;
	look(&before);
}

static void test_effects_of_success(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < G_N_ELEMENTS(good); i++) {
		const struct effect_row *e = effect_of(good[i].rax);
		struct seam_regs r;

		assert_non_null(e);
		build_good(&good[i]);
		r = make(&good[i]);
		if (r.vmfail || r.rax != TDX_SUCCESS)
			fail_msg("%s in %s: %#lx", tdx_leaf_name(good[i].rax), good[i].state_name,
				 r.rax);
		check_effect(e, &good[i], &r);
	}
	print_message("%zu successful calls, all pages compared\n", G_N_ELEMENTS(good));
}

static void test_effects_of_failure(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < G_N_ELEMENTS(good); i++) {
		uint64_t nr = good[i].rax & TDX_LEAF_MASK;

		build_good(&good[i]);
		tdx.inject[nr].status = TDX_OPERAND_BUSY | OP_RCX;
		tdx.inject[nr].count = 1;
		assert_int_equal(make(&good[i]).rax, TDX_OPERAND_BUSY | OP_RCX);
		nothing_changed(&good[i], "although it fails");
		assert_int_equal(make(&good[i]).rax, TDX_SUCCESS);
	}
}

/* Every row of the table of effects is tried, or known not to be there. */
static void test_every_leaf_of_the_table(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < G_N_ELEMENTS(effects); i++) {
		bool tried = false, missing = false;

		for (unsigned int j = 0; j < G_N_ELEMENTS(good); j++)
			tried |= (good[j].rax & TDX_LEAF_MASK) == effects[i].leaf;
		for (unsigned int j = 0; j < G_N_ELEMENTS(absent); j++)
			missing |= absent[j] == effects[i].leaf;
		if (tried == missing)
			fail_msg("leaf %u: no right call of it in conformance_rows.h",
				 effects[i].leaf);
		if (!missing)
			continue;
		build(RUNNABLE);
		look(&before);
		expect(TDX_OPERAND_INVALID, effects[i].leaf, 0, 0, 0, 0);
		nothing_changed(&(struct call){ .rax = effects[i].leaf, .state_name = "RUNNABLE" },
				"although it is refused");
		assert_true(effects[i].effect == TDX_EFFECT_NONE ||
			    effects[i].effect == TDX_EFFECT_UPDATES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_effects_of_success),
		cmocka_unit_test(test_effects_of_failure),
		cmocka_unit_test(test_every_leaf_of_the_table),
	};

	return cmocka_run_group_tests_name("sim-conformance", tests, NULL, NULL);
}
