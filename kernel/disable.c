// SPDX-License-Identifier: GPL-2.0-only
/*
 * An end for TDH.SYS.DISABLE.  Linux 7.2 and later repeat it for as long as the
 * module asks for it: without a limit, without touching a watchdog, also in a
 * crash.  A module that never gets ready would hang the hand-off for ever.
 *
 * The result of each call passes by here (own mode: of own.c's calls).  When
 * time is up, it is made a final error: the loop ends as it does when the module
 * lacks the leaf.  No page was taken out of the tracker, so the hand-off rewrites
 * what TDX held; giving up costs that time and TDX in the next kernel, nothing
 * else.
 *
 * What nothing here can end: one SEAMCALL that never comes back; and the loop of
 * a crash inside a kprobe's handler, where no other kprobe works.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/nmi.h>
#include <linux/printk.h>
#include <linux/reboot.h>

#include "params.h"
#include "tdx/abi.h"
#include "tdx_reset.h"

static uint disable_seconds = 300;
module_param_cb(disable_seconds, &params_uint_ops, &disable_seconds, 0644);
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

#define GAP_SECONDS		5	/* a call after that is not one of the same loop */

/* Nanoseconds of the monotonic clock.  One CPU at a time: a crash or a kexec. */
static s64 began, last, busy_since, told;
static bool began_crashing;

static bool passed(s64 now, s64 since, u64 seconds)
{
	return now - since >= (s64)(seconds * NSEC_PER_SEC);
}

static bool time_is_up(s64 now, bool busy, bool crash)
{
	u64 limit = READ_ONCE(disable_seconds);

	if (!crash)
		return limit && passed(now, began, limit);
	if (busy && passed(now, busy_since, CRASH_BUSY_SECONDS))
		return true;
	if (!limit)
		limit = CRASH_SECONDS;
	return passed(now, began, min_t(u64, limit, CRASH_SECONDS));
}

/**
 * disable_status - a TDH.SYS.DISABLE has come back
 * @status: RAX of the TDX module
 * @crash: asked on the way to a capture kernel
 *
 * Context: any, NMI included.
 * Return: the status that the kernel shall see.
 */
u64 disable_status(u64 status, bool crash)
{
	s64 now = ktime_get_mono_fast_ns();
	bool busy = (status & TDX_STATUS_MASK) == TDX_SYS_BUSY;

	if (!busy && (status & TDX_STATUS_MASK) != TDX_INTERRUPTED_RESUMABLE) {
		last = 0;
		return status;
	}
	touch_nmi_watchdog();
	if (!last || passed(now, last, GAP_SECONDS) || began_crashing != crash) {
		began = now;
		told = now;
		busy_since = now;
		began_crashing = crash;
	}
	last = now;
	if (!busy)
		busy_since = now;

	if (time_is_up(now, busy, crash)) {
		pr_crit("TDH.SYS.DISABLE did not end within %lld s (status %#llx): not asked again, what TDX holds is left to the hand-off\n",
			div_s64(now - began, NSEC_PER_SEC), status);
		last = 0;
		return status | NON_RECOVERABLE;
	}
	if (passed(now, told, PROGRESS_SECONDS)) {
		told = now;
		/* As in handoff.c: the console may have been told to be quiet. */
		pr_crit("TDH.SYS.DISABLE has not ended after %lld s (limit: disable_seconds=%u; 0: none)\n",
			div_s64(now - began, NSEC_PER_SEC), READ_ONCE(disable_seconds));
	}
	return status;
}
