/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every call of kexec-tdx that changes the machine, as one small table:
 * sys_real makes the calls, sys_dry prints them, unit tests record them.
 */
#ifndef KEXEC_TDX_SYS_OPS_H
#define KEXEC_TDX_SYS_OPS_H

#include <stdbool.h>

#include "tool.h"

/* Flags of kexec_file_load(2), from the kernel's uapi (linux/kexec.h). */
#define FILE_UNLOAD		0x01UL
#define FILE_ON_CRASH		0x02UL
#define FILE_NO_INITRAMFS	0x04UL
#define FILE_DEBUG		0x08UL	/* Linux 6.8 and later */
#define FILE_NO_CMA		0x10UL	/* Linux 6.17 and later */

/* Arguments of kexec_file_load(2), with the names that belong to the fds. */
struct load_call {
	int kernel_fd;			/* -1 = none (unload) */
	const char *kernel;
	int initrd_fd;			/* -1 = none */
	const char *initrd;
	const char *cmdline;		/* NULL = none (unload) */
	unsigned long cmdline_len;	/* with the closing NUL */
	unsigned long flags;
};

/*
 * Each returns 0 or -errno, if not said otherwise.
 * @kexec_file_load: kexec_file_load(2)
 * @reboot_kexec: reboot(2) into the loaded kernel; returns only if it failed
 * @link_set: set a network interface up or down
 * @sync: write dirty data to the disks; cannot fail
 * @exec: replace this process; returns only if it failed (or was printed).
 *	argv[0] is the path.
 * @may_reboot: has this process the capability that reboot(2) and
 *	kexec_file_load(2) ask for, CAP_SYS_BOOT?
 * @in_container: is it known to be in a PID namespace of its own?  reboot(2)
 *	executes no kernel from there.
 */
struct sys_ops {
	int (*kexec_file_load)(struct tool *t, const struct load_call *call);
	int (*reboot_kexec)(struct tool *t);
	int (*link_set)(struct tool *t, const char *ifname, bool up);
	void (*sync)(struct tool *t);
	int (*exec)(struct tool *t, char *const argv[]);
	bool (*may_reboot)(struct tool *t);
	bool (*in_container)(struct tool *t);
};

extern const struct sys_ops sys_real;
extern const struct sys_ops sys_dry;

#endif
