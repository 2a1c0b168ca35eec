/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a machine with one CPU is looked at while it stands still: before and
 * after each SEAMCALL, after each 64-byte store, before each fence.
 *
 *   points.c  compares a tracker's private map with the line states there
 *   jump.c    sends a copy of the machine to its next kernel from there
 *
 * This is the eye of a test, no part of the model.
 */
#ifndef SIM_POINTS_H
#define SIM_POINTS_H

#include "insn.h"

enum point_kind { POINT_BEFORE, POINT_AFTER, POINT_STORE, POINT_FENCE, NR_POINT_KINDS };

/**
 * struct point - one of them
 * @kind: which
 * @leaf: of the SEAMCALL; a store, a fence: of the last one
 * @failed: it came back with an error
 * @large: it names a mapping of 2 MiB, as far as its operand says so
 * @pa: a store: where to
 */
struct point {
	enum point_kind kind;
	unsigned int leaf;
	bool failed, large;
	uint64_t pa;
};

extern bool points_on;
extern const char *const point_kind_name[NR_POINT_KINDS];

/*
 * A point has come.  Vcpu context, no lock held, after cpu_exact() unless it is a
 * fence.  Does not come back where the copy of a machine is sent off.
 */
void points_at(const struct point *point, const struct cpu_ctx *c);

/* A full line of the page goes to memory: it counts as not normal up to a fence. */
void points_storing(uint64_t pa);

/* Begin, with the map at this address, 0 = none: an error text, or NULL. */
const char *points_begin(uint64_t map_pa);

/* Members of an answer. */
void points_say(GString *out);

/* --- jump.c -------------------------------------------------------------------- */

/* How a copy of the machine leaves its kernel. */
enum jump_way {
	JUMP_NONE,
	JUMP_CRASH,	/* the kernel meets an address that nothing is at */
	JUMP_KEXEC,	/* it calls a function with the word at an address */
};

/**
 * struct jump_config - which points, and how
 * @way: how
 * @function: JUMP_KEXEC: linear address of the function
 * @argument: JUMP_KEXEC: linear address of its argument
 * @start: the lines that count: from here
 * @end: to here
 * @every_call: points at SEAMCALLs: each so many
 * @every_store: points at stores: each so many
 * @first: of each leaf, before, after and failed: also the first so many
 */
struct jump_config {
	enum jump_way way;
	uint64_t function, argument;
	uint64_t start, end;
	uint64_t every_call, every_store, first;
};

void jump_configure(const struct jump_config *config);

/* Is this point one of them?  Then a copy of the machine is sent off. */
void jump_at(const struct point *point, const struct cpu_ctx *c);

/* In the copy: its next kernel begins.  Does not come back there. */
void jump_arrived(void);

void jump_say(GString *out);

#endif
