// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watch the running kernel's SEAMCALLs and keep the tracker a superset of what
 * is private or dirty, at every instruction:
 *
 *   before a SEAMCALL	its page enters the tracker (kprobe at the entry)
 *   after it failed	the page leaves, if this call had added it (kretprobe)
 *   after MOVDIR64B	the page leaves (kretprobe on the kernel's function)
 *
 * A return that nobody sees does no harm to the superset: the page stays.  It
 * costs coverage all the same, because a page that stays for no reason may be
 * ordinary memory by the time of the hand-off.
 *
 * Two SEAMCALLs on one page at a time: if A added the page and fails while B
 * succeeds, A must not take it back.  Whoever finds its page tracked already
 * raises the generation of the page's bucket, and A sees that.
 *
 * Context of the handlers: kprobes run like an NMI, with interrupts off, and
 * never inside one another; return handlers run where the watched function
 * runs.  A bucket's lock is held for a few instructions, with interrupts off.
 * A crash never waits for one: TDH.SYS.DISABLE names no page.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "coverage.h"
#include "leaves.h"
#include "tdx_reset.h"

enum tdx_state tdx_state;

/**
 * struct watch_call - one SEAMCALL between its entry and its return
 * @call: decoded
 * @args: the caller's registers, in and out
 * @generation: of the bucket, when the page entered the tracker
 * @added: this call put all of its pages into the tracker
 */
struct watch_call {
	struct leaf_call call;
	struct seamcall_args *args;
	u32 generation;
	bool added;
};

/* From the kprobe to the kretprobe at the same address, in one trap. */
static DEFINE_PER_CPU(struct watch_call, watch_entered);

/* Pages taken back (or about to be) and not yet rewritten. */
static atomic64_t pages_outstanding;

static bool module_pinned;

/**
 * struct watch_bucket - serialises calls on the same page
 * @lock: held while a page enters or leaves because of a SEAMCALL
 * @generation: raised when a call finds its page in the tracker already
 */
struct watch_bucket {
	raw_spinlock_t lock;
	u32 generation;
};

#define WATCH_BUCKETS	64
#define BUCKET_PAGES	512	/* all pages of a 2 MiB frame share a bucket */

static struct watch_bucket buckets[WATCH_BUCKETS] = {
	[0 ... WATCH_BUCKETS - 1] = {
		.lock = __RAW_SPIN_LOCK_UNLOCKED(watch_bucket),
	},
};

/* Spin on trylock: lockdep does not like plain locks where an NMI might be. */
static unsigned long bucket_lock(struct watch_bucket *bucket)
	__acquires(&bucket->lock)
{
	unsigned long flags;

	local_irq_save(flags);
	while (!raw_spin_trylock(&bucket->lock))
		cpu_relax();
	return flags;
}

static void bucket_unlock(struct watch_bucket *bucket, unsigned long flags)
	__releases(&bucket->lock)
{
	raw_spin_unlock(&bucket->lock);
	local_irq_restore(flags);
}

static struct watch_bucket *bucket_of(u64 pfn)
{
	return &buckets[(pfn / BUCKET_PAGES) % WATCH_BUCKETS];
}

/**
 * watch_pin_module - private pages exist, so this module has to stay
 *
 * Never undone: the PAMT is private until TDH.SYS.DISABLE, and that is called
 * only on the way out of this kernel.
 *
 * Context: any, NMI included.
 */
void watch_pin_module(void)
{
	if (!READ_ONCE(module_pinned) && !xchg(&module_pinned, true))
		__module_get(THIS_MODULE);
}

/* A page larger than a bucket's frame (1 GiB; Linux never gives one). */
static void take_large(struct watch_call *entered)
{
	const struct leaf_call *call = &entered->call;
	int i;

	/* Twice: a failing call may have taken a page back before its bucket's turn. */
	tracker_set(&tracker, call->pfn, call->nr);
	for (i = 0; i < WATCH_BUCKETS; i++) {
		unsigned long flags = bucket_lock(&buckets[i]);

		buckets[i].generation++;
		bucket_unlock(&buckets[i], flags);
	}
	if (tracker_set(&tracker, call->pfn, call->nr) < 0)
		coverage_lose(COVERAGE_OUTSIDE_MAP);
}

static void take(struct watch_call *entered)
{
	const struct leaf_call *call = &entered->call;
	struct watch_bucket *bucket = bucket_of(call->pfn);
	unsigned long flags;
	s64 added;

	watch_pin_module();
	if (call->nr > BUCKET_PAGES) {
		take_large(entered);
		return;
	}

	flags = bucket_lock(bucket);
	added = tracker_set(&tracker, call->pfn, call->nr);
	entered->added = added == call->nr;
	if (!entered->added)
		bucket->generation++;
	entered->generation = bucket->generation;
	bucket_unlock(bucket, flags);

	if (added < 0)
		coverage_lose(COVERAGE_OUTSIDE_MAP);
}

static void take_back(const struct watch_call *entered)
{
	const struct leaf_call *call = &entered->call;
	struct watch_bucket *bucket = bucket_of(call->pfn);
	unsigned long flags;

	if (!entered->added)
		return;
	flags = bucket_lock(bucket);
	if (bucket->generation == entered->generation)
		tracker_clear(&tracker, call->pfn, call->nr);
	bucket_unlock(bucket, flags);
}

static int call_entry(struct kprobe *kp, struct pt_regs *regs)
{
	struct watch_call *entered = this_cpu_ptr(&watch_entered);
	struct leaf_call *call = &entered->call;

	entered->args = (struct seamcall_args *)regs->si;
	entered->added = false;
	*call = leaf_decode(regs->di, entered->args);

	switch (call->effect) {
	case TDX_EFFECT_TAKES:
		take(entered);
		break;
	case TDX_EFFECT_MOVES:
		atomic64_add(call->nr, &pages_outstanding);
		take(entered);
		break;
	case TDX_EFFECT_RETURNS:
		/* Before the call: TDH.SYS.DISABLE elsewhere must not overlook it. */
		atomic64_add(call->nr, &pages_outstanding);
		break;
	case TDX_EFFECT_CONFIGURES:
		coverage_lose(COVERAGE_CONFIGURED_LATE);
		break;
	case TDX_EFFECT_UNKNOWN:
		coverage_lose(COVERAGE_UNKNOWN_LEAF);
		break;
	case TDX_EFFECT_NONE:
	case TDX_EFFECT_ALL_NORMAL:
		break;
	}
	return 0;
}

/* Non-zero: the return of this call is of no interest. */
static int call_return_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct watch_call *entered = this_cpu_ptr(&watch_entered);

	if (entered->args != (struct seamcall_args *)regs->si) {
		coverage_lose(COVERAGE_MISSED_CALL);
		return 1;
	}
	memcpy(ri->data, entered, sizeof(*entered));
	entered->args = NULL;
	return entered->call.effect == TDX_EFFECT_NONE ||
	       entered->call.effect == TDX_EFFECT_UNKNOWN;
}

/*
 * TDH.SYS.DISABLE has cleaned what was private.  It does not know pages that
 * were taken back and not yet rewritten; if there may be any, everything stays
 * in the tracker and the hand-off rewrites it.
 */
static void all_normal(void)
{
	watch_account();
	if (!atomic64_read(&pages_outstanding) &&
	    !coverage_lost(COVERAGE_MISSED_CALL) &&
	    !coverage_lost(COVERAGE_MISSED_RETURN))
		tracker_clear_all(&tracker);
	WRITE_ONCE(tdx_state, TDX_DISABLED);
}

static int call_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct watch_call *entered = (const struct watch_call *)ri->data;
	const struct leaf_call *call = &entered->call;
	enum leaf_outcome outcome = leaf_outcome(regs_return_value(regs));
	u64 nr;

	switch (call->effect) {
	case TDX_EFFECT_TAKES:
		if (outcome == LEAF_NOT_DONE)
			take_back(entered);
		break;
	case TDX_EFFECT_MOVES:
		if (outcome == LEAF_NOT_DONE) {
			take_back(entered);
			atomic64_sub(call->nr, &pages_outstanding);
		}
		break;
	case TDX_EFFECT_RETURNS:
		nr = outcome == LEAF_DONE ? call->nr : 0;
		if (nr && call->size_in_r8)
			nr = leaf_level_pages(entered->args->r8);
		atomic64_add(nr - call->nr, &pages_outstanding);
		break;
	case TDX_EFFECT_CONFIGURES:
		if (outcome == LEAF_DONE && tdx_state == TDX_OFF)
			WRITE_ONCE(tdx_state, TDX_INITIALIZED);
		break;
	case TDX_EFFECT_ALL_NORMAL:
		if (outcome == LEAF_DONE)
			all_normal();
		break;
	case TDX_EFFECT_NONE:
	case TDX_EFFECT_UNKNOWN:
		break;
	}
	return 0;
}

static const char * const call_symbols[] = { "__seamcall", "__seamcall_ret" };

static struct kprobe call_probes[ARRAY_SIZE(call_symbols)];
static struct kretprobe call_returns[ARRAY_SIZE(call_symbols)];

/*
 * Functions that make a page normal again.  @names_page: the argument is a
 * struct page, not an address and a size.  Older kernels have the second form
 * only; newer ones the first, and a wrapper may exist beside it.
 */
struct reset_probe {
	const char *symbol;
	bool names_page;
	bool registered;
	struct kretprobe rp;
};

static struct reset_probe reset_probes[] = {
	{ .symbol = "tdx_quirk_reset_paddr" },
	{ .symbol = "tdx_quirk_reset_page", .names_page = true },
	{ .symbol = "tdx_clear_page", .names_page = true },
};

static int reset_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct tracker_range *range = (struct tracker_range *)ri->data;
	struct reset_probe *probe = container_of(get_kretprobe(ri),
						 struct reset_probe, rp);
	u64 base, end;

	if (probe->names_page) {
		base = page_to_phys((struct page *)regs->di);
		end = base + PAGE_SIZE;
	} else {
		base = regs->di;
		end = base + regs->si;
	}
	/* Whole pages only: the rest of a page is as it was. */
	range->pfn = PFN_UP(base);
	range->nr = PFN_DOWN(end) > range->pfn ? PFN_DOWN(end) - range->pfn : 0;
	return 0;
}

/*
 * Without the erratum the function writes nothing, and nothing is needed: the
 * next full or partial write makes a line normal.  With the erratum, and a
 * kernel that does not know of it, nothing was written either; then the page
 * stays dirty, and stays in the tracker.
 */
static int reset_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct tracker_range *range = (const struct tracker_range *)ri->data;

	if (platform.erratum && !platform.kernel_rewrites)
		return 0;
	atomic64_sub(tracker_clear(&tracker, range->pfn, range->nr),
		     &pages_outstanding);
	return 0;
}

/**
 * watch_account - turn what the kernel counted as missed into lost coverage
 *
 * Context: any, NMI included.
 */
void watch_account(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(call_symbols); i++) {
		if (READ_ONCE(call_probes[i].nmissed))
			coverage_lose(COVERAGE_MISSED_CALL);
		if (READ_ONCE(call_returns[i].nmissed) ||
		    READ_ONCE(call_returns[i].kp.nmissed))
			coverage_lose(COVERAGE_MISSED_RETURN);
	}
	for (i = 0; i < ARRAY_SIZE(reset_probes); i++)
		if (READ_ONCE(reset_probes[i].rp.nmissed) ||
		    READ_ONCE(reset_probes[i].rp.kp.nmissed))
			coverage_lose(COVERAGE_MISSED_RESET);
}

/**
 * watch_outstanding - pages taken back and not yet rewritten
 *
 * Context: any, NMI included.
 */
s64 watch_outstanding(void)
{
	return atomic64_read(&pages_outstanding);
}

static int watch_resets(void)
{
	bool any = false;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(reset_probes); i++) {
		struct reset_probe *probe = &reset_probes[i];

		probe->rp.kp.symbol_name = probe->symbol;
		probe->rp.entry_handler = reset_entry;
		probe->rp.handler = reset_return;
		probe->rp.data_size = sizeof(struct tracker_range);
		/* It can be preempted: as many at a time as tasks destroy TDs. */
		probe->rp.maxactive = 1024 + 8 * num_possible_cpus();
		ret = register_kretprobe(&probe->rp);
		if (ret == -ENOENT)
			continue;
		if (ret) {
			pr_err("cannot watch %s(): error %d\n", probe->symbol, ret);
			return ret;
		}
		probe->registered = true;
		any = true;
	}
	if (!any)
		coverage_lose(COVERAGE_NO_RESET_PROBE);
	return 0;
}

static int watch_calls(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(call_symbols); i++) {
		struct kretprobe *rp = &call_returns[i];
		struct kprobe *kp = &call_probes[i];

		/*
		 * First the return, then the entry: of two probes at an address
		 * the later one runs first, and the return's entry handler
		 * wants what call_entry() has found.  In between nothing is
		 * lost but a result: args do not match.
		 */
		rp->kp.symbol_name = call_symbols[i];
		rp->entry_handler = call_return_entry;
		rp->handler = call_return;
		rp->data_size = sizeof(struct watch_call);
		rp->maxactive = 64 + 8 * num_possible_cpus();
		ret = register_kretprobe(rp);
		if (!ret) {
			kp->symbol_name = call_symbols[i];
			kp->pre_handler = call_entry;
			ret = register_kprobe(kp);
			if (ret)
				kp->addr = NULL;
		} else {
			rp->kp.addr = NULL;
		}
		if (ret) {
			pr_err("cannot watch %s(): error %d\n", call_symbols[i], ret);
			return ret;
		}
	}
	return 0;
}

/**
 * watch_start - from now on, every SEAMCALL is seen
 *
 * When it returns, no SEAMCALL is in flight whose entry was not seen: they run
 * with preemption disabled.
 *
 * Context: process, may sleep.
 * Return: 0 or a negative error (nothing is watched then, and the reason is in
 * the log).
 */
int watch_start(void)
{
	int ret = watch_resets();

	if (!ret)
		ret = watch_calls();
	if (ret) {
		watch_stop();
		return ret;
	}
	synchronize_rcu();
	return 0;
}

/**
 * watch_stop - remove every probe
 *
 * Context: process, may sleep.
 */
void watch_stop(void)
{
	size_t i;

	for (i = ARRAY_SIZE(call_symbols); i-- > 0;) {
		if (call_probes[i].addr)
			unregister_kprobe(&call_probes[i]);
		if (call_returns[i].kp.addr)
			unregister_kretprobe(&call_returns[i]);
		call_probes[i].addr = NULL;
		call_returns[i].kp.addr = NULL;
	}
	for (i = ARRAY_SIZE(reset_probes); i-- > 0;) {
		if (reset_probes[i].registered)
			unregister_kretprobe(&reset_probes[i].rp);
		reset_probes[i].registered = false;
	}
}
