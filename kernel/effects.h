/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What SEAMCALLs and page resets do to the tracker, whoever saw them.
 */
#ifndef TDX_RESET_EFFECTS_H
#define TDX_RESET_EFFECTS_H

#include "leaves.h"

/**
 * struct effect - one SEAMCALL between its begin and its end
 * @call: decoded
 * @generation: of the bucket, when the page entered the tracker
 * @added: this call put all of its pages into the tracker
 * @some: of its pages, so many
 */
struct effect {
	struct leaf_call call;
	u32 generation;
	bool added;
	u64 some;
};

void effect_begin(struct effect *effect, u64 rax, const struct seamcall_args *args);
void effect_end(struct effect *effect, bool failed, u64 status, u64 r8);
void effect_rewritten(u64 pfn, u64 nr);
bool effects_quiet(void);
bool effects_settled(void);

bool effects_hold(u64 pfn, unsigned long *flags);
void effects_release(u64 pfn, unsigned long flags);

#endif /* TDX_RESET_EFFECTS_H */
