// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What only the xarray backend has: large entries and their cutting, a reserve
 * that can run out, nodes that are freed later, a lock whose owner can be
 * stopped, a map that is a tree.  Through all of it no update may allocate or
 * free, which the shim of the kernel's slab and RCU counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>

#include "../sim/map.h"
#include "linux-xarray.h"
#include "tracker_xarray.h"

#define GIB (1ULL << 18)	/* in pages, as all below */
#define MIB2 512ULL
#define END (16 * GIB)

long shim_pages_until_failure = -1;
long shim_pages_held;

static struct tracker tracker;
static int times_lost;

static void lost(void)
{
	times_lost++;
}

static void maintain(void)
{
	shim_atomic_context = false;
	xarray_maintain(tracker.xarray);
	shim_grace_period();
	shim_atomic_context = true;
}

static int make_tracker(void **state)
{
	(void)state;
	assert_int_equal(tracker_create(&tracker, TRACKER_XARRAY, END), 0);
	tracker.lost = lost;
	times_lost = 0;
	shim_rule_breaks = 0;
	shim_atomic_context = true;
	return 0;
}

static int drop_tracker(void **state)
{
	(void)state;
	assert_int_equal(shim_rule_breaks, 0);
	shim_atomic_context = false;
	tracker_destroy(&tracker);
	shim_grace_period();
	assert_int_equal(shim_pages_held, 0);
	assert_int_equal(shim_nodes_held, 0);
	return 0;
}

/* Nodes in the tree, besides the root. */
static long nodes_used(void)
{
	return shim_nodes_held - tracker.xarray->nr_reserve - 1;
}

static void large_pages_are_one_entry(void **state)
{
	(void)state;
	/* 16 GiB: the root's slots are GiB (the next level would be 64 GiB) */
	assert_int_equal(tracker_set(&tracker, GIB, GIB), GIB);
	assert_int_equal(nodes_used(), 0);
	assert_int_equal(xa_to_value(xa_load(&tracker.xarray->xa, GIB)), 1);
	assert_int_equal(xa_get_order(&tracker.xarray->xa, GIB), 18);

	assert_int_equal(tracker_set(&tracker, 2 * GIB + MIB2, MIB2), MIB2);
	assert_int_equal(xa_get_order(&tracker.xarray->xa, 2 * GIB + MIB2), 9);
	assert_int_equal(nodes_used(), 2);
	assert_int_equal(tracker_count(&tracker), GIB + MIB2);
	assert_int_equal(tracker_clear_all(&tracker), GIB + MIB2);
	maintain();
	assert_int_equal(nodes_used(), 0);
}

static void cut(void **state)
{
	struct tracker_range range;
	u64 page = GIB + 12345;

	(void)state;
	tracker_set(&tracker, GIB, GIB);
	assert_int_equal(tracker_clear(&tracker, page, 1), 1);
	assert_int_equal(nodes_used(), 3);
	assert_false(tracker_test(&tracker, page));
	assert_true(tracker_next(&tracker, 0, END, &range));
	assert_int_equal(range.pfn, GIB);
	assert_int_equal(range.nr, 12345);
	assert_true(tracker_next(&tracker, page, END, &range));
	assert_int_equal(range.pfn, page + 1);
	assert_int_equal(range.nr, GIB - 12346);

	/* 2 MiB in one entry: a page of it, half of it */
	tracker_set(&tracker, 5 * GIB, 2 * MIB2);
	assert_int_equal(tracker_clear(&tracker, 5 * GIB + 3, 1), 1);
	assert_int_equal(tracker_clear(&tracker, 5 * GIB + MIB2, MIB2 / 2), MIB2 / 2);
	assert_int_equal(tracker_count(&tracker), GIB - 1 + 2 * MIB2 - 1 - MIB2 / 2);
	assert_true(tracker_test(&tracker, 5 * GIB + 2));
	assert_true(tracker_test(&tracker, 5 * GIB + MIB2 + MIB2 / 2));
	/* set again what was cut, over nodes */
	assert_int_equal(tracker_set(&tracker, GIB, GIB), 1);
	assert_int_equal(tracker_set(&tracker, 5 * GIB, 2 * MIB2), 1 + MIB2 / 2);
	assert_int_equal(tracker_count(&tracker), GIB + 2 * MIB2);
}

static void empty_nodes_are_freed(void **state)
{
	u64 pfn;

	(void)state;
	for (pfn = 0; pfn < END; pfn += 4099)
		assert_int_equal(tracker_set(&tracker, pfn, 1), 1);
	assert_true(nodes_used() > 1000);
	maintain();
	for (pfn = 0; pfn < END; pfn += 4099)
		assert_int_equal(tracker_clear(&tracker, pfn, 1), 1);
	assert_true(tracker.xarray->nr_idle > 1000);
	assert_true(tracker.xarray->wake.queued);
	/* One comes back before the worker does. */
	assert_int_equal(tracker_set(&tracker, 4099, 1), 1);
	maintain();
	assert_int_equal(tracker.xarray->nr_idle, 0);
	assert_int_equal(nodes_used(), 3);
	assert_true(tracker_test(&tracker, 4099));
	assert_int_equal(tracker.xarray->nr_reserve, RESERVE_NODES);
}

static void empty_reserve_is_told(void **state)
{
	u64 pfn, set = 0;

	(void)state;
	tracker_set(&tracker, 10 * GIB, GIB);
	for (pfn = 0; pfn < 8 * GIB && tracker.xarray->nr_reserve; pfn += 131)
		set += tracker_set(&tracker, pfn, 1);
	assert_int_equal(times_lost, 0);

	/* No page is lost silently, and what needs no node goes on. */
	assert_int_equal(tracker_set(&tracker, 9 * GIB + 1, 1), -ENOMEM);
	assert_int_equal(times_lost, 1);
	assert_false(tracker_test(&tracker, 9 * GIB + 1));
	assert_int_equal(tracker_set(&tracker, 9 * GIB, GIB), GIB);
	assert_int_equal(tracker_set(&tracker, 1, 1), 1);

	/* What cannot be cut stays. */
	assert_int_equal(tracker_clear(&tracker, 10 * GIB + 5, 1), 0);
	assert_int_equal(times_lost, 2);
	assert_true(tracker_test(&tracker, 10 * GIB + 5));
	assert_int_equal(tracker_count(&tracker), set + 1 + 2 * GIB);

	maintain();
	assert_int_equal(tracker_clear(&tracker, 10 * GIB + 5, 1), 1);
	assert_int_equal(tracker_set(&tracker, 12 * GIB + 1, 1), 1);
	assert_int_equal(times_lost, 2);
}

/* The lock's owner was stopped: a crash. */
static void stopped_owner(void **state)
{
	struct tracker_xarray *set;

	(void)state;
	set = tracker.xarray;
	tracker_set(&tracker, 100, 3);
	tracker_set(&tracker, GIB, GIB);
	tracker_set(&tracker, 4 * GIB, MIB2);
	assert_true(xa_trylock(&set->xa));

	assert_int_equal(tracker_clear(&tracker, 101, 1), 1);
	assert_true(set->stuck);
	assert_false(tracker_test(&tracker, 101));
	assert_true(tracker_test(&tracker, 100));
	assert_true(tracker_test(&tracker, 102));
	assert_int_equal(tracker_clear(&tracker, 4 * GIB, MIB2), MIB2);
	/* Half of an entry: it stays as a whole. */
	assert_int_equal(tracker_clear(&tracker, GIB, GIB / 2), 0);
	assert_true(tracker_test(&tracker, GIB));
	assert_int_equal(tracker_clear_all(&tracker), 2 + GIB);
	assert_int_equal(tracker_count(&tracker), 0);

	/* He was only slow. */
	xa_unlock(&set->xa);
	assert_int_equal(tracker_set(&tracker, 101, 1), 1);
	assert_false(set->stuck);
	assert_int_equal(tracker_clear(&tracker, 101, 1), 1);
}

static int read_memory(void *from, uint64_t pa, void *buf, size_t len)
{
	(void)from;
	if (pa < 4096)
		return -1;
	memcpy(buf, phys_to_virt(pa), len);
	return 0;
}

static void expect_fault(void **slot, u64 word)
{
	void *whole = *slot;
	struct map map;

	*slot = (void *)(uintptr_t)word;
	assert_int_equal(map_read(&map, read_memory, NULL, virt_to_phys(tracker.map)), -1);
	assert_non_null(map.fault);
	map_free(&map);
	*slot = whole;
}

static void read_from_outside(void **state)
{
	struct xa_node *root;
	struct map map;
	u64 pfn;

	(void)state;
	tracker_set(&tracker, GIB, GIB);
	tracker_clear(&tracker, GIB + 77, 1);
	tracker_set(&tracker, 3 * GIB + MIB2, MIB2);
	tracker_set(&tracker, 3 * GIB + 1, 1);
	tracker_clear(&tracker, 3 * GIB + 1, 1);
	assert_int_equal(map_read(&map, read_memory, NULL, virt_to_phys(tracker.map)), 0);
	assert_int_equal(map.pages, tracker_count(&tracker));
	for (pfn = 0; pfn < END; pfn++)
		assert_int_equal(map_has(&map, pfn << 12), tracker_test(&tracker, pfn));
	map_free(&map);

	/* Damaged: said so, not guessed. */
	for (u64 i = 0; i < 5; i++) {
		static const u64 words[] = { 0, 1, 6, 8 | 2, 0x1000 | 4 };

		expect_fault(&tracker.xarray->xa.xa_head, words[i]);
	}
	root = xa_to_node(tracker.xarray->xa.xa_head);
	/* itself; a sibling of what comes later; aligned nonsense */
	expect_fault(&root->slots[5], (u64)(uintptr_t)tracker.xarray->xa.xa_head);
	expect_fault(&root->slots[5], 9 << 2 | 2);
	expect_fault(&root->slots[5], 0x4444);
}

/* Large and small steps over 16 GiB, the worker now and then. */
static void against_a_model(void **state)
{
	static unsigned char model[END];
	u64 count = 0;
	int step;

	(void)state;
	srandom(2);
	for (step = 0; step < 6000; step++) {
		static const u64 sizes[] = { 1, 1, 64, MIB2, 4096, GIB };
		u64 size = sizes[random() % ARRAY_SIZE(sizes)];
		u64 pfn = random() % END / size * size;
		u64 nr = size, expected = 0, i;

		if (size == GIB && random() % 16)
			continue;
		if (!(random() % 4)) {
			pfn += random() % size;
			nr = 1 + random() % 700;
		}
		nr = min(nr, END - pfn);
		for (i = pfn; i < pfn + nr; i++) {
			expected += model[i] == (step & 1);
			model[i] = !(step & 1);
		}
		if (step & 1) {
			assert_int_equal(tracker_clear(&tracker, pfn, nr), expected);
			count -= expected;
		} else {
			assert_int_equal(tracker_set(&tracker, pfn, nr), expected);
			count += expected;
		}
		assert_int_equal(tracker_count(&tracker), count);
		if (!(step % 50))
			maintain();
		if (step % 1000)
			continue;
		for (i = 0; i < END; i++)
			if (tracker_test(&tracker, i) != model[i])
				fail_msg("page %llu after %d steps", (unsigned long long)i, step);
	}
	assert_int_equal(times_lost, 0);
}

/* The twin: the xarray used plainly breaks the rule, and that is noticed. */
static void plain_use_is_noticed(void **state)
{
	struct xarray plain;

	(void)state;
	xa_init(&plain);
	xa_store(&plain, 5, xa_mk_value(1), GFP_NOWAIT);
	assert_true(shim_rule_breaks > 0);
	shim_rule_breaks = 0;
	xa_erase(&plain, 5);
	assert_true(shim_rule_breaks > 0);
	shim_rule_breaks = 0;
	xa_destroy(&plain);
}

#define WITH_TRACKER(test) \
	cmocka_unit_test_setup_teardown(test, make_tracker, drop_tracker)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRACKER(large_pages_are_one_entry),
		WITH_TRACKER(cut),
		WITH_TRACKER(empty_nodes_are_freed),
		WITH_TRACKER(empty_reserve_is_told),
		WITH_TRACKER(stopped_owner),
		WITH_TRACKER(read_from_outside),
		WITH_TRACKER(against_a_model),
		WITH_TRACKER(plain_use_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
