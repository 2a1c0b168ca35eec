/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the rooms of the simulator share: the lock, the event log, the machine
 * as a whole.
 *
 *   sim.c       options, start, platform reset, which kernel runs
 *   insn.c insn_store.c    finding and emulating instructions (insn.h)
 *   operand.c   decoding their memory operand
 *   platform.c  MSRs and CPUID of a TDX host
 *   poison.c    machine checks on reading poisoned lines
 *   memory.c wc.c cache.c  line states (memory.h)
 *   tdx_*.c                the TDX module (tdx_module.h)
 *   events.c control.c     log and socket
 *   count.c                instructions executed
 *   points.c jump.c        the eyes of two tests (points.h)
 *   stores.c               direct stores since the last SEAMCALL
 *
 * Locks: QEMU's big lock (BQL) before sim_lock().  Nothing that leaves by
 * longjmp (setting the pc, raising a fault) may hold sim_lock().
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"
#include "qemu_api.h"
#include "tdx_module.h"

#define SIM_MAX_CPUS	64

void sim_lock(void);
void sim_unlock(void);

/* Counts of one moment, as the control socket shows them. */
struct sim_counts {
	uint64_t epoch;
	struct pamt_totals private;
	uint64_t dirty_pages;		/* not private, but with lines not normal */
	struct mem_counts lines;
	struct cache_stats cache;
	uint64_t mce;
};

/* With sim_lock() held. */
void sim_count(struct sim_counts *c);
const struct sim_counts *sim_inherited(void);

/* What a tracker has to know about this page; NULL = it is normal. */
const char *sim_page_kind(uint64_t pa);

/* Lines of [start, end) that were not normal at the jump into this kernel. */
struct mem_counts sim_inherited_inside(uint64_t start, uint64_t end);

/* Lines there that were normal at the jump, but that a cache would take back. */
uint64_t sim_inherited_pending(uint64_t start, uint64_t end);

/*
 * RAM was plugged in at @start, on the running machine.  Call with the BQL.
 * Return: false if there is none, or if it was known.
 */
bool sim_plugged(uint64_t start);

/* Clock of the caches: milliseconds. */
uint64_t sim_now(void);

/* Say in the log how many lines came back to TDX since the last time. */
void sim_report_returns(void);

/* Option seamcalls=unlogged: no event for each SEAMCALL. */
extern bool sim_seamcalls_unlogged;

/* Option hold=LEAF:MS: how long a SEAMCALL of this leaf takes. */
struct sim_hold {
	uint64_t leaf, ms;
};
extern struct sim_hold sim_hold;

/* Option log=; NULL without. */
extern const char *sim_log_path;

/* Option wbinvd=ignore, ignore:CPU: as if the kernel did not execute it. */
bool sim_wbinvd_ignored(unsigned int cpu);

/* What the guest's CPUID says of the machine. */
void sim_set_cpu(unsigned int phys_bits, bool erratum);

struct sim_stats {
	uint64_t seamcalls, movdir64b, nt_stores, wbinvd, machine_checks, overlays;
	uint64_t made_normal;	/* lines that were TDX's, or poisoned, until MOVDIR64B */
};
extern struct sim_stats sim_stats;

#define STAT_INC(field) __atomic_add_fetch(&sim_stats.field, 1, __ATOMIC_RELAXED)

/* A CPU left one kernel for the next: called at the jump. */
void sim_kernel_jump(unsigned int cpu);

/* RAM is known only once the machine is built: find it, once. */
void sim_machine_ready(void);

/* --- insn.c, platform.c ------------------------------------------------------ */
void insn_init(qemu_plugin_id_t id);
bool platform_rdmsr(uint32_t msr, uint64_t *value);

/* First VMXON: look which CPU the guest has.  Vcpu context, no lock held. */
void platform_learn_cpu(void *env);
bool platform_cpuid(void *env, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* --- operand.c ----------------------------------------------------------------- */

/* An instruction, decoded as far as its ModRM operand. */
struct insn {
	uint8_t bytes[15];
	uint8_t len;		/* bytes known; after decoding, its length */
	uint8_t opcode;		/* offset of the opcode byte that decides */
	uint8_t rex, segment;
	bool address32, opsize;
	uint8_t rep;		/* 0xf2, 0xf3 or 0 */
	uint8_t modrm;
	uint64_t next_rip;
};

/* Strip prefixes; insn->opcode is then the first byte after them. */
void insn_prefixes(struct insn *insn);

/**
 * insn_modrm_end() - where the ModRM operand ends
 * @modrm_at: offset of the ModRM byte
 * Return: offset behind SIB and displacement
 */
unsigned int insn_modrm_end(const struct insn *insn, unsigned int modrm_at);

/* Linear address of the memory operand; needs exact registers. */
uint64_t insn_address(const struct insn *insn, unsigned int modrm_at, const uint64_t *regs);

/* --- poison.c ------------------------------------------------------------------ */

/* Make reads of poisoned lines of this page machine checks.  Takes the BQL. */
void poison_arm(uint64_t pa);

/* The page, or the 2 MiB around it, may be free of poison now.  Takes the BQL. */
void poison_disarm(uint64_t pa);
bool poison_armed(uint64_t pa);
void poison_reset(void);

/* --- count.c --------------------------------------------------------------------- */

/* Before count_init(); without it nothing is counted. */
void count_enable(void);
bool count_enabled(void);
void count_init(void);

/* While a block is translated, before any other callback of the instruction. */
void count_insn(struct qemu_plugin_insn *insn);

/* Instructions that a vCPU has executed.  Exact in its own callbacks. */
uint64_t count_of(unsigned int cpu);

/* --- stores.c ---------------------------------------------------------------------- */
int stores_open(const char *path);

bool stores_on(void);

/* A direct store to this line; tdx: it was TDX's or poisoned.  With sim_lock() held. */
void stores_note(unsigned int cpu, uint64_t pa, bool owned);

/* A SEAMCALL succeeded: begin anew.  With sim_lock() held. */
void stores_forget(void);

/* The jump into another kernel.  With sim_lock() held. */
void stores_jump(uint64_t epoch, uint64_t private_pages);

/* --- events.c, control.c --------------------------------------------------------- */
int events_open(const char *path);
void events_close(void);
void event(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int control_open(const char *path);

#endif
