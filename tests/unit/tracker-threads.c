// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tracker, many callers at a time.  Each thread owns every fourth page, so
 * all threads change the same words; readers run beside them.  No update may
 * be lost and no foreign page may ever be touched.  Compiled for each backend:
 * TEST_BACKEND.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <cmocka.h>

#include <linux/gfp.h>
#include <linux/kernel.h>

#include "tracker.h"

#define WRITERS 4
#define ROUNDS 400
/* over the border of two sections */
#define FIRST ((u64)PRIVATE_MAP_SECTION_PAGES - 128)
#define PAGES 256
#define ALWAYS (FIRST + PAGES)	/* stays in the set all the time */
#define NEVER (FIRST - 1)

long shim_pages_until_failure = -1;
long shim_pages_held;

static struct tracker tracker;
static int writers_running;

/* Sets and clears its own pages; checks each answer. */
static void *writer(void *arg)
{
	u64 mine = (uintptr_t)arg;
	uintptr_t wrong = 0;
	int round;
	u64 pfn;

	for (round = 0; round < ROUNDS; round++) {
		for (pfn = FIRST + mine; pfn < FIRST + PAGES; pfn += WRITERS) {
			wrong += tracker_set(&tracker, pfn, 1) != 1;
			wrong += !tracker_test(&tracker, pfn);
		}
		for (pfn = FIRST + mine; pfn < FIRST + PAGES; pfn += WRITERS) {
			wrong += tracker_clear(&tracker, pfn, 1) != 1;
			wrong += tracker_test(&tracker, pfn);
		}
	}
	/* leaves every second of its pages behind */
	for (pfn = FIRST + mine; pfn < FIRST + PAGES; pfn += 2 * WRITERS)
		wrong += tracker_set(&tracker, pfn, 1) != 1;
	return (void *)wrong;
}

/* Sees the constant pages right whatever the writers do. */
static void *reader(void *arg)
{
	uintptr_t wrong = 0;

	(void)arg;
	while (__atomic_load_n(&writers_running, __ATOMIC_ACQUIRE)) {
		struct tracker_range range = { };

		wrong += !tracker_test(&tracker, ALWAYS);
		wrong += tracker_test(&tracker, NEVER);
		while (tracker_next(&tracker, range.pfn + range.nr, U64_MAX, &range))
			wrong += range.pfn < FIRST || range.pfn + range.nr > ALWAYS + 1 ||
				 !range.nr;
	}
	return (void *)wrong;
}

static void neighbours(void **state)
{
	pthread_t writers[WRITERS], readers[2];
	uintptr_t i;
	void *wrong;
	u64 pfn;

	(void)state;
	assert_int_equal(tracker_create(&tracker, TEST_BACKEND, 2 * FIRST), 0);
	assert_int_equal(tracker_populate(&tracker, 0, ALWAYS + 1), 0);
	assert_int_equal(tracker_set(&tracker, ALWAYS, 1), 1);

	writers_running = 1;
	for (i = 0; i < ARRAY_SIZE(readers); i++)
		assert_int_equal(pthread_create(&readers[i], NULL, reader, NULL), 0);
	for (i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, writer,
						(void *)i), 0);
	for (i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(writers[i], &wrong), 0);
		assert_int_equal((uintptr_t)wrong, 0);
	}
	__atomic_store_n(&writers_running, 0, __ATOMIC_RELEASE);
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		assert_int_equal(pthread_join(readers[i], &wrong), 0);
		assert_int_equal((uintptr_t)wrong, 0);
	}

	assert_int_equal(tracker_count(&tracker), PAGES / 2 + 1);
	for (pfn = FIRST; pfn < FIRST + PAGES; pfn++)
		assert_int_equal(tracker_test(&tracker, pfn),
				 (pfn - FIRST) % (2 * WRITERS) < WRITERS);
	tracker_destroy(&tracker);
	assert_int_equal(shim_pages_held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
