// SPDX-License-Identifier: GPL-2.0-or-later
/* The TDX module: dispatch, system leaves, physical-page leaves. */
#include "tdx_module.h"

#include <string.h>

#include "memory.h"

struct tdx_module tdx;

void tdx_reset(const struct tdx_config *cfg)
{
	struct tdx_config keep = cfg ? *cfg : tdx.cfg;

	if (tdx.tds)
		td_destroy_all();
	memset(&tdx, 0, sizeof(tdx));
	tdx.cfg = keep;
	tdx.tds = g_hash_table_new(g_int64_hash, g_int64_equal);
	pamt_reset();
}

/* --- operands -------------------------------------------------------------------- */

static unsigned int phys_bits(void)
{
	return tdx.cfg.phys_bits ? tdx.cfg.phys_bits : SIM_PHYS_BITS;
}

uint64_t tdx_strip_hkid(uint64_t operand, uint16_t *hkid)
{
	*hkid = operand >> phys_bits();
	return operand & ((1ULL << phys_bits()) - 1);
}

bool tdx_bad_address(uint64_t operand, uint64_t align)
{
	return operand & (align - 1) || operand >> phys_bits();
}

void tdx_reads(uint64_t pa, uint64_t len)
{
	for (uint64_t line = pa & ~(SIM_LINE - 1); line < pa + len; line += SIM_LINE)
		if (mem_line_poisoned(line))
			tdx.dead = true;
}

/* --- metadata ---------------------------------------------------------------- */

/* CPUID leaves that a TD's owner may configure, and which bits of each. */
static const struct {
	uint64_t leaf;		/* leaf | subleaf << 32, all ones = no subleaf */
	uint64_t value[2];	/* EAX | EBX << 32, ECX | EDX << 32 */
} cpuid_config[] = {
	{ 0xffffffff00000001ULL, { 0x000000000fff3fffULL, 0x0000000000000000ULL } },
	{ 0xffffffff80000008ULL, { 0x0000000000ff0000ULL, 0x0000000000000000ULL } },
};

#define NR_CPUID_CONFIG	G_N_ELEMENTS(cpuid_config)

static uint64_t features0(void)
{
	/* TD_PRESERVING, NO_RBP_MOD, TOPOLOGY_ENUM */
	uint64_t f = 1ULL << 1 | 1ULL << 18 | 1ULL << 20;

	return tdx.cfg.sys_disable == SYS_DISABLE_ABSENT ? f : f | TDX_FEATURES0_SYS_DISABLE;
}

/* NUM_CMRS, CMR_BASE and CMR_SIZE; the arrays have 32 elements, unused ones are 0. */
static bool read_cmr_field(uint64_t field, uint64_t *value)
{
	uint64_t start, size;

	*value = 0;
	if (field == TDX_MD_NUM_CMRS) {
		while (config_cmr(*value, &start, &size))
			(*value)++;
		return true;
	}
	if (field - TDX_MD_CMR_BASE < TDX_MAX_CMRS) {
		if (config_cmr(field - TDX_MD_CMR_BASE, &start, &size))
			*value = start;
		return true;
	}
	if (field - TDX_MD_CMR_SIZE < TDX_MAX_CMRS) {
		if (config_cmr(field - TDX_MD_CMR_SIZE, &start, &size))
			*value = size;
		return true;
	}
	return false;
}

static uint64_t sys_rd(unsigned int lp, struct seam_regs *r)
{
	const struct { uint64_t id, value; } fields[] = {
		{ TDX_MD_MINOR_VERSION, tdx.cfg.minor },
		{ TDX_MD_MAJOR_VERSION, tdx.cfg.major },
		{ TDX_MD_UPDATE_VERSION, tdx.cfg.update },
		{ TDX_MD_FEATURES0, features0() },
		{ TDX_MD_MAX_TDMRS, SIM_MAX_TDMRS },
		{ TDX_MD_MAX_RESERVED_PER_TDMR, SIM_MAX_RESERVED },
		{ TDX_MD_PAMT_4K_ENTRY_SIZE, SIM_PAMT_ENTRY },
		{ TDX_MD_PAMT_2M_ENTRY_SIZE, SIM_PAMT_ENTRY },
		{ TDX_MD_PAMT_1G_ENTRY_SIZE, SIM_PAMT_ENTRY },
		{ 0x9800000100000000ULL, 4096 },			/* TDR_BASE_SIZE */
		{ 0x9800000100000100ULL, SIM_TDCX_PAGES * SIM_PAGE },	/* TDCS_BASE_SIZE */
		{ 0x9800000100000200ULL, (SIM_TDVPX_PAGES + 1) * SIM_PAGE }, /* TDVPS */
		{ 0x1900000300000000ULL, 0x8000000050000001ULL },	/* ATTRIBUTES_FIXED0 */
		{ 0x1900000300000001ULL, 0 },				/* ATTRIBUTES_FIXED1 */
		{ 0x1900000300000002ULL, 0x6dbe7 },			/* XFAM_FIXED0 */
		{ 0x1900000300000003ULL, 3 },				/* XFAM_FIXED1 */
		{ 0x9900000100000004ULL, NR_CPUID_CONFIG },
		{ 0x9900000100000008ULL, 576 },				/* MAX_VCPUS_PER_TD */
		{ 0x8900000100000000ULL, SIM_HANDOFF_VERSION },		/* MODULE_HV */
	};

	(void)lp;
	for (unsigned int i = 0; i < G_N_ELEMENTS(fields); i++) {
		if (fields[i].id == r->rdx) {
			r->r8 = fields[i].value;
			return TDX_SUCCESS;
		}
	}
	for (unsigned int i = 0; i < NR_CPUID_CONFIG; i++) {
		if (r->rdx == 0x9900000300000400ULL + i) {
			r->r8 = cpuid_config[i].leaf;
			return TDX_SUCCESS;
		}
		if (r->rdx - (0x9900000300000500ULL + 2 * i) < 2) {
			r->r8 = cpuid_config[i].value[r->rdx & 1];
			return TDX_SUCCESS;
		}
	}
	if (read_cmr_field(r->rdx, &r->r8))
		return TDX_SUCCESS;
	return TDX_METADATA_FIELD_ID_INCORRECT | OP_RDX;
}

/* --- bringing the module up and down ------------------------------------------ */

static uint64_t sys_init(unsigned int lp, struct seam_regs *r)
{
	(void)lp;
	if (r->rcx)
		return TDX_OPERAND_INVALID | OP_RCX;
	if (tdx.state != SYS_LOADED)
		return TDX_SYS_INIT_NOT_PENDING;
	tdx.state = SYS_INIT_DONE;
	return TDX_SUCCESS;
}

static uint64_t sys_lp_init(unsigned int lp, struct seam_regs *r)
{
	(void)r;
	if (tdx.state != SYS_INIT_DONE)
		return TDX_SYS_LP_INIT_NOT_PENDING;
	if (tdx.lp_init >> lp & 1)
		return TDX_SYS_LP_INIT_DONE;
	tdx.lp_init |= 1ULL << lp;
	return TDX_SUCCESS;
}

static uint64_t sys_key_config(unsigned int lp, struct seam_regs *r)
{
	(void)lp;
	(void)r;
	if (tdx.state != SYS_CONFIGURED)
		return TDX_SYS_KEY_CONFIG_NOT_PENDING;	/* one package only */
	tdx.state = SYS_READY;
	return TDX_SUCCESS;
}

static uint64_t sys_tdmr_init(unsigned int lp, struct seam_regs *r)
{
	(void)lp;
	r->rdx = 0;
	for (unsigned int i = 0; i < tdx.nr_tdmrs; i++) {
		struct tdmr *t = &tdx.tdmr[i];

		if (t->base != r->rcx)
			continue;
		if (t->next == t->base + t->size)
			return TDX_TDMR_ALREADY_INITIALIZED;
		if (t->next == t->base)
			pamt_take(t);
		t->next += 1ULL << 30;
		r->rdx = t->next;
		return TDX_SUCCESS;
	}
	return TDX_OPERAND_INVALID | OP_RCX;
}

static uint64_t sys_disable(unsigned int lp, struct seam_regs *r)
{
	(void)lp;
	(void)r;
	if (tdx.cfg.sys_disable == SYS_DISABLE_ENDLESS)
		return TDX_INTERRUPTED_RESUMABLE;
	if (tdx.disable_rounds++ < tdx.cfg.rounds)
		return TDX_INTERRUPTED_RESUMABLE;
	for (unsigned int i = 0; i < tdx.nr_tdmrs; i++)
		for (int level = 0; level < 3; level++)
			tdx_reads(tdx.tdmr[i].pamt[level].base, tdx.tdmr[i].pamt[level].size);
	if (tdx.dead)
		return TDX_SUCCESS;	/* never seen: the call does not come back so */
	cache_write_back_all();		/* assumed: without it nothing could be normal */
	pamt_release_all();
	tdx_reset(NULL);
	return TDX_SUCCESS;
}

/* --- physical pages ------------------------------------------------------------ */

/* RDMD and RECLAIM: the entry of the page in RCX, whatever its type. */
static struct pamt_entry *page_in_rcx(struct seam_regs *r, uint64_t *err)
{
	uint64_t pa = r->rcx;
	struct pamt_entry *e;

	r->rcx = r->rdx = r->r8 = r->r9 = r->r10 = r->r11 = 0;
	if (tdx_bad_address(pa, SIM_PAGE)) {
		*err = TDX_OPERAND_INVALID | OP_RCX;
		return NULL;
	}
	e = pamt_entry(pa);
	if (!e)
		*err = TDX_OPERAND_ADDR_RANGE_ERROR | OP_RCX;
	return e;
}

static void say_page(const struct pamt_entry *e, struct seam_regs *r)
{
	r->rcx = e->type;
	r->rdx = e->type == TDX_PT_TDR ? 0 : e->owner;
	r->r8 = e->size;
}

static uint64_t page_rdmd(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct pamt_entry *e = page_in_rcx(r, &err);

	(void)lp;
	if (e)
		say_page(e, r);
	return err;
}

static uint64_t page_reclaim(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0, pa = r->rcx;
	struct pamt_entry *e = page_in_rcx(r, &err);
	struct td *td;

	(void)lp;
	if (!e)
		return err;
	if (e->type == TDX_PT_NDA || e->type == TDX_PT_RSVD)
		return TDX_PAGE_METADATA_INCORRECT | OP_RCX;
	say_page(e, r);
	if (pa & ((SIM_PAGE << (9 * e->size)) - 1))
		return TDX_OPERAND_INVALID | OP_RCX;
	td = td_find(e->owner);
	tdx_reads(td->tdr, SIM_PAGE);
	if (td->state != TD_TEARDOWN)
		return TDX_LIFECYCLE_STATE_INCORRECT;
	if (e->type == TDX_PT_TDR && td->children)
		return TDX_TD_ASSOCIATED_PAGES_EXIST;
	pamt_free(pa);
	if (pa == td->tdr)
		td_forget(td);
	return TDX_SUCCESS;
}

/* The page must be taken back already; its HKID in the address says which alias. */
static uint64_t page_wbinvd(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	uint16_t hkid;

	(void)lp;
	if (pamt_operand(tdx_strip_hkid(r->rcx, &hkid), TDX_PT_NDA, OP_RCX, &err))
		cache_flush_page(tdx_strip_hkid(r->rcx, &hkid), hkid);
	return err;
}

static uint64_t sys_shutdown(unsigned int lp, struct seam_regs *r)
{
	(void)lp;
	if (r->rcx != SIM_HANDOFF_VERSION)
		return TDX_OPERAND_INVALID | OP_RCX;
	tdx.state = SYS_DISABLED;
	return TDX_SUCCESS;
}

/* Kept by module 1.5 for old hosts; does nothing. */
static uint64_t sys_lp_shutdown(unsigned int lp, struct seam_regs *r)
{
	(void)lp;
	(void)r;
	return TDX_SUCCESS;
}

/* --- the table ------------------------------------------------------------------ */

const struct tdx_leaf tdx_leaves[128] = {
	[TDH_SYS_INIT]		= { "TDH.SYS.INIT", sys_init, NEEDS_NOTHING, 0 },
	[TDH_SYS_LP_INIT]	= { "TDH.SYS.LP.INIT", sys_lp_init, NEEDS_NOTHING, 0 },
	[TDH_SYS_RD]		= { "TDH.SYS.RD", sys_rd, NEEDS_LP, 0 },
	[TDH_SYS_CONFIG]	= { "TDH.SYS.CONFIG", sys_config, NEEDS_NOTHING, 0 },
	[TDH_SYS_KEY_CONFIG]	= { "TDH.SYS.KEY.CONFIG", sys_key_config, NEEDS_NOTHING, 0 },
	[TDH_SYS_TDMR_INIT]	= { "TDH.SYS.TDMR.INIT", sys_tdmr_init, NEEDS_READY, 0 },
	[TDH_SYS_DISABLE]	= { "TDH.SYS.DISABLE", sys_disable, NEEDS_READY, 0 },
	[TDH_SYS_LP_SHUTDOWN]	= { "TDH.SYS.LP.SHUTDOWN", sys_lp_shutdown, NEEDS_NOTHING, 0 },
	[TDH_SYS_SHUTDOWN]	= { "TDH.SYS.SHUTDOWN", sys_shutdown, NEEDS_READY, 0 },
	[TDH_PHYMEM_PAGE_RDMD]	= { "TDH.PHYMEM.PAGE.RDMD", page_rdmd, NEEDS_READY, 0 },
	[TDH_PHYMEM_PAGE_RECLAIM] = { "TDH.PHYMEM.PAGE.RECLAIM", page_reclaim, NEEDS_READY, 0 },
	[TDH_PHYMEM_PAGE_WBINVD] = { "TDH.PHYMEM.PAGE.WBINVD", page_wbinvd, NEEDS_READY, 0 },
	[TDH_PHYMEM_CACHE_WB]	= { "TDH.PHYMEM.CACHE.WB", phymem_cache_wb, NEEDS_READY, 0 },
	[TDH_MNG_CREATE]	= { "TDH.MNG.CREATE", mng_create, NEEDS_READY, 0 },
	[TDH_MNG_KEY_CONFIG]	= { "TDH.MNG.KEY.CONFIG", mng_key_config, NEEDS_READY, 0 },
	[TDH_MNG_ADDCX]		= { "TDH.MNG.ADDCX", mng_addcx, NEEDS_READY, 0 },
	[TDH_MNG_INIT]		= { "TDH.MNG.INIT", mng_init, NEEDS_READY, 0 },
	[TDH_MNG_RD]		= { "TDH.MNG.RD", mng_rd, NEEDS_READY, 1 },
	[TDH_MNG_WR]		= { "TDH.MNG.WR", mng_wr, NEEDS_READY, 0 },
	[TDH_MNG_VPFLUSHDONE]	= { "TDH.MNG.VPFLUSHDONE", mng_vpflushdone, NEEDS_READY, 0 },
	[TDH_MNG_KEY_FREEID]	= { "TDH.MNG.KEY.FREEID", mng_key_freeid, NEEDS_READY, 0 },
	[TDH_VP_CREATE]		= { "TDH.VP.CREATE", vp_create, NEEDS_READY, 0 },
	[TDH_VP_ADDCX]		= { "TDH.VP.ADDCX", vp_addcx, NEEDS_READY, 0 },
	[TDH_VP_INIT]		= { "TDH.VP.INIT", vp_init, NEEDS_READY, 1 },
	[TDH_VP_RD]		= { "TDH.VP.RD", vp_rd, NEEDS_READY, 1 },
	[TDH_VP_WR]		= { "TDH.VP.WR", vp_wr, NEEDS_READY, 0 },
	[TDH_VP_FLUSH]		= { "TDH.VP.FLUSH", vp_flush, NEEDS_READY, 0 },
	[TDH_MEM_SEPT_ADD]	= { "TDH.MEM.SEPT.ADD", mem_sept_add, NEEDS_READY, 1 },
	[TDH_MEM_SEPT_REMOVE]	= { "TDH.MEM.SEPT.REMOVE", mem_sept_remove, NEEDS_READY, 1 },
	[TDH_MEM_PAGE_ADD]	= { "TDH.MEM.PAGE.ADD", mem_page_add, NEEDS_READY, 0 },
	[TDH_MEM_PAGE_AUG]	= { "TDH.MEM.PAGE.AUG", mem_page_aug, NEEDS_READY, 0 },
	[TDH_MEM_PAGE_REMOVE]	= { "TDH.MEM.PAGE.REMOVE", mem_page_remove, NEEDS_READY, 0 },
	[TDH_MEM_PAGE_RELOCATE]	= { "TDH.MEM.PAGE.RELOCATE", mem_page_relocate, NEEDS_READY, 0 },
	[TDH_MEM_PAGE_DEMOTE]	= { "TDH.MEM.PAGE.DEMOTE", mem_page_demote, NEEDS_READY, 0 },
	[TDH_MEM_PAGE_PROMOTE]	= { "TDH.MEM.PAGE.PROMOTE", mem_page_promote, NEEDS_READY, 1 },
	[TDH_MEM_RANGE_BLOCK]	= { "TDH.MEM.RANGE.BLOCK", mem_range_block, NEEDS_READY, 0 },
	[TDH_MEM_RANGE_UNBLOCK]	= { "TDH.MEM.RANGE.UNBLOCK", mem_range_unblock, NEEDS_READY, 0 },
	[TDH_MEM_TRACK]		= { "TDH.MEM.TRACK", mem_track, NEEDS_READY, 0 },
	[TDH_MR_EXTEND]		= { "TDH.MR.EXTEND", mr_extend, NEEDS_READY, 0 },
	[TDH_MR_FINALIZE]	= { "TDH.MR.FINALIZE", mr_finalize, NEEDS_READY, 0 },
};

static const struct tdx_leaf *leaf_of(uint64_t rax)
{
	uint64_t nr = rax & TDX_LEAF_MASK;

	if (rax & TDX_SEAMLDR_BIT || nr >= G_N_ELEMENTS(tdx_leaves) || !tdx_leaves[nr].fn)
		return NULL;
	if (nr == TDH_SYS_DISABLE && tdx.cfg.sys_disable == SYS_DISABLE_ABSENT)
		return NULL;
	return &tdx_leaves[nr];
}

const char *tdx_leaf_name(uint64_t rax)
{
	uint64_t nr = rax & TDX_LEAF_MASK;

	if (rax & TDX_SEAMLDR_BIT)
		return "SEAMLDR";
	return nr < G_N_ELEMENTS(tdx_leaves) && tdx_leaves[nr].name ? tdx_leaves[nr].name : "?";
}

/*
 * The order of the dispatcher of module 1.5: reserved bits and version, then
 * the module's state, and only then whether there is such a leaf.
 */
static uint64_t call(const struct tdx_leaf *leaf, unsigned int lp, struct seam_regs *r)
{
	if (tdx.state == SYS_DISABLED && (!leaf || leaf->fn != sys_lp_shutdown))
		return TDX_SYS_SHUTDOWN;
	if ((!leaf || leaf->needs == NEEDS_READY) && tdx.state != SYS_READY)
		return TDX_SYS_NOT_READY;
	if (!leaf)
		return TDX_OPERAND_INVALID | OP_RAX;
	if (leaf->needs >= NEEDS_LP && !(tdx.lp_init >> lp & 1))
		return TDX_SYS_LP_INIT_NOT_DONE;
	return leaf->fn(lp, r);
}

/* Of `inject`: no status but a failure of the instruction, in Linux' numbers. */
#define INJECT_UD	0x8000ff0000000006ULL
#define INJECT_VMFAIL	0x8000ff00ffff0000ULL

/* What `inject` asked for; true if this call is answered so. */
static bool injected(uint64_t nr, struct seam_regs *r)
{
	if (!tdx.inject[nr].count)
		return false;
	if (tdx.inject[nr].after) {
		tdx.inject[nr].after--;
		return false;
	}
	tdx.inject[nr].count--;
	tdx.inject[nr].given++;
	r->vmfail = tdx.inject[nr].status == INJECT_VMFAIL;
	if (!r->vmfail)
		r->rax = tdx.inject[nr].status;
	if (nr == TDH_PHYMEM_CACHE_WB && r->rax == TDX_INTERRUPTED_RESUMABLE)
		tdx.wb_interrupted = true;
	return true;
}

bool tdx_undefined(uint64_t rax)
{
	uint64_t nr = rax & (G_N_ELEMENTS(tdx.inject) - 1);

	if (tdx.inject[nr].status != INJECT_UD || !tdx.inject[nr].count || tdx.inject[nr].after)
		return false;
	tdx.inject[nr].count--;
	tdx.inject[nr].given++;
	tdx.calls[nr]++;
	return true;
}

void tdx_seamcall(unsigned int lp, struct seam_regs *r)
{
	const struct tdx_leaf *leaf = leaf_of(r->rax);
	uint64_t version = r->rax >> TDX_LEAF_VERSION_SHIFT & 0xff;
	uint64_t nr = r->rax & (G_N_ELEMENTS(tdx.inject) - 1);
	struct seam_regs in = *r;

	if (tdx.dead) {
		r->vmfail = true;
		return;
	}
	if (r->rax >> (TDX_LEAF_VERSION_SHIFT + 8) || version > (leaf ? leaf->max_version : 0)) {
		r->rax = TDX_OPERAND_INVALID | OP_RAX;
		return;
	}
	tdx.lp = lp;
	tdx.calls[nr]++;
	if (leaf && injected(nr, r))
		return;
	r->rax = call(leaf, lp, r);
	if (tdx.dead) {		/* by this call */
		*r = in;
		r->vmfail = true;
	}
}
