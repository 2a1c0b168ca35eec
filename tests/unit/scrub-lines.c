// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each way to clear pages writes every line, with zeroes, and none beside them.
 * On a CPU without MOVDIR64B the instruction traps; it is done by hand then, and
 * each store is counted: exactly one a line.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "scrub-variants.h"

#define PAGES 16
#define LINES (PAGES * SCRUB_PAGE / SCRUB_LINE)
#define PATTERN 0xa5

/* Pages that belong to nobody, before and behind. */
static _Alignas(SCRUB_PAGE) unsigned char memory[(PAGES + 2) * SCRUB_PAGE];
static _Alignas(SCRUB_PAGE) unsigned char zeroes[SCRUB_PAGE];
static unsigned char *const first = memory + SCRUB_PAGE;

static volatile unsigned int stores[LINES];
static volatile unsigned int strays;

/* 66 0f 38 f8 02: MOVDIR64B [RAX], [RDX] */
static void do_movdir64b(int sig, siginfo_t *info, void *context)
{
	static const unsigned char opcode[] = { 0x66, 0x0f, 0x38, 0xf8, 0x02 };
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	uintptr_t to = regs[REG_RAX];
	uintptr_t offset = to - (uintptr_t)first;

	(void)info;
	if (memcmp((void *)regs[REG_RIP], opcode, sizeof(opcode))) {
		signal(sig, SIG_DFL);	/* comes again and ends the test */
		return;
	}
	if (to % SCRUB_LINE || offset >= PAGES * SCRUB_PAGE) {
		strays++;
	} else {
		memcpy((void *)to, (void *)regs[REG_RDX], SCRUB_LINE);
		stores[offset / SCRUB_LINE]++;
	}
	regs[REG_RIP] += sizeof(opcode);
}

/* Returns what is wrong, or NULL. */
static const char *check(void (*clear)(void *, size_t, const void *), bool counted)
{
	memset(memory, PATTERN, sizeof(memory));
	memset((void *)stores, 0, sizeof(stores));
	strays = 0;
	clear(first, PAGES, zeroes);
	scrub_fence();
	for (size_t i = 0; i < sizeof(memory); i++) {
		bool inside = i >= SCRUB_PAGE && i < (PAGES + 1) * SCRUB_PAGE;

		if (memory[i] != (inside ? 0 : PATTERN))
			return inside ? "a line was not written" : "a line outside was written";
	}
	if (strays)
		return "a store outside, or across lines";
	for (size_t i = 0; counted && i < LINES; i++)
		if (stores[i] != 1)
			return "a line was not written exactly once";
	return NULL;
}

/* Negative twins: the test must notice. */
static void leave_out(void *start, size_t nr, const void *zero)
{
	for (size_t i = 0; i < nr; i++)
		if (i != 3)
			scrub_variants[VARIANT_PRODUCT].clear((char *)start + i * SCRUB_PAGE, 1, zero);
}

static void one_more(void *start, size_t nr, const void *zero)
{
	scrub_variants[VARIANT_PRODUCT].clear(start, nr + 1, zero);
}

static void twice(void *start, size_t nr, const void *zero)
{
	scrub_variants[VARIANT_PRODUCT].clear(start, nr, zero);
	scrub_variants[VARIANT_PRODUCT].clear(start, 1, zero);
}

int main(void)
{
	const struct sigaction action = { .sa_sigaction = do_movdir64b, .sa_flags = SA_SIGINFO };
	bool trapped = !scrub_cpu_has(NEEDS_MOVDIR64B);
	unsigned int checked = 0, failed = 0;

	if (trapped && sigaction(SIGILL, &action, NULL)) {
		perror("scrub-lines: sigaction");
		return 1;
	}
	for (size_t i = 0; i < scrub_nr_variants; i++) {
		const struct scrub_variant *v = &scrub_variants[i];
		bool by_movdir64b = v->needs == NEEDS_MOVDIR64B;
		const char *wrong;

		if (!by_movdir64b && !scrub_cpu_has(v->needs)) {
			printf("scrub-lines: %s is not on this CPU\n", v->name);
			continue;
		}
		wrong = check(v->clear, trapped && by_movdir64b);
		checked++;
		if (wrong) {
			printf("scrub-lines: %s: %s\n", v->name, wrong);
			failed++;
		}
	}
	if (!check(leave_out, trapped) || !check(one_more, trapped) ||
	    (trapped && !check(twice, true))) {
		puts("scrub-lines: a wrong loop is not noticed");
		failed++;
	}
	printf("scrub-lines: %u ways write every line%s, %u do not\n", checked - failed,
	       trapped ? " exactly once" : " (stores were not counted: this CPU has MOVDIR64B)",
	       failed);
	return failed || !checked;
}
