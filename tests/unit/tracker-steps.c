// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All interleavings of two or three operations on neighbouring pages, one access
 * to shared memory a step (tracker-machine.c).  What must hold:
 *
 *   stopped	after each step, as if all CPUs had been stopped there: a page that is
 *		in the set is found, one that nobody gave is not
 *   lost	who looks meanwhile finds each page that is in the set all the while
 *   ghost	and none but pages that may have been in it at some time meanwhile
 *   end	the set and its number are exact, nobody waits for a lock for ever
 *
 * Each planted fault must be noticed.  Compiled for each backend: TEST_BACKEND.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/gfp.h>
#include <linux/kernel.h>

#include "tracker.h"
#ifdef SHIM_XARRAY
#include "tracker_xarray.h"
#endif

#define SECTION ((u64)PRIVATE_MAP_SECTION_PAGES)
#define IS_BITMAP (TEST_BACKEND == TRACKER_BITMAP)
#define MAX_WATCHED 64

long shim_pages_until_failure = -1;
long shim_pages_held;

enum what {
	NOTHING,
	SET,
	CLEAR,
	LOOK,		/* tracker_next() from first to last page */
	GONE,		/* before: set and cleared */
	MAINTAIN,	/* the worker: fills the reserve, frees empty nodes */
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
	/* Set, clear and look, all at once. */
	{ "look as one comes and one leaves", { { SET, 10, 2 } },
	  { { SET, 9, 1 }, { CLEAR, 11, 1 }, { LOOK, 8, 5 } } },
	{ "look as one leaves between two", { { SET, 10, 3 } },
	  { { SET, 13, 1 }, { CLEAR, 11, 1 }, { LOOK, 9, 6 } } },
	{ "look over an edge, one comes, one leaves", { { SET, 63, 1 } },
	  { { SET, 64, 1 }, { CLEAR, 63, 1 }, { LOOK, 62, 4 } } },
	{ "look over sections, one comes, one leaves", { { SET, SECTION - 1, 1 } },
	  { { SET, SECTION, 1 }, { CLEAR, SECTION - 1, 1 }, { LOOK, SECTION - 2, 4 } } },
	{ "two looks as one comes", { { SET, 10, 1 } },
	  { { SET, 11, 1 }, { LOOK, 9, 4 }, { LOOK, 9, 4 } } },
	/* The xarray cuts 2 MiB into 8, and one of those into 64. */
	{ "look as a page of 2 MiB leaves", { { SET, 1024, 512 } },
	  { { CLEAR, 1100, 1 }, { LOOK, 1022, 516 }, { NOTHING, 0, 0 } } },
	{ "look as the first of 2 MiB leaves", { { SET, 1023, 513 } },
	  { { CLEAR, 1024, 1 }, { LOOK, 1022, 516 }, { NOTHING, 0, 0 } } },
	{ "look as two pages of 2 MiB leave", { { SET, 1024, 512 } },
	  { { CLEAR, 1100, 1 }, { CLEAR, 1535, 1 }, { LOOK, 1090, 448 } } },
	{ "look as a page of 2 MiB leaves, one comes", { { SET, 1024, 512 } },
	  { { CLEAR, 1024, 1 }, { SET, 1536, 1 }, { LOOK, 1022, 516 } } },
	{ "look as 2 MiB come", { { 0 } },
	  { { SET, 1024, 512 }, { LOOK, 1022, 516 }, { NOTHING, 0, 0 } } },
	{ "look as 2 MiB come, a neighbour leaves", { { SET, 1023, 1 } },
	  { { SET, 1024, 512 }, { CLEAR, 1023, 1 }, { LOOK, 1022, 516 } } },
	{ "look as 2 MiB leave", { { SET, 1024, 512 } },
	  { { CLEAR, 1024, 512 }, { LOOK, 1022, 516 }, { NOTHING, 0, 0 } } },
	/* A node of the xarray empties, is freed, is there again. */
	{ "look as all leave and one comes", { { SET, 10, 1 } },
	  { { CLEAR, 10, 1 }, { SET, 9, 1 }, { LOOK, 8, 5 } } },
	{ "look as all leave and the worker frees", { { SET, 10, 1 } },
	  { { CLEAR, 10, 1 }, { MAINTAIN, 0, 0 }, { LOOK, 9, 5 } } },
	{ "one comes as the worker frees", { { SET, 10, 1 }, { SET, 70, 1 } },
	  { { CLEAR, 10, 1 }, { SET, 12, 1 }, { MAINTAIN, 0, 0 } } },
	{ "look as one comes and the worker frees", { { SET, 70, 1 }, { GONE, 13, 1 } },
	  { { SET, 11, 2 }, { MAINTAIN, 0, 0 }, { LOOK, 9, 63 } } },
};

static struct tracker tracker;
static const struct scene *scene;

/* --- what must hold */
static u64 watched[MAX_WATCHED];
static unsigned int nr_watched;

/* What is known of a look, put back with the rest. */
static struct look {
	bool held[MAX_WATCHED];		/* in the set since the look began */
	bool possible[MAX_WATCHED];	/* maybe in it at some time since then */
	bool found[MAX_WATCHED];
	bool begun;
} looks[MAX_OPS];

enum wrong { STOPPED, LOST, GHOST, AT_END, NR_WRONG };
static unsigned long wrong[NR_WRONG];

static bool has(const struct op *op, u64 pfn)
{
	return pfn >= op->pfn && pfn < op->pfn + op->nr;
}

static bool was_before(u64 pfn)
{
	return (scene->before[0].what == SET && has(&scene->before[0], pfn)) ||
	       (scene->before[1].what == SET && has(&scene->before[1], pfn));
}

static bool must_have(u64 pfn)
{
	bool there = was_before(pfn);
	unsigned int i;

	for (i = 0; i < MAX_OPS; i++) {
		if (!has(&scene->ops[i], pfn))
			continue;
		if (scene->ops[i].what == CLEAR && steps_begun(i))
			return false;
		if (scene->ops[i].what == SET && steps_done(i))
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
		if (scene->ops[i].what == CLEAR && steps_done(i))
			return false;
		if (scene->ops[i].what == SET && steps_begun(i))
			there = true;
	}
	return there;
}

/* All CPUs stopped here. */
static void look_now(void)
{
	struct tracker_range range;
	unsigned int i;

	for (i = 0; i < nr_watched; i++) {
		u64 pfn = watched[i];
		bool seen = tracker_test(&tracker, pfn);

		if (tracker_next(&tracker, pfn, pfn + 1, &range) != seen)
			wrong[STOPPED]++;
		if (seen ? !may_have(pfn) : must_have(pfn))
			wrong[STOPPED]++;
	}
}

static void begin_look(struct look *self)
{
	unsigned int i;

	self->begun = true;
	for (i = 0; i < nr_watched; i++) {
		self->held[i] = must_have(watched[i]);
		self->possible[i] = may_have(watched[i]);
	}
}

static void judge_look(const struct op *op, const struct look *self)
{
	unsigned int i;

	for (i = 0; i < nr_watched; i++) {
		wrong[LOST] += has(op, watched[i]) && self->held[i] && !self->found[i];
		wrong[GHOST] += self->found[i] && !self->possible[i];
	}
}

static void look(const struct op *op, struct look *self)
{
	u64 end = op->pfn + op->nr;
	struct tracker_range range = { .pfn = op->pfn };
	unsigned int i;

	begin_look(self);
	while (1) {
		u64 from = range.pfn + range.nr;

		if (!tracker_next(&tracker, from, end, &range))
			break;
		/* Ascending, and nothing but what was asked for. */
		wrong[GHOST] += range.pfn < from || !range.nr || range.pfn + range.nr > end;
		for (i = 0; i < nr_watched; i++)
			if (has(&(struct op){ SET, range.pfn, range.nr }, watched[i]))
				self->found[i] = true;
	}
	judge_look(op, self);
}

static void run_op(unsigned int i)
{
	const struct op *op = &scene->ops[i];

	switch (op->what) {
	case SET:
		wrong[AT_END] += tracker_set(&tracker, op->pfn, op->nr) != (s64)op->nr;
		break;
	case CLEAR:
		wrong[AT_END] += tracker_clear(&tracker, op->pfn, op->nr) != op->nr;
		break;
	case LOOK:
		look(op, &looks[i]);
		break;
	case MAINTAIN:
#ifdef SHIM_XARRAY
		xarray_maintain(tracker.xarray);
#endif
		break;
	case NOTHING:
	case GONE:
		break;
	}
}

static bool is_operation(unsigned int i)
{
	/* The bitmap has no worker. */
	return scene->ops[i].what && !(IS_BITMAP && scene->ops[i].what == MAINTAIN);
}

static bool sees_old_memory(unsigned int i)
{
	return scene->ops[i].what == LOOK;
}

static void after_step(void)
{
	unsigned int i, j;

	wrong[STOPPED] += steps_give_up(look_now);
	for (i = 0; i < MAX_OPS; i++) {
		if (!looks[i].begun)
			continue;
		for (j = 0; j < nr_watched; j++) {
			looks[i].held[j] &= must_have(watched[j]);
			looks[i].possible[j] |= may_have(watched[j]);
		}
	}
}

static void look_at_end(void)
{
	u64 count = tracker_count(&tracker);
	unsigned int i;

	for (i = 0; i < MAX_OPS; i++)
		wrong[AT_END] += !steps_done(i);
	for (i = 0; i < nr_watched; i++)
		wrong[AT_END] += tracker_test(&tracker, watched[i]) != must_have(watched[i]);
	for (i = 0; i < 2; i++)
		count -= scene->before[i].what == SET ? scene->before[i].nr : 0;
	for (i = 0; i < MAX_OPS; i++) {
		if (scene->ops[i].what == SET)
			count -= scene->ops[i].nr;
		if (scene->ops[i].what == CLEAR)
			count += scene->ops[i].nr;
	}
	wrong[AT_END] += !!count;
}

static void at_end(void)
{
	wrong[AT_END] += steps_give_up(look_at_end);
}

static unsigned long all_wrong(void)
{
	return wrong[STOPPED] + wrong[LOST] + wrong[GHOST] + wrong[AT_END];
}

/* Which mistake has to be made, for a planted fault; NR_WRONG: any. */
static enum wrong wanted;

static bool any_wrong(void)
{
	return wanted == NR_WRONG ? all_wrong() : wrong[wanted];
}

static const struct steps steps = {
	.is_one = is_operation,
	.run = run_op,
	.stale = sees_old_memory,
	.after = after_step,
	.end = at_end,
	.wrong = any_wrong,
	.state = looks,
	.state_size = sizeof(looks),
};

/* --- scenes */
static void watch(const struct op *op)
{
	const u64 pages[] = { op->pfn - 1, op->pfn, op->pfn + op->nr / 2,
			      op->pfn + op->nr - 1, op->pfn + op->nr };
	unsigned int i;

	for (i = 0; op->nr && op->what != LOOK && i < ARRAY_SIZE(pages); i++)
		watched[nr_watched++] = pages[i];
}

static void prepare_scene(const struct scene *which)
{
	unsigned int i;

	scene = which;
	nr_watched = 0;
	memset(looks, 0, sizeof(looks));
	memset(wrong, 0, sizeof(wrong));
	for (i = 0; i < 2; i++) {
		const struct op *op = &scene->before[i];

		watch(op);
		if (op->what)
			assert_int_equal(tracker_set(&tracker, op->pfn, op->nr), op->nr);
		if (op->what == GONE)
			assert_int_equal(tracker_clear(&tracker, op->pfn, op->nr), op->nr);
	}
	for (i = 0; i < MAX_OPS; i++)
		watch(&scene->ops[i]);
}

/* All runs of a scene; how often something did not hold is in wrong[]. */
static struct steps_count run_scene(const struct scene *which, enum fault fault)
{
	steps_forget();
	assert_int_equal(tracker_create(&tracker, TEST_BACKEND, 3 * SECTION), 0);
	assert_int_equal(tracker_populate(&tracker, 0, 3 * SECTION), 0);
	prepare_scene(which);
	steps_begin_here();
	return steps_run_all(&steps, fault);
}

static void all_interleavings(void **state)
{
	unsigned int i;

	(void)state;
	wanted = NR_WRONG;
	for (i = 0; i < ARRAY_SIZE(scenes); i++) {
		struct steps_count count = run_scene(&scenes[i], FAULT_NONE);

		print_message("%-42s %12.6g interleavings, %6lu states, %lu wrong\n",
			      scenes[i].name, count.interleavings, count.states, all_wrong());
		assert_int_equal(all_wrong(), 0);
		assert_true(count.interleavings > 5);
	}
}

/* Does a scene notice the fault, by this mistake?  The first that does is named. */
static bool noticed(enum fault fault, enum wrong by)
{
	unsigned int i;

	wanted = by;
	for (i = 0; i < ARRAY_SIZE(scenes); i++) {
		struct steps_count count = run_scene(&scenes[i], fault);

		if (!any_wrong())
			continue;
		print_message("planted fault %d: noticed by \"%s\" after %lu states\n",
			      fault, scenes[i].name, count.states);
		return true;
	}
	return false;
}

static void planted_faults(void **state)
{
	(void)state;
	if (IS_BITMAP) {
		assert_true(noticed(FAULT_TORN, NR_WRONG));
		assert_true(noticed(FAULT_LATE, NR_WRONG));
	} else {
		assert_true(noticed(FAULT_GAP, NR_WRONG));
		assert_true(noticed(FAULT_NO_LOCK, NR_WRONG));
	}
	assert_true(noticed(FAULT_STALE, LOST));
	assert_true(noticed(FAULT_STALE, GHOST));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_interleavings),
		cmocka_unit_test(planted_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
