// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fast pages are rewritten, on the real CPU, on one core and on all.  Lines
 * of words, for tests/bench/scrub.sh:
 *
 *   size THREADS MIB
 *   rate THREADS VARIANT SWEPT CHUNK_KIB GB_S OF_LINUX OF_PRODUCT
 *
 * CHUNK_KIB: what one thread takes at a time, and after which it fences.  Rounds
 * of all variants alternate; the ratios are medians of those within a round.
 *
 * Exit status: 0; 77 and one line that says why if this CPU has no MOVDIR64B;
 * 1 if anything fails.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "scrub-variants.h"

#define CANNOT_MEASURE 77
#define ROUNDS 7
#define MIB (1UL << 20)
#define SLICE (256 * MIB)		/* of each thread, if there is memory */
#define PRODUCT_CHUNK (32 * MIB)	/* CHUNK_PAGES of kernel/scrub_parallel.c */
#define MAX_THREADS 1024
#define MAX_POINTS 128

static const size_t sweep_chunks[] = { MIB / 4, 2 * MIB, PRODUCT_CHUNK };

/* One measured point: a variant with a chunk size. */
struct point {
	const struct scrub_variant *variant;
	size_t chunk;
	double rate[ROUNDS];		/* GB/s */
};

static struct point points[MAX_POINTS];
static size_t nr_points;

static char *memory;
static size_t slice;
static void *zeroes;
static int cpus[MAX_THREADS];
static unsigned int nr_cpus;

/* The run that is on; the barriers order the accesses. */
static struct run {
	const struct point *point;
	unsigned int threads;
	size_t nr_chunks;
	bool stop;
} run;
static atomic_bool *taken;
static pthread_barrier_t begin, end;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "scrub-bench: %s\n", what);
	exit(1);
}

static void pin_to(unsigned int thread)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpus[thread], &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		die("a thread cannot be bound to its CPU");
}

/* Its own memory first, as each CPU its node's; then what others left. */
static void take_part(unsigned int thread)
{
	size_t chunk = run.point->chunk, nr = run.nr_chunks;
	size_t start = nr * thread / run.threads;

	for (size_t i = 0; i < nr; i++) {
		size_t mine = (start + i) % nr;

		if (atomic_load_explicit(&taken[mine], memory_order_relaxed) ||
		    atomic_exchange(&taken[mine], true))
			continue;
		run.point->variant->clear(memory + mine * chunk, chunk / SCRUB_PAGE, zeroes);
		scrub_fence();
	}
}

static void *worker(void *arg)
{
	unsigned int thread = (size_t)arg;

	pin_to(thread);
	memset(memory + thread * slice, 1, slice);
	for (;;) {
		pthread_barrier_wait(&begin);
		if (run.stop)
			return NULL;
		take_part(thread);
		pthread_barrier_wait(&end);
	}
}

/* GB/s of all threads together. */
static double measure(const struct point *point, unsigned int threads)
{
	size_t bytes = threads * slice;
	double start;

	run.point = point;
	run.nr_chunks = bytes / point->chunk;
	for (size_t i = 0; i < run.nr_chunks; i++)
		atomic_store_explicit(&taken[i], false, memory_order_relaxed);
	start = now();
	pthread_barrier_wait(&begin);
	take_part(0);
	pthread_barrier_wait(&end);
	return bytes / (now() - start) * 1e-9;
}

static int smaller(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of the rates, or of what they are of @other's. */
static double median(const struct point *point, const struct point *other)
{
	double values[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		values[i] = point->rate[i] / (other ? other->rate[i] : 1);
	qsort(values, ROUNDS, sizeof(*values), smaller);
	return values[ROUNDS / 2];
}

static void measure_all(unsigned int threads)
{
	pthread_t ids[MAX_THREADS];

	run.threads = threads;
	run.stop = false;
	if (pthread_barrier_init(&begin, NULL, threads) || pthread_barrier_init(&end, NULL, threads))
		die("no barrier");
	pin_to(0);
	memset(memory, 1, slice);
	for (size_t i = 1; i < threads; i++)
		if (pthread_create(&ids[i], NULL, worker, (void *)i))
			die("no thread");
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < nr_points; i++)
			points[i].rate[round] = measure(&points[i], threads);
	run.stop = true;
	pthread_barrier_wait(&begin);
	for (size_t i = 1; i < threads; i++)
		pthread_join(ids[i], NULL);
	pthread_barrier_destroy(&begin);
	pthread_barrier_destroy(&end);

	printf("size %u %zu\n", threads, threads * slice / MIB);
	for (size_t i = 0; i < nr_points; i++)
		printf("rate %u %s %d %zu %.2f %.3f %.3f\n", threads, points[i].variant->name,
		       points[i].variant->swept, points[i].chunk / 1024, median(&points[i], NULL),
		       median(&points[i], &points[VARIANT_LINUX]),
		       median(&points[i], &points[VARIANT_PRODUCT]));
}

static void add_point(const struct scrub_variant *variant, size_t chunk)
{
	if (nr_points == MAX_POINTS)
		die("more points than there is room for");
	points[nr_points++] = (struct point){ .variant = variant, .chunk = chunk };
}

static void choose_points(void)
{
	for (size_t i = 0; i < scrub_nr_variants; i++) {
		const struct scrub_variant *v = &scrub_variants[i];

		if (!scrub_cpu_has(v->needs))
			continue;
		if (!v->swept) {
			add_point(v, PRODUCT_CHUNK);
			continue;
		}
		for (size_t c = 0; c < sizeof(sweep_chunks) / sizeof(sweep_chunks[0]); c++)
			add_point(v, sweep_chunks[c]);
	}
}

static void find_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("which CPUs there are is not known");
	for (int cpu = 0; cpu < CPU_SETSIZE && nr_cpus < MAX_THREADS; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[nr_cpus++] = cpu;
}

static void get_memory(void)
{
	struct sysinfo info;
	size_t half;

	if (sysinfo(&info))
		die("how much memory is free is not known");
	half = info.freeram * info.mem_unit / 2 / nr_cpus;
	slice = (half < SLICE ? half : SLICE) & ~(PRODUCT_CHUNK - 1);
	if (!slice)
		die("less than 64 MiB are free for each CPU; free some");
	memory = mmap(NULL, nr_cpus * slice + 2 * MIB, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	zeroes = mmap(NULL, SCRUB_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	taken = calloc(nr_cpus * slice / sweep_chunks[0], sizeof(*taken));
	if (memory == MAP_FAILED || zeroes == MAP_FAILED || !taken)
		die("no memory");
	memory += -(size_t)memory & (2 * MIB - 1);
	madvise(memory, nr_cpus * slice, MADV_HUGEPAGE);	/* as the direct map */
	memset(zeroes, 0, SCRUB_PAGE);
}

int main(void)
{
	if (!scrub_cpu_has(NEEDS_MOVDIR64B)) {
		puts("this CPU has no MOVDIR64B");
		return CANNOT_MEASURE;
	}
	find_cpus();
	get_memory();
	choose_points();
	measure_all(1);
	if (nr_cpus > 1)
		measure_all(nr_cpus);
	return 0;
}
