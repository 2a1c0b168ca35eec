// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other CPUs in a crash.  They are stopped by NMI and, unlike on the way to
 * a normal kexec, do not flush their caches: a line that TDX left there under a
 * private KeyID would be written back later, over memory that was made normal
 * meanwhile.  So each flushes its own, in its NMI, if the capture kernel's
 * memory has a tracked page: else it costs nothing.
 *
 * WBINVD takes milliseconds; the crashing CPU waits a second for all of them,
 * and goes on without those that are late.  They are counted.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/ftrace.h>
#include <asm/special_insns.h>

#include "tdx_reset.h"

static atomic_t crash_cpus_flushed;
static bool crash_cpus_hooked;

/*
 * Own mode: a CPU that stays in VMX operation cannot be started by the capture
 * kernel (INIT is blocked).  Newer kernels leave it in a crash whoever entered it;
 * older ones (6.12) only with KVM, which registers a callback.  Both come after
 * this hook, and KVM saves the guests' state for the dump first (VMCLEAR): VMXOFF
 * here would take that away.
 */
static bool always_leaves_vmx;
static void * const *kvm_callback;

static notrace bool kernel_leaves_vmx(void)
{
	return always_leaves_vmx || (kvm_callback && READ_ONCE(*kvm_callback));
}

static notrace void nmi_callback_entry(unsigned long ip, unsigned long parent_ip,
				       struct ftrace_ops *ops,
				       struct ftrace_regs *regs)
{
	if (crash_memory_wants_flush())
		wbinvd();
	if (platform.own && !kernel_leaves_vmx())
		platform_vmx_off();
	atomic_inc(&crash_cpus_flushed);
}

static struct ftrace_ops nmi_callback_ops = {
	.func = nmi_callback_entry,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

/**
 * crash_cpus_find - look up who leaves VMX operation in a crash
 *
 * Context: process, may sleep; not under cpus_read_lock().
 */
void crash_cpus_find(void)
{
	always_leaves_vmx = platform_symbol("x86_virt_emergency_disable_virtualization_cpu");
	kvm_callback = platform_symbol("cpu_emergency_virt_callback");
}

/**
 * crash_cpus_start - flush caches when CPUs are stopped by a crash
 *
 * A kernel in which that cannot be hooked is served all the same; only a crash
 * with a tracked page in the capture kernel's memory is then refused.
 *
 * Context: process, may sleep.
 */
void crash_cpus_start(void)
{
	const char *function = "kdump_nmi_callback";
	int ret = hook_function(&nmi_callback_ops, function);

	if (ret) {
		pr_warn("cannot hook %s(): error %d; a crash will be refused if TDX memory lies where the capture kernel runs%s; is kernel.ftrace_enabled 0?\n",
			function, ret,
			platform.own ? ", and the capture kernel may start one CPU only" : "");
		return;
	}
	crash_cpus_hooked = true;
}

/**
 * crash_cpus_stop - undo crash_cpus_start()
 *
 * Context: process, may sleep.
 */
void crash_cpus_stop(void)
{
	if (!crash_cpus_hooked)
		return;
	unhook_function(&nmi_callback_ops);
	crash_cpus_hooked = false;
}

/**
 * crash_cpus_quiet - have all other CPUs stopped and flushed?
 *
 * Context: crash; the CPUs were asked to stop before.
 * Return: true if nothing of theirs can come back to memory.
 */
bool crash_cpus_quiet(void)
{
	return atomic_read(&crash_cpus_flushed) >= (int)num_online_cpus() - 1;
}
