// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are the probes on SEAMCALL still in the kernel's text, and were they all the
 * time?  A look at the bytes tells the first.  For the second there are hooks on
 * what changes kernel text: kprobes disarmed and armed again through debugfs, a
 * live patch, another tracer would be blind moments that leave no trace.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/string.h>
#include <asm/text-patching.h>

#include "compat.h"
#include "coverage.h"
#include "tdx_reset.h"

/*
 * Functions that all changes of kernel text pass through, the innermost first;
 * one is enough.  Which arguments are the address and the length in bytes.
 */
static const struct poke_function {
	const char *symbol;
	u8 address;
	u8 length;
} poke_functions[] = {
	{ "__text_poke", 1, 3 },	/* (how, address, source, length) */
	{ "text_poke", 0, 2 },		/* (address, source, length) */
};

static const struct poke_function *poked;

/* The probes, one byte each.  Changed only before and after all watching. */
#define MAX_PLACES	8
static const u8 *places[MAX_PLACES];
static unsigned int nr_places;

static notrace void poke_entry(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	const u8 *address = (void *)ftrace_regs_get_argument(regs, poked->address);
	unsigned long length = ftrace_regs_get_argument(regs, poked->length);
	/* The places are there before their number. */
	unsigned int i, n = smp_load_acquire(&nr_places);

	for (i = 0; i < n; i++)
		if (places[i] >= address && places[i] < address + length)
			coverage_lose(COVERAGE_DISARMED);
}

static struct ftrace_ops poke_ops = {
	.func = poke_entry,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

/**
 * watch_text_start - notice from now on what happens to these places
 * @probes: the probes' breakpoints, armed
 * @nr: how many
 *
 * Context: process, may sleep.
 */
void watch_text_start(const u8 * const *probes, unsigned int nr)
{
	size_t i;

	if (WARN_ON_ONCE(nr > MAX_PLACES))
		nr = MAX_PLACES;
	memcpy(places, probes, nr * sizeof(*probes));
	/* The places are there before their number. */
	smp_store_release(&nr_places, nr);

	for (i = 0; i < ARRAY_SIZE(poke_functions); i++) {
		poked = &poke_functions[i];
		if (!hook_function(&poke_ops, poked->symbol))
			return;
	}
	poked = NULL;
	coverage_lose(COVERAGE_UNGUARDED);
}

/**
 * watch_text_account - look at the bytes
 *
 * Context: any, NMI included.
 */
void watch_text_account(void)
{
	/* The places are there before their number. */
	unsigned int i, n = smp_load_acquire(&nr_places);

	for (i = 0; i < n; i++)
		if (READ_ONCE(*places[i]) != INT3_INSN_OPCODE)
			coverage_lose(COVERAGE_DISARMED);
}

/**
 * watch_text_stop - undo watch_text_start(), before the probes go
 *
 * Context: process, may sleep.
 */
void watch_text_stop(void)
{
	WRITE_ONCE(nr_places, 0);
	if (!poked)
		return;
	unhook_function(&poke_ops);
	poked = NULL;
}
