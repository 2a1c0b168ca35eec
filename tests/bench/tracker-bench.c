// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the tracker costs, in userspace, both backends in one run beside what
 * they are made of: a plain bitmap (a locked instruction for each bit, nothing
 * else) and a plain xarray (xa_store(), xa_erase()).  Lines of words, for
 * tests/bench/tracker.sh:
 *
 *   pair STRUCTURE THREADS NS	CPU time of a set and a clear of one page, median
 *   next BACKEND TIB PERCENT EMPTY_OR_RANDOM_NS WALK_MS RANGES
 *   memory BACKEND WHAT MIB	for one TiB
 *
 * Rounds of the structures alternate.  Private memory of the searches comes in
 * 2 MiB frames, chosen by chance.  malloc() serves the xarray's nodes here.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <linux/gfp.h>
#include <linux/kernel.h>

#include "linux-xarray.h"
#include "tracker_xarray.h"

#define TIB ((u64)1 << 28)	/* in pages */
#define FRAME 512ULL
#define ROUNDS 11
#define PAIRS 200000
#define THREADS 2
#define LOOKS 20001

long shim_pages_until_failure = -1;
long shim_pages_held;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* The machine may have other work than ours. */
static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int smaller(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned int nr)
{
	qsort(values, nr, sizeof(*values), smaller);
	return values[nr / 2];
}

/* --- set and clear */
static struct tracker bitmap, tree;
static unsigned long *plain_bits;
static struct xarray plain_tree;

static void pair_plain_bitmap(u64 pfn)
{
	unsigned long mask = 1UL << pfn % 64;

	__atomic_fetch_or(&plain_bits[pfn / 64], mask, __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&plain_bits[pfn / 64], ~mask, __ATOMIC_SEQ_CST);
}

static void pair_bitmap(u64 pfn)
{
	tracker_set(&bitmap, pfn, 1);
	tracker_clear(&bitmap, pfn, 1);
}

static void pair_plain_xarray(u64 pfn)
{
	xa_store(&plain_tree, pfn, xa_mk_value(1), GFP_KERNEL);
	xa_erase(&plain_tree, pfn);
}

static void pair_xarray(u64 pfn)
{
	tracker_set(&tree, pfn, 1);
	tracker_clear(&tree, pfn, 1);
}

static const struct structure {
	const char *name;
	void (*pair)(u64 pfn);
} structures[] = {
	{ "plain-bitmap", pair_plain_bitmap },
	{ "bitmap", pair_bitmap },
	{ "plain-xarray", pair_plain_xarray },
	{ "xarray", pair_xarray },
};

struct job {
	void (*pair)(u64 pfn);
	u64 first;
	pthread_barrier_t *start;
	double ns;
};

/* Each thread has memory of its own, every second page of 128 MiB of it. */
static void *work(void *arg)
{
	struct job *job = arg;
	double begin;
	u64 i;

	pthread_barrier_wait(job->start);
	begin = cpu_ns();
	for (i = 0; i < PAIRS; i++)
		job->pair(job->first + i % 16384 * 2);
	job->ns = (cpu_ns() - begin) / PAIRS;
	return NULL;
}

/* The slowest thread's CPU time of a pair. */
static double round_of(void (*pair)(u64 pfn), unsigned int threads)
{
	pthread_t ids[THREADS];
	struct job jobs[THREADS];
	pthread_barrier_t start;
	double ns = 0;
	unsigned int i;

	pthread_barrier_init(&start, NULL, threads);
	for (i = 0; i < threads; i++) {
		jobs[i] = (struct job){ pair, i * (TIB / 16), &start, 0 };
		if (pthread_create(&ids[i], NULL, work, &jobs[i]))
			abort();
	}
	for (i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		ns = max(ns, jobs[i].ns);
	}
	pthread_barrier_destroy(&start);
	xarray_maintain(tree.xarray);
	shim_grace_period();
	return ns;
}

static void make(struct tracker *tracker, enum tracker_backend backend, u64 end)
{
	if (tracker_create(tracker, backend, end) || tracker_populate(tracker, 0, end))
		abort();
}

static void destroy(struct tracker *tracker)
{
	tracker_destroy(tracker);
	shim_grace_period();
}

static void bench_pairs(void)
{
	static double ns[ARRAY_SIZE(structures)][ROUNDS];
	unsigned int threads, round, i;

	make(&bitmap, TRACKER_BITMAP, TIB / 4);
	make(&tree, TRACKER_XARRAY, TIB / 4);
	xa_init(&plain_tree);
	plain_bits = calloc(TIB / 4 / 64, sizeof(*plain_bits));
	if (!plain_bits)
		abort();
	/* The pages between stay set, or a plain xarray would mostly make nodes. */
	for (threads = 0; threads < THREADS; threads++) {
		for (i = 1; i < 32768; i += 2) {
			u64 pfn = threads * (TIB / 16) + i;

			xa_store(&plain_tree, pfn, xa_mk_value(1), GFP_KERNEL);
			plain_bits[pfn / 64] |= 1UL << pfn % 64;
			tracker_set(&bitmap, pfn, 1);
			tracker_set(&tree, pfn, 1);
		}
	}
	for (threads = 1; threads <= THREADS; threads++) {
		for (i = 0; i < ARRAY_SIZE(structures); i++)
			round_of(structures[i].pair, threads);
		for (round = 0; round < ROUNDS; round++)
			for (i = 0; i < ARRAY_SIZE(structures); i++)
				ns[i][round] = round_of(structures[i].pair, threads);
		for (i = 0; i < ARRAY_SIZE(structures); i++)
			printf("pair %s %u %.1f\n", structures[i].name, threads,
			       median(ns[i], ROUNDS));
	}
	free(plain_bits);
	xa_destroy(&plain_tree);
	destroy(&bitmap);
	destroy(&tree);
}

/* --- search and memory */
static double mib_of(const struct tracker *tracker, long pages_before, long nodes_before)
{
	u64 bytes = (shim_pages_held - pages_before) * 4096ULL;

	if (tracker_is_xarray(tracker))
		bytes += (shim_nodes_held - nodes_before) * sizeof(struct xa_node);
	return bytes / 1048576.0;
}

static void fill(struct tracker *tracker, u64 end, unsigned int percent, u64 size)
{
	u64 pfn;

	srandom(7);
	for (pfn = 0; pfn < end; pfn += size) {
		if ((unsigned int)(random() % 100) >= percent)
			continue;
		if (tracker_set(tracker, pfn, size) != (s64)size)
			abort();
		if (tracker_is_xarray(tracker) && tracker->xarray->nr_reserve < RESERVE_NODES / 2)
			xarray_maintain(tracker->xarray);
	}
}

/* One look: over everything if it is empty, else from anywhere to the next. */
static double look_ns(struct tracker *tracker, u64 end, bool empty)
{
	static double ns[LOOKS];
	unsigned int i, looks = empty ? 101 : LOOKS;
	struct tracker_range range;

	for (i = 0; i < looks; i++) {
		u64 pfn = empty ? 0 : ((u64)random() << 16 ^ random()) % (end - end / 64);
		double begin = now_ns();

		if (tracker_next(tracker, pfn, end, &range) == empty)
			abort();
		ns[i] = now_ns() - begin;
	}
	return median(ns, looks);
}

static void bench_next(enum tracker_backend backend, u64 tib, unsigned int percent)
{
	const char *name = backend == TRACKER_BITMAP ? "bitmap" : "xarray";
	long pages = shim_pages_held, nodes = shim_nodes_held;
	struct tracker_range range = { 0 };
	struct tracker tracker;
	u64 ranges = 0;
	double begin, ns;

	make(&tracker, backend, tib * TIB);
	fill(&tracker, tib * TIB, percent, FRAME);
	ns = look_ns(&tracker, tib * TIB, !percent);
	begin = now_ns();
	while (tracker_next(&tracker, range.pfn + range.nr, U64_MAX, &range))
		ranges++;
	printf("next %s %llu %u %.0f %.2f %llu\n", name, (unsigned long long)tib, percent, ns,
	       (now_ns() - begin) / 1e6, (unsigned long long)ranges);
	if (tib == 1)
		printf("memory %s %u%%-in-2MiB %.1f\n", name, percent,
		       mib_of(&tracker, pages, nodes));
	destroy(&tracker);
}

/*
 * The xarray with a 64th of a TiB, times 64; what the bitmap has once for all, its
 * tables and header, would be multiplied, too.
 */
static void bench_memory(enum tracker_backend backend, const char *what, u64 size,
			 unsigned int percent)
{
	bool is_bitmap = backend == TRACKER_BITMAP;
	unsigned int parts = is_bitmap ? 1 : 64;
	long pages = shim_pages_held, nodes;
	struct tracker tracker;

	make(&tracker, backend, TIB / parts);
	nodes = is_bitmap ? 0 : shim_nodes_held;
	fill(&tracker, TIB / parts, percent, size);
	if (!is_bitmap) {
		xarray_maintain(tracker.xarray);
		pages = shim_pages_held;
	}
	printf("memory %s %s %.1f\n", is_bitmap ? "bitmap" : "xarray", what,
	       parts * mib_of(&tracker, pages, nodes));
	destroy(&tracker);
}

int main(void)
{
	static const enum tracker_backend backends[] = { TRACKER_BITMAP, TRACKER_XARRAY };
	static const unsigned int percents[] = { 0, 1, 50 };
	unsigned int b, p;

	bench_pairs();
	for (p = 0; p < ARRAY_SIZE(percents); p++)
		for (b = 0; b < ARRAY_SIZE(backends); b++) {
			bench_next(backends[b], 1, percents[p]);
			bench_next(backends[b], 12, percents[p]);
		}
	for (b = 0; b < ARRAY_SIZE(backends); b++) {
		bench_memory(backends[b], "all-in-1GiB", TIB / 1024, 100);
		bench_memory(backends[b], "all-in-2MiB", FRAME, 100);
		bench_memory(backends[b], "50%-in-4KiB", 1, 50);
	}
	return 0;
}
