/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways to write zeroes over pages: that of kernel/scrub.c, which is compiled
 * from the same source (include/tdx/movdir64b.h), that of Linux, others to
 * compare with, and a sweep of MOVDIR64B loops.
 */
#ifndef BENCH_SCRUB_VARIANTS_H
#define BENCH_SCRUB_VARIANTS_H

#include <stdbool.h>
#include <stddef.h>

#define SCRUB_PAGE 4096UL
#define SCRUB_LINE 64UL

enum scrub_needs {
	NEEDS_NOTHING,
	NEEDS_MOVDIR64B,
	NEEDS_AVX512,
};

/**
 * struct scrub_variant - one way
 * @name: in tables
 * @needs: what the CPU must have
 * @swept: it is one of the sweep: @unroll lines at a time of each of @pages
 *	pages side by side
 * @unroll: stores in a row
 * @pages: pages at a time; the number of pages to clear is a multiple of it
 * @clear: writes @nr pages from @memory on; @zeroes is a page of zeroes.  The
 *	caller fences
 */
struct scrub_variant {
	const char *name;
	enum scrub_needs needs;
	bool swept;
	unsigned int unroll;
	unsigned int pages;
	void (*clear)(void *memory, size_t nr, const void *zeroes);
};

/* The first is the product's, the second that of Linux. */
#define VARIANT_PRODUCT 0
#define VARIANT_LINUX 1
extern const struct scrub_variant scrub_variants[];
extern const size_t scrub_nr_variants;

bool scrub_cpu_has(enum scrub_needs needs);
void scrub_fence(void);

#endif /* BENCH_SCRUB_VARIANTS_H */
