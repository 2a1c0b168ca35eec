/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For in-kernel users of TDX that have private memory of their own: be called
 * when another kernel is about to take over.
 *
 *   prepare	early in a normal kexec: all CPUs and devices are up, it may sleep.
 *		Stop using TDX; memory that is quick to give back may be given back.
 *		It must not wait for somebody who registers or unregisters.
 *   now	the last moment of a normal kexec: interrupts are off, all other
 *		CPUs are stopped for ever.  No lock may be taken that somebody could
 *		hold, nothing may be allocated, nothing may sleep; tdx_seamcall()
 *		refuses, and TDX may be gone.  Memory that the
 *		tracker does not know must be made normal now
 *		(MOVDIR64B over all of it, see tdx/movdir64b.h).
 *   crash	the same in a crash, under the rules of an NMI.  Only memory that
 *		the capture kernel runs in matters; what the tracker knows is seen
 *		to already.
 *
 * Each may be NULL.  Users are called in the order of registration, prepare in
 * the reverse.  What fails, sleeps where it must not or takes too long is
 * reported by name and does not keep the others from being called; but a user
 * whose now or crash fails has memory that is not normal, so that there is no
 * jump: the machine is reset through firmware.  After a prepare that failed the
 * kexec goes on, and the user's now decides: memory that the tracker does not know
 * needs a now also if prepare gives it back.
 */
#ifndef TDX_RESET_USER_H
#define TDX_RESET_USER_H

#include <linux/list.h>

/**
 * struct tdx_reset_user - somebody with private memory
 * @name: for messages
 * @prepare: 0, or a negative error, which is only reported
 * @now: 0, or a negative error: memory of this user is still private or dirty
 * @crash: the same
 * @list: owned by the component
 */
struct tdx_reset_user {
	const char *name;
	int (*prepare)(struct tdx_reset_user *user);
	int (*now)(struct tdx_reset_user *user);
	int (*crash)(struct tdx_reset_user *user);
	struct list_head list;
};

int tdx_reset_register(struct tdx_reset_user *user);
void tdx_reset_unregister(struct tdx_reset_user *user);

#endif /* TDX_RESET_USER_H */
