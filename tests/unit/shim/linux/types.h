/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel types for code that is also compiled in userspace. */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

/* Of the kernel's configuration. */
#ifdef SHIM_XARRAY
#define CONFIG_XARRAY_MULTI 1
#endif

#define U64_MAX UINT64_MAX

#endif /* SHIM_LINUX_TYPES_H */
