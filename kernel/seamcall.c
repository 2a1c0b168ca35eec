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
#include <asm/asm.h>

#include "seamcall.h"
#include "tdx/abi.h"

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
			     "	movq %[vmfail], %%rax\n"
			     "	jmp 3f\n"
			     "2:	orq %[no_status], %%rax\n"	/* the vector */
			     "3:\n"
			     _ASM_EXTABLE_FAULT(1b, 2b)
			     : "+a" (rax), "+c" (rcx), "+d" (rdx),
			       "+r" (r8), "+r" (r9), "+r" (r10), "+r" (r11)
			     : [vmfail] "r" (SEAMCALL_VMFAIL),
			       [no_status] "r" (SEAMCALL_NO_STATUS)
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
