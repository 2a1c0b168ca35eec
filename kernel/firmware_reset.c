// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way out when there is no jump: a reset through firmware, which cleans all
 * memory.  The reason goes to the console and, where the machine has a pstore
 * backend, into that.
 *
 * A hand-off can also end in itself, by a bug here or in a user's callback, a
 * machine check, a watchdog.  The kernel would not start the capture kernel then
 * (the panic is inside a kexec already) but wait for ever, unless panic= says
 * otherwise; and an oops would kill the task and go on with what is left of the
 * machine.  So from the hand-off's beginning both end here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kdebug.h>
#include <linux/limits.h>
#include <linux/notifier.h>
#include <linux/panic.h>
#include <linux/panic_notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>

#include "tdx_reset.h"

/* Does pstore keep the log of a reset, too?  The kernel's own switch. */
static bool *always_kmsg_dump;

static const char *handoff_name;	/* of the hand-off that has begun */
static unsigned int resets_begun;	/* one CPU; more than one: it failed in itself */

/**
 * firmware_reset_begin - all of firmware_reset() but the wait for it
 *
 * With the kernel's own ways, which work with interrupts off and all other CPUs
 * gone (ACPI, EFI, chipset, keyboard controller, triple fault, as its quirks say)
 * and hand the log to pstore.  pstore takes it only of a panic or an oops, unless
 * told otherwise.  A cold reset, whatever reboot= says: a warm one may keep memory
 * private.
 *
 * Context: any, NMI included; no allocation, no lock.
 */
void firmware_reset_begin(void)
{
	/* Whoever keeps the log may be what fails: then without it. */
	if (always_kmsg_dump)
		WRITE_ONCE(*always_kmsg_dump, !resets_begun);
	resets_begun++;
	panic_timeout = -1;
	reboot_mode = REBOOT_COLD;
	emergency_restart();
}

#define RESETS_MAX	3

static int give_up(const char *what)
{
	const char *name = READ_ONCE(handoff_name);

	if (!name || resets_begun == RESETS_MAX)
		return NOTIFY_DONE;
	pr_emerg("hand-off: %s refused: %s in the middle of it; resetting through firmware instead\n",
		 name, what);
	firmware_reset();
}

static int panicked(struct notifier_block *nb, unsigned long action, void *message)
{
	return give_up("a panic");
}

/* The last: others may have something to tell to a hypervisor or a BMC. */
static struct notifier_block panic_block = {
	.notifier_call = panicked,
	.priority = INT_MIN,
};

static int died(struct notifier_block *nb, unsigned long action, void *args)
{
	return action == DIE_OOPS ? give_up("an oops") : NOTIFY_DONE;
}

static struct notifier_block die_block = {
	.notifier_call = died,
};

/**
 * firmware_reset_armed - a hand-off has begun: the jump, or a reset
 * @name: "kexec" or "crash"
 *
 * Never undone; not for a kexec that comes back.
 *
 * Context: any, NMI included.
 */
void firmware_reset_armed(const char *name)
{
	WRITE_ONCE(handoff_name, name);
}

/**
 * firmware_reset_find - look for what firmware_reset() needs
 *
 * Context: process, may sleep; not under cpus_read_lock().
 */
void firmware_reset_find(void)
{
	always_kmsg_dump = platform_symbol("always_kmsg_dump");
	if (!always_kmsg_dump)
		pr_info("this kernel does not list always_kmsg_dump: for pstore to keep why a kexec was refused, boot with printk.always_kmsg_dump=1\n");
}

/**
 * firmware_reset_start - hear of panics and oopses
 *
 * Context: process, may sleep.
 */
void firmware_reset_start(void)
{
	atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
	register_die_notifier(&die_block);
}

/**
 * firmware_reset_stop - undo firmware_reset_start()
 *
 * Context: process, may sleep.
 */
void firmware_reset_stop(void)
{
	unregister_die_notifier(&die_block);
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_block);
}
