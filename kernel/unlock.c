// SPDX-License-Identifier: GPL-2.0-only
/*
 * unlock=1: let kexec and kdump load on kernels that refuse them on CPUs with
 * the partial-write erratum (Linux 6.18 to 7.1), while coverage is complete.
 *
 * machine_kexec_prepare() there looks for the bug bit of the boot CPU.  For the
 * duration of that one call the bit is gone, for everybody; and so the kernel's
 * page reset, on another CPU at that moment, may think there is nothing to do.
 * watch_resets.c asks before and after each reset whether it met that time, and
 * then does it again.
 *
 * An image that was loaded so is still judged at the jump, as any other.  So the
 * module stays: without it the jump would be what the kernel refused.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/fprobe.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <asm/processor.h>

#include "compat.h"
#include "coverage.h"
#include "params.h"
#include "tdx_reset.h"

static bool unlock;
module_param_cb(unlock, &params_bool_ops, &unlock, 0444);
MODULE_PARM_DESC(unlock,
		 "let kexec and kdump load on kernels that refuse them (6.18 to 7.1), while coverage is complete (default 0)");

/* Odd while the bit is gone; written under the kernel's kexec lock. */
static atomic_t window;
static bool hooked;

#ifdef X86_BUG_TDX_PW_MCE

static unsigned long *bug_word(void)
{
	return (unsigned long *)boot_cpu_data.x86_capability;
}

static int prepare_entry(struct fprobe *fp, unsigned long entry_ip,
			 unsigned long ret_ip, compat_fprobe_regs *regs, void *data)
{
	watch_account();
	if (!coverage_complete()) {
		pr_warn("unlock: coverage is partial: %s; the kernel's refusal stands\n",
			coverage_reason());
		return 1;
	}
	atomic_inc(&window);
	smp_mb__after_atomic();	/* who sees the bit gone sees the window, too */
	clear_bit(X86_BUG_TDX_PW_MCE, bug_word());
	return 0;
}

static void prepare_return(struct fprobe *fp, unsigned long entry_ip,
			   unsigned long ret_ip, compat_fprobe_regs *regs, void *data)
{
	set_bit(X86_BUG_TDX_PW_MCE, bug_word());
	smp_mb__before_atomic();	/* who sees the window shut sees the bit, too */
	atomic_inc(&window);
}

static struct fprobe prepare_probe = {
	.entry_handler = prepare_entry,
	.exit_handler = prepare_return,
};

static int hook_prepare(void)
{
	const char *symbol = "machine_kexec_prepare";

	return register_fprobe_syms(&prepare_probe, &symbol, 1);
}

/* An exit handler is not called any more once its fprobe is gone. */
static void unhook_prepare(void)
{
	unregister_fprobe(&prepare_probe);
	synchronize_rcu();
	if (atomic_read(&window) & 1)
		prepare_return(NULL, 0, 0, NULL, NULL);
}

#else

static int hook_prepare(void)
{
	return -EOPNOTSUPP;
}

static void unhook_prepare(void)
{
}

#endif /* X86_BUG_TDX_PW_MCE */

/**
 * unlock_before - a page reset is about to begin
 *
 * Context: any, NMI included.
 * Return: what unlock_met() wants to know.
 */
unsigned int unlock_before(void)
{
	unsigned int now = atomic_read(&window);

	smp_rmb();	/* the reset looks for the bug bit after this */
	return now;
}

/**
 * unlock_met - may the kernel have skipped that page reset?
 * @before: from unlock_before()
 *
 * Context: any, NMI included.
 * Return: true if the bug bit was gone at any time since.
 */
bool unlock_met(unsigned int before)
{
	smp_rmb();	/* the reset looked for the bug bit before this */
	return (before & 1) || (unsigned int)atomic_read(&window) != before;
}

/**
 * unlock_wanted - was unlock=1 given?
 *
 * Context: any.
 */
bool unlock_wanted(void)
{
	return unlock;
}

/**
 * unlock_start - hook machine_kexec_prepare(), if the administrator wants it
 *
 * The last step of loading: from here on the module cannot be removed.
 *
 * Context: process, may sleep.
 * Return: 0 or a negative error, with the reason in the log.
 */
int unlock_start(void)
{
	int ret;

	/* Where the kernel does not know the erratum, it does not refuse either. */
	if (!unlock || !platform.kernel_rewrites)
		return 0;
	ret = hook_prepare();
	if (ret) {
		pr_err("unlock=1: cannot hook machine_kexec_prepare(): error %d; load without unlock=1\n",
		       ret);
		return ret;
	}
	hooked = true;
	pin_module_for_good("unlock=1: a kernel may be loaded that this one would have refused");
	return 0;
}

/**
 * unlock_stop - undo unlock_start()
 *
 * Context: process, may sleep.
 */
void unlock_stop(void)
{
	if (hooked)
		unhook_prepare();
	hooked = false;
}
