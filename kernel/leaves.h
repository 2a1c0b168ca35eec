/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A SEAMCALL, read by the leaf-effect table (include/tdx/leaf_effects.h).
 */
#ifndef TDX_RESET_LEAVES_H
#define TDX_RESET_LEAVES_H

#include <linux/types.h>

#include "seamcall.h"
#include "tdx/leaf_effects.h"

/**
 * struct leaf_call - what a SEAMCALL is about to do
 * @effect: on success; TDX_EFFECT_UNKNOWN if the table has no such leaf
 * @leaf: the number
 * @named: @pfn is known
 * @size_in_r8: after success R8 holds the level of the page
 * @pfn: first page that changes hands, if @named
 * @nr: how many 4 KiB pages change hands
 */
struct leaf_call {
	enum tdx_effect effect;
	u16 leaf;
	bool named;
	bool size_in_r8;
	u64 pfn;
	u64 nr;
};

/**
 * enum leaf_outcome - what a status says about the effect
 * @LEAF_DONE: it happened
 * @LEAF_NOT_DONE: nothing happened
 * @LEAF_UNCLEAR: interrupted in the middle, to be called again
 */
enum leaf_outcome {
	LEAF_DONE,
	LEAF_NOT_DONE,
	LEAF_UNCLEAR,
};

struct leaf_call leaf_decode(u64 rax, const struct seamcall_args *args);
enum leaf_outcome leaf_outcome(u64 status);
u64 leaf_level_pages(u64 level);

#endif /* TDX_RESET_LEAVES_H */
