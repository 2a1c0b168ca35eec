// SPDX-License-Identifier: GPL-2.0-only
/*
 * An end for TDH.SYS.DISABLE.  Linux 7.2 and later repeat it for as long as the
 * module asks for it: without a limit, without touching a watchdog, also in a
 * crash.  A module that never gets ready would hang the hand-off for ever.
 *
 * The result of each call passes by here.  When time is up, it is made a final
 * error: the kernel's loop ends as it does when the module lacks the leaf.  No
 * page was taken out of the tracker, so the hand-off rewrites what TDX held;
 * giving up costs that time and TDX in the next kernel, nothing else.
 *
 * What nothing here can end: one SEAMCALL that never comes back.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/nmi.h>
#include <linux/reboot.h>

#include "tdx/abi.h"
#include "tdx_reset.h"

static uint disable_seconds = 300;
module_param(disable_seconds, uint, 0644);
MODULE_PARM_DESC(disable_seconds,
		 "the longest that a kexec waits for TDH.SYS.DISABLE; 0: for ever (default 300)");

/*
 * In a crash the capture kernel's memory is clean as a rule and nothing waits
 * for TDX; and a CPU that was stopped inside the TDX module stays there, so that
 * "busy" will not pass.
 */
#define CRASH_SECONDS		10
#define CRASH_BUSY_SECONDS	1
#define NON_RECOVERABLE		BIT_ULL(62)	/* of a status: do not try again */
#define PROGRESS_SECONDS	10

/* Nanoseconds of the monotonic clock.  One CPU at a time: a crash or a kexec. */
static u64 began, busy_since, told;

/* A crash comes without the orderly shutdown that a kexec begins with. */
static bool crashing(void)
{
	return system_state <= SYSTEM_RUNNING;
}

static bool time_is_up(u64 now, bool busy)
{
	u64 limit = READ_ONCE(disable_seconds);

	if (!limit)
		return false;
	if (!crashing())
		return now - began >= limit * NSEC_PER_SEC;
	if (busy && now - busy_since >= CRASH_BUSY_SECONDS * NSEC_PER_SEC)
		return true;
	return now - began >= min_t(u64, limit, CRASH_SECONDS) * NSEC_PER_SEC;
}

/**
 * disable_status - a TDH.SYS.DISABLE has come back
 * @status: RAX of the TDX module
 *
 * Context: any, NMI included.
 * Return: the status that the kernel shall see.
 */
u64 disable_status(u64 status)
{
	u64 now = ktime_get_mono_fast_ns();
	bool busy = (status & TDX_STATUS_MASK) == TDX_SYS_BUSY;

	if (!busy && (status & TDX_STATUS_MASK) != TDX_INTERRUPTED_RESUMABLE) {
		began = 0;
		return status;
	}
	touch_nmi_watchdog();
	if (!began) {
		began = now;
		told = now;
		busy_since = 0;
	}
	if (!busy)
		busy_since = 0;
	else if (!busy_since)
		busy_since = now;

	if (time_is_up(now, busy)) {
		pr_crit("TDH.SYS.DISABLE did not end within %llu s (status %#llx): not asked again, what TDX holds is left to the hand-off\n",
			(now - began) / NSEC_PER_SEC, status);
		began = 0;
		return status | NON_RECOVERABLE;
	}
	if (now - told >= PROGRESS_SECONDS * NSEC_PER_SEC) {
		told = now;
		pr_info("TDH.SYS.DISABLE is still busy after %llu s\n",
			(now - began) / NSEC_PER_SEC);
	}
	return status;
}
