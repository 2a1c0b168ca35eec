// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watch the running kernel's SEAMCALLs: a kprobe at the entry of the functions
 * that make them and one at the instruction behind SEAMCALL.  What a call means
 * is said in effects.c.
 *
 * No kretprobe: its handler runs with interrupts on and the probe busy, and a
 * SEAMCALL in an IPI at that moment would be missed.
 *
 * Context of the handlers: like an NMI, with interrupts off, and never inside
 * one another.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <asm/special_insns.h>

#include "coverage.h"
#include "effects.h"
#include "tdx/abi.h"
#include "tdx_reset.h"

/**
 * struct watch_call - one SEAMCALL between its two probes
 * @effect: what it does
 * @args: the caller's registers, in and out
 */
struct watch_call {
	struct effect effect;
	struct seamcall_args *args;
};

/*
 * SEAMCALLs of this CPU between their two probes, the newest last.  They run
 * with preemption off and interrupts on, so one can sit on another: a task's, an
 * interrupt's.  A call that faulted never comes to the second probe: what lies
 * above a call that returns has, and what lies lowest when there is no room.
 */
#define CALL_DEPTH	8

struct watch_stack {
	struct watch_call call[CALL_DEPTH];
	unsigned int next;
};

static DEFINE_PER_CPU(struct watch_stack, watch_stack);

/*
 * Probes come and go: calls may come back that were on their way before there
 * was a probe, or whose first probe has been removed.
 */
static bool changing;

static struct watch_call *push_call(struct watch_stack *stack)
{
	if (stack->next == CALL_DEPTH) {
		effect_end(&stack->call[0].effect, true, 0, 0);
		stack->next--;
		memmove(&stack->call[0], &stack->call[1],
			stack->next * sizeof(stack->call[0]));
	}
	return &stack->call[stack->next++];
}

static int call_entry(struct kprobe *kp, struct pt_regs *regs)
{
	struct watch_call *entered;

	/*
	 * Without VMX, as late in a shutdown, SEAMCALL faults: it has no effect
	 * and does not come to the second probe.
	 */
	if (!(native_read_cr4() & X86_CR4_VMXE))
		return 0;
	entered = push_call(this_cpu_ptr(&watch_stack));
	entered->args = (struct seamcall_args *)regs->si;
	effect_begin(&entered->effect, regs->di, entered->args);
	return 0;
}

/* Take off the newest call with these arguments; NULL if there is none. */
static struct watch_call *pop_call(struct watch_stack *stack,
				   const struct seamcall_args *args)
{
	unsigned int i = stack->next;

	while (i > 0 && stack->call[i - 1].args != args)
		i--;
	if (!i)
		return NULL;
	while (stack->next > i)
		effect_end(&stack->call[--stack->next].effect, true, 0, 0);
	return &stack->call[--stack->next];
}

/*
 * A crash comes without the orderly shutdown that a kexec begins with; a panic
 * in the middle of that says so, too.
 */
static bool crashing(void)
{
	return system_state <= SYSTEM_RUNNING || oops_in_progress;
}

/* Behind SEAMCALL: CF says VMfailInvalid, RAX is the status, R8 is what it left. */
static int call_return(struct kprobe *kp, struct pt_regs *regs)
{
	struct watch_call *entered = pop_call(this_cpu_ptr(&watch_stack),
					      (void *)regs->si);
	bool failed = regs->flags & X86_EFLAGS_CF;

	if (!entered) {
		if (!READ_ONCE(changing))
			coverage_lose(COVERAGE_MISSED_CALL);
		return 0;
	}
	if (entered->effect.call.effect == TDX_EFFECT_ALL_NORMAL && !failed)
		regs->ax = disable_status(regs->ax, crashing());
	effect_end(&entered->effect, failed, regs->ax, regs->r8);
	return 0;
}

static const char * const call_symbols[] = { "__seamcall", "__seamcall_ret" };

static struct kprobe call_probes[ARRAY_SIZE(call_symbols)];
static struct kprobe call_returns[ARRAY_SIZE(call_symbols)];

/* Bytes of a function in which its SEAMCALL is looked for; it has about 60. */
#define SEAMCALL_SEARCH	128

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
		if (READ_ONCE(call_returns[i].nmissed))
			coverage_lose(COVERAGE_MISSED_RETURN);
	}
	watch_text_account();
	watch_resets_account();
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

	memset(entry, 0, sizeof(*entry));
	memset(back, 0, sizeof(*back));
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
	const u8 *places[2 * ARRAY_SIZE(call_symbols)];
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(call_symbols); i++) {
		ret = watch_call(call_symbols[i], &call_probes[i], &call_returns[i]);
		if (ret) {
			pr_err("cannot watch %s(): kprobe error %d; is it in the kprobe blacklist of debugfs? -2: its SEAMCALL was not found, this module does not know the kernel\n",
			       call_symbols[i], ret);
			return ret;
		}
		places[2 * i] = (const u8 *)call_probes[i].addr;
		places[2 * i + 1] = (const u8 *)call_returns[i].addr;
	}
	watch_text_start(places, ARRAY_SIZE(places));
	return 0;
}

/**
 * watch_start - from now on, every SEAMCALL and every page reset is seen
 *
 * When it returns, no SEAMCALL is in flight whose entry was not seen (they run
 * with preemption off), and no task is between a SEAMCALL that was not seen
 * and the page reset that follows it (it does not sleep in between).
 *
 * Context: process, sleeps for grace periods.
 * Return: 0 or a negative error (nothing is watched then, and the reason is in
 * the log).
 */
int watch_start(void)
{
	int ret;

	WRITE_ONCE(changing, true);
	ret = watch_resets_start();
	if (!ret)
		ret = watch_calls();
	if (ret) {
		watch_stop();
		return ret;
	}
	synchronize_rcu();
	synchronize_rcu_tasks();
	WRITE_ONCE(changing, false);
	watch_account();	/* kprobes may be disarmed as a whole already */
	return 0;
}

/**
 * watch_stop - remove every probe
 *
 * When it returns, no handler runs.
 *
 * Context: process, sleeps for grace periods.
 */
void watch_stop(void)
{
	size_t i;

	WRITE_ONCE(changing, true);
	watch_text_stop();
	for (i = ARRAY_SIZE(call_symbols); i-- > 0;) {
		if (call_probes[i].addr)
			unregister_kprobe(&call_probes[i]);
		if (call_returns[i].addr)
			unregister_kprobe(&call_returns[i]);
		call_probes[i].addr = NULL;
		call_returns[i].addr = NULL;
	}
	watch_resets_stop();
	synchronize_rcu();	/* handlers of fprobes run under it */
}
