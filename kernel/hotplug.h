/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that is added while the machine runs: may it come online?
 *
 *   hotplug.c		the policy, the notifier
 *   hotplug_watch.c	watch mode: what the TDX module says of the memory
 *   enable.c		own mode: what TDX was initialised with
 */
#ifndef TDX_RESET_HOTPLUG_H
#define TDX_RESET_HOTPLUG_H

#include <linux/types.h>

/**
 * enum memory_fit - can TDs use a piece of memory?
 * @MEMORY_USABLE: yes, TDX was initialised with it
 * @MEMORY_NO_CMR: no, the firmware did not make it fit for TDX
 * @MEMORY_LEFT_OUT: it is fit, but TDX was initialised without it
 * @MEMORY_UNKNOWN: the TDX module gives no answer
 */
enum memory_fit {
	MEMORY_USABLE,
	MEMORY_NO_CMR,
	MEMORY_LEFT_OUT,
	MEMORY_UNKNOWN,
};

/* hotplug.c */
void hotplug_find(void);
u64 hotplug_memory_end(void);
int hotplug_start(void);
void hotplug_stop(void);
void hotplug_hold(void);
void hotplug_release(void);
bool hotplug_in_use(u64 start, u64 end);

/* hotplug_watch.c, enable.c */
enum memory_fit memory_fit(u64 start, u64 end, u64 *where);

#endif /* TDX_RESET_HOTPLUG_H */
