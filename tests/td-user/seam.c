// SPDX-License-Identifier: GPL-2.0-only
/*
 * One SEAMCALL: through tdx_reset.ko (own=1), or past it (own=0), which is what
 * the twins of the safety tests do.
 */
#include <linux/mm.h>
#include <linux/preempt.h>

#include "td-user.h"
#include "tdx/abi.h"
#include "tdx/movdir64b.h"
#include "tdx/seamcall_insn.h"

#define TRIES 1000	/* while the module is busy or has no entropy */

/* @args in and out; again while the module asks for it. */
u64 seam_out(u64 leaf, struct seamcall_args *args)
{
	const struct seamcall_args in = *args;
	u64 status, masked;
	int try = 0;

	do {
		*args = in;
		preempt_disable();
		status = own ? tdx_seamcall(leaf, args) : seamcall_insn(leaf, args);
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
