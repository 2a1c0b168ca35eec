// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspend and hibernation take the TDX module away: SEAM memory is lost in S3, and
 * a resumed image would write to what TDX owned before.  Linux as the host of TDX
 * allows neither; here both are refused once TDX is being initialised.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/notifier.h>
#include <linux/suspend.h>

#include "own.h"

static int sleep_notify(struct notifier_block *nb, unsigned long action, void *unused)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		if (enable_sleep())
			return NOTIFY_OK;
		pr_err("%s refused: TDX is initialised, and would be lost with its private memory; shut down or reboot instead\n",
		       action == PM_SUSPEND_PREPARE ? "suspend" : "hibernation");
		return notifier_from_errno(-EBUSY);
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		enable_wake();
		return NOTIFY_OK;
	}
	return NOTIFY_DONE;
}

static struct notifier_block sleep_block = {
	.notifier_call = sleep_notify,
};

/**
 * own_sleep_start - refuse to sleep once TDX is initialised
 *
 * Context: process, may sleep.
 * Return: 0 or a negative error.
 */
int own_sleep_start(void)
{
	return register_pm_notifier(&sleep_block);
}

/**
 * own_sleep_stop - undo own_sleep_start()
 *
 * Context: process, may sleep.
 */
void own_sleep_stop(void)
{
	unregister_pm_notifier(&sleep_block);
}
