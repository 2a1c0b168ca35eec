/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks of the shim for tracker-steps.c: a switch to another operation may
 * happen before every access to memory that is shared, memory comes from one
 * arena, and faults can be planted.
 */
#ifndef TRACKER_STEPS_H
#define TRACKER_STEPS_H

#include <stdbool.h>
#include <stddef.h>

enum fault {
	FAULT_NONE,
	FAULT_TORN,	/* or and andnot are a read and a write */
	FAULT_LATE,	/* a section's number rises after the bits */
	FAULT_GAP,	/* a slot of a node is empty before it is written */
	FAULT_NO_LOCK,	/* two updates of the xarray at a time */
	FAULT_STALE,	/* a look sees memory as it was before all operations */
};

extern enum fault steps_fault;

void steps_write(const volatile void *address);
void steps_read(const volatile void *address);
const volatile void *steps_seen(const volatile void *address);
void steps_gap(void *slot);
void steps_blocked(const int *lock);
bool steps_defer(int value, int *counter);
void steps_deferred(void);
void *steps_alloc(size_t size);

#define SHIM_STEP(address) steps_write(address)
#define SHIM_STEP_READ(address) steps_read(address)
#define SHIM_SEEN(address) ((__typeof__(address))steps_seen(address))
#define SHIM_STEP_SLOT(address) steps_gap(address)
#define SHIM_BLOCKED(lock) steps_blocked(lock)
#define SHIM_NO_LOCK (steps_fault == FAULT_NO_LOCK)
#define SHIM_TORN (steps_fault == FAULT_TORN)
#define SHIM_DEFER(value, counter) steps_defer(value, counter)
#define SHIM_DEFERRED() steps_deferred()
#define SHIM_ALLOC(align, size) steps_alloc(size)
#define SHIM_FREE(memory) ((void)(memory))

/* --- tracker-machine.c: who goes on ------------------------------------------ */

#define MAX_OPS 3

/**
 * struct steps - operations, of which every interleaving is run
 * @is_one: is there an operation number @i, below MAX_OPS?
 * @run: do it, on a stack of its own
 * @stale: does it see old memory with FAULT_STALE?
 * @after: a step is over, all operations stand still
 * @end: no operation goes on
 * @wrong: something did not hold
 * @state: what these functions keep of a run, put back with all else
 * @state_size: its size
 */
struct steps {
	bool (*is_one)(unsigned int i);
	void (*run)(unsigned int i);
	bool (*stale)(unsigned int i);
	void (*after)(void);
	void (*end)(void);
	bool (*wrong)(void);
	void *state;
	size_t state_size;
};

/**
 * struct steps_count - what was run
 * @interleavings: how many there are
 * @states: different moments that they pass
 * @steps: accesses from one such moment to the next
 */
struct steps_count {
	double interleavings;
	unsigned long states, steps;
};

void steps_forget(void);
void steps_begin_here(void);
struct steps_count steps_run_all(const struct steps *what, enum fault fault);
bool steps_begun(unsigned int i);
bool steps_done(unsigned int i);
bool steps_give_up(void (*look)(void));

#endif /* TRACKER_STEPS_H */
