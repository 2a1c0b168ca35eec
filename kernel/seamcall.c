// SPDX-License-Identifier: GPL-2.0-only
/*
 * SEAMCALLs of our own: the kernel's __seamcall() is not exported.  In watch mode
 * for questions only (TDH.SYS.RD, TDH.PHYMEM.PAGE.RDMD); in own mode all that
 * there are, on their way through own.c, which keeps the tracker.
 *
 * The kernel marks a CPU's cache as incoherent before each SEAMCALL, so that it
 * is flushed before a kexec.  That mark is out of reach here: the search flushes the
 * caches when it is done (search.c); one TDH.SYS.RD leaves nothing there of memory
 * that the next kernel has.
 */
#include <linux/errno.h>
#include <linux/pfn.h>
#include <linux/preempt.h>
#include <linux/processor.h>

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

#define RDMD_TRIES	100	/* while the module, or the page, is busy */

/**
 * seamcall_page_type - ask TDH.PHYMEM.PAGE.RDMD what a page is to TDX
 * @pfn: the page
 * @type: the answer, TDX_PT_*
 * @asked: raised by the number of calls
 *
 * Context: any.
 * Return: 0; -ENXIO for a page that is in no TDMR: TDX cannot own it; -EIO if the
 * module gives no answer.
 */
int seamcall_page_type(u64 pfn, u64 *type, u64 *asked)
{
	int try;

	for (try = 0; try < RDMD_TRIES; try++) {
		struct seamcall_args args = { .rcx = PFN_PHYS(pfn) };
		u64 status = seamcall(TDH_PHYMEM_PAGE_RDMD, &args);

		++*asked;
		if (!(status & TDX_STATUS_ERROR)) {
			*type = args.rcx;
			return 0;
		}
		status &= TDX_STATUS_MASK;
		if (status == TDX_OPERAND_INVALID || status == TDX_OPERAND_OUT_OF_RANGE)
			return -ENXIO;
		if (status != TDX_OPERAND_BUSY && status != TDX_SYS_BUSY)
			break;
		cpu_relax();
	}
	return -EIO;
}
