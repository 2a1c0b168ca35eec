// SPDX-License-Identifier: GPL-2.0-only
/*
 * One SEAMCALL: through tdx_reset.ko (own=1), or past it (own=0), which is what
 * the twins of the safety tests do.
 */
#include <linux/mm.h>
#include <linux/preempt.h>
#include <asm/asm.h>

#include "td-user.h"
#include "tdx/abi.h"
#include "tdx/movdir64b.h"

#define TRIES 1000	/* while the module is busy or has no entropy */

static u64 raw(u64 leaf, struct seamcall_args *args)
{
	u64 rax = leaf, rcx = args->rcx, rdx = args->rdx;
	/* From here to the asm nothing may call a function. */
	register u64 r8 asm("r8") = args->r8;
	register u64 r9 asm("r9") = args->r9;
	register u64 r10 asm("r10") = args->r10;
	register u64 r11 asm("r11") = args->r11;

	asm volatile("1:	.byte 0x66, 0x0f, 0x01, 0xcf\n"
		     "	jnc 3f\n"
		     "2:	movabsq %[failed], %%rax\n"
		     "3:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+a" (rax), "+c" (rcx), "+d" (rdx),
		       "+r" (r8), "+r" (r9), "+r" (r10), "+r" (r11)
		     : [failed] "i" (SEAMCALL_VMFAIL)
		     : "memory", "cc");
	args->rcx = rcx;
	args->rdx = rdx;
	args->r8 = r8;
	args->r9 = r9;
	args->r10 = r10;
	args->r11 = r11;
	return rax;
}

/* @args in and out; again while the module asks for it. */
u64 seam_out(u64 leaf, struct seamcall_args *args)
{
	const struct seamcall_args in = *args;
	u64 status, masked;
	int try = 0;

	do {
		*args = in;
		preempt_disable();
		status = own ? tdx_seamcall(leaf, args) : raw(leaf, args);
		preempt_enable();
		masked = status & TDX_STATUS_MASK;
	} while ((masked == TDX_SYS_BUSY || masked == TDX_OPERAND_BUSY ||
		  masked == TDX_RND_NO_ENTROPY) && ++try < TRIES);
	return status;
}

u64 seam(u64 leaf, u64 rcx, u64 rdx, u64 r8, u64 r9)
{
	struct seamcall_args args = { .rcx = rcx, .rdx = rdx, .r8 = r8, .r9 = r9 };

	return seam_out(leaf, &args);
}

/* Pages that came back become normal. */
void seam_reset(u64 pfn, u64 nr)
{
	static const u8 zeroes[TDX_LINE_SIZE] __aligned(TDX_LINE_SIZE);

	if (own) {
		tdx_reset_pages(pfn, nr);
		return;
	}
	for (; nr; nr--, pfn++)
		movdir64b_clear_page(__va(PFN_PHYS(pfn)), zeroes);
	movdir64b_fence();
}
