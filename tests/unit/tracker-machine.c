// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All interleavings of some operations, one access to shared memory a step.
 * Operations are coroutines.  Where several can go on, all that there is (memory,
 * stacks, registers) is kept, and put back for the next choice.
 *
 * A state that was met before is not gone on from: what follows is known.  Two
 * states are the same if all of it is, by a hash of 64 bits; how many interleavings
 * lead on from a state is kept with it, so that all of them are counted.
 *
 * An access to memory that no operation writes commutes with everything and is
 * no step; which memory is written is learnt, and all begins anew when it was not
 * known yet.  Memory is taken for sequentially consistent: what hardware may
 * reorder is not in question here.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "tracker-steps.h"

#define MAX_STEPS 400
#define MAX_STATES (1U << 21)	/* half of it used */
#define MAX_ACCESSES 100000	/* in a step, of a planted fault */
#define STACK_SIZE 32768
#define RED_ZONE 128		/* in use below the stack pointer */

enum fault steps_fault;

/* --- memory: one arena, so that all of it can be put back */
static char arena[1 << 18] __attribute__((__aligned__(4096)));
static char at_first[sizeof(arena)];
static bool written[sizeof(arena)];
static size_t arena_used, used_at_first;
static bool learnt;

void *steps_alloc(size_t size)
{
	void *memory;

	/* Whole pages begin at one. */
	if (size % 4096 == 0)
		arena_used = (arena_used + 4095) & ~4095UL;
	memory = arena + arena_used;
	arena_used += (size + 63) & ~63UL;
	if (arena_used > sizeof(arena))
		abort();
	return memory;
}

/* Empty memory again. */
void steps_forget(void)
{
	arena_used = 0;
	memset(arena, 0, sizeof(arena));
	memset(written, 0, sizeof(written));
	steps_fault = FAULT_NONE;
}

/* Every interleaving begins with memory as it is now. */
void steps_begin_here(void)
{
	memcpy(at_first, arena, sizeof(arena));
	used_at_first = arena_used;
}

static size_t offset_of(const volatile void *address)
{
	return (const volatile char *)address - arena;
}

/* --- coroutines */
struct coroutine {
	ucontext_t context;
	bool begun, done;
	const int *lock;	/* waits for it */
	int *late_counter;
	int late_value;
};

static const struct steps *steps;
static ucontext_t scheduler;
static struct coroutine coroutines[MAX_OPS], *current;
static char stacks[MAX_OPS][STACK_SIZE] __attribute__((__aligned__(64)));
static unsigned long accesses;
static jmp_buf give_up;
static bool looking;

bool steps_begun(unsigned int i)
{
	return coroutines[i].begun;
}

bool steps_done(unsigned int i)
{
	return coroutines[i].done;
}

static void pause_here(void)
{
	swapcontext(&current->context, &scheduler);
}

/*
 * A planted fault may send an operation, or who looks, round in circles: the
 * operation stays undone, which the end does not allow.
 */
static void count_access(void)
{
	static const int held_for_ever = 1;

	if (!steps_fault || ++accesses < MAX_ACCESSES)
		return;
	accesses = 0;
	if (current) {
		current->lock = &held_for_ever;
		pause_here();
	} else if (looking) {
		longjmp(give_up, 1);
	}
}

/* Look at what may be broken; true: it goes round in circles. */
bool steps_give_up(void (*look)(void))
{
	bool circles = true;

	looking = true;
	accesses = 0;
	if (!setjmp(give_up)) {
		look();
		circles = false;
	}
	looking = false;
	return circles;
}

/* Memory that is not from the arena belongs to one operation alone. */
void steps_write(const volatile void *address)
{
	size_t at = offset_of(address);

	count_access();
	if (!current)
		return;
	if (at >= sizeof(arena))
		abort();
	learnt |= !written[at];
	written[at] = true;
	pause_here();
}

void steps_read(const volatile void *address)
{
	size_t at = offset_of(address);

	count_access();
	if (current && at < sizeof(arena) && written[at])
		pause_here();
}

/* Where a read finds what it reads. */
const volatile void *steps_seen(const volatile void *address)
{
	size_t at = offset_of(address);

	if (!current || steps_fault != FAULT_STALE || at >= used_at_first ||
	    !steps->stale(current - coroutines))
		return address;
	return at_first + at;
}

void steps_gap(void *slot)
{
	if (!current || steps_fault != FAULT_GAP)
		return;
	steps_write(slot);
	*(void **)slot = NULL;
}

void steps_blocked(const int *lock)
{
	if (!current)
		abort();
	current->lock = lock;
	pause_here();
}

bool steps_defer(int value, int *counter)
{
	if (!current || steps_fault != FAULT_LATE)
		return false;
	current->late_counter = counter;
	current->late_value = value;
	return true;
}

void steps_deferred(void)
{
	int *counter = current ? current->late_counter : NULL;

	if (!counter)
		return;
	current->late_counter = NULL;
	steps_write(counter);
	*counter += current->late_value;
}

static void coroutine_main(void)
{
	struct coroutine *self = current;

	steps->run(self - coroutines);
	self->done = true;
	swapcontext(&self->context, &scheduler);
}

static void begin_all(void)
{
	unsigned int i;

	memcpy(arena, at_first, sizeof(arena));
	arena_used = used_at_first;
	memset(stacks, 0, sizeof(stacks));
	for (i = 0; i < MAX_OPS; i++) {
		struct coroutine *c = &coroutines[i];

		memset(c, 0, sizeof(*c));
		c->done = !steps->is_one(i);
		getcontext(&c->context);
		c->context.uc_stack.ss_sp = stacks[i];
		c->context.uc_stack.ss_size = sizeof(stacks[i]);
		makecontext(&c->context, coroutine_main, 0);
	}
}

static void go_on(struct coroutine *c)
{
	c->begun = true;
	c->lock = NULL;
	accesses = 0;
	current = c;
	swapcontext(&scheduler, &c->context);
	current = NULL;
	steps->after();
}

/* --- all that there is, at a moment */
struct moment {
	size_t used;
	struct coroutine coroutines[MAX_OPS];
	char memory[];		/* arena, the live parts of stacks, the caller's state */
};

static struct moment *moments[MAX_STEPS];

static char *stack_from(const struct coroutine *c, size_t *size)
{
	char *end = stacks[c - coroutines] + STACK_SIZE;
	char *from = (char *)c->context.uc_mcontext.gregs[REG_RSP] - RED_ZONE;

	*size = c->done ? 0 : end - from;
	return from;
}

static void keep(unsigned int depth)
{
	size_t size;
	struct moment *m;
	unsigned int i;
	char *to;

	if (!moments[depth])
		moments[depth] = malloc(sizeof(*m) + sizeof(arena) + sizeof(stacks) +
					steps->state_size);
	m = moments[depth];
	if (!m)
		abort();
	m->used = arena_used;
	memcpy(m->coroutines, coroutines, sizeof(coroutines));
	memcpy(m->memory, arena, arena_used);
	to = m->memory + arena_used;
	for (i = 0; i < MAX_OPS; i++) {
		char *from = stack_from(&coroutines[i], &size);

		memcpy(to, from, size);
		to += size;
	}
	memcpy(to, steps->state, steps->state_size);
}

static void put_back(unsigned int depth)
{
	const struct moment *m = moments[depth];
	const char *from = m->memory + m->used;
	unsigned int i;
	size_t size;

	arena_used = m->used;
	memcpy(arena, m->memory, arena_used);
	memcpy(coroutines, m->coroutines, sizeof(coroutines));
	for (i = 0; i < MAX_OPS; i++) {
		char *to = stack_from(&coroutines[i], &size);

		memcpy(to, from, size);
		from += size;
	}
	memcpy(steps->state, from, steps->state_size);
}

/* Four words at a time, which do not wait for each other. */
static uint64_t hash(uint64_t seed, const void *from, size_t size)
{
	uint64_t h[4] = { seed, ~seed, seed << 1, ~seed << 1 }, w[4];
	const char *bytes = from;
	unsigned int i;

	for (; size; size -= size < sizeof(w) ? size : sizeof(w), bytes += sizeof(w)) {
		memset(w, 0, sizeof(w));
		memcpy(w, bytes, size < sizeof(w) ? size : sizeof(w));
		for (i = 0; i < 4; i++) {
			h[i] = (h[i] ^ w[i]) * 0x9e3779b97f4a7c15ULL;
			h[i] ^= h[i] >> 29;
		}
	}
	for (i = 1; i < 4; i++)
		h[0] = (h[0] ^ h[i]) * 0xbf58476d1ce4e5b9ULL ^ h[0] >> 32;
	return h[0];
}

static uint64_t hash_all(void)
{
	uint64_t h = hash(arena_used, arena, arena_used);
	unsigned int i;
	size_t size;

	for (i = 0; i < MAX_OPS; i++) {
		const struct coroutine *c = &coroutines[i];
		const greg_t *g = c->context.uc_mcontext.gregs;
		const char *stack = stack_from(c, &size);
		const uint64_t more[] = {
			c->begun, c->done, (uintptr_t)c->lock, (uintptr_t)c->late_counter,
			c->late_value, g[REG_RIP], g[REG_RSP], g[REG_RBX], g[REG_RBP],
			g[REG_R12], g[REG_R13], g[REG_R14], g[REG_R15],
		};

		h = hash(h, more, c->done ? 2 * sizeof(*more) : sizeof(more));
		h = hash(h, stack, size);
	}
	return hash(h, steps->state, steps->state_size);
}

/* --- all of them */
static struct state {
	uint64_t hash;
	unsigned long attempt;	/* another: the place is free */
	double interleavings;
} states[MAX_STATES];

static unsigned long attempt;
static struct steps_count count;

/* @fresh: nobody was here before. */
static struct state *find_state(bool *fresh)
{
	uint64_t h = hash_all();
	size_t i = h % MAX_STATES;

	while (states[i].attempt == attempt && states[i].hash != h)
		i = (i + 1) % MAX_STATES;
	*fresh = states[i].attempt != attempt;
	if (*fresh && ++count.states > MAX_STATES / 2)
		abort();
	states[i].attempt = attempt;
	states[i].hash = h;
	return &states[i];
}

/* Is there no need of more?  One mistake is enough of a planted fault. */
static bool enough(void)
{
	return steps_fault && steps->wrong();
}

/* Returns how many interleavings lead on from here. */
static double explore(unsigned int depth)
{
	unsigned int can[MAX_OPS], i, nr = 0;
	double interleavings = 0;

	for (i = 0; i < MAX_OPS; i++)
		if (!coroutines[i].done && !(coroutines[i].lock && *coroutines[i].lock))
			can[nr++] = i;
	if (!nr) {
		steps->end();
		return 1;
	}
	/* A planted fault may send somebody round in circles. */
	if (depth == MAX_STEPS && steps_fault)
		return 1;
	if (depth == MAX_STEPS)
		abort();
	if (nr > 1)
		keep(depth);
	for (i = 0; i < nr && !enough(); i++) {
		struct state *state;
		bool fresh;

		if (i)
			put_back(depth);
		go_on(&coroutines[can[i]]);
		count.steps++;
		state = find_state(&fresh);
		if (fresh) {
			state->interleavings = 0;
			state->interleavings = explore(depth + 1);
		}
		interleavings += state->interleavings;
		/* More steps than were thought: what was run until now is of no use. */
		if (learnt)
			break;
	}
	return interleavings;
}

struct steps_count steps_run_all(const struct steps *what, enum fault fault)
{
	static char first_state[4096];

	steps = what;
	if (steps->state_size > sizeof(first_state))
		abort();
	memcpy(first_state, steps->state, steps->state_size);
	steps_fault = fault;
	do {
		memcpy(steps->state, first_state, steps->state_size);
		memset(&count, 0, sizeof(count));
		attempt++;
		learnt = false;
		begin_all();
		count.interleavings = explore(0);
	} while (learnt && !enough());
	return count;
}
