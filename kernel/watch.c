// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watch the running kernel's SEAMCALLs and keep the tracker a superset of what
 * is private or dirty, at every instruction:
 *
 *   before a SEAMCALL	its page enters the tracker (kprobe at the function's entry)
 *   after it failed	the page leaves, if this call had added it (kprobe at the
 *			instruction behind SEAMCALL)
 *   after MOVDIR64B	the page leaves (fprobe on the kernel's function)
 *
 * No kretprobe: its handler runs with interrupts on and the probe busy, and a
 * SEAMCALL in an IPI at that moment would be missed.
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
 * never inside one another; fprobes run where the watched function runs.  A
 * bucket's lock is held for a few instructions, with interrupts off.  A crash
 * never waits for one: TDH.SYS.DISABLE names no page.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fprobe.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <asm/text-patching.h>

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

/*
 * SEAMCALLs of this CPU between their two probes.  They run with preemption
 * off and interrupts on, so one can sit on another: a task's, an interrupt's.
 * A call that faulted (after VMXOFF) never comes to the second probe; its slot
 * is the oldest sooner or later.
 */
#define CALL_DEPTH	8

struct watch_stack {
	struct watch_call call[CALL_DEPTH];
	unsigned int next;
};

static DEFINE_PER_CPU(struct watch_stack, watch_stack);

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
	else	/* It may stay for no reason, and be ordinary memory later. */
		coverage_lose(COVERAGE_MISSED_RETURN);
	bucket_unlock(bucket, flags);
}

/* TDX is on, by what it is asked to do; @reason if that is news. */
static void seen_alive(enum coverage_reason reason)
{
	if (READ_ONCE(tdx_state) == TDX_OFF &&
	    cmpxchg(&tdx_state, TDX_OFF, TDX_INITIALIZED) == TDX_OFF)
		coverage_lose(reason);
}

static int call_entry(struct kprobe *kp, struct pt_regs *regs)
{
	struct watch_stack *stack = this_cpu_ptr(&watch_stack);
	struct watch_call *entered = &stack->call[stack->next++ % CALL_DEPTH];
	struct leaf_call *call = &entered->call;

	entered->args = (struct seamcall_args *)regs->si;
	entered->added = false;
	*call = leaf_decode(regs->di, entered->args);

	switch (call->effect) {
	case TDX_EFFECT_TAKES:
		seen_alive(COVERAGE_CONFIGURED_LATE);
		take(entered);
		break;
	case TDX_EFFECT_MOVES:
		seen_alive(COVERAGE_CONFIGURED_LATE);
		atomic64_add(call->nr, &pages_outstanding);
		take(entered);
		break;
	case TDX_EFFECT_RETURNS:
		/* Before the call: TDH.SYS.DISABLE elsewhere must not overlook it. */
		atomic64_add(call->nr, &pages_outstanding);
		break;
	case TDX_EFFECT_CONFIGURES:
		/* The PAMT, which no operand names. */
		seen_alive(COVERAGE_CONFIGURED_LATE);
		coverage_lose(COVERAGE_CONFIGURED_LATE);
		watch_pin_module();
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

/* The newest call with these arguments, or NULL. */
static struct watch_call *call_entered(const struct seamcall_args *args)
{
	struct watch_stack *stack = this_cpu_ptr(&watch_stack);
	unsigned int i;

	for (i = 1; i <= CALL_DEPTH; i++) {
		struct watch_call *entered =
			&stack->call[(stack->next - i) % CALL_DEPTH];

		if (entered->args == args)
			return entered;
	}
	return NULL;
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

/* Behind SEAMCALL: CF says VMfailInvalid, RAX is the status, R8 is what it left. */
static int call_return(struct kprobe *kp, struct pt_regs *regs)
{
	struct watch_call *entered = call_entered((void *)regs->si);
	enum leaf_outcome outcome;
	struct leaf_call *call;
	u64 nr;

	if (!entered) {
		coverage_lose(COVERAGE_MISSED_CALL);
		return 0;
	}
	entered->args = NULL;
	call = &entered->call;
	outcome = regs->flags & X86_EFLAGS_CF ? LEAF_NOT_DONE :
		  leaf_outcome(regs->ax);

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
			nr = leaf_level_pages(regs->r8);
		atomic64_add(nr - call->nr, &pages_outstanding);
		break;
	case TDX_EFFECT_ALL_NORMAL:
		if (outcome == LEAF_DONE)
			all_normal();
		break;
	case TDX_EFFECT_CONFIGURES:
	case TDX_EFFECT_NONE:
	case TDX_EFFECT_UNKNOWN:
		break;
	}
	return 0;
}

static const char * const call_symbols[] = { "__seamcall", "__seamcall_ret" };

static struct kprobe call_probes[ARRAY_SIZE(call_symbols)];
static struct kprobe call_returns[ARRAY_SIZE(call_symbols)];

/* Bytes of a function in which its SEAMCALL is looked for; it has about 60. */
#define SEAMCALL_SEARCH	128

/*
 * Functions that make a page normal again.  @names_page: the argument is a
 * struct page, not an address and a size.  Older kernels have the second form
 * only; newer ones the first, and a wrapper may exist beside it.
 */
struct reset_probe {
	const char *symbol;
	bool names_page;
	bool registered;
	struct fprobe fp;
};

static struct reset_probe reset_probes[] = {
	{ .symbol = "tdx_quirk_reset_paddr" },
	{ .symbol = "tdx_quirk_reset_page", .names_page = true },
	{ .symbol = "tdx_clear_page", .names_page = true },
};

static int reset_entry(struct fprobe *fp, unsigned long entry_ip,
		       unsigned long ret_ip, compat_fprobe_regs *regs, void *data)
{
	struct reset_probe *probe = container_of(fp, struct reset_probe, fp);
	struct tracker_range *range = data;
	u64 base, end;

	if (probe->names_page) {
		base = page_to_phys((struct page *)compat_fprobe_arg(regs, 0));
		end = base + PAGE_SIZE;
	} else {
		base = compat_fprobe_arg(regs, 0);
		end = base + compat_fprobe_arg(regs, 1);
	}
	/* Whole pages only: the rest of a page is as it was. */
	range->pfn = PFN_UP(base);
	range->nr = PFN_DOWN(end) > range->pfn ? PFN_DOWN(end) - range->pfn : 0;
	return 0;
}

/*
 * Without the erratum the function writes nothing, and nothing is needed: the
 * next full or partial write makes a line normal.
 */
static void reset_return(struct fprobe *fp, unsigned long entry_ip,
			 unsigned long ret_ip, compat_fprobe_regs *regs, void *data)
{
	const struct tracker_range *range = data;

	atomic64_sub(tracker_clear(&tracker, range->pfn, range->nr),
		     &pages_outstanding);
}

static void account_probe(const struct kprobe *kp, enum coverage_reason missed)
{
	const u8 *at = (const u8 *)kp->addr;

	if (!at)
		return;
	/* Disarmed through debugfs, or patched over: not counted there. */
	if (READ_ONCE(*at) != INT3_INSN_OPCODE)
		coverage_lose(COVERAGE_DISARMED);
	if (READ_ONCE(kp->nmissed))
		coverage_lose(missed);
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
		account_probe(&call_probes[i], COVERAGE_MISSED_CALL);
		account_probe(&call_returns[i], COVERAGE_MISSED_RETURN);
	}
	for (i = 0; i < ARRAY_SIZE(reset_probes); i++)
		if (READ_ONCE(reset_probes[i].fp.nmissed))
			coverage_lose(COVERAGE_MISSED_RESET);
}

static int watch_resets(void)
{
	bool any = false;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(reset_probes); i++) {
		struct reset_probe *probe = &reset_probes[i];

		probe->fp.entry_handler = reset_entry;
		probe->fp.exit_handler = reset_return;
		probe->fp.entry_data_size = sizeof(struct tracker_range);
		ret = register_fprobe_syms(&probe->fp, &probe->symbol, 1);
		if (ret == -ENOENT)
			continue;
		if (ret) {
			pr_err("cannot watch %s(): fprobe error %d; is kernel.ftrace_enabled 0?\n",
			       probe->symbol, ret);
			return ret;
		}
		probe->registered = true;
		any = true;
	}
	/* The second: such a kernel frees pages as they are, dirty. */
	if (!any || (platform.erratum && !platform.kernel_rewrites))
		coverage_lose(COVERAGE_NO_RESET_PROBE);
	return 0;
}

/* The instruction behind SEAMCALL (66 0f 01 cf); NULL if there is none. */
static kprobe_opcode_t *behind_seamcall(const u8 *function)
{
	static const u8 seamcall_bytes[] = { 0x66, 0x0f, 0x01, 0xcf };
	size_t i;

	for (i = 0; i < SEAMCALL_SEARCH; i++)
		if (!memcmp(function + i, seamcall_bytes, sizeof(seamcall_bytes)))
			return (kprobe_opcode_t *)(function + i + sizeof(seamcall_bytes));
	return NULL;
}

/* The return first: a call that is seen entering is seen returning. */
static int watch_call(const char *symbol, struct kprobe *entry, struct kprobe *back)
{
	u8 *function = platform_symbol(symbol);
	int ret;

	entry->addr = NULL;
	back->addr = function ? behind_seamcall(function) : NULL;
	if (!back->addr)
		return -ENOENT;
	back->pre_handler = call_return;
	ret = register_kprobe(back);
	if (ret) {
		back->addr = NULL;
		return ret;
	}
	entry->symbol_name = symbol;
	entry->pre_handler = call_entry;
	ret = register_kprobe(entry);
	if (ret)
		entry->addr = NULL;
	return ret;
}

static int watch_calls(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(call_symbols); i++) {
		ret = watch_call(call_symbols[i], &call_probes[i], &call_returns[i]);
		if (ret) {
			pr_err("cannot watch %s(): kprobe error %d; is it in the kprobe blacklist of debugfs?\n",
			       call_symbols[i], ret);
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
	watch_account();	/* kprobes may be disarmed as a whole already */
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
		if (call_returns[i].addr)
			unregister_kprobe(&call_returns[i]);
		call_probes[i].addr = NULL;
		call_returns[i].addr = NULL;
	}
	for (i = ARRAY_SIZE(reset_probes); i-- > 0;) {
		if (reset_probes[i].registered)
			unregister_fprobe(&reset_probes[i].fp);
		reset_probes[i].registered = false;
	}
}
