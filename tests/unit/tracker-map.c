// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The private map as an outside reader finds it: magic, checksum, table, bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>

#include "tracker.h"

#define SECTION ((u64)PRIVATE_MAP_SECTION_PAGES)

long shim_pages_until_failure = -1;
long shim_pages_held;

/* FNV-1a 64 written down a second time, over plain bytes. */
static u64 fnv1a(const unsigned char *bytes, size_t size)
{
	u64 hash = 14695981039346656037ULL;
	size_t i;

	for (i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 1099511628211ULL;
	return hash;
}

static void layout(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct private_map_header, magic), 0);
	assert_int_equal(offsetof(struct private_map_header, version), 8);
	assert_int_equal(offsetof(struct private_map_header, header_size), 12);
	assert_int_equal(offsetof(struct private_map_header, section_shift), 16);
	assert_int_equal(offsetof(struct private_map_header, backend), 20);
	assert_int_equal(offsetof(struct private_map_header, nr_sections), 24);
	assert_int_equal(offsetof(struct private_map_header, table_pa), 32);
	assert_int_equal(offsetof(struct private_map_header, direct_map), 40);
	assert_int_equal(offsetof(struct private_map_header, shift_at), 48);
	assert_int_equal(offsetof(struct private_map_header, slots_at), 52);
	assert_int_equal(offsetof(struct private_map_header, chunk_shift), 56);
	assert_int_equal(offsetof(struct private_map_header, coverage), 64);
	assert_int_equal(offsetof(struct private_map_header, checksum), 72);
	assert_int_equal(sizeof(struct private_map_header), 80);
	assert_int_equal(SECTION, 32768);
}

static void checksum(void **state)
{
	/* the published test vectors "" and "a" pin the algorithm down */
	struct private_map_header map = { };
	unsigned char *bytes = (unsigned char *)&map;
	u64 sum;
	size_t i;

	(void)state;
	assert_true(fnv1a(NULL, 0) == 0xcbf29ce484222325ULL);
	assert_true(fnv1a((const unsigned char *)"a", 1) == 0xaf63dc4c8601ec8cULL);

	memset(&map, 0x5a, sizeof(map));
	sum = private_map_checksum(&map);
	assert_true(sum == fnv1a(bytes, 64));
	for (i = 0; i < sizeof(map); i++) {
		bytes[i] ^= 1;
		assert_int_equal(private_map_checksum(&map) == sum, i >= 64);
		bytes[i] ^= 1;
	}
}

static void read_from_outside(void **state)
{
	const struct private_map_header *map;
	const unsigned char *bits;
	struct tracker tracker;
	const u64 *table;

	(void)state;
	assert_int_equal(tracker_create(&tracker, TRACKER_BITMAP, 3 * SECTION), 0);
	assert_int_equal(tracker_populate(&tracker, 0, SECTION), 0);
	assert_int_equal(tracker_populate(&tracker, 2 * SECTION, SECTION), 0);
	assert_int_equal(tracker_set(&tracker, 2 * SECTION + 11, 2), 2);

	/* from here on only what lies in memory */
	map = phys_to_virt(virt_to_phys(tracker.map));
	assert_memory_equal(&map->magic, "TDXPMAP1", 8);
	assert_int_equal(map->version, 2);
	assert_int_equal(map->header_size, sizeof(*map));
	assert_int_equal(map->section_shift, 27);
	assert_int_equal(map->backend, PRIVATE_MAP_BITMAP);
	assert_int_equal(map->nr_sections, 3);
	assert_int_equal(map->coverage, 0);
	assert_true(map->checksum == fnv1a((const unsigned char *)map, 64));
	assert_int_equal(virt_to_phys(map) % 4096, 0);

	table = phys_to_virt(map->table_pa);
	assert_int_not_equal(table[0], 0);
	assert_int_equal(table[1], 0);
	assert_int_equal(table[2] % 4096, 0);
	bits = phys_to_virt(table[2]);
	assert_int_equal(bits[0], 0);
	assert_int_equal(bits[1], 0x18);	/* bits 11 and 12 */
	assert_int_equal(bits[2], 0);

	tracker_destroy(&tracker);
	assert_int_equal(shim_pages_held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(checksum),
		cmocka_unit_test(read_from_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
