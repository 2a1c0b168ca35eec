/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TDX module behind SEAMCALL: states, metadata, PAMT, TDs.
 *
 * It models the ABI (Intel TDX Module ABI reference, 348551), as far as a host
 * kernel uses it without running a TD: no TD ever executes here.  It knows
 * nothing of who calls it.
 *
 *   tdx_module.c  dispatch, system leaves, physical-page leaves
 *   tdx_config.c  TDH.SYS.CONFIG: TDMRs, PAMTs, CMRs
 *   tdx_td.c      TDs: keys, control pages, vCPUs
 *   tdx_sept.c    guest memory and secure EPT
 *   tdx_pamt.c    who owns which page
 *
 * Locking: every function here is called with sim_lock() held.
 */
#ifndef SIM_TDX_MODULE_H
#define SIM_TDX_MODULE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "tdx/abi.h"
#include "tdx/leaf_effects.h"	/* leaf numbers */

/*
 * Status codes that only a module needs to know; see abi.h for the rest.
 * Numbers as in the public source of TDX module 1.5 and its ABI reference.
 */
#define TDX_OPERAND_ADDR_RANGE_ERROR	0xc000010100000000ULL
#define TDX_TD_ASSOCIATED_PAGES_EXIST	0xc000040000000000ULL
#define TDX_SYS_LP_INIT_NOT_DONE	0xc000050200000000ULL
#define TDX_TDCS_NOT_ALLOCATED		0xc000060600000000ULL
#define TDX_LIFECYCLE_STATE_INCORRECT	0xc000060700000000ULL
#define TDX_OP_STATE_INCORRECT		0xc000060800000000ULL
#define TDX_NO_VCPUS			0xc000060900000000ULL
#define TDX_TDCX_NUM_INCORRECT		0xc000061000000000ULL
#define TDX_VCPU_STATE_INCORRECT	0xc000070000000000ULL
#define TDX_VCPU_ASSOCIATED		0x8000070100000000ULL
#define TDX_MAX_VCPUS_EXCEEDED		0xc000070500000000ULL
#define TDX_TD_KEYS_NOT_CONFIGURED	0x8000081000000000ULL
#define TDX_WBCACHE_NOT_COMPLETE	0x8000081700000000ULL
#define TDX_HKID_NOT_FREE		0xc000082000000000ULL
#define TDX_NO_HKID_READY_TO_WBCACHE	0x0000082100000000ULL
#define TDX_WBCACHE_RESUME_ERROR	0xc000082300000000ULL
#define TDX_INVALID_TDMR		0xc0000a0000000000ULL
#define TDX_NON_ORDERED_TDMR		0xc0000a0100000000ULL
#define TDX_TDMR_OUTSIDE_CMRS		0xc0000a0200000000ULL
#define TDX_INVALID_PAMT		0xc0000a1000000000ULL
#define TDX_PAMT_OUTSIDE_CMRS		0xc0000a1100000000ULL
#define TDX_PAMT_OVERLAP		0xc0000a1200000000ULL
#define TDX_INVALID_RESERVED_IN_TDMR	0xc0000a2000000000ULL
#define TDX_NON_ORDERED_RESERVED_IN_TDMR 0xc0000a2100000000ULL
#define TDX_EPT_WALK_FAILED		0xc0000b0000000000ULL
#define TDX_EPT_ENTRY_NOT_PRESENT	0xc0000b0300000000ULL
#define TDX_GPA_RANGE_NOT_BLOCKED	0xc0000b0600000000ULL
#define TDX_GPA_RANGE_ALREADY_BLOCKED	0x00000b0700000000ULL
#define TDX_TLB_TRACKING_NOT_DONE	0xc0000b0800000000ULL
#define TDX_EPT_INVALID_PROMOTE_CONDITIONS 0xc0000b0900000000ULL
#define TDX_EPT_ENTRY_STATE_INCORRECT	0xc0000b0d00000000ULL
#define TDX_EPT_PAGE_NOT_FREE		0xc0000b0e00000000ULL
#define TDX_METADATA_FIELD_ID_INCORRECT	0xc0000c0000000000ULL

/* Operand numbers in status bits 31:0. */
enum {
	OP_RAX = 0, OP_RCX = 1, OP_RDX = 2, OP_R8 = 8, OP_R9 = 9,
	OP_ATTRIBUTES = 64, OP_XFAM = 65, OP_MAX_VCPUS = 68,	/* fields of TD_PARAMS */
	OP_SEPT_TREE = 146,
};

/* Platform constants; the values a 7.3 kernel was seen to accept. */
#define SIM_FIRST_TDX_KEYID	16	/* = IA32_MKTME_KEYID_PARTITIONING[31:0] + 1 */
#define SIM_NR_TDX_KEYIDS	16
#define SIM_MAX_TDMRS		64
#define SIM_MAX_RESERVED	16
#define SIM_PAMT_ENTRY		16	/* bytes */
#define SIM_TDCX_PAGES		4	/* TDCS_BASE_SIZE / 4096 */
#define SIM_TDVPX_PAGES		5	/* TDVPS_BASE_SIZE / 4096 - 1 */
#define SIM_MAX_CMRS		16
#define SIM_PHYS_BITS		40	/* QEMU's default; an HKID sits above them */
#define SIM_HANDOFF_VERSION	1

/* Registers of one SEAMCALL, in and out. */
struct seam_regs {
	uint64_t rax, rcx, rdx, r8, r9, r10, r11;
	bool vmfail;		/* VMfailInvalid: CF set, registers untouched */
};

enum sys_disable_mode {
	SYS_DISABLE_ABSENT,	/* module without the leaf */
	SYS_DISABLE_ROUNDS,	/* succeeds after @rounds interruptions */
	SYS_DISABLE_ENDLESS,	/* interrupted for ever */
};

struct tdx_config {
	enum sys_disable_mode sys_disable;
	uint64_t rounds;
	uint16_t major, minor, update;
	unsigned int phys_bits;		/* 0 = SIM_PHYS_BITS */
	unsigned int nr_lps;		/* that must have done LP.INIT; 0 = unknown */
	unsigned int nr_cmrs;		/* 0 = all RAM above the first MiB, but... */
	uint64_t plugged_from;		/* ...RAM from here on came when firmware was gone; 0: none */
	struct { uint64_t start, end; } cmr[SIM_MAX_CMRS];
};

enum sys_state { SYS_LOADED, SYS_INIT_DONE, SYS_CONFIGURED, SYS_READY, SYS_DISABLED };

/* HKID life cycle of a TD. */
enum td_state { TD_HKID_ASSIGNED, TD_KEYS_CONFIGURED, TD_BLOCKED, TD_TEARDOWN };

struct vcpu {
	uint64_t tdvpr;
	unsigned int nr_tdcx;
	bool initialised;
	int lp;			/* associated logical processor, -1 = none */
};

struct td {
	uint64_t tdr;
	uint16_t hkid;
	enum td_state state;
	unsigned int nr_tdcx;
	bool initialised, finalised, cache_written;
	uint16_t max_vcpus, nr_vcpus;	/* nr_vcpus: those initialised */
	uint64_t epoch;		/* TLB tracking */
	uint64_t children;	/* pages in the PAMT that this TDR owns */
	GHashTable *vcpus;	/* TDVPR -> struct vcpu */
	GHashTable *sept;	/* GPA | level -> struct sept_entry */
};

struct tdmr {
	uint64_t base, size, next;	/* next = first byte TDMR.INIT has not done */
	struct { uint64_t base, size; } pamt[3];	/* by page size: 4K, 2M, 1G */
	struct { uint64_t offset, size; } reserved[SIM_MAX_RESERVED];
};

struct tdx_module {
	struct tdx_config cfg;
	enum sys_state state;
	uint64_t lp_init;		/* bit n = TDH.SYS.LP.INIT done on CPU n */
	uint16_t global_hkid;
	uint64_t hkid_used;		/* bit n = SIM_FIRST_TDX_KEYID + n */
	uint64_t disable_rounds;
	struct tdmr tdmr[SIM_MAX_TDMRS];
	unsigned int nr_tdmrs;
	GHashTable *tds;		/* TDR -> struct td */
	bool wb_interrupted;		/* CACHE.WB may be resumed */
	bool dead;			/* poison met inside SEAM: TDX is off until reset */
	unsigned int lp;		/* who makes the call that runs now... */
	uint64_t now;			/* ...and when, ms */
	struct {
		uint64_t status;
		uint64_t count;
		uint64_t after;
		uint64_t given;
	} inject[128];			/* by leaf: after @after calls answer @status @count times;
					   @given: calls answered so since the reset */
	uint64_t calls[128];
};

extern struct tdx_module tdx;

/* A leaf: reads and writes @r, returns the status. */
typedef uint64_t (*tdx_leaf_fn)(unsigned int lp, struct seam_regs *r);
#define TDX_LEAF_FN(name) uint64_t name(unsigned int lp, struct seam_regs *r)

struct tdx_leaf {
	const char *name;
	tdx_leaf_fn fn;
	enum { NEEDS_NOTHING, NEEDS_LP, NEEDS_READY } needs;
	uint8_t max_version;
};

extern const struct tdx_leaf tdx_leaves[128];

void tdx_reset(const struct tdx_config *cfg);

/* Is this call to be no call at all, but #UD (inject)?  Asked once, before it. */
bool tdx_undefined(uint64_t rax);

/* One call; tdx.now is the caller's clock. */
void tdx_seamcall(unsigned int lp, struct seam_regs *r);
const char *tdx_leaf_name(uint64_t rax);

/* The address bits of an operand without its HKID, and the HKID. */
uint64_t tdx_strip_hkid(uint64_t operand, uint16_t *hkid);

/* A page address as every leaf wants it: @align bytes aligned, HKID 0. */
bool tdx_bad_address(uint64_t operand, uint64_t align);

/*
 * The module reads from [pa, pa + len).  A poisoned line there is a machine
 * check in SEAM mode, which ends TDX for the platform (module specification,
 * chapter 16).
 */
void tdx_reads(uint64_t pa, uint64_t len);

/* --- tdx_config.c ------------------------------------------------------------ */

/* CMR number @n, as the metadata tells it; false if there is none. */
bool config_cmr(unsigned int n, uint64_t *start, uint64_t *size);

TDX_LEAF_FN(sys_config);

/* --- tdx_pamt.c ------------------------------------------------------------ */

/* One page as the PAMT knows it. */
struct pamt_entry {
	uint64_t owner;			/* TDR, 0 = nobody */
	uint8_t type;			/* enum tdx_page_type */
	uint8_t size;			/* TDX_PS_* */
};

struct pamt_totals {
	uint64_t pages;			/* private 4 KiB pages, PAMT included */
	uint64_t by_type[16];		/* by enum tdx_page_type; TDX_PT_RSVD = PAMT */
};

void pamt_reset(void);

/* RAM was added: pages up to mem_end() have entries. */
void pamt_grow(void);

/*
 * The entry of the page that operand @op names, which must have @type.
 * Return: NULL and a status in @err if it has not.
 */
struct pamt_entry *pamt_operand(uint64_t pa, enum tdx_page_type type, unsigned int op,
				uint64_t *err);

/* May the page be given to TDX?  0 or the status for operand @op. */
uint64_t pamt_check_free(uint64_t pa, unsigned int size, unsigned int op);

/* The entry of a page that TDX can hold; NULL outside every initialised TDMR. */
struct pamt_entry *pamt_entry(uint64_t pa);

void pamt_assign(uint64_t pa, unsigned int size, enum tdx_page_type type, struct td *owner);
void pamt_free(uint64_t pa);

/* Another size for the same pages of the same owner (PROMOTE, DEMOTE). */
void pamt_resize(uint64_t pa, unsigned int size);

/* TDH.SYS.TDMR.INIT: the PAMT of this TDMR becomes private. */
void pamt_take(const struct tdmr *t);

/* Is the page private now: held by a TD, or part of a PAMT? */
bool pamt_private(uint64_t pa);

/* TDH.SYS.DISABLE: everything private becomes normal. */
void pamt_release_all(void);

struct pamt_totals pamt_totals(void);

/* --- tdx_td.c, tdx_sept.c: leaves -------------------------------------------- */

struct td *td_find(uint64_t tdr);

/* Is the TD built so far that leaves on its TDCS work?  0 or the status. */
uint64_t td_check_built(const struct td *td);
struct td *td_operand(uint64_t tdr, unsigned int op, uint64_t *err);
void td_destroy_all(void);
void td_forget(struct td *td);
void sept_free_entry(gpointer entry);

TDX_LEAF_FN(mng_create); TDX_LEAF_FN(mng_key_config); TDX_LEAF_FN(mng_addcx);
TDX_LEAF_FN(mng_init); TDX_LEAF_FN(mng_rd); TDX_LEAF_FN(mng_wr);
TDX_LEAF_FN(mng_vpflushdone); TDX_LEAF_FN(mng_key_freeid);
TDX_LEAF_FN(phymem_cache_wb);
TDX_LEAF_FN(vp_create); TDX_LEAF_FN(vp_addcx); TDX_LEAF_FN(vp_init);
TDX_LEAF_FN(vp_rd); TDX_LEAF_FN(vp_wr); TDX_LEAF_FN(vp_flush);
TDX_LEAF_FN(mem_sept_add); TDX_LEAF_FN(mem_sept_remove);
TDX_LEAF_FN(mem_page_relocate); TDX_LEAF_FN(mem_page_demote); TDX_LEAF_FN(mem_page_promote);
TDX_LEAF_FN(mem_page_add); TDX_LEAF_FN(mem_page_aug); TDX_LEAF_FN(mem_page_remove);
TDX_LEAF_FN(mem_range_block); TDX_LEAF_FN(mem_range_unblock); TDX_LEAF_FN(mem_track);
TDX_LEAF_FN(mr_extend); TDX_LEAF_FN(mr_finalize);

#endif
