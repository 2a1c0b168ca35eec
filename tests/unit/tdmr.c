// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TDMRs: which GiB they cover, and that each page of a TDMR is either memory
 * that TDX may use or in a reserved area, never both, never neither.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/kernel.h>

#include "tdmr.h"

#define GIB		TDMR_ALIGN
#define MIB		(1ULL << 20)
#define PAGE		TDX_PAGE_SIZE
#define MAX		64

static const struct tdmr_limits limits = {
	.max_tdmrs = MAX, .max_reserved = 16, .entry = { 16, 16, 16 },
};

static unsigned int cover(const struct mem_range *r, unsigned int nr, u64 unit,
			  struct tdmr *tdmrs)
{
	return tdmr_cover(r, nr, unit, tdmrs, MAX);
}

/* A machine with 5 GiB: a hole below 4 GiB. */
static const struct mem_range pc[] = {
	{ MIB, 2 * GIB - 132 * 1024 }, { 4 * GIB, 7 * GIB },
};

static void test_cover(void **state)
{
	struct tdmr t[MAX];

	(void)state;
	assert_int_equal(cover(pc, 2, 0, t), 2);
	assert_true(t[0].base == 0 && t[0].size == 2 * GIB);
	assert_true(t[1].base == 4 * GIB && t[1].size == 3 * GIB);
	assert_int_equal(cover(pc, 2, GIB, t), 5);
	assert_true(t[1].base == GIB && t[2].base == 4 * GIB && t[4].size == GIB);
	assert_int_equal(cover(pc, 2, 2 * GIB, t), 3);
	assert_true(t[1].size == 2 * GIB && t[2].base == 6 * GIB && t[2].size == GIB);
}

/* Ranges in the same GiB share a TDMR; neighbours are joined when they may. */
static void test_cover_shared(void **state)
{
	const struct mem_range r[] = {
		{ MIB, GIB / 2 }, { GIB / 2 + PAGE, GIB - PAGE }, { GIB, GIB + PAGE },
		{ GIB + 2 * PAGE, 3 * GIB }, { 9 * GIB + PAGE, 9 * GIB + 2 * PAGE },
	};
	struct tdmr t[MAX];

	(void)state;
	assert_int_equal(cover(r, 5, 0, t), 2);
	assert_true(t[0].base == 0 && t[0].size == 3 * GIB);
	assert_true(t[1].base == 9 * GIB && t[1].size == GIB);
	assert_int_equal(cover(r, 5, GIB, t), 4);
}

/* More than there may be: counted, not written. */
static void test_cover_too_many(void **state)
{
	const struct mem_range r = { 0, 100 * GIB };
	struct tdmr t[MAX];

	(void)state;
	assert_int_equal(cover(&r, 1, GIB, t), 100);
	assert_int_equal(cover(&r, 1, 2 * GIB, t), 50);
}

static void test_pamt_size(void **state)
{
	const struct tdmr t = { .size = 3 * GIB };

	(void)state;
	assert_int_equal(tdmr_pamt_size(&t, &limits, TDX_PS_4K), 12 * MIB);
	assert_int_equal(tdmr_pamt_size(&t, &limits, TDX_PS_2M), 6 * PAGE);
	assert_int_equal(tdmr_pamt_size(&t, &limits, TDX_PS_1G), PAGE);
	assert_int_equal(tdmr_info_size(&limits), 512);
	assert_int_equal(tdmr_info_size(&(struct tdmr_limits){ .max_reserved = 32 }), 1024);
}

static bool in(u64 pa, u64 start, u64 end)
{
	return pa >= start && pa < end;
}

/* What the answer has to be for one page, by asking everything. */
static bool usable(u64 pa, const struct tdmr *t, unsigned int nr_t,
		   const struct mem_range *r, unsigned int nr_r)
{
	bool memory = false;

	for (unsigned int i = 0; i < nr_r; i++)
		memory |= in(pa, r[i].start, r[i].end);
	for (unsigned int i = 0; i < nr_t; i++)
		for (int l = 0; l < TDMR_LEVELS; l++)
			if (in(pa, t[i].pamt[l].start, t[i].pamt[l].end))
				return false;
	return memory;
}

/* Every page of the TDMR at which something could change, and its neighbours. */
static void check_info(const struct tdmr *t, unsigned int nr_t, unsigned int index,
		       const struct mem_range *r, unsigned int nr_r, const u64 *info,
		       u64 step)
{
	u64 last = 0;

	assert_true(info[0] == t[index].base && info[1] == t[index].size);
	for (int l = 0; l < TDMR_LEVELS; l++) {
		assert_true(info[2 + 2 * (2 - l)] == t[index].pamt[l].start);
		assert_true(info[3 + 2 * (2 - l)] == t[index].pamt[l].end - t[index].pamt[l].start);
	}
	for (int i = 0; i < limits.max_reserved && info[9 + 2 * i]; i++) {
		assert_true(i == 0 || info[8 + 2 * i] > last);	/* neighbours are one */
		last = info[8 + 2 * i] + info[9 + 2 * i];
		assert_true(last <= t[index].size);
	}
	for (u64 offset = 0; offset < t[index].size; offset += step) {
		bool reserved = false;

		for (int i = 0; i < limits.max_reserved; i++)
			reserved |= in(offset, info[8 + 2 * i], info[8 + 2 * i] + info[9 + 2 * i]);
		assert_int_equal(reserved, !usable(t[index].base + offset, t, nr_t, r, nr_r));
	}
}

static void test_info(void **state)
{
	struct tdmr t[MAX];
	u64 info[512 / sizeof(u64)];
	unsigned int nr = cover(pc, 2, GIB, t);

	(void)state;
	/* The PAMTs of all of them in two TDMRs. */
	for (unsigned int i = 0; i < nr; i++) {
		u64 base = 4 * GIB + i * 8 * MIB;

		t[i].pamt[0] = (struct mem_range){ base, base + 4 * MIB };
		base = GIB + 64 * MIB + i * 3 * PAGE;
		t[i].pamt[1] = (struct mem_range){ base, base + 2 * PAGE };
		t[i].pamt[2] = (struct mem_range){ base + 2 * PAGE, base + 3 * PAGE };
	}
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(tdmr_fill_info(t, nr, i, pc, 2, &limits, info), 0);
		check_info(t, nr, i, pc, 2, info, PAGE);
	}
	assert_true(info[8] == 0 || info[9]);
}

static void test_info_full(void **state)
{
	struct mem_range r[40];
	struct tdmr t[MAX];
	u64 info[512 / sizeof(u64)];

	(void)state;
	for (int i = 0; i < 40; i++)
		r[i] = (struct mem_range){ i * 16 * MIB, i * 16 * MIB + 8 * MIB };
	assert_int_equal(cover(r, 15, 0, t), 1);
	assert_int_equal(tdmr_fill_info(t, 1, 0, r, 15, &limits, info), 0);
	check_info(t, 1, 0, r, 15, info, PAGE);
	assert_int_equal(cover(r, 17, 0, t), 1);
	assert_int_equal(tdmr_fill_info(t, 1, 0, r, 17, &limits, info), -ENOSPC);
}

/* Memory of any shape, at 16 MiB so that there are few pages to ask for. */
static void test_random(void **state)
{
	u64 info[512 / sizeof(u64)];
	struct mem_range r[12];
	struct tdmr t[MAX];

	(void)state;
	srand(1);
	for (int round = 0; round < 2000; round++) {
		u64 pos = rand() % 8 * 16 * MIB, unit = rand() % 3 * GIB;
		unsigned int nr_r = rand() % 12 + 1, nr;

		for (unsigned int i = 0; i < nr_r; i++) {
			r[i].start = pos;
			r[i].end = pos + (rand() % 100 + 1) * 16 * MIB;
			pos = r[i].end + rand() % 40 * 16 * MIB;
		}
		nr = cover(r, nr_r, unit, t);
		assert_in_range(nr, 1, MAX);
		for (unsigned int i = 0; i < nr; i++) {
			const struct mem_range *in_range = &r[rand() % nr_r];

			assert_true(!i || t[i].base >= t[i - 1].base + t[i - 1].size);
			assert_true(!unit || t[i].size <= unit);
			t[i].pamt[0] = (struct mem_range){ in_range->start,
				in_range->start + 16 * MIB };
		}
		for (unsigned int i = 0; i < nr; i++) {
			int ret = tdmr_fill_info(t, nr, i, r, nr_r, &limits, info);

			if (!ret)
				check_info(t, nr, i, r, nr_r, info, 16 * MIB);
		}
		for (unsigned int i = 0; i < nr_r; i++)
			for (u64 pa = r[i].start; pa < r[i].end; pa += 16 * MIB) {
				bool covered = false;

				for (unsigned int j = 0; j < nr; j++)
					covered |= in(pa, t[j].base, t[j].base + t[j].size);
				assert_true(covered);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cover),
		cmocka_unit_test(test_cover_shared),
		cmocka_unit_test(test_cover_too_many),
		cmocka_unit_test(test_pamt_size),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_info_full),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
