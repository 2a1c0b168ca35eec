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
 *   in a reboot notifier: no more SEAMCALLs; VMXOFF, unless it is a kexec
 *
 * TDs may live on when a kexec comes: the hand-off makes their pages normal.
 *
 * VMXON through the kernel's shadow of CR4 (cr4_set_bits()): a later write of
 * CR4 without VMXE would fault.  On the way to a kexec VMX may stay on, and has
 * to if the next kernel is to use TDX: TDH.SYS.DISABLE needs it.  The component
 * then does VMXOFF on every CPU, in machine_shutdown(): the next kernel cannot
 * start a CPU that is in VMX operation (INIT is blocked).  In a crash each CPU
 * does so when it is stopped.
 *
 * Once TDX is initialised the machine refuses to suspend or hibernate: the TDX
 * module would be gone.
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
