// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parallel pass of a normal kexec: machine_shutdown() is about to stop the
 * other CPUs; before that, all of them rewrite tracked pages, each its node's
 * first.  What is left, or becomes private after it, the pass of one CPU in
 * machine_kexec() rewrites (handoff.c).
 *
 * No CPU may use TDX again once the first page is rewritten: a TD, or the TDX
 * module, would meet memory that is not its own any more.  So all CPUs come
 * together with interrupts off, leave VMX where the kernel has not done that
 * yet, and flush their caches; and only when every one has, rewriting begins.
 * A CPU that does not come in time ends the pass before it began.
 *
 *   come		in an IPI, interrupts off until the end
 *   quiet	VMXOFF, WBINVD
 *   rewrite	chunks of memory, each taken by one CPU
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/cpu.h>
#include <linux/ftrace.h>
#include <linux/ktime.h>
#include <linux/mmzone.h>
#include <linux/nmi.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>
#include <asm/special_insns.h>

#include "compat.h"
#include "coverage.h"
#include "effects.h"
#include "tdx_reset.h"
#include "trace.h"

#define CHUNK_PAGES	(SZ_32M >> PAGE_SHIFT)
#define COME_SECONDS	5

enum pass_state {
	PASS_COME,
	PASS_QUIET,
	PASS_REWRITE,
	PASS_CANCELLED,
};

/**
 * struct pass - the one parallel pass of this kernel's life
 * @state: set by the CPU that runs machine_shutdown()
 * @come: CPUs that are here
 * @quiet: of them, those that use TDX no more and hold nothing in their caches
 * @gone: of them, those that have finished
 * @scrubbed: pages rewritten
 * @progress: pages to rewrite, at the beginning; since when
 * @ns: from there to the end
 */
struct pass {
	enum pass_state state;
	atomic_t come;
	atomic_t quiet;
	atomic_t gone;
	atomic64_t scrubbed;
	struct scrub_progress progress;
	u64 ns;
};

static struct pass pass;

/* Chunks that a CPU has taken; made at load, because it needs memory. */
static unsigned long *taken;
static u64 nr_chunks;

static struct kimage **kexec_image_p;
static bool kexec_coming;
static bool hooked;

/* Chunks between two page frames that nobody else takes. */
static void rewrite(u64 pfn, u64 end, struct scrub_progress *progress)
{
	u64 chunk;

	for (chunk = pfn / CHUNK_PAGES;
	     chunk < nr_chunks && chunk * CHUNK_PAGES < end; chunk++) {
		u64 done;

		if (test_bit(chunk, taken) || test_and_set_bit(chunk, taken))
			continue;
		done = scrub_tracked(chunk * CHUNK_PAGES, (chunk + 1) * CHUNK_PAGES,
				     false, NULL);
		atomic64_add(done, &pass.scrubbed);
		touch_nmi_watchdog();
		if (progress)
			scrub_progress_tell(progress, atomic64_read(&pass.scrubbed));
	}
}

static enum pass_state pass_wait(enum pass_state state)
{
	enum pass_state now;

	/* What the first CPU wrote before it let the others go on is seen. */
	while ((now = smp_load_acquire(&pass.state)) < state) {
		cpu_relax();
		touch_nmi_watchdog();
	}
	return now;
}

/* What each CPU does; interrupts are off.  @first: of the one that tells how far. */
static void take_part(void *first)
{
	int node = numa_node_id();

	atomic_inc(&pass.come);
	if (!first && pass_wait(PASS_QUIET) == PASS_CANCELLED)
		return;
	platform_vmx_off();
	wbinvd();
	atomic_inc(&pass.quiet);
	if (!first && pass_wait(PASS_REWRITE) == PASS_CANCELLED)
		return;
	if (first) {
		while (atomic_read(&pass.quiet) < atomic_read(&pass.come))
			cpu_relax();
		/* All caches are flushed before anybody rewrites. */
		smp_store_release(&pass.state, PASS_REWRITE);
	}
	rewrite(node_start_pfn(node), node_end_pfn(node), first);
	rewrite(0, U64_MAX, first);
	atomic_inc(&pass.gone);
}

/* All CPUs, or nothing. */
static void run_pass(unsigned int cpus)
{
	u64 deadline = ktime_get_mono_fast_ns() + COME_SECONDS * NSEC_PER_SEC;
	unsigned long flags;

	smp_call_function(take_part, NULL, false);
	/* Now: a softirq here could want a lock of a CPU that waits for us. */
	local_irq_save(flags);
	while (atomic_read(&pass.come) < cpus - 1) {
		cpu_relax();
		touch_nmi_watchdog();
		if (ktime_get_mono_fast_ns() < deadline)
			continue;
		/* Whoever comes later leaves at once. */
		smp_store_release(&pass.state, PASS_CANCELLED);
		local_irq_restore(flags);
		pr_warn("hand-off: %u of %u CPUs did not come within %d s: one CPU alone will rewrite\n",
			cpus - 1 - atomic_read(&pass.come), cpus - 1, COME_SECONDS);
		return;
	}
	scrub_progress_begin(&pass.progress);
	/* What is told counts from here: before anybody goes on. */
	smp_store_release(&pass.state, PASS_QUIET);
	take_part(&pass.progress);
	local_irq_restore(flags);
	while (atomic_read(&pass.gone) < cpus)
		cpu_relax();
}

/* What all CPUs can do before they are stopped. */
static void shutdown_pass(void)
{
	unsigned int cpus;
	int stall_suppress;

	if (!taken || !kexec_image_p)
		return;
	/* Not clean and not cleanable: the last moment will say so. */
	if (num_online_cpus() < 2 || !coverage_complete() || !*kexec_image_p ||
	    handoff_image_tracked(*kexec_image_p))
		return;
	/*
	 * A page that seems to be on its way back may be in use again, if its
	 * rewriting was missed without a word; CPUs still run.
	 */
	if (!effects_quiet()) {
		pr_info("hand-off: pages that were taken back from TDX are not rewritten yet: one CPU alone will do it\n");
		return;
	}
	/* No CPU may come, which would be in no pass and may bring TDX up. */
	if (!cpus_read_trylock()) {
		pr_info("hand-off: a CPU is coming or going: one CPU alone will rewrite\n");
		return;
	}
	cpus = num_online_cpus();
	/*
	 * No CPU takes a tick meanwhile, for longer than RCU waits on a large
	 * machine; with panic_on_rcu_stall that would end the kexec.
	 */
	stall_suppress = compat_rcu_stall_suppress(1);
	preempt_disable();
	run_pass(cpus);
	preempt_enable();
	cpus_read_unlock();
	if (pass.state != PASS_REWRITE) {
		compat_rcu_stall_suppress(stall_suppress);
		return;
	}
	pass.ns = ktime_get_mono_fast_ns() - pass.progress.start;
	pr_info("hand-off: %llu of %llu private pages rewritten by %u CPUs in %llu us\n",
		(u64)atomic64_read(&pass.scrubbed), pass.progress.total, cpus,
		pass.ns / NSEC_PER_USEC);
}

static notrace void machine_shutdown_entry(unsigned long ip, unsigned long parent_ip,
					   struct ftrace_ops *ops,
					   struct ftrace_regs *regs)
{
	if (!READ_ONCE(kexec_coming))
		return;
	firmware_reset_armed("kexec");
	if (platform.own)
		own_shutdown();
	if (!platform.erratum)
		return;
	watch_account();
	pass.progress.total = tracker_count(&tracker);
	if (pass.progress.total)
		shutdown_pass();
	if (trace_tdx_handoff_enabled())
		trace_tdx_handoff(pass.progress.total, atomic64_read(&pass.scrubbed),
				  tracker_count(&tracker), coverage_reason());
}

static struct ftrace_ops machine_shutdown_ops = {
	.func = machine_shutdown_entry,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

/* machine_shutdown() is on the way of every restart; only a kexec needs this. */
static int restart_notify(struct notifier_block *nb, unsigned long action, void *cmd)
{
	WRITE_ONCE(kexec_coming, restart_is_kexec(action, cmd));
	return NOTIFY_DONE;
}

static struct notifier_block restart_notifier = {
	.notifier_call = restart_notify,
	.priority = INT_MAX,	/* others can end the chain */
};

/**
 * scrub_parallel_done - what the parallel pass has done
 * @ns: how long it took, in nanoseconds
 *
 * Context: any.
 * Return: pages rewritten; 0 if there was no pass.
 */
u64 scrub_parallel_done(u64 *ns)
{
	*ns = pass.ns;
	return atomic64_read(&pass.scrubbed);
}

/**
 * scrub_parallel_find - look for what the hook needs
 *
 * Context: process, may sleep; not under cpus_read_lock().
 */
void scrub_parallel_find(void)
{
	kexec_image_p = platform_symbol("kexec_image");
}

/**
 * scrub_parallel_start - hook machine_shutdown()
 *
 * A kernel in which that cannot be done is served all the same, by one CPU.  The
 * hook is wanted even if there can be no parallel pass: own mode leaves VMX there.
 *
 * Context: process, may sleep.
 */
void scrub_parallel_start(void)
{
	const char *function = "machine_shutdown";
	int ret;

	nr_chunks = DIV_ROUND_UP(tracker_end(&tracker), CHUNK_PAGES);
	taken = vzalloc(BITS_TO_LONGS(nr_chunks) * sizeof(long));
	if (!taken || !kexec_image_p)
		pr_warn("%s: one CPU alone will rewrite at a kexec\n",
			taken ? "this kernel does not list kexec_image" :
			"no memory for the parallel pass, do this earlier after boot");
	ret = hook_function(&machine_shutdown_ops, function);
	if (ret) {
		pr_warn("cannot hook %s(): error %d; one CPU alone will rewrite at a kexec%s; is kernel.ftrace_enabled 0?\n",
			function, ret,
			platform.own ? ", and what uses TDX has to leave VMX before it" : "");
		vfree(taken);
		taken = NULL;
		return;
	}
	register_reboot_notifier(&restart_notifier);
	hooked = true;
}

/**
 * scrub_parallel_stop - undo scrub_parallel_start()
 *
 * Context: process, may sleep.
 */
void scrub_parallel_stop(void)
{
	if (!hooked)
		return;
	unregister_reboot_notifier(&restart_notifier);
	unhook_function(&machine_shutdown_ops);
	vfree(taken);
	taken = NULL;
	hooked = false;
}
