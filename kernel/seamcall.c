// SPDX-License-Identifier: GPL-2.0-only
/*
 * SEAMCALLs of our own, for questions only (TDH.SYS.RD, TDH.PHYMEM.PAGE.RDMD):
 * the kernel's __seamcall() is not exported.
 *
 * The kernel marks a CPU's cache as incoherent before each SEAMCALL, so that it
 * is flushed before a kexec.  That mark is out of reach here; the caller flushes
 * the caches when it is done (search.c).
 */
#include <linux/errno.h>
#include <linux/preempt.h>
#include <asm/asm.h>

#include "seamcall.h"
#include "tdx/abi.h"

/* Not a status of the module: SEAMCALL faulted, or VMfailInvalid. */
#define SEAMCALL_FAILED 0x8000ff00ffff0000ULL

/**
 * seamcall - ask the TDX module
 * @leaf: leaf and version
 * @args: RCX, RDX, R8-R11, in and out
 *
 * Context: any; runs with preemption disabled.  VMX has to be on, which the
 * kernel sees to on every online CPU once TDX is initialised; if it is not, the
 * fault is caught.
 * Return: the status of the TDX module or SEAMCALL_FAILED.
 */
u64 seamcall(u64 leaf, struct seamcall_args *args)
{
	struct seamcall_args in = *args;
	u64 rax = leaf, rcx = in.rcx, rdx = in.rdx;

	preempt_disable();
	{
		/* From here to the asm nothing may call a function. */
		register u64 r8 asm("r8") = in.r8;
		register u64 r9 asm("r9") = in.r9;
		register u64 r10 asm("r10") = in.r10;
		register u64 r11 asm("r11") = in.r11;

		asm volatile("1:	.byte 0x66, 0x0f, 0x01, 0xcf\n"
			     "	jnc 3f\n"
			     "2:	movabsq %[failed], %%rax\n"
			     "3:\n"
			     _ASM_EXTABLE(1b, 2b)
			     : "+a" (rax), "+c" (rcx), "+d" (rdx),
			       "+r" (r8), "+r" (r9), "+r" (r10), "+r" (r11)
			     : [failed] "i" (SEAMCALL_FAILED)
			     : "memory", "cc");
		in.r8 = r8;
		in.r9 = r9;
		in.r10 = r10;
		in.r11 = r11;
	}
	preempt_enable();
	in.rcx = rcx;
	in.rdx = rdx;
	*args = in;
	return rax;
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
