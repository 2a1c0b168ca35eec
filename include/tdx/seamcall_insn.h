/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction itself, for kernel code: tdx_reset.ko and test modules.
 */
#ifndef TDX_SEAMCALL_INSN_H
#define TDX_SEAMCALL_INSN_H

#include <asm/asm.h>

#include "tdx/seamcall.h"

/**
 * seamcall_insn - execute SEAMCALL
 * @leaf: leaf and version
 * @args: RCX, RDX, R8-R11, in and out
 *
 * Context: any, with preemption off.  A fault is caught.
 * Return: the status of the TDX module, or a SEAMCALL_* that stands for none.
 */
static inline u64 seamcall_insn(u64 leaf, struct seamcall_args *args)
{
	u64 rax = leaf, rcx = args->rcx, rdx = args->rdx;
	/* From here to the asm nothing may call a function. */
	register u64 r8 asm("r8") = args->r8;
	register u64 r9 asm("r9") = args->r9;
	register u64 r10 asm("r10") = args->r10;
	register u64 r11 asm("r11") = args->r11;

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
	*args = (struct seamcall_args){
		.rcx = rcx, .rdx = rdx, .r8 = r8, .r9 = r9, .r10 = r10, .r11 = r11,
	};
	return rax;
}

#endif /* TDX_SEAMCALL_INSN_H */
