// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decode a SEAMCALL by the leaf-effect table.  Pure functions, compiled for
 * the kernel and for the unit tests.
 */
#include <linux/kernel.h>

#include "leaves.h"

#define PAGE_NUMBER_MASK	0x000ffffffffff000ULL	/* PA bits 51:12 */
#define LEVEL_MASK		7ULL

struct leaf_row {
	enum tdx_effect effect;
	enum tdx_page_operand operand;
	enum tdx_page_size_source size;
	u8 version;
};

#define TDX_LEAF(leaf, operand_, size_, version_, effect_)	\
	[leaf] = {						\
		.effect = TDX_EFFECT_##effect_,			\
		.operand = TDX_OPERAND_##operand_,		\
		.size = TDX_SIZE_##size_,			\
		.version = version_,				\
	},
static const struct leaf_row leaf_rows[] = {
#include "tdx/leaf_effects.h"
};

/**
 * leaf_level_pages - 4 KiB pages of one page of a level
 * @level: TDX_PS_4K, TDX_PS_2M or TDX_PS_1G
 *
 * Context: any.
 * Return: the number; 1 for what is no level (the module refuses it anyway).
 */
u64 leaf_level_pages(u64 level)
{
	return level <= TDX_PS_1G ? 1ULL << (9 * level) : 1;
}

/**
 * leaf_decode - what is a SEAMCALL about to do?
 * @rax: leaf and version, as SEAMCALL gets them in RAX
 * @args: the other registers before the call
 *
 * P-SEAMLDR calls (RAX[63]) are not the TDX module's; they move no page.
 *
 * Context: any.
 */
struct leaf_call leaf_decode(u64 rax, const struct seamcall_args *args)
{
	struct leaf_call call = { .leaf = rax & TDX_LEAF_MASK, .nr = 1 };
	const struct leaf_row *row;
	u64 pa;

	if (rax & TDX_SEAMLDR_BIT) {
		call.effect = TDX_EFFECT_NONE;
		return call;
	}
	if (call.leaf >= ARRAY_SIZE(leaf_rows))
		return call;
	row = &leaf_rows[call.leaf];
	/* Of a later version nothing is known, not even which page it names. */
	if (((rax >> TDX_LEAF_VERSION_SHIFT) & 0xff) > row->version)
		return call;
	call.effect = row->effect;
	call.size_in_r8 = row->size == TDX_SIZE_R8_OUT;
	if (row->size == TDX_SIZE_LEVEL)
		call.nr = leaf_level_pages(args->rcx & LEVEL_MASK);

	if (row->operand != TDX_OPERAND_NONE) {
		pa = row->operand == TDX_OPERAND_RCX ? args->rcx : args->r8;
		call.named = true;
		/* A 2 MiB page begins at its own boundary. */
		call.pfn = ((pa & PAGE_NUMBER_MASK) >> 12) & ~(call.nr - 1);
	}
	return call;
}

/**
 * leaf_outcome - did it happen?
 * @status: RAX after the call, or the kernel's code for a SEAMCALL that faulted
 *
 * Bit 63 says error; without it the leaf did its work, whatever it remarks in
 * the other bits.  An error leaves no effect behind, except where the module
 * stopped in the middle and wants to be called again.
 *
 * Context: any.
 */
enum leaf_outcome leaf_outcome(u64 status)
{
	if (!(status & TDX_STATUS_ERROR))
		return LEAF_DONE;
	if ((status & TDX_STATUS_MASK) == TDX_INTERRUPTED_RESUMABLE)
		return LEAF_UNCLEAR;
	return LEAF_NOT_DONE;
}
