/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a test can ask of the kernel's xarray in userspace. */
#ifndef UNIT_LINUX_XARRAY_H
#define UNIT_LINUX_XARRAY_H

#include <stdbool.h>

extern long shim_nodes_held;	/* allocated and not yet freed */
/*
 * Now nothing may allocate without being allowed to sleep, or wait for a grace
 * period; shim_rule_breaks counts what did.
 */
extern bool shim_atomic_context;
extern long shim_rule_breaks;

void shim_grace_period(void);

#endif /* UNIT_LINUX_XARRAY_H */
