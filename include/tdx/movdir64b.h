/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MOVDIR64B: a 64-byte store that reaches memory as one write.  Only such a
 * write turns a line that TDX owned back into normal memory, its poison
 * included.  Usable in the kernel, in userspace and in freestanding code.
 *
 * The encoding is spelled out (66 0f 38 f8 /r, destination in RAX, source in
 * [RDX]) so that any assembler takes it and nobody has to decode operands.
 */
#ifndef TDX_MOVDIR64B_H
#define TDX_MOVDIR64B_H

#include "tdx/abi.h"

#define TDX_MOVDIR64B_STEP					\
	".byte 0x66, 0x0f, 0x38, 0xf8, 0x02\n\tadd $64, %%rax\n\t"

/**
 * movdir64b_clear_page - write 4096 zero bytes as 64 full-line stores
 * @page: 64-byte aligned virtual address of the page
 * @zeroes: 64 zero bytes
 *
 * Eight lines a round, so that the loop costs little beside the stores.
 * The stores are weakly ordered: a fence has to follow before anybody may
 * rely on them (movdir64b_fence()).
 *
 * Context: any.  The CPU must have MOVDIR64B.
 */
static inline void movdir64b_clear_page(void *page, const void *zeroes)
{
	char *line = page;
	char *end = line + TDX_PAGE_SIZE;

	while (line < end)
		asm volatile(TDX_MOVDIR64B_STEP TDX_MOVDIR64B_STEP
			     TDX_MOVDIR64B_STEP TDX_MOVDIR64B_STEP
			     TDX_MOVDIR64B_STEP TDX_MOVDIR64B_STEP
			     TDX_MOVDIR64B_STEP TDX_MOVDIR64B_STEP
			     : "+a" (line)
			     : "d" (zeroes)
			     : "memory", "cc");
}

/**
 * movdir64b_fence - everything stored by MOVDIR64B so far is in memory
 *
 * Context: any.
 */
static inline void movdir64b_fence(void)
{
	asm volatile("mfence" : : : "memory");
}

#endif /* TDX_MOVDIR64B_H */
