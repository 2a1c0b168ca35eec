/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registers of a SEAMCALL, laid out as the beginning of the kernel's
 * struct tdx_module_args (platform.c asserts that).  A structure of our own,
 * because the kernel's header and tdx/abi.h define some of the same names.
 */
#ifndef TDX_RESET_SEAMCALL_H
#define TDX_RESET_SEAMCALL_H

#include <linux/types.h>

struct seamcall_args {
	u64 rcx;
	u64 rdx;
	u64 r8;
	u64 r9;
	u64 r10;
	u64 r11;
};

u64 seamcall(u64 leaf, struct seamcall_args *args);
int seamcall_read_metadata(u64 field, u64 *value);

#endif /* TDX_RESET_SEAMCALL_H */
