// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tracker, one caller at a time: every operation, holes, the edges of
 * words and sections, errors, what it costs; and a long random run against a plain
 * array.
 * Compiled for each backend: TEST_BACKEND.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>

#include "tracker.h"

#define SECTION ((u64)PRIVATE_MAP_SECTION_PAGES)
#define SECTIONS 5
/* This section has no memory; the xarray has room everywhere. */
#define IS_BITMAP (TEST_BACKEND == TRACKER_BITMAP)
#define HOLE (IS_BITMAP ? 2 : SECTIONS)
#define END (SECTIONS * SECTION)

long shim_pages_until_failure = -1;
long shim_pages_held;
unsigned long shim_words_read;

static struct tracker tracker;

static int make_tracker(void **state)
{
	(void)state;
	assert_int_equal(tracker_create(&tracker, TEST_BACKEND, END), 0);
	if (!IS_BITMAP)
		return 0;
	assert_int_equal(tracker_populate(&tracker, 0, HOLE * SECTION), 0);
	assert_int_equal(tracker_populate(&tracker, (HOLE + 1) * SECTION,
					  (SECTIONS - HOLE - 1) * SECTION), 0);
	return 0;
}

static int drop_tracker(void **state)
{
	(void)state;
	tracker_destroy(&tracker);
	assert_int_equal(shim_pages_held, 0);
	return 0;
}

static void expect_next(u64 from, u64 pfn, u64 nr)
{
	struct tracker_range range;

	assert_true(tracker_next(&tracker, from, U64_MAX, &range));
	assert_int_equal(range.pfn, pfn);
	assert_int_equal(range.nr, nr);
}

static void expect_no_next(u64 from, u64 end)
{
	struct tracker_range range = { .pfn = 7, .nr = 9 };

	assert_false(tracker_next(&tracker, from, end, &range));
	assert_int_equal(range.pfn, 7);
	assert_int_equal(range.nr, 9);
}

static void empty(void **state)
{
	(void)state;
	assert_int_equal(tracker_count(&tracker), 0);
	assert_int_equal(tracker_end(&tracker), END);
	assert_false(tracker_test(&tracker, 0));
	assert_int_equal(tracker_clear(&tracker, 0, END), 0);
	assert_int_equal(tracker_snapshot(&tracker, NULL, 0), 0);
	expect_no_next(0, U64_MAX);
}

static void one_page(void **state)
{
	(void)state;
	assert_int_equal(tracker_set(&tracker, 1000, 1), 1);
	assert_int_equal(tracker_set(&tracker, 1000, 1), 0);
	assert_int_equal(tracker_count(&tracker), 1);
	assert_true(tracker_test(&tracker, 1000));
	assert_false(tracker_test(&tracker, 999));
	assert_false(tracker_test(&tracker, 1001));
	expect_next(0, 1000, 1);
	expect_next(1000, 1000, 1);
	expect_no_next(1001, U64_MAX);
	expect_no_next(0, 1000);
	assert_int_equal(tracker_clear(&tracker, 1000, 1), 1);
	assert_int_equal(tracker_clear(&tracker, 1000, 1), 0);
	assert_int_equal(tracker_count(&tracker), 0);
}

static void ranges_add_up(void **state)
{
	(void)state;
	assert_int_equal(tracker_set(&tracker, 10, 100), 100);
	assert_int_equal(tracker_set(&tracker, 50, 100), 40);
	assert_int_equal(tracker_count(&tracker), 140);
	expect_next(0, 10, 140);
	expect_next(100, 100, 50);
	assert_int_equal(tracker_clear(&tracker, 0, 20), 10);
	assert_int_equal(tracker_clear(&tracker, 64, 64), 64);
	expect_next(0, 20, 44);
	expect_next(64, 128, 22);
	assert_int_equal(tracker_count(&tracker), 66);
}

static void next_stops_at_end(void **state)
{
	struct tracker_range range;

	(void)state;
	tracker_set(&tracker, 100, 100);
	assert_true(tracker_next(&tracker, 0, 150, &range));
	assert_int_equal(range.pfn, 100);
	assert_int_equal(range.nr, 50);
	expect_no_next(150, 150);
	expect_no_next(160, 150);
}

static void section_edges(void **state)
{
	(void)state;
	assert_int_equal(tracker_set(&tracker, SECTION - 1, 2), 2);
	assert_true(tracker_test(&tracker, SECTION - 1));
	assert_true(tracker_test(&tracker, SECTION));
	assert_false(tracker_test(&tracker, SECTION + 1));
	expect_next(0, SECTION - 1, 2);
	assert_int_equal(tracker_clear(&tracker, SECTION - 1, 1), 1);
	expect_next(0, SECTION, 1);

	/* a whole section, and one page more at each side */
	assert_int_equal(tracker_set(&tracker, 3 * SECTION, SECTION), SECTION);
	assert_int_equal(tracker_set(&tracker, 4 * SECTION, 1), 1);
	expect_next(2 * SECTION, 3 * SECTION, SECTION + 1);
	assert_int_equal(tracker_set(&tracker, END - 1, 1), 1);
	expect_next(4 * SECTION + 1, END - 1, 1);
}

#ifndef SHIM_XARRAY
static void holes(void **state)
{
	u64 hole = HOLE * SECTION;

	(void)state;
	assert_int_equal(tracker_set(&tracker, hole, 1), -ERANGE);
	assert_false(tracker_test(&tracker, hole));
	assert_int_equal(tracker_count(&tracker), 0);

	/* across a hole: what has room is in the set all the same */
	assert_int_equal(tracker_set(&tracker, hole - 3, SECTION + 6), -ERANGE);
	assert_int_equal(tracker_count(&tracker), 6);
	expect_next(0, hole - 3, 3);
	expect_next(hole, hole + SECTION, 3);
	assert_int_equal(tracker_clear(&tracker, hole - 3, SECTION + 6), 6);
}
#endif

static void beyond_the_end(void **state)
{
	(void)state;
	assert_int_equal(tracker_set(&tracker, END, 1), -ERANGE);
	assert_int_equal(tracker_set(&tracker, U64_MAX, 2), -ERANGE);
	assert_int_equal(tracker_count(&tracker), 0);
	assert_int_equal(tracker_set(&tracker, END - 1, 2), -ERANGE);
	assert_int_equal(tracker_count(&tracker), 1);
	assert_false(tracker_test(&tracker, END));
	assert_false(tracker_test(&tracker, U64_MAX));
	expect_no_next(END, U64_MAX);
	assert_int_equal(tracker_clear(&tracker, END, 1), 0);
	assert_int_equal(tracker_clear(&tracker, END - 1, 100), 1);
}

static void populate_again(void **state)
{
	(void)state;
	tracker_set(&tracker, 5, 1);
	assert_int_equal(tracker_populate(&tracker, 0, END), 0);
	assert_true(tracker_test(&tracker, 5));
	assert_int_equal(tracker_set(&tracker, 2 * SECTION, 1), 1);
	assert_int_equal(tracker_populate(&tracker, END, 1), -ERANGE);
	assert_int_equal(tracker_populate(&tracker, END - 1, 2), -ERANGE);
	assert_int_equal(tracker_populate(&tracker, END - 1, U64_MAX), -ERANGE);
	assert_int_equal(tracker_populate(&tracker, END, 0), 0);
}

static void snapshot(void **state)
{
	struct tracker_range ranges[3] = { };

	(void)state;
	tracker_set(&tracker, 1, 2);
	tracker_set(&tracker, 63, 2);
	tracker_set(&tracker, 3 * SECTION, 512);
	assert_int_equal(tracker_snapshot(&tracker, ranges, 2), 3);
	assert_int_equal(ranges[1].pfn, 63);
	assert_int_equal(ranges[2].nr, 0);
	assert_int_equal(tracker_snapshot(&tracker, ranges, 3), 3);
	assert_int_equal(ranges[0].pfn, 1);
	assert_int_equal(ranges[0].nr, 2);
	assert_int_equal(ranges[2].pfn, 3 * SECTION);
	assert_int_equal(ranges[2].nr, 512);
}

static void clear_all(void **state)
{
	(void)state;
	tracker_set(&tracker, 0, 1);
	tracker_set(&tracker, SECTION - 1, 2);
	tracker_set(&tracker, END - 1, 1);
	assert_int_equal(tracker_clear_all(&tracker), 4);
	assert_int_equal(tracker_count(&tracker), 0);
	expect_no_next(0, U64_MAX);
}

/* Ten thousand random steps against one byte a page. */
static void against_a_model(void **state)
{
	static unsigned char model[END];
	struct tracker_range range;
	u64 count = 0;
	int step;

	(void)state;
	memset(model, 0, sizeof(model));
	srandom(1);
	for (step = 0; step < 10000; step++) {
		/* short and long, often around the edge of a section */
		u64 pfn = step % 3 ? (u64)random() % END :
			  (u64)(random() % SECTIONS) * SECTION + 32 - random() % 64;
		u64 nr = 1 + random() % (step % 7 ? 100 : 3 * SECTION / 2);
		u64 expected = 0, i;
		bool hole = false;

		pfn = min(pfn, END - 1);
		nr = min(nr, END - pfn);
		for (i = pfn; i < pfn + nr; i++) {
			if (i / SECTION == HOLE)
				hole = true;
			else if (step & 1)
				expected += model[i];
			else
				expected += !model[i];
			if (i / SECTION != HOLE)
				model[i] = !(step & 1);
		}
		if (step & 1) {
			assert_int_equal(tracker_clear(&tracker, pfn, nr), expected);
			count -= expected;
		} else {
			assert_int_equal(tracker_set(&tracker, pfn, nr),
					 hole ? -ERANGE : (s64)expected);
			count += expected;
		}
		assert_int_equal(tracker_count(&tracker), count);
		if (step % 500)
			continue;
		for (i = 0; i < END; i++)
			assert_int_equal(tracker_test(&tracker, i), model[i]);
		/* and as ranges */
		for (i = 0; tracker_next(&tracker, i, END, &range); ) {
			for (; i < range.pfn; i++)
				assert_int_equal(model[i], 0);
			for (; i < range.pfn + range.nr; i++)
				assert_int_equal(model[i], 1);
			assert_true(i == END || !model[i]);
		}
		for (; i < END; i++)
			assert_int_equal(model[i], 0);
	}
}

#define TIB ((u64)1 << 28)	/* in pages */
#define TIB_SECTIONS (TIB / SECTION)
#define MIB_PAGES 256

#ifndef SHIM_XARRAY
static long pages_for(size_t bytes)
{
	return (bytes + SHIM_PAGE_SIZE - 1) / SHIM_PAGE_SIZE;
}

/* Memory for sections that have some: twelve bytes for any, one page for those. */
static void memory_where_populated(void **state)
{
	long tables = 1 + pages_for(TIB_SECTIONS * 8) + pages_for(TIB_SECTIONS * 4);
	long before = shim_pages_held;
	struct tracker large;

	(void)state;
	assert_int_equal(tracker_create(&large, TEST_BACKEND, TIB), 0);
	assert_int_equal(shim_pages_held - before, tables);
	assert_int_equal(tracker_populate(&large, 7, 1), 0);
	assert_int_equal(shim_pages_held - before, tables + 1);
	/* The end of one, another, the beginning of a third. */
	assert_int_equal(tracker_populate(&large, 100 * SECTION - 1, SECTION + 2), 0);
	assert_int_equal(shim_pages_held - before, tables + 4);
	/* What is there is not made again; what is set needs nothing more. */
	assert_int_equal(tracker_populate(&large, 100 * SECTION, SECTION), 0);
	assert_int_equal(tracker_set(&large, 100 * SECTION, SECTION), SECTION);
	assert_int_equal(tracker_set(&large, 200 * SECTION, 1), -ERANGE);
	assert_int_equal(shim_pages_held - before, tables + 4);
	/* 32 MiB for a TiB, and a tenth of one for the tables. */
	assert_int_equal(tracker_populate(&large, 0, TIB), 0);
	assert_int_equal(shim_pages_held - before - tables, 32 * MIB_PAGES);
	assert_true(tables <= MIB_PAGES / 10);
	tracker_destroy(&large);
	assert_int_equal(shim_pages_held, before);
}
#endif

/*
 * The next range of a TiB: words that are read.  The bitmap reads one for each
 * section without pages, at most all of one with; the xarray nodes on the way, of
 * 64 words each.
 */
static void few_words_are_read(void **state)
{
	unsigned long most = IS_BITMAP ? TIB_SECTIONS + 8 : 128;
	struct tracker_range range;
	struct tracker large;

	(void)state;
	assert_int_equal(tracker_create(&large, TEST_BACKEND, TIB), 0);
	assert_int_equal(tracker_populate(&large, 0, TIB), 0);
	shim_words_read = 0;
	assert_false(tracker_next(&large, 0, TIB, &range));
	print_message("%lu words read in an empty TiB", shim_words_read);
	assert_in_range(shim_words_read, 1, most);

	assert_int_equal(tracker_set(&large, TIB - 1, 1), 1);
	shim_words_read = 0;
	assert_true(tracker_next(&large, 0, TIB, &range));
	print_message(", %lu to its last page\n", shim_words_read);
	assert_int_equal(range.pfn, TIB - 1);
	assert_in_range(shim_words_read, 1, IS_BITMAP ? most + SECTION / 64 : 5 * 64);
	tracker_destroy(&large);
}

static void bad_sizes(void **state)
{
	struct tracker other;

	(void)state;
	assert_int_equal(tracker_create(&other, TEST_BACKEND, 0), -EINVAL);
	assert_int_equal(tracker_create(&other, (enum tracker_backend)0, 1), -EOPNOTSUPP);
	assert_int_equal(tracker_create(&other, TEST_BACKEND, 1), 0);
	assert_int_equal(tracker_end(&other), SECTION);
	tracker_destroy(&other);
}

static void out_of_memory(void **state)
{
	struct tracker other;
	long allowed;

	(void)state;
	for (allowed = 0; allowed < (IS_BITMAP ? 3 : 2); allowed++) {
		shim_pages_until_failure = allowed;
		assert_int_equal(tracker_create(&other, TEST_BACKEND, END), -ENOMEM);
		assert_int_equal(shim_pages_held, 0);
	}
	if (!IS_BITMAP) {
		shim_pages_until_failure = -1;
		return;
	}
	shim_pages_until_failure = 5;
	assert_int_equal(tracker_create(&other, TEST_BACKEND, END), 0);
	assert_int_equal(tracker_populate(&other, 0, END), -ENOMEM);
	shim_pages_until_failure = -1;
	tracker_destroy(&other);
	assert_int_equal(shim_pages_held, 0);
}

#define WITH_TRACKER(test) \
	cmocka_unit_test_setup_teardown(test, make_tracker, drop_tracker)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRACKER(empty),
		WITH_TRACKER(one_page),
		WITH_TRACKER(ranges_add_up),
		WITH_TRACKER(next_stops_at_end),
		WITH_TRACKER(section_edges),
#ifndef SHIM_XARRAY
		WITH_TRACKER(holes),
#endif
		WITH_TRACKER(beyond_the_end),
		WITH_TRACKER(populate_again),
		WITH_TRACKER(snapshot),
		WITH_TRACKER(clear_all),
		WITH_TRACKER(against_a_model),
#ifndef SHIM_XARRAY
		WITH_TRACKER(memory_where_populated),
#endif
		WITH_TRACKER(few_words_are_read),
		cmocka_unit_test(bad_sizes),
		cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
