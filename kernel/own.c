// SPDX-License-Identifier: GPL-2.0-only
/*
 * Own mode: the running kernel has no TDX host support.  Memory for the PAMT may
 * be taken at load (pamt_alloc.c); else nothing happens before somebody calls
 * tdx_enable().  From then on every SEAMCALL goes through here, so that the
 * tracker knows of each page before TDX does.
 *
 * The caches before a kexec: this kernel does not know that they may hold lines
 * under private KeyIDs and does not flush them when it stops its CPUs.  So the
 * path is closed while all CPUs are alive, and each flushes its cache after its
 * last SEAMCALL.
 *
 * TDX in the next kernel: only TDH.SYS.DISABLE gives it back.  It is called when
 * the path has been closed, if the TDX module has it; what it leaves, or all
 * without it, the hand-off rewrites.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/limits.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/special_insns.h>

#include "effects.h"
#include "hotplug.h"
#include "own.h"
#include "seamcall.h"
#include "tdx/abi.h"
#include "tdx/reset.h"
#include "tdx_reset.h"

#define MSR_KEYID_PARTITIONING	0x87	/* IA32_MKTME_KEYID_PARTITIONING */

/* Private KeyIDs: the first, which is the TDX module's own, and how many. */
static u32 first_keyid, nr_keyids;

static bool closed;		/* no SEAMCALL begins any more */
static bool caches_flushed;	/* on all CPUs, since then */

/**
 * own_detect - does this machine offer TDX?
 *
 * Context: process.
 * Return: NULL if it does, otherwise why not.
 */
const char *own_detect(void)
{
	u32 low, high;

	if (rdmsr_safe(MSR_KEYID_PARTITIONING, &low, &high) || high < 2)
		return "the firmware or the CPU does not offer TDX";
	if (!boot_cpu_has(X86_FEATURE_VMX))
		return "the CPU has no VMX, or the firmware switched it off";
	if (!boot_cpu_has(X86_FEATURE_MOVDIR64B))
		return "the CPU has no MOVDIR64B";
	if (!boot_cpu_has(X86_FEATURE_SELFSNOOP))
		return "the CPU does not snoop its own caches";
	first_keyid = low + 1;
	nr_keyids = high;
	return NULL;
}

/**
 * own_global_keyid - the KeyID for the TDX module itself
 *
 * Context: any.
 */
u64 own_global_keyid(void)
{
	return first_keyid;
}

/* Interrupts are off. */
static u64 call_with_effect(u64 leaf, struct seamcall_args *args)
{
	struct effect effect;
	u64 status;

	effect_begin(&effect, leaf, args);
	status = seamcall(leaf, args);
	effect_end(&effect, !seamcall_reached(status), status, args->r8);
	return status;
}

/**
 * own_seamcall - a SEAMCALL, with its effect on the tracker
 * @leaf: leaf and version
 * @args: operands, and what came back
 *
 * Context: any; VMX has to be on.  Interrupts are off meanwhile: what is on its
 * way when a CPU gets the IPI of own_quiesce() has ended.
 * Return: the status, or a SEAMCALL_* that stands for none.
 */
u64 own_seamcall(u64 leaf, struct seamcall_args *args)
{
	unsigned long flags;
	u64 status = SEAMCALL_REFUSED;

	local_irq_save(flags);
	if (!READ_ONCE(closed))
		status = call_with_effect(leaf, args);
	local_irq_restore(flags);
	return status;
}

/**
 * tdx_seamcall - call the TDX module
 * @leaf: leaf and version
 * @args: operands, and what came back
 *
 * The caller has flushed the cache lines of pages that it gives to TDX.  Leaves
 * with operands in more registers than @args has are not served: TDH.VP.ENTER
 * hands the guest's to its caller.
 *
 * Context: any but NMI and the callbacks of the notifier chain; this CPU in VMX
 * operation, TDX enabled.
 * Return: the status; SEAMCALL_VMFAIL or SEAMCALL_NO_STATUS with a vector if
 * the TDX module was not reached; SEAMCALL_REFUSED if it was not called: TDX is
 * not enabled, a reboot has begun, or the leaf is TDH.VP.ENTER.
 */
u64 tdx_seamcall(u64 leaf, struct seamcall_args *args)
{
	if (!enable_ready() || (leaf & TDX_LEAF_MASK) == TDH_VP_ENTER)
		return SEAMCALL_REFUSED;
	return own_seamcall(leaf, args);
}
EXPORT_SYMBOL_GPL(tdx_seamcall);

/**
 * tdx_reset_pages - make pages normal that were taken back from TDX
 * @pfn: the first
 * @nr: how many
 *
 * The caller has had TDX write back what caches hold of them
 * (TDH.PHYMEM.PAGE.WBINVD or TDH.PHYMEM.CACHE.WB).
 *
 * Context: any but NMI and the callbacks of the notifier chain, in which the
 * hand-off does it; the direct map shows the pages.
 */
void tdx_reset_pages(u64 pfn, u64 nr)
{
	if (!platform.own)
		return;
	scrub_mapped(pfn, nr);
	effect_rewritten(pfn, nr);
}
EXPORT_SYMBOL_GPL(tdx_reset_pages);

/*
 * All CPUs are alive.  A CPU that was in own_seamcall() has left it when the IPI
 * comes, and finds it closed afterwards.  CPUs that are offline flushed their
 * caches when they went.
 */
static void own_quiesce(void)
{
	WRITE_ONCE(closed, true);
	smp_mb();	/* closed before the IPIs */
	wbinvd_on_all_cpus();
}

/* One call of TDH.SYS.DISABLE after the other; disable.c says when it is enough. */
static void disable_module(void)
{
	u64 status, masked;

	do {
		struct seamcall_args args = { };

		cond_resched();
		local_irq_disable();
		status = disable_status(call_with_effect(TDH_SYS_DISABLE, &args), false);
		local_irq_enable();
		masked = status & TDX_STATUS_MASK;
	} while (masked == TDX_INTERRUPTED_RESUMABLE || masked == TDX_SYS_BUSY);

	if (status)
		pr_warn("TDH.SYS.DISABLE: status %#llx: the next kernel cannot use TDX before a firmware reset\n",
			status);
}

static int reboot_begins(struct notifier_block *nb, unsigned long action, void *cmd)
{
	own_quiesce();
	/* A firmware reset cleans by itself. */
	if (restart_is_kexec(action, cmd) && platform.sys_disable && enable_ready()) {
		disable_module();
		/* A call that did not end may have left something. */
		wbinvd_on_all_cpus();
	}
	WRITE_ONCE(caches_flushed, true);
	return NOTIFY_DONE;
}

/* The last one: users of TDX may end their TDs in theirs. */
static struct notifier_block reboot_block = {
	.notifier_call = reboot_begins,
	.priority = INT_MIN,
};

/**
 * own_caches_flushed - can no other CPU's cache bring a private line back?
 *
 * Context: any, NMI included.
 */
bool own_caches_flushed(void)
{
	return READ_ONCE(caches_flushed);
}

static void leave_vmx(void *unused)
{
	platform_vmx_off();
}

/**
 * own_shutdown - the last that own mode does while all CPUs are alive
 *
 * A reboot notifier can end the chain before reboot_begins(): the caches are
 * flushed here then.
 *
 * No CPU stays in VMX operation, where INIT cannot reach it.  Who did VMXON may
 * have left it on for TDH.SYS.DISABLE.  KVM's own shutdown, which wants to find it
 * on, has passed.
 *
 * Context: machine_shutdown() of a kexec, interrupts on; does not sleep.
 */
void own_shutdown(void)
{
	if (!own_caches_flushed()) {
		own_quiesce();
		WRITE_ONCE(caches_flushed, true);
		if (platform.sys_disable && enable_ready())
			pr_warn("hand-off: another module's reboot notifier ended the chain before TDH.SYS.DISABLE: the next kernel cannot use TDX before a firmware reset\n");
	}
	on_each_cpu(leave_vmx, NULL, 1);
}

/**
 * own_close - no SEAMCALL begins any more
 *
 * Context: any, NMI included.
 */
void own_close(void)
{
	WRITE_ONCE(closed, true);
}

/**
 * own_load - be ready for tdx_enable()
 *
 * Context: process, may sleep.
 * Return: 0 or a negative error, with the reason in the log.
 */
int own_load(void)
{
	int ret = pamt_alloc_load();

	if (ret)
		return ret;
	ret = enable_load();
	if (ret)
		goto out_pamt;
	ret = register_reboot_notifier(&reboot_block);
	if (ret)
		goto out_enable;
	ret = own_sleep_start();
	if (ret)
		goto out_notifier;
	ret = hotplug_start();
	if (ret)
		goto out_sleep;
	pr_info("own mode: private KeyIDs %u to %u, pamt=%s; TDX is enabled when somebody asks for it\n",
		first_keyid, first_keyid + nr_keyids - 1, pamt_alloc_name());
	return 0;

out_sleep:
	own_sleep_stop();
out_notifier:
	unregister_reboot_notifier(&reboot_block);
out_enable:
	enable_unload();
out_pamt:
	pamt_alloc_unload();
	return ret;
}

/**
 * own_unload - undo own_load() and what tdx_enable() did
 *
 * Context: process, may sleep; nobody uses TDX any more.
 */
void own_unload(void)
{
	hotplug_stop();
	own_sleep_stop();
	unregister_reboot_notifier(&reboot_block);
	enable_unload();
	pamt_alloc_unload();
}
