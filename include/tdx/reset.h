/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tdx_reset.ko offers to other parts of the kernel that use TDX, on
 * kernels without TDX host support of their own (own mode).
 *
 * Order for a user:
 *
 *   VMXON on every CPU; on CPUs that come online later, too
 *   cpus_read_lock(), tdx_enable(), cpus_read_unlock()
 *   TDs, through tdx_seamcall(); tdx_reset_pages() for each page taken back
 *   in a reboot notifier: no more SEAMCALLs, VMXOFF
 *
 * TDs may live on when a kexec comes: the hand-off makes their pages normal.
 * A CPU that is left in VMX operation then cannot be started by the next kernel
 * (INIT is blocked), so VMXOFF stays the duty of who did VMXON.
 */
#ifndef TDX_RESET_API_H
#define TDX_RESET_API_H

#include <linux/types.h>

#include "tdx/seamcall.h"

int tdx_enable(void);
int tdx_cpu_enable(void);
u64 tdx_seamcall(u64 leaf, struct seamcall_args *args);
void tdx_reset_pages(u64 pfn, u64 nr);

#endif /* TDX_RESET_API_H */
