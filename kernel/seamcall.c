// SPDX-License-Identifier: GPL-2.0-only
/*
 * SEAMCALLs of our own: the kernel's __seamcall() is not exported.  In watch mode
 * for questions only (TDH.SYS.RD, TDH.PHYMEM.PAGE.RDMD); in own mode all that
 * there are, on their way through own.c, which keeps the tracker.
 *
 * The kernel marks a CPU's cache as incoherent before each SEAMCALL, so that it
 * is flushed before a kexec.  That mark is out of reach here; the caller flushes
 * the caches when it is done (search.c).
 */
#include <linux/errno.h>
#include <linux/preempt.h>

#include "seamcall.h"
#include "tdx/abi.h"
#include "tdx/seamcall_insn.h"

/**
 * seamcall - ask the TDX module
 * @leaf: leaf and version
 * @args: RCX, RDX, R8-R11, in and out
 *
 * Context: any; runs with preemption disabled.  VMX has to be on, which the
 * kernel sees to on every online CPU once TDX is initialised; if it is not, the
 * fault is caught.
 * Return: the status of the TDX module, or a SEAMCALL_* that stands for none.
 */
u64 seamcall(u64 leaf, struct seamcall_args *args)
{
	u64 status;

	preempt_disable();
	status = seamcall_insn(leaf, args);
	preempt_enable();
	return status;
}

/**
 * seamcall_read_metadata - read a global metadata field
 * @field: field id (TDX_MD_*)
 * @value: the answer
 *
 * Context: any.
 * Return: 0, or -EIO if the module does not answer or has no such field.
 */
int seamcall_read_metadata(u64 field, u64 *value)
{
	struct seamcall_args args = { .rdx = field };

	if (seamcall(TDH_SYS_RD, &args) & TDX_STATUS_ERROR)
		return -EIO;
	*value = args.r8;
	return 0;
}
