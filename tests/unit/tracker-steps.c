// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All interleavings of two or three operations on neighbouring pages, one access
 * to shared memory a step.  After each step a reader looks as if all CPUs had
 * been stopped there: a page that is in the set must be found, one that nobody
 * gave must not.  Operations are coroutines; a run is a list of choices who goes
 * on, and the next run differs in the last choice that can be taken otherwise.
 *
 * An access to memory that no operation writes commutes with everything and is
 * no step; which memory is written is learnt, and the runs begin anew when it
 * was not known yet.  Memory is taken for sequentially consistent: what hardware
 * may reorder is not in question here.
 *
 * Each planted fault must be noticed.  Compiled for each backend: TEST_BACKEND.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>
#include <cmocka.h>

#include <linux/gfp.h>
#include <linux/kernel.h>

#include "tracker.h"

#define SECTION ((u64)PRIVATE_MAP_SECTION_PAGES)
#define IS_BITMAP (TEST_BACKEND == TRACKER_BITMAP)
#define MAX_OPS 3
#define MAX_STEPS 400
#define MAX_WATCHED 64
#define MAX_WRITTEN 512
#define MAX_RUNS 4000000
#define MAX_ACCESSES 1000000	/* in a run */
#define MAX_FAULT_RUNS 20000

long shim_pages_until_failure = -1;
long shim_pages_held;
enum fault steps_fault;

enum what {
	NOTHING,
	SET,
	CLEAR,
	LOOK,		/* tracker_next() from first to last page */
};

struct op {
	enum what what;
	u64 pfn, nr;
};

struct scene {
	const char *name;
	struct op before[2];
	struct op ops[MAX_OPS];
};

/* Pages up to 3 * SECTION; 63 and 64 are in two words and two nodes. */
static const struct scene scenes[] = {
	{ "two set one word", { { 0 } },
	  { { SET, 10, 1 }, { SET, 11, 1 }, { NOTHING, 0, 0 } } },
	{ "three on one word", { { SET, 8, 1 } },
	  { { SET, 10, 1 }, { SET, 9, 1 }, { CLEAR, 8, 1 } } },
	{ "look as one comes", { { SET, 10, 1 } },
	  { { SET, 11, 1 }, { LOOK, 9, 4 }, { NOTHING, 0, 0 } } },
	{ "look as one leaves", { { SET, 10, 3 } },
	  { { CLEAR, 11, 1 }, { LOOK, 9, 5 }, { NOTHING, 0, 0 } } },
	{ "one comes as its neighbour leaves", { { SET, 5, 1 } },
	  { { CLEAR, 5, 1 }, { SET, 6, 1 }, { NOTHING, 0, 0 } } },
	{ "two leave, one stays", { { SET, 8, 3 } },
	  { { CLEAR, 8, 1 }, { CLEAR, 10, 1 }, { NOTHING, 0, 0 } } },
	{ "over the edge of a word", { { SET, 66, 2 } },
	  { { SET, 62, 4 }, { CLEAR, 66, 1 }, { NOTHING, 0, 0 } } },
	{ "look over the edge of a word", { { SET, 63, 2 } },
	  { { SET, 62, 1 }, { LOOK, 61, 8 }, { NOTHING, 0, 0 } } },
	{ "over the edge of a section", { { SET, SECTION + 1, 2 } },
	  { { SET, SECTION - 1, 2 }, { CLEAR, SECTION + 1, 1 }, { NOTHING, 0, 0 } } },
	{ "look over the edge of a section", { { SET, SECTION - 1, 1 }, { SET, SECTION + 1, 1 } },
	  { { SET, SECTION, 1 }, { LOOK, SECTION - 2, 5 }, { NOTHING, 0, 0 } } },
	{ "two pages of 2 MiB leave", { { SET, 1024, 512 } },
	  { { CLEAR, 1100, 1 }, { CLEAR, 1030, 1 }, { NOTHING, 0, 0 } } },
	{ "a page leaves, one comes behind", { { SET, 1024, 512 } },
	  { { CLEAR, 1535, 1 }, { SET, 1536, 1 }, { NOTHING, 0, 0 } } },
	{ "2 MiB come as a neighbour leaves", { { SET, 1023, 1 } },
	  { { SET, 1024, 512 }, { CLEAR, 1023, 1 }, { NOTHING, 0, 0 } } },
	{ "2 MiB leave", { { SET, 1024, 513 } },
	  { { CLEAR, 1024, 512 }, { SET, 1537, 1 }, { NOTHING, 0, 0 } } },
};

/* --- memory: one arena, so that every run begins with the same bytes */
static char arena[1 << 18] __attribute__((__aligned__(4096)));
static char saved[sizeof(arena)];
static size_t arena_used;
static struct tracker tracker, saved_tracker;

void *steps_alloc(size_t size)
{
	void *memory = arena + arena_used;

	/* Whole pages begin at one. */
	if (size % 4096 == 0) {
		arena_used = (arena_used + 4095) & ~4095UL;
		memory = arena + arena_used;
	}
	arena_used += (size + 63) & ~63UL;
	if (arena_used > sizeof(arena))
		abort();
	return memory;
}

/* --- who goes on */
struct coroutine {
	ucontext_t context;
	const struct op *op;
	bool begun, done;
	const int *lock;	/* waits for it */
	int *late_counter;
	int late_value;
	bool held[MAX_WATCHED];	/* in the set since the look began */
	bool found[MAX_WATCHED];
};

static ucontext_t scheduler;
static struct coroutine coroutines[MAX_OPS], *current;
static char stacks[MAX_OPS][1 << 16] __attribute__((__aligned__(64)));
static const struct scene *scene;

static const volatile void *written[MAX_WRITTEN];
static unsigned int nr_written;
static bool learnt;

static unsigned char choice[MAX_STEPS], options[MAX_STEPS];
static unsigned int depth, replayed, violations;
static unsigned long runs, steps, accesses;
static jmp_buf give_up_looking;

static bool known_written(const volatile void *address)
{
	unsigned int i;

	for (i = 0; i < nr_written; i++)
		if (written[i] == address)
			return true;
	return false;
}

static void pause_here(void)
{
	swapcontext(&current->context, &scheduler);
}

/* A planted fault may send an operation, or who looks, round in circles. */
static void count_access(void)
{
	if (!steps_fault || ++accesses < MAX_ACCESSES)
		return;
	violations++;
	accesses = 0;
	if (!current)
		longjmp(give_up_looking, 1);
	current->done = true;
	pause_here();
}

void steps_write(const volatile void *address)
{
	count_access();
	if (!current)
		return;
	if (!known_written(address)) {
		if (nr_written == MAX_WRITTEN)
			abort();
		written[nr_written++] = address;
		learnt = true;
	}
	pause_here();
}

void steps_read(const volatile void *address)
{
	count_access();
	if (current && known_written(address))
		pause_here();
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

/* --- what must hold */
static u64 watched[MAX_WATCHED];
static unsigned int nr_watched;

static bool has(const struct op *op, u64 pfn)
{
	return pfn >= op->pfn && pfn < op->pfn + op->nr;
}

static bool was_before(u64 pfn)
{
	return (scene->before[0].what && has(&scene->before[0], pfn)) ||
	       (scene->before[1].what && has(&scene->before[1], pfn));
}

static bool must_have(u64 pfn)
{
	bool there = was_before(pfn);
	unsigned int i;

	for (i = 0; i < MAX_OPS; i++) {
		if (!has(&scene->ops[i], pfn))
			continue;
		if (scene->ops[i].what == CLEAR && coroutines[i].begun)
			return false;
		if (scene->ops[i].what == SET && coroutines[i].done)
			there = true;
	}
	return there;
}

static bool may_have(u64 pfn)
{
	bool there = was_before(pfn);
	unsigned int i;

	for (i = 0; i < MAX_OPS; i++) {
		if (!has(&scene->ops[i], pfn))
			continue;
		if (scene->ops[i].what == CLEAR && coroutines[i].done)
			return false;
		if (scene->ops[i].what == SET && coroutines[i].begun)
			there = true;
	}
	return there;
}

/* All CPUs stopped here. */
static void look_now(void)
{
	struct tracker_range range;
	unsigned int i;

	if (setjmp(give_up_looking))
		return;
	for (i = 0; i < nr_watched; i++) {
		u64 pfn = watched[i];
		bool seen = tracker_test(&tracker, pfn);

		if (tracker_next(&tracker, pfn, pfn + 1, &range) != seen)
			violations++;
		if (seen ? !may_have(pfn) : must_have(pfn))
			violations++;
	}
}

static void look(struct coroutine *self)
{
	u64 end = self->op->pfn + self->op->nr;
	struct tracker_range range = { .pfn = self->op->pfn };
	unsigned int i;

	for (i = 0; i < nr_watched; i++)
		self->held[i] = true;
	while (tracker_next(&tracker, range.pfn + range.nr, end, &range))
		for (i = 0; i < nr_watched; i++)
			if (has(&(struct op){ SET, range.pfn, range.nr }, watched[i]))
				self->found[i] = true;
}

static void judge_look(const struct coroutine *self)
{
	unsigned int i;

	for (i = 0; i < nr_watched; i++)
		if (has(self->op, watched[i]) && self->held[i] && !self->found[i])
			violations++;
}

static void coroutine_main(void)
{
	struct coroutine *self = current;
	const struct op *op = self->op;

	switch (op->what) {
	case SET:
		if (tracker_set(&tracker, op->pfn, op->nr) != (s64)op->nr)
			violations++;
		break;
	case CLEAR:
		if (tracker_clear(&tracker, op->pfn, op->nr) != op->nr)
			violations++;
		break;
	case LOOK:
		look(self);
		break;
	case NOTHING:
		break;
	}
	self->done = true;
	if (op->what == LOOK)
		judge_look(self);
	swapcontext(&self->context, &scheduler);
}

static bool runnable(const struct coroutine *c)
{
	return !c->done && !(c->lock && *c->lock);
}

/* The next to go on, by the list of choices. */
static struct coroutine *choose(void)
{
	struct coroutine *can[MAX_OPS];
	unsigned int i, nr = 0;

	for (i = 0; i < MAX_OPS; i++)
		if (runnable(&coroutines[i]))
			can[nr++] = &coroutines[i];
	if (!nr)
		return NULL;
	if (depth == MAX_STEPS) {
		/* A planted fault may send somebody round in circles. */
		if (!steps_fault)
			abort();
		return NULL;
	}
	if (depth >= replayed)
		choice[depth] = 0;
	options[depth] = nr;
	return can[choice[depth++]];
}

static void begin(struct coroutine *c, unsigned int i)
{
	memset(c, 0, sizeof(*c));
	c->op = &scene->ops[i];
	c->done = c->op->what == NOTHING;
	getcontext(&c->context);
	c->context.uc_stack.ss_sp = stacks[i];
	c->context.uc_stack.ss_size = sizeof(stacks[i]);
	makecontext(&c->context, coroutine_main, 0);
}

static void after_step(void)
{
	unsigned int i, j;

	/* What was replayed has been looked at before. */
	if (depth >= replayed)
		look_now();
	for (i = 0; i < MAX_OPS; i++) {
		struct coroutine *c = &coroutines[i];

		if (c->op->what != LOOK || !c->begun || c->done)
			continue;
		for (j = 0; j < nr_watched; j++)
			c->held[j] = c->held[j] && must_have(watched[j]);
	}
}

static void run_once(void)
{
	struct coroutine *c;
	unsigned int i;
	u64 count = 0;

	memcpy(arena, saved, arena_used);
	tracker = saved_tracker;
	for (i = 0; i < MAX_OPS; i++)
		begin(&coroutines[i], i);
	depth = 0;
	accesses = 0;
	while ((c = choose())) {
		c->begun = true;
		c->lock = NULL;
		current = c;
		swapcontext(&scheduler, &c->context);
		current = NULL;
		steps++;
		after_step();
	}
	if (violations && steps_fault)
		return;
	/* All over: exact, also the count; nobody waits for a lock for ever. */
	for (i = 0; i < MAX_OPS; i++)
		if (!coroutines[i].done)
			violations++;
	for (i = 0; i < nr_watched; i++)
		if (tracker_test(&tracker, watched[i]) != must_have(watched[i]))
			violations++;
	count = tracker_count(&tracker);
	for (i = 0; i < 2; i++)
		count -= scene->before[i].nr;
	for (i = 0; i < MAX_OPS; i++) {
		if (scene->ops[i].what == SET)
			count -= scene->ops[i].nr;
		if (scene->ops[i].what == CLEAR)
			count += scene->ops[i].nr;
	}
	if (count)
		violations++;
}

/* The next list of choices; false: that was all. */
static bool next_run(void)
{
	while (depth && choice[depth - 1] + 1 == options[depth - 1])
		depth--;
	if (!depth)
		return false;
	choice[depth - 1]++;
	replayed = depth;
	return true;
}

static void watch(const struct op *op)
{
	const u64 pages[] = { op->pfn - 1, op->pfn, op->pfn + op->nr / 2,
			      op->pfn + op->nr - 1, op->pfn + op->nr };
	unsigned int i;

	for (i = 0; op->what && op->what != LOOK && i < ARRAY_SIZE(pages); i++)
		watched[nr_watched++] = pages[i];
}

static void prepare_scene(const struct scene *which)
{
	unsigned int i;

	scene = which;
	nr_watched = 0;
	for (i = 0; i < 2; i++) {
		const struct op *op = &scene->before[i];

		watch(op);
		if (op->what)
			assert_int_equal(tracker_set(&tracker, op->pfn, op->nr), op->nr);
	}
	for (i = 0; i < MAX_OPS; i++)
		watch(&scene->ops[i]);
}

/* All runs of a scene; how often something did not hold. */
static unsigned int run_scene(const struct scene *which, enum fault fault)
{
	arena_used = 0;
	memset(arena, 0, sizeof(arena));
	steps_fault = FAULT_NONE;
	assert_int_equal(tracker_create(&tracker, TEST_BACKEND, 3 * SECTION), 0);
	assert_int_equal(tracker_populate(&tracker, 0, 3 * SECTION), 0);
	prepare_scene(which);
	memcpy(saved, arena, arena_used);
	saved_tracker = tracker;

	steps_fault = fault;
	nr_written = 0;
	do {
		violations = 0;
		runs = 0;
		steps = 0;
		replayed = 0;
		learnt = false;
		do {
			run_once();
			/* One is enough of a planted fault. */
			if (fault && violations)
				return violations;
		} while (!learnt && ++runs < (fault ? MAX_FAULT_RUNS : MAX_RUNS) && next_run());
	} while (learnt);
	assert_true(runs < MAX_RUNS);
	return violations;
}

static void all_interleavings(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(scenes); i++) {
		unsigned int wrong = run_scene(&scenes[i], FAULT_NONE);

		print_message("%-36s %8lu interleavings, %9lu steps, %u wrong\n",
			      scenes[i].name, runs, steps, wrong);
		assert_int_equal(wrong, 0);
		assert_true(runs > 5);
	}
}

/* Does a scene notice the fault?  The first that does is named. */
static bool noticed(enum fault fault)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(scenes); i++) {
		if (!run_scene(&scenes[i], fault))
			continue;
		print_message("planted fault %d: noticed by \"%s\" after %lu interleavings\n",
			      fault, scenes[i].name, runs);
		return true;
	}
	return false;
}

static void planted_faults(void **state)
{
	(void)state;
	if (IS_BITMAP) {
		assert_true(noticed(FAULT_TORN));
		assert_true(noticed(FAULT_LATE));
	} else {
		assert_true(noticed(FAULT_GAP));
		assert_true(noticed(FAULT_NO_LOCK));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_interleavings),
		cmocka_unit_test(planted_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
