/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks of the shim for tracker-steps.c: a switch to another operation may
 * happen before every access to memory that is shared, memory comes from one
 * arena, and faults can be planted.
 */
#ifndef TRACKER_STEPS_H
#define TRACKER_STEPS_H

#include <stddef.h>

enum fault {
	FAULT_NONE,
	FAULT_TORN,	/* or and andnot are a read and a write */
	FAULT_LATE,	/* a section's number rises after the bits */
	FAULT_GAP,	/* a slot of a node is empty before it is written */
	FAULT_NO_LOCK,	/* two updates of the xarray at a time */
};

extern enum fault steps_fault;

void steps_write(const volatile void *address);
void steps_read(const volatile void *address);
void steps_gap(void *slot);
void steps_blocked(const int *lock);
bool steps_defer(int value, int *counter);
void steps_deferred(void);
void *steps_alloc(size_t size);

#define SHIM_STEP(address) steps_write(address)
#define SHIM_STEP_READ(address) steps_read(address)
#define SHIM_STEP_SLOT(address) steps_gap(address)
#define SHIM_BLOCKED(lock) steps_blocked(lock)
#define SHIM_NO_LOCK (steps_fault == FAULT_NO_LOCK)
#define SHIM_TORN (steps_fault == FAULT_TORN)
#define SHIM_DEFER(value, counter) steps_defer(value, counter)
#define SHIM_DEFERRED() steps_deferred()
#define SHIM_ALLOC(align, size) steps_alloc(size)
#define SHIM_FREE(memory) ((void)(memory))

#endif /* TRACKER_STEPS_H */
