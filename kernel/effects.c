// SPDX-License-Identifier: GPL-2.0-only
/*
 * Apply a SEAMCALL's effect to the tracker, so that it stays a superset of what
 * is private or dirty, at every instruction:
 *
 *   before a SEAMCALL	its page enters
 *   after it failed	the page leaves, if this call had added it
 *   after MOVDIR64B	the page leaves
 *
 * An end that nobody sees does no harm to the superset: the page stays.  It
 * costs coverage all the same, because a page that stays for no reason may be
 * ordinary memory by the time of the hand-off.
 *
 * Two of them on one page at a time: if A added the page and fails while B
 * succeeds, A must not take it back.  Whoever finds its page tracked already
 * raises the generation of the page's bucket, and A sees that.  If there is no
 * A, the page was rewritten and nobody saw it.
 *
 * Context: everything here may run like an NMI, but never inside itself on one
 * CPU.  A bucket's lock is held for a few instructions, with interrupts off.  A
 * crash never waits for one: TDH.SYS.DISABLE names no page.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "coverage.h"
#include "effects.h"
#include "tdx/abi.h"
#include "tdx_reset.h"
#include "trace.h"

enum tdx_state tdx_state;

#define QUIET_MS	20

/* Pages taken back (or about to be) and not yet rewritten; never less than there are. */
static atomic64_t pages_outstanding;

/**
 * struct bucket - serialises what happens to the same page
 * @lock: held while a page enters or leaves
 * @generation: raised when a call finds its page in the tracker already
 * @in_flight: SEAMCALLs that name a page of this bucket and have not come back
 */
struct bucket {
	raw_spinlock_t lock;
	u32 generation;
	u32 in_flight;
} ____cacheline_aligned_in_smp;

#define NR_BUCKETS	1024
#define BUCKET_PAGES	512	/* all pages of a 2 MiB frame share a bucket */

static struct bucket buckets[NR_BUCKETS] = {
	[0 ... NR_BUCKETS - 1] = {
		.lock = __RAW_SPIN_LOCK_UNLOCKED(bucket),
	},
};

/* Spin on trylock: lockdep does not like plain locks where an NMI might be. */
static unsigned long bucket_lock(struct bucket *bucket)
	__acquires(&bucket->lock)
{
	unsigned long flags;

	local_irq_save(flags);
	while (!raw_spin_trylock(&bucket->lock))
		cpu_relax();
	return flags;
}

static void bucket_unlock(struct bucket *bucket, unsigned long flags)
	__releases(&bucket->lock)
{
	raw_spin_unlock(&bucket->lock);
	local_irq_restore(flags);
}

static struct bucket *bucket_of(u64 pfn)
{
	return &buckets[(pfn / BUCKET_PAGES) % NR_BUCKETS];
}

/* A call that names a page comes or goes; one with a 1 GiB page is in every bucket. */
static void in_flight(const struct leaf_call *call, int step)
{
	struct bucket *bucket = bucket_of(call->pfn);
	struct bucket *end = bucket + 1;
	unsigned long flags;

	if (!call->named)
		return;
	if (call->nr > BUCKET_PAGES) {
		bucket = buckets;
		end = buckets + NR_BUCKETS;
	}
	for (; bucket < end; bucket++) {
		flags = bucket_lock(bucket);
		bucket->in_flight += step;
		bucket_unlock(bucket, flags);
	}
}

/* A page larger than a bucket's frame (1 GiB; Linux never gives one). */
static void take_large(struct effect *effect)
{
	const struct leaf_call *call = &effect->call;
	s64 added;
	int i;

	/* Twice: a failing call may have taken a page back before its bucket's turn. */
	added = tracker_set(&tracker, call->pfn, call->nr);
	trace_tdx_set(call->pfn, call->nr, max(added, 0LL), call->leaf);
	for (i = 0; i < NR_BUCKETS; i++) {
		unsigned long flags = bucket_lock(&buckets[i]);

		buckets[i].generation++;
		bucket_unlock(&buckets[i], flags);
	}
	if (tracker_set(&tracker, call->pfn, call->nr) == -ERANGE)
		coverage_lose(COVERAGE_OUTSIDE_MAP);
}

static void take(struct effect *effect)
{
	const struct leaf_call *call = &effect->call;
	struct bucket *bucket = bucket_of(call->pfn);
	unsigned long flags;
	bool alone;
	s64 added;

	pin_module();
	if (call->nr > BUCKET_PAGES) {
		take_large(effect);
		return;
	}

	flags = bucket_lock(bucket);
	added = tracker_set(&tracker, call->pfn, call->nr);
	effect->added = added == call->nr;
	effect->some = max(added, 0LL);
	if (!effect->added)
		bucket->generation++;
	effect->generation = bucket->generation;
	alone = bucket->in_flight == 1;
	bucket_unlock(bucket, flags);

	trace_tdx_set(call->pfn, call->nr, effect->some, call->leaf);
	/* -ENOMEM: tracker_lost() has been called. */
	if (added == -ERANGE)
		coverage_lose(COVERAGE_OUTSIDE_MAP);
	else if (added >= 0 && !effect->added && alone && !coverage_lost(COVERAGE_SEARCH_PENDING))
		coverage_lose(COVERAGE_MISSED_RESET);
}

/* What stays without reason may be ordinary memory later. */
static void take_back(const struct effect *effect)
{
	const struct leaf_call *call = &effect->call;
	struct bucket *bucket = bucket_of(call->pfn);
	unsigned long flags;
	u64 cleared = 0;

	if (!effect->added) {
		if (effect->some)
			coverage_lose(COVERAGE_MISSED_RETURN);
		return;
	}
	flags = bucket_lock(bucket);
	if (bucket->generation == effect->generation)
		cleared = tracker_clear(&tracker, call->pfn, call->nr);
	else
		coverage_lose(COVERAGE_MISSED_RETURN);
	bucket_unlock(bucket, flags);
	trace_tdx_clear(call->pfn, call->nr, cleared, true);
}

#define HOLD_TRIES	1000000

/**
 * effects_hold - let no SEAMCALL that names this page begin
 * @pfn: the page
 * @flags: for effects_release()
 *
 * For the search: what the tracker says of the page is settled, and asking TDX
 * for its type does not get in the way of a call that names it.  Such a call
 * waits meanwhile, with interrupts off.
 *
 * Context: process.  On success interrupts are off until effects_release().
 * Return: false if such calls did not end.
 */
bool effects_hold(u64 pfn, unsigned long *flags)
{
	struct bucket *bucket = bucket_of(pfn);
	int try;

	for (try = 0; try < HOLD_TRIES; try++) {
		*flags = bucket_lock(bucket);
		if (!bucket->in_flight) {
			__release(&bucket->lock);	/* for sparse: it is held */
			return true;
		}
		bucket_unlock(bucket, *flags);
		cpu_relax();
	}
	return false;
}

/**
 * effects_release - undo effects_hold()
 * @pfn: the page
 * @flags: from effects_hold()
 *
 * Context: process.
 */
void effects_release(u64 pfn, unsigned long flags)
{
	struct bucket *bucket = bucket_of(pfn);

	__acquire(&bucket->lock);	/* for sparse: since effects_hold() */
	bucket_unlock(bucket, flags);
}

/*
 * During the search a page may come back that the tracker never had.  Its
 * rewriting is told from that of a page that came back unseen, before there
 * were probes, by the task: the one that takes a page back rewrites it.
 */
static struct {
	const struct task_struct *task;
	s64 nr;		/* pages it has taken back and not rewritten; 0: a free slot */
	u32 since;	/* returners_age when it took the first of them */
} returners[64];
static u32 returners_age;
static bool returners_full;	/* there was no slot for one: who knows */
static DEFINE_RAW_SPINLOCK(returners_lock);

/* @task has taken back @nr more pages, or rewritten -@nr.  Returns what counts. */
static s64 returner(const struct task_struct *task, s64 nr)
{
	unsigned long flags;
	size_t i, at = ARRAY_SIZE(returners);

	local_irq_save(flags);
	while (!raw_spin_trylock(&returners_lock))
		cpu_relax();
	for (i = 0; i < ARRAY_SIZE(returners); i++) {
		if (returners[i].nr && returners[i].task == task)
			break;
		if (!returners[i].nr)
			at = i;
	}
	if (i == ARRAY_SIZE(returners))
		i = at;
	/* No room: what is outstanding stays too high, and coverage is lost at the end. */
	if (i < ARRAY_SIZE(returners)) {
		nr = max(nr, -returners[i].nr);
		if (!returners[i].nr)
			returners[i].since = READ_ONCE(returners_age);
		returners[i].task = task;
		returners[i].nr += nr;
	} else {
		returners_full |= nr > 0;
		nr = max(nr, 0LL);
	}
	raw_spin_unlock(&returners_lock);
	local_irq_restore(flags);
	return nr;
}

/* Taken back (or, less than 0, not after all). */
static void returned(s64 nr)
{
	atomic64_add(nr, &pages_outstanding);
	if (coverage_lost(COVERAGE_SEARCH_PENDING))
		returner(current, nr);
}

/**
 * effects_quiet - is no page on its way from TDX to its rewriting?
 *
 * Other CPUs have some milliseconds to end what they have begun.
 *
 * Context: any that may wait so long.
 */
bool effects_quiet(void)
{
	u64 deadline = ktime_get_mono_fast_ns() + QUIET_MS * NSEC_PER_MSEC;

	while (atomic64_read(&pages_outstanding)) {
		if (ktime_get_mono_fast_ns() > deadline)
			return false;
		cpu_relax();
	}
	return true;
}

/**
 * effects_settled - has all that came back during the search been rewritten?
 *
 * From taking a page back to rewriting it nobody sleeps: so who has not rewritten
 * its page after a grace period of tasks never will.
 *
 * Context: process, sleeps for a grace period.
 */
bool effects_settled(void)
{
	u32 age = returners_age + 1;
	size_t i;

	WRITE_ONCE(returners_age, age);
	synchronize_rcu_tasks();
	for (i = 0; i < ARRAY_SIZE(returners); i++)
		if (READ_ONCE(returners[i].nr) && READ_ONCE(returners[i].since) != age)
			return false;
	return !READ_ONCE(returners_full);
}

/*
 * TDX is on, by what it is asked to do, and nobody saw it being configured.  As
 * long as the search runs, that is no surprise, and it finds the PAMT.
 */
static void seen_alive(void)
{
	if (READ_ONCE(tdx_state) == TDX_OFF &&
	    cmpxchg(&tdx_state, TDX_OFF, TDX_INITIALIZED) == TDX_OFF &&
	    !coverage_lost(COVERAGE_SEARCH_PENDING))
		coverage_lose(COVERAGE_CONFIGURED_LATE);
}

/* TDH.SYS.CONFIG names the PAMT; TDH.SYS.TDMR.INIT fills it. */
static void configure(const struct effect *effect, const struct seamcall_args *args)
{
	bool known = effect->call.leaf == TDH_SYS_CONFIG ? pamt_take(args) : pamt_known();

	pin_module();
	if (!known)
		coverage_lose(COVERAGE_CONFIGURED_LATE);
	cmpxchg(&tdx_state, TDX_OFF, TDX_INITIALIZED);
}

/**
 * effect_begin - a SEAMCALL is about to be made
 * @effect: filled; the caller keeps it until effect_end()
 * @rax: leaf and version
 * @args: the other registers
 *
 * Context: any, but see the top of this file.
 */
void effect_begin(struct effect *effect, u64 rax, const struct seamcall_args *args)
{
	struct leaf_call *call = &effect->call;

	effect->added = false;
	effect->some = 0;
	*call = leaf_decode(rax, args);
	in_flight(call, 1);

	switch (call->effect) {
	case TDX_EFFECT_TAKES:
		seen_alive();
		take(effect);
		break;
	case TDX_EFFECT_MOVES:
		seen_alive();
		returned(call->nr);
		take(effect);
		break;
	case TDX_EFFECT_RETURNS:
		/* Before the call: TDH.SYS.DISABLE elsewhere must not overlook it. */
		returned(call->nr);
		break;
	case TDX_EFFECT_CONFIGURES:
		configure(effect, args);
		break;
	case TDX_EFFECT_UNKNOWN:
		coverage_lose(COVERAGE_UNKNOWN_LEAF);
		break;
	case TDX_EFFECT_NONE:
	case TDX_EFFECT_UPDATES:
	case TDX_EFFECT_ALL_NORMAL:
		break;
	}
}

/*
 * TDH.SYS.DISABLE has cleaned what was private, and written back what the
 * caches held of it (assumed; nothing public says so).  It does not know pages
 * that were taken back and not yet rewritten; if there may be any, everything
 * stays in the tracker and the hand-off rewrites it.
 *
 * No tracepoint: this is on the way of a crash.
 */
static void all_normal(void)
{
	watch_account();
	if (!atomic64_read(&pages_outstanding) && coverage_healed_by_disable())
		tracker_clear_all(&tracker);
	WRITE_ONCE(tdx_state, TDX_DISABLED);
}

/**
 * effect_end - the SEAMCALL has come back
 * @effect: of effect_begin()
 * @failed: VMfailInvalid: the TDX module was not reached
 * @status: RAX, unless @failed
 * @r8: R8 as the module left it
 *
 * Context: any, but see the top of this file.
 */
void effect_end(struct effect *effect, bool failed, u64 status, u64 r8)
{
	const struct leaf_call *call = &effect->call;
	enum leaf_outcome outcome = failed ? LEAF_NOT_DONE : leaf_outcome(status);
	u64 nr;

	switch (call->effect) {
	case TDX_EFFECT_TAKES:
		if (outcome == LEAF_NOT_DONE)
			take_back(effect);
		break;
	case TDX_EFFECT_MOVES:
		if (outcome == LEAF_NOT_DONE) {
			take_back(effect);
			returned(-(s64)call->nr);
		}
		break;
	case TDX_EFFECT_RETURNS:
		nr = outcome == LEAF_DONE ? call->nr : 0;
		if (nr && call->size_in_r8)
			nr = leaf_level_pages(r8);
		returned((s64)nr - (s64)call->nr);
		break;
	case TDX_EFFECT_ALL_NORMAL:
		if (outcome == LEAF_DONE)
			all_normal();
		break;
	case TDX_EFFECT_UPDATES:
		/* What the next module does, no table here can know. */
		if (outcome == LEAF_DONE)
			coverage_lose(COVERAGE_MODULE_UPDATED);
		break;
	case TDX_EFFECT_CONFIGURES:
		/* Own mode rewrites it first: pamt_release(). */
		if (call->leaf == TDH_SYS_CONFIG && outcome == LEAF_NOT_DONE && !platform.own)
			pamt_take_back();
		break;
	case TDX_EFFECT_NONE:
	case TDX_EFFECT_UNKNOWN:
		break;
	}
	in_flight(call, -1);
}

/**
 * effect_rewritten - pages are normal again
 * @pfn: the first
 * @nr: how many
 *
 * Context: any.
 */
void effect_rewritten(u64 pfn, u64 nr)
{
	u64 cleared = tracker_clear(&tracker, pfn, nr);

	trace_tdx_clear(pfn, nr, cleared, false);
	if (pamt_has(pfn))
		return;
	if (coverage_lost(COVERAGE_SEARCH_PENDING))
		atomic64_add(returner(current, -(s64)nr), &pages_outstanding);
	else
		atomic64_sub(cleared, &pages_outstanding);
}
