// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: holds a kexec load inside machine_kexec_prepare(), or whoever calls
 * another function, until told to go on, so that something else can happen exactly
 * then.
 *
 *   function=	where (default: the load)
 *   armed=1	the next call is held (once; write 1 again for another)
 *   inside	1 while it is held there
 *   go=1	let it go on; without that it goes on after delay_ms
 *   hits	calls of the hooked function so far
 *
 * The hook is on kernel_ident_mapping_init(), which the kernel proper calls from
 * there only.
 *
 * lift=1 is the naive way to make kernels 6.18-7.1 load on a CPU with the
 * partial-write erratum: the CPU's bug bit is cleared, for everybody, while
 * machine_kexec_prepare() runs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/fprobe.h>
#include <linux/ftrace.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

static uint delay_ms = 60000;
module_param(delay_ms, uint, 0444);
MODULE_PARM_DESC(delay_ms, "longest time in the window (default 60000)");

static bool lift;
module_param(lift, bool, 0444);
MODULE_PARM_DESC(lift, "clear X86_BUG_TDX_PW_MCE while machine_kexec_prepare() runs");

static char *function = "kernel_ident_mapping_init";
module_param(function, charp, 0444);
MODULE_PARM_DESC(function, "whose callers are held (default: what a kexec load calls)");

static int armed;
module_param(armed, int, 0644);
MODULE_PARM_DESC(armed, "1: hold the next load");

static int go;
module_param(go, int, 0644);
MODULE_PARM_DESC(go, "1: let the held load go on");

static int inside;
module_param(inside, int, 0444);
MODULE_PARM_DESC(inside, "1 while a load is held");

static uint hits;
module_param(hits, uint, 0444);
MODULE_PARM_DESC(hits, "calls of the hooked function");

/*
 * Spins, since ftrace lets nobody sleep; interrupts and preemption stay on, so
 * that other CPUs get their IPIs answered.  Loads do not run side by side (the
 * kernel's kexec lock), nor does tdx_enable(), so nothing here is raced for.
 */
static notrace void window(unsigned long ip, unsigned long parent_ip,
			   struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	u64 end;

	WRITE_ONCE(hits, hits + 1);
	if (!READ_ONCE(armed))
		return;
	WRITE_ONCE(armed, 0);
	WRITE_ONCE(go, 0);
	end = ktime_get_mono_fast_ns() + delay_ms * (u64)NSEC_PER_MSEC;
	WRITE_ONCE(inside, 1);
	while (!READ_ONCE(go) && ktime_get_mono_fast_ns() < end)
		cpu_relax();
	WRITE_ONCE(inside, 0);
}

static struct ftrace_ops window_ops = {
	.func = window,
};

static unsigned long *bug_word(void)
{
	return (unsigned long *)boot_cpu_data.x86_capability;
}

static int prepare_entry(struct fprobe *fp, unsigned long entry_ip,
			 unsigned long ret_ip, struct ftrace_regs *regs, void *data)
{
	clear_bit(X86_BUG_TDX_PW_MCE, bug_word());
	return 0;
}

static void prepare_exit(struct fprobe *fp, unsigned long entry_ip,
			 unsigned long ret_ip, struct ftrace_regs *regs, void *data)
{
	set_bit(X86_BUG_TDX_PW_MCE, bug_word());
}

static struct fprobe prepare_probe = {
	.entry_handler = prepare_entry,
	.exit_handler = prepare_exit,
};

static int hook_window(void)
{
	int ret = ftrace_set_filter(&window_ops, function, strlen(function), 1);

	if (!ret)
		ret = register_ftrace_function(&window_ops);
	if (ret) {
		pr_err("cannot hook %s(): error %d\n", function, ret);
		ftrace_free_filter(&window_ops);
	}
	return ret;
}

static void unhook_window(void)
{
	unregister_ftrace_function(&window_ops);
	ftrace_free_filter(&window_ops);
}

static int __init race_init(void)
{
	const char *prepare = "machine_kexec_prepare";
	int ret;

	if (lift && !boot_cpu_has_bug(X86_BUG_TDX_PW_MCE)) {
		pr_err("lift=1: this CPU has no partial-write erratum\n");
		return -ENODEV;
	}
	ret = hook_window();
	if (ret || !lift)
		return ret;
	ret = register_fprobe_syms(&prepare_probe, &prepare, 1);
	if (ret) {
		pr_err("cannot hook %s(): error %d\n", prepare, ret);
		unhook_window();
	}
	return ret;
}

static void __exit race_exit(void)
{
	if (lift)
		unregister_fprobe(&prepare_probe);
	unhook_window();
}

module_init(race_init);
module_exit(race_exit);

MODULE_DESCRIPTION("Test only: widen the window inside machine_kexec_prepare()");
MODULE_AUTHOR("The kexec-tdx developers");
MODULE_LICENSE("GPL");
