// SPDX-License-Identifier: GPL-2.0-only
/*
 * Users of TDX that want to be called at a hand-off (tdx/reset_user.h).
 *
 * The list changes under a mutex and is read without: at the last moment nobody
 * else runs, and a CPU may have been stopped in the middle of a change.  So a
 * change is one store that a reader sees or does not see (RCU's list functions).
 *
 * A callback that sleeps at the last moment would never come back: there is
 * nothing that could wake it, and other tasks must not run.  schedule() is
 * hooked for that moment: from there the hand-off goes on in place of the
 * callback, with a new call of machine_kexec(), which does not return.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/kexec.h>
#include <linux/limits.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/reboot.h>
#include <linux/string.h>

#include "compat.h"
#include "tdx/reset_user.h"
#include "tdx_reset.h"

#define TOO_LONG_MS	1000

static LIST_HEAD(users);
static DEFINE_MUTEX(users_lock);

/* The hand-off: whose turn it is, and what failed.  One CPU, written there. */
static struct list_head *turn;
static struct tdx_reset_user *running;
static struct kimage *jump_image;
static const char *failed;
static bool slept;

static unsigned long machine_kexec_address;
static bool schedule_hooked;
static bool started;

/**
 * tdx_reset_register - be called at a hand-off from now on
 * @user: stays with the component until tdx_reset_unregister(); its module stays
 *	loaded as long, which is the caller's care
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL without a name or a callback, -EEXIST if it is there
 * already, -ENODEV where there is no hand-off: no TDX host, or in own mode
 * nobody has called tdx_enable() yet.
 */
int tdx_reset_register(struct tdx_reset_user *user)
{
	struct tdx_reset_user *other;
	int ret = 0;

	if (!user->name || !(user->prepare || user->now || user->crash))
		return -EINVAL;
	if (!started)
		return -ENODEV;
	mutex_lock(&users_lock);
	list_for_each_entry(other, &users, list)
		if (other == user)
			ret = -EEXIST;
	if (!ret)
		list_add_tail_rcu(&user->list, &users);
	mutex_unlock(&users_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(tdx_reset_register);

/**
 * tdx_reset_unregister - undo tdx_reset_register()
 * @user: its memory is normal, or belongs to nobody any more
 *
 * Context: process, may sleep.  When it returns, no callback runs.
 */
void tdx_reset_unregister(struct tdx_reset_user *user)
{
	mutex_lock(&users_lock);
	list_del_rcu(&user->list);
	mutex_unlock(&users_lock);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(tdx_reset_unregister);

static void report(const struct tdx_reset_user *user, const char *what, int err, u64 start)
{
	u64 ms = (ktime_get_mono_fast_ns() - start) / NSEC_PER_MSEC;

	if (err)
		pr_emerg("%s: its callback %s() failed: error %d%s\n", user->name, what, err,
			 strcmp(what, "prepare") ? "; its memory is taken for private" :
						   "; the kexec goes on");
	if (ms > TOO_LONG_MS)
		pr_warn("%s: its callback %s() took %llu ms\n", user->name, what, ms);
}

/*
 * A user sleeps although nobody is left to run: machine_kexec() begins anew in
 * the place of what sleeps.  __schedule_bug() is where the scheduler comes with
 * preemption off, before it takes a lock, and nobody else does.
 */
static notrace void schedule_entry(unsigned long ip, unsigned long parent_ip,
				   struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct tdx_reset_user *user = READ_ONCE(running);
	struct pt_regs *regs = ftrace_get_regs(fregs);

	if (!user || !jump_image || !regs)
		return;
	pr_emerg("%s: its callback %s() sleeps, which it must not: abandoned; report it to its author\n",
		 user->name, jump_image->type == KEXEC_TYPE_CRASH ? "crash" : "now");
	failed = user->name;
	slept = true;
	running = NULL;
	regs->flags &= ~X86_EFLAGS_IF;
	regs->di = (unsigned long)jump_image;
	regs->ip = machine_kexec_address;
}

static struct ftrace_ops schedule_ops = {
	.func = schedule_entry,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
};

/* Costs nothing where nobody makes that mistake. */
static void hook_schedule(void)
{
	const char *function = "__schedule_bug";
	int ret;

	if (schedule_hooked || !machine_kexec_address)
		return;
	ret = IS_ENABLED(CONFIG_PREEMPT_COUNT) ? hook_function(&schedule_ops, function) : -ENOENT;
	if (ret) {
		pr_warn("cannot hook %s(): error %d; a callback that sleeps at the last moment will hang the kexec; is kernel.ftrace_enabled 0?\n",
			function, ret);
		return;
	}
	schedule_hooked = true;
}

static int restart_notify(struct notifier_block *nb, unsigned long action, void *cmd)
{
	struct tdx_reset_user *user;
	u64 start;

	if (!restart_is_kexec(action, cmd))
		return NOTIFY_DONE;
	mutex_lock(&users_lock);
	list_for_each_entry_reverse(user, &users, list) {
		start = ktime_get_mono_fast_ns();
		if (user->prepare)
			report(user, "prepare", user->prepare(user), start);
	}
	mutex_unlock(&users_lock);
	return NOTIFY_DONE;
}

/* The first: a user's own notifier may leave VMX. */
static struct notifier_block restart_notifier = {
	.notifier_call = restart_notify,
	.priority = INT_MAX,
};

static int call_one(struct tdx_reset_user *user, bool crash)
{
	int (*call)(struct tdx_reset_user *user) = crash ? user->crash : user->now;
	const char *what = crash ? "crash" : "now";
	u64 start = ktime_get_mono_fast_ns();
	int err;

	if (!call)
		return 0;
	/* Also tells the scheduler that nobody may sleep. */
	preempt_disable();
	WRITE_ONCE(running, user);
	err = call(user);
	WRITE_ONCE(running, NULL);
	if (!irqs_disabled()) {
		local_irq_disable();
		pr_emerg("%s: its callback %s() turned interrupts on, which it must not; report it to its author\n",
			 user->name, what);
	}
	preempt_enable();
	report(user, what, err, start);
	return err;
}

/**
 * users_registered - may there be private memory that the tracker does not know?
 *
 * Context: any.
 */
bool users_registered(void)
{
	return !list_empty(&users);
}

/**
 * users_call - it is the last moment
 * @image: about to be jumped to
 *
 * May be entered again for the same hand-off, by schedule_entry(): goes on with
 * the next user then.
 *
 * Context: any, with interrupts off and no other CPU running.
 * Return: NULL, or the name of a user whose memory is not normal.
 */
const char *users_call(const struct kimage *image)
{
	bool crash = image->type == KEXEC_TYPE_CRASH;

	/* A crash in the middle of a kexec begins anew; not what schedule_entry() sent. */
	if (!slept && (!turn || crash)) {
		turn = &users;
		failed = NULL;
	}
	slept = false;
	jump_image = (struct kimage *)image;
	for (turn = READ_ONCE(turn->next); turn != &users; turn = READ_ONCE(turn->next)) {
		struct tdx_reset_user *user = list_entry(turn, struct tdx_reset_user, list);

		if (call_one(user, crash))
			failed = user->name;
	}
	return failed;
}

/**
 * users_find - look for what schedule_entry() needs
 *
 * Context: process, may sleep; not under cpus_read_lock().
 */
void users_find(void)
{
	machine_kexec_address = (unsigned long)platform_symbol("machine_kexec");
}

/**
 * users_start - call users from now on
 *
 * Context: process, may sleep.
 */
void users_start(void)
{
	hook_schedule();
	register_reboot_notifier(&restart_notifier);
	started = true;
}

/**
 * users_stop - undo users_start()
 *
 * Context: process, may sleep.  Nobody is registered: their modules use this one.
 */
void users_stop(void)
{
	started = false;
	unregister_reboot_notifier(&restart_notifier);
	if (!schedule_hooked)
		return;
	unhook_function(&schedule_ops);
	schedule_hooked = false;
}
