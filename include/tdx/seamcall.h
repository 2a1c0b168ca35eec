/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registers of a SEAMCALL, laid out as the beginning of the kernel's
 * struct tdx_module_args (kernel/platform.c asserts that).  A structure of our
 * own, because the kernel's header and tdx/abi.h define some of the same names.
 */
#ifndef TDX_SEAMCALL_H
#define TDX_SEAMCALL_H

#include <linux/types.h>

/**
 * struct seamcall_args - operands of a SEAMCALL, and what came back
 * @rcx: as in the ABI, like all of them
 * @rdx: as in the ABI
 * @r8: as in the ABI
 * @r9: as in the ABI
 * @r10: as in the ABI
 * @r11: as in the ABI
 */
struct seamcall_args {
	u64 rcx;
	u64 rdx;
	u64 r8;
	u64 r9;
	u64 r10;
	u64 r11;
};

/*
 * What stands for a status when no TDX module gave one: bits 47:40 are ones, as
 * in the kernel's own codes.  A fault has its vector in bits 31:0.
 */
#define SEAMCALL_NO_STATUS	0x8000ff0000000000ULL
#define SEAMCALL_VMFAIL		0x8000ff00ffff0000ULL	/* VMfailInvalid: no module */
#define SEAMCALL_REFUSED	0x8000ff00fffe0000ULL	/* tdx_seamcall() did not call */

/**
 * seamcall_reached - did the TDX module answer?
 * @status: what a SEAMCALL returned
 *
 * Context: any.
 * Return: false if SEAMCALL faulted, failed as an instruction or was not made.
 */
static inline bool seamcall_reached(u64 status)
{
	return (status & SEAMCALL_NO_STATUS) != SEAMCALL_NO_STATUS;
}

#endif /* TDX_SEAMCALL_H */
