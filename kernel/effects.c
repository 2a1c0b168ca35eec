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
 * raises the generation of the page's bucket, and A sees that.  Until its end,
 * B rides on A's mark, which the search at load (mark_page()) respects, too.
 *
 * Context: everything here may run like an NMI, but never inside itself on one
 * CPU.  A bucket's lock is held for a few instructions, with interrupts off.  A
 * crash never waits for one: TDH.SYS.DISABLE names no page.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "coverage.h"
#include "effects.h"
#include "tdx/abi.h"
#include "tdx_reset.h"

enum tdx_state tdx_state;

/*
 * Pages taken back (or about to be) and not yet rewritten; never less than
 * there are.  @effects_seen: changes of it, so that a quiet time can be noticed.
 */
static atomic64_t pages_outstanding;
static atomic64_t effects_seen;

/**
 * struct bucket - serialises what happens to the same page
 * @lock: held while a page enters or leaves
 * @generation: raised when a call finds its page in the tracker already
 * @riders: such calls that have not ended
 */
struct bucket {
	raw_spinlock_t lock;
	u32 generation;
	u32 riders;
};

#define NR_BUCKETS	64
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

static void outstanding(s64 nr)
{
	atomic64_add(nr, &pages_outstanding);
	atomic64_inc(&effects_seen);
}

/* A page larger than a bucket's frame (1 GiB; Linux never gives one) rides on all. */
static void ride_large(int step)
{
	int i;

	for (i = 0; i < NR_BUCKETS; i++) {
		unsigned long flags = bucket_lock(&buckets[i]);

		buckets[i].generation++;
		buckets[i].riders += step;
		bucket_unlock(&buckets[i], flags);
	}
}

static void take_large(struct effect *effect)
{
	const struct leaf_call *call = &effect->call;

	/* Twice: a failing call may have taken a page back before its bucket's turn. */
	tracker_set(&tracker, call->pfn, call->nr);
	ride_large(1);
	effect->rides = true;
	if (tracker_set(&tracker, call->pfn, call->nr) == -ERANGE)
		coverage_lose(COVERAGE_OUTSIDE_MAP);
}

static void take(struct effect *effect)
{
	const struct leaf_call *call = &effect->call;
	struct bucket *bucket = bucket_of(call->pfn);
	unsigned long flags;
	s64 added;

	pin_module();
	if (call->nr > BUCKET_PAGES) {
		take_large(effect);
		return;
	}

	flags = bucket_lock(bucket);
	added = tracker_set(&tracker, call->pfn, call->nr);
	effect->added = added == call->nr;
	effect->rides = !effect->added;
	if (effect->rides) {
		bucket->generation++;
		bucket->riders++;
	}
	effect->generation = bucket->generation;
	bucket_unlock(bucket, flags);

	if (added == -ERANGE)
		coverage_lose(COVERAGE_OUTSIDE_MAP);
}

static void take_back(const struct effect *effect)
{
	const struct leaf_call *call = &effect->call;
	struct bucket *bucket = bucket_of(call->pfn);
	unsigned long flags;

	if (!effect->added)
		return;
	flags = bucket_lock(bucket);
	if (bucket->generation == effect->generation)
		tracker_clear(&tracker, call->pfn, call->nr);
	else	/* It may stay for no reason, and be ordinary memory later. */
		coverage_lose(COVERAGE_MISSED_RETURN);
	bucket_unlock(bucket, flags);
}

static void ride_ends(struct effect *effect)
{
	const struct leaf_call *call = &effect->call;
	struct bucket *bucket = bucket_of(call->pfn);
	unsigned long flags;

	if (!effect->rides)
		return;
	effect->rides = false;
	if (call->nr > BUCKET_PAGES) {
		ride_large(-1);
		return;
	}
	flags = bucket_lock(bucket);
	bucket->riders--;
	bucket_unlock(bucket, flags);
}

/**
 * mark_page - put a page into the tracker before asking whether it is private
 * @pfn: the page
 * @generation: what unmark_page() wants to know
 *
 * Context: process.
 * Return: false if the tracker has it already: then its life is known.
 */
bool mark_page(u64 pfn, u32 *generation)
{
	struct bucket *bucket = bucket_of(pfn);
	unsigned long flags = bucket_lock(bucket);
	s64 added = tracker_set(&tracker, pfn, 1);

	*generation = bucket->generation;
	bucket_unlock(bucket, flags);
	if (added == -ERANGE)
		coverage_lose(COVERAGE_OUTSIDE_MAP);
	return added > 0;
}

/**
 * unmark_page - it was not private
 * @pfn: the page, marked by the caller
 * @generation: of the mark; renewed
 *
 * Context: process.
 * Return: false if a SEAMCALL met the page meanwhile, so that the caller has to
 * ask again.
 */
bool unmark_page(u64 pfn, u32 *generation)
{
	struct bucket *bucket = bucket_of(pfn);
	unsigned long flags = bucket_lock(bucket);
	bool alone = bucket->generation == *generation && !bucket->riders;

	if (alone)
		tracker_clear(&tracker, pfn, 1);
	*generation = bucket->generation;
	bucket_unlock(bucket, flags);
	return alone;
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
	effect->rides = false;
	*call = leaf_decode(rax, args);

	switch (call->effect) {
	case TDX_EFFECT_TAKES:
		seen_alive();
		take(effect);
		break;
	case TDX_EFFECT_MOVES:
		seen_alive();
		outstanding(call->nr);
		take(effect);
		break;
	case TDX_EFFECT_RETURNS:
		/* Before the call: TDH.SYS.DISABLE elsewhere must not overlook it. */
		outstanding(call->nr);
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
 */
static void all_normal(void)
{
	watch_account();
	if (!atomic64_read(&pages_outstanding) &&
	    !coverage_lost(COVERAGE_MISSED_CALL) &&
	    !coverage_lost(COVERAGE_UNKNOWN_LEAF) &&
	    !coverage_lost(COVERAGE_MISSED_RETURN))
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
			outstanding(-call->nr);
		}
		break;
	case TDX_EFFECT_RETURNS:
		nr = outcome == LEAF_DONE ? call->nr : 0;
		if (nr && call->size_in_r8)
			nr = leaf_level_pages(r8);
		outstanding(nr - call->nr);
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
		if (call->leaf == TDH_SYS_CONFIG && outcome == LEAF_NOT_DONE)
			pamt_take_back();
		break;
	case TDX_EFFECT_NONE:
	case TDX_EFFECT_UNKNOWN:
		break;
	}
	ride_ends(effect);
}

/**
 * effect_rewritten - pages are normal again
 * @pfn: the first
 * @nr: how many
 *
 * While the search runs, a page may come back that the tracker never had; what
 * is outstanding does not fall then (effects_settle()).
 *
 * Context: any.
 */
void effect_rewritten(u64 pfn, u64 nr)
{
	u64 cleared = tracker_clear(&tracker, pfn, nr);

	if (!coverage_lost(COVERAGE_SEARCH_PENDING) && !pamt_has(pfn))
		outstanding(-(s64)cleared);
}

#define SETTLE_TRIES	3

/**
 * effects_settle - the search is over: forget what was outstanding before it
 *
 * From taking a page back to rewriting it nobody sleeps.  So after a grace
 * period of tasks in which nothing was taken back and nothing rewritten, nothing
 * is outstanding.  If there is no such time (TDs die all the while), the number
 * stays too high: TDH.SYS.DISABLE will not empty the tracker then, and the
 * hand-off rewrites what is normal already.
 *
 * Context: process, sleeps.
 */
void effects_settle(void)
{
	int try;

	for (try = 0; try < SETTLE_TRIES; try++) {
		s64 seen = atomic64_read(&effects_seen);
		s64 nr = atomic64_read(&pages_outstanding);

		if (!nr)
			return;
		synchronize_rcu_tasks();
		if (atomic64_read(&effects_seen) != seen)
			continue;
		atomic64_sub(nr, &pages_outstanding);
		return;
	}
}
