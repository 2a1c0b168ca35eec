/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small helpers of the kernel that shared code uses. */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <linux/atomic.h>
#include <linux/types.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max_t(type, a, b) ((type)(a) > (type)(b) ? (type)(a) : (type)(b))
#define max(a, b) max_t(__typeof__(a), a, b)
#define min(a, b) min_t(__typeof__(a), a, b)

#define READ_ONCE(x) ({ SHIM_STEP_READ(&(x)); __atomic_load_n(SHIM_SEEN(&(x)), __ATOMIC_RELAXED); })
#define WRITE_ONCE(x, value) __atomic_store_n(&(x), value, __ATOMIC_RELAXED)

#endif /* SHIM_LINUX_KERNEL_H */
