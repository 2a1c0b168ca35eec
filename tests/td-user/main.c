// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: a user of TDX inside the kernel, beside tdx_reset.ko in own mode.
 * At load it does VMXON on all CPUs; the rest on command:
 *
 *   echo COMMAND >/sys/module/td_user/parameters/do
 *
 *   enable		tdx_enable() from callers= threads at the same time; all
 *			have to get the same result
 *   make		tds= TDs with mib= MiB each
 *   state NAME		leave pages in a state between (td.c)
 *   range PA SIZE	from now on their pages come from there
 *   enter		TDH.VP.ENTER, which has to be refused
 *   give PA		one page of somebody else's memory becomes TD memory
 *   destroy		no TD is left
 *
 * At a reboot everything stays as it is, except that VMX is left (vmxoff=1).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/kstrtox.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "tdx/leaf_effects.h"
#include "td-user.h"

bool own = true;
module_param(own, bool, 0444);
MODULE_PARM_DESC(own, "SEAMCALLs of TDs go through tdx_reset (default 1)");

int skip_vmxon = -1;
module_param(skip_vmxon, int, 0644);
MODULE_PARM_DESC(skip_vmxon, "a CPU that is not brought into VMX operation (default none)");

bool vmxoff_at_reboot = true;
module_param_named(vmxoff, vmxoff_at_reboot, bool, 0644);
MODULE_PARM_DESC(vmxoff, "leave VMX operation before a reboot (default 1)");

bool break_chain;
module_param(break_chain, bool, 0444);
MODULE_PARM_DESC(break_chain, "end the chain of reboot notifiers, VMX left on (default 0)");

static uint callers = 1;
module_param(callers, uint, 0644);
MODULE_PARM_DESC(callers, "threads that enable at the same time (default 1)");

static uint tds_wanted = 1;
module_param_named(tds, tds_wanted, uint, 0644);
MODULE_PARM_DESC(tds, "TDs to make (default 1)");

static uint mib = 8;
module_param(mib, uint, 0644);
MODULE_PARM_DESC(mib, "MiB of each TD (default 8)");

static bool large;
module_param(large, bool, 0644);
MODULE_PARM_DESC(large, "2 MiB pages for TDs (default 0)");

static DEFINE_MUTEX(command_lock);

/**
 * struct caller - one thread that calls tdx_enable()
 * @start: lets all of them go
 * @done: it has its result
 * @result: of tdx_enable()
 */
struct caller {
	struct completion *start;
	struct completion done;
	int result;
};

static int caller_thread(void *arg)
{
	struct caller *caller = arg;

	wait_for_completion(caller->start);
	cpus_read_lock();
	caller->result = tdx_enable();
	cpus_read_unlock();
	complete(&caller->done);
	return 0;
}

static int enable(void)
{
	struct caller *all = kcalloc(callers, sizeof(*all), GFP_KERNEL);
	unsigned int i, n, same = 0;
	struct completion start;
	int result;

	if (!all || !callers) {
		kfree(all);
		return -ENOMEM;
	}
	init_completion(&start);
	for (n = 0; n < callers; n++) {
		struct task_struct *task;

		all[n].start = &start;
		init_completion(&all[n].done);
		task = kthread_run(caller_thread, &all[n], "td-user/%u", n);
		if (IS_ERR(task))
			break;
	}
	complete_all(&start);
	for (i = 0; i < n; i++)
		wait_for_completion(&all[i].done);
	result = n ? all[0].result : -ENOMEM;
	for (i = 0; i < n; i++)
		same += all[i].result == result;
	kfree(all);
	pr_info("tdx_enable(): %u callers, %u with result %d\n", n, same, result);
	if (same != callers)
		return -EPROTO;
	if (!result)
		vmx_tdx_enabled();
	return result;
}

static int give(const char *address)
{
	u64 pa;
	int ret = kstrtoull(address, 0, &pa);

	return ret ? ret : td_give(pa);
}

/* tdx_seamcall() does not serve it: the guest's registers would come back in ours. */
static int enter_refused(void)
{
	struct seamcall_args args = { };

	return tdx_seamcall(TDH_VP_ENTER, &args) == SEAMCALL_REFUSED ? 0 : -EIO;
}

static int use_range(const char *range)
{
	u64 pa, size;

	return sscanf(range, "%lli %lli", &pa, &size) == 2 ? td_use_range(pa, size) : -EINVAL;
}

static int run(const char *command)
{
	if (sysfs_streq(command, "enable"))
		return enable();
	if (sysfs_streq(command, "make"))
		return td_make(tds_wanted, mib, large);
	if (strstarts(command, "state "))
		return td_state(command + strlen("state "));
	if (strstarts(command, "range "))
		return use_range(command + strlen("range "));
	if (strstarts(command, "give "))
		return give(command + strlen("give "));
	if (sysfs_streq(command, "enter"))
		return enter_refused();
	if (sysfs_streq(command, "destroy")) {
		td_destroy_all();
		return 0;
	}
	pr_err("%s: no such command\n", command);
	return -EINVAL;
}

static int set_do(const char *value, const struct kernel_param *kp)
{
	int ret;

	mutex_lock(&command_lock);
	ret = run(value);
	mutex_unlock(&command_lock);
	return ret;
}

static const struct kernel_param_ops do_ops = {
	.set = set_do,
};

module_param_cb(do, &do_ops, NULL, 0200);
MODULE_PARM_DESC(do, "a command: enable, make, state NAME, range PA SIZE, give PA, enter, destroy");

static int __init td_user_init(void)
{
	return vmx_start();
}

static void __exit td_user_exit(void)
{
	td_destroy_all();
	vmx_stop();
}

module_init(td_user_init);
module_exit(td_user_exit);

MODULE_DESCRIPTION("Test only: a user of TDX inside the kernel");
MODULE_AUTHOR("The kexec-tdx developers");
MODULE_LICENSE("GPL");
