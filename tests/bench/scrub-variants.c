// SPDX-License-Identifier: GPL-2.0-or-later
/* The ways to clear pages; see scrub-variants.h. */
#include <cpuid.h>
#include <immintrin.h>

#include "scrub-variants.h"
#include "tdx/movdir64b.h"


/* MOVDIR64B: destination in RAX, source in [RDX], as include/tdx/movdir64b.h. */
#define STORE_LINE(line, zeroes) \
	__asm__ volatile(".byte 0x66, 0x0f, 0x38, 0xf8, 0x02" : : "a" (line), "d" (zeroes) : "memory")

/* What kernel/scrub.c does with a run of pages that the direct map shows. */
static void clear_product(void *memory, size_t nr, const void *zeroes)
{
	char *page = memory, *end = page + nr * SCRUB_PAGE;

	for (; page < end; page += SCRUB_PAGE)
		movdir64b_clear_page(page, zeroes);
}

/* The loop of tdx_quirk_reset_paddr(): a line a round, from the zero page. */
static void clear_linux(void *memory, size_t nr, const void *zeroes)
{
	char *line = memory, *end = line + nr * SCRUB_PAGE;

#pragma GCC unroll 1
	for (; line < end; line += SCRUB_LINE)
		STORE_LINE(line, zeroes);
}

__attribute__((target("avx512f")))
static void clear_avx512(void *memory, size_t nr, const void *zeroes)
{
	char *line = memory, *end = line + nr * SCRUB_PAGE;
	__m512i zero = _mm512_load_si512(zeroes);

#pragma GCC unroll 1
	for (; line < end; line += 4 * SCRUB_LINE) {
		_mm512_stream_si512((void *)line, zero);
		_mm512_stream_si512((void *)(line + SCRUB_LINE), zero);
		_mm512_stream_si512((void *)(line + 2 * SCRUB_LINE), zero);
		_mm512_stream_si512((void *)(line + 3 * SCRUB_LINE), zero);
	}
}

static void clear_stosb(void *memory, size_t nr, const void *zeroes)
{
	size_t bytes = nr * SCRUB_PAGE;

	(void)zeroes;
	__asm__ volatile("rep stosb" : "+D" (memory), "+c" (bytes) : "a" (0) : "memory");
}

/* @unroll and @pages are constants in each caller. */
__attribute__((always_inline))
static inline void clear_swept(char *page, size_t nr, const void *zeroes,
			       unsigned int unroll, unsigned int pages)
{
	char *end = page + nr * SCRUB_PAGE;

	for (; page < end; page += pages * SCRUB_PAGE) {
#pragma GCC unroll 1
		for (size_t at = 0; at < SCRUB_PAGE; at += unroll * SCRUB_LINE) {
#pragma GCC unroll 8
			for (unsigned int p = 0; p < pages; p++) {
#pragma GCC unroll 16
				for (unsigned int line = 0; line < unroll; line++)
					STORE_LINE(page + p * SCRUB_PAGE + at + line * SCRUB_LINE,
						   zeroes);
			}
		}
	}
}

#define SWEEP_FUNCTION(unroll, pages)							\
static void clear_##unroll##_##pages(void *memory, size_t nr, const void *zeroes)	\
{											\
	clear_swept(memory, nr, zeroes, unroll, pages);					\
}

#define SWEEP_ROW(unroll, pages) \
	{ #unroll "x" #pages, NEEDS_MOVDIR64B, true, unroll, pages, clear_##unroll##_##pages },

#define SWEEP_PAGES(what, unroll) \
	what(unroll, 1) what(unroll, 2) what(unroll, 4) what(unroll, 8)
#define SWEEP(what) \
	SWEEP_PAGES(what, 1) SWEEP_PAGES(what, 2) SWEEP_PAGES(what, 4) \
	SWEEP_PAGES(what, 8) SWEEP_PAGES(what, 16)

SWEEP(SWEEP_FUNCTION)

const struct scrub_variant scrub_variants[] = {
	[VARIANT_PRODUCT] = { "tdx_reset", NEEDS_MOVDIR64B, false, 8, 1, clear_product },
	[VARIANT_LINUX] = { "linux", NEEDS_MOVDIR64B, false, 1, 1, clear_linux },
	{ "avx512-nt", NEEDS_AVX512, false, 4, 1, clear_avx512 },
	{ "rep-stosb", NEEDS_NOTHING, false, 1, 1, clear_stosb },
	SWEEP(SWEEP_ROW)
};

const size_t scrub_nr_variants = sizeof(scrub_variants) / sizeof(scrub_variants[0]);

/* Of the CPU it runs on. */
bool scrub_cpu_has(enum scrub_needs needs)
{
	unsigned int a, b, c, d;

	switch (needs) {
	case NEEDS_MOVDIR64B:
		return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & 1U << 28);
	case NEEDS_AVX512:
		/* Asks the operating system's part, too. */
		return __builtin_cpu_supports("avx512f");
	default:
		return true;
	}
}

void scrub_fence(void)
{
	movdir64b_fence();
}
