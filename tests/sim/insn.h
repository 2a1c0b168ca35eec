/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of instruction emulation share: insn.c finds instructions and
 * does those of VMX and SEAM, insn_store.c those that write around the cache
 * or empty it.
 *
 * Rules that hold in every callback:
 *  - Act in long mode only: setting the pc ignores the code segment base.
 *  - The exact state comes from cpu_restore_state() with the return address of
 *    the callback; after that the only ways out are setting the pc and raising
 *    a fault.  A plain return is for "not ours", before the state was touched.
 *  - The address known at translation is not the pc: blocks are shared between
 *    virtual aliases.
 */
#ifndef SIM_INSN_H
#define SIM_INSN_H

#include "sim.h"

/* Host address inside the block, as QEMU's own helpers would pass it. */
#define HOST_PC()	((uintptr_t)__builtin_return_address(0))
#define GETPC_ADJ	2

/* State of the CPU that runs the callback. */
struct cpu_ctx {
	CPUState *cpu;
	void *env;
	uint64_t *regs;
	uint64_t rip;		/* of the instruction; valid after cpu_exact() */
};

/* False if this is not ours: real or protected mode, or nothing known yet. */
bool cpu_begin(struct cpu_ctx *c);

/* From here on leave by cpu_skip() or cpu_again() only. */
void cpu_exact(struct cpu_ctx *c, uintptr_t host_pc);
void cpu_skip(struct cpu_ctx *c, const struct insn *insn);

/* Run the same instruction again, in a new block: the memory map changed. */
void cpu_again(struct cpu_ctx *c);

/* Lines poisoned by this thread, to be armed without sim_lock(). */
void note_poisoned(uint64_t pa);

/* True if the memory map changed. */
bool arm_fresh(unsigned int cpu);

/* Bytes that a non-temporal store writes; 0 = it is none.  Finds its ModRM. */
unsigned int nt_store_size(struct insn *insn, unsigned int *modrm_at);

void on_movdir64b(unsigned int cpu, void *u);
void on_nt_store(unsigned int cpu, void *u);
void on_fence(unsigned int cpu, void *u);
void on_wbinvd(unsigned int cpu, void *u);

#endif
