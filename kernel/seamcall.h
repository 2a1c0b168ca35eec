/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SEAMCALLs of our own.
 */
#ifndef TDX_RESET_SEAMCALL_H
#define TDX_RESET_SEAMCALL_H

#include "tdx/seamcall.h"

u64 seamcall(u64 leaf, struct seamcall_args *args);
int seamcall_read_metadata(u64 field, u64 *value);
int seamcall_page_type(u64 pfn, u64 *type, u64 *asked);

#endif /* TDX_RESET_SEAMCALL_H */
