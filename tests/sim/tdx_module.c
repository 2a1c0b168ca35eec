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
		{ 0x8900000100000000ULL, 1 },				/* MODULE_HV */
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
	if (tdx.state == SYS_LOADED)
		return TDX_SYS_NOT_READY;
	if (tdx.lp_init >> lp & 1)
		return TDX_SYS_LP_INIT_DONE;
	tdx.lp_init |= 1ULL << lp;
	return TDX_SUCCESS;
}

#define GIB	(1ULL << 30)

/* Is [start, start + size) usable memory: RAM that firmware converted? */
static bool in_cmr(uint64_t start, uint64_t size)
{
	for (uint64_t pa = start; pa < start + size; pa += SIM_PAGE)
		if (pa < 0x100000 || !mem_ptr(pa))
			return false;
	return true;
}

/* Memory of a TDMR that is not reserved must lie in CMRs. */
static bool tdmr_in_cmrs(const struct tdmr *t)
{
	uint64_t pos = 0;

	for (int i = 0; i <= SIM_MAX_RESERVED; i++) {
		bool last = i == SIM_MAX_RESERVED || !t->reserved[i].size;
		uint64_t end = last ? t->size : t->reserved[i].offset;

		if (end < pos || end > t->size)
			return false;	/* not ascending */
		if (!in_cmr(t->base + pos, end - pos))
			return false;
		if (last)
			break;
		pos = end + t->reserved[i].size;
	}
	return true;
}

/* struct TDMR_INFO: eight words, then MAX_RESERVED pairs of offset and size. */
static bool read_tdmr(uint64_t pa, struct tdmr *t)
{
	const uint64_t *p = pa & 511 ? NULL : mem_ptr(pa);

	if (!p)
		return false;
	*t = (struct tdmr){ .base = p[0], .size = p[1], .next = p[0] };
	for (int level = 0; level < 3; level++) {
		uint64_t entries = t->size >> (12 + 9 * level);
		uint64_t need = (entries * SIM_PAMT_ENTRY + SIM_PAGE - 1) & ~(SIM_PAGE - 1);

		/* 1G comes first in TDMR_INFO */
		t->pamt[level].base = p[2 + 2 * (2 - level)];
		t->pamt[level].size = p[3 + 2 * (2 - level)];
		if (t->pamt[level].base & (SIM_PAGE - 1) || t->pamt[level].size < need ||
		    !in_cmr(t->pamt[level].base, t->pamt[level].size))
			return false;
	}
	for (int i = 0; i < SIM_MAX_RESERVED; i++) {
		t->reserved[i].offset = p[8 + 2 * i];
		t->reserved[i].size = p[9 + 2 * i];
	}
	return t->size && !(t->base % GIB) && !(t->size % GIB) && tdmr_in_cmrs(t);
}

static uint64_t sys_config(unsigned int lp, struct seam_regs *r)
{
	const uint64_t *array = r->rcx & 511 ? NULL : mem_ptr(r->rcx);

	(void)lp;
	if (tdx.state != SYS_INIT_DONE)
		return TDX_SYS_STATE_INCORRECT;
	if (!array)
		return TDX_OPERAND_INVALID | OP_RCX;
	if (!r->rdx || r->rdx > SIM_MAX_TDMRS)
		return TDX_OPERAND_INVALID | OP_RDX;
	if (r->r8 < SIM_FIRST_TDX_KEYID || r->r8 >= SIM_FIRST_TDX_KEYID + SIM_NR_TDX_KEYIDS)
		return TDX_OPERAND_INVALID | OP_R8;
	for (uint64_t i = 0; i < r->rdx; i++)
		if (!read_tdmr(array[i], &tdx.tdmr[i]))
			return TDX_OPERAND_INVALID | OP_RCX;
	tdx.nr_tdmrs = r->rdx;
	tdx.global_hkid = r->r8;
	tdx.hkid_used |= 1ULL << (r->r8 - SIM_FIRST_TDX_KEYID);
	tdx.state = SYS_CONFIGURED;
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
	for (unsigned int i = 0; i < tdx.nr_tdmrs; i++) {
		struct tdmr *t = &tdx.tdmr[i];

		if (t->base != r->rcx)
			continue;
		if (t->next == t->base)
			pamt_take(t);
		if (t->next < t->base + t->size)
			t->next += GIB;
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
	pamt_release_all();
	tdx_reset(NULL);
	return TDX_SUCCESS;
}

/* --- physical pages ------------------------------------------------------------ */

static uint64_t page_rdmd(unsigned int lp, struct seam_regs *r)
{
	struct pamt_entry *e;

	(void)lp;
	if (r->rcx % SIM_PAGE)
		return TDX_OPERAND_INVALID | OP_RCX;
	e = pamt_entry(r->rcx);
	if (!e)
		return TDX_OPERAND_ADDR_RANGE_ERROR | OP_RCX;
	r->rcx = e->type;
	r->rdx = e->owner;
	r->r8 = e->size;
	r->r9 = r->r10 = r->r11 = 0;
	return TDX_SUCCESS;
}

static uint64_t page_reclaim(unsigned int lp, struct seam_regs *r)
{
	struct pamt_entry *e = r->rcx % SIM_PAGE ? NULL : pamt_entry(r->rcx);
	uint64_t pa = r->rcx;
	struct td *td;

	(void)lp;
	if (!e)
		return TDX_OPERAND_INVALID | OP_RCX;
	r->rcx = e->type;
	r->rdx = e->owner;
	r->r8 = e->size;
	if (e->type == TDX_PT_NDA)
		return TDX_PAGE_ALREADY_FREE | OP_RCX;
	if (e->type == TDX_PT_RSVD)
		return TDX_PAGE_METADATA_INCORRECT | OP_RCX;
	td = td_find(e->owner);
	if (!td || td->state != TD_TEARDOWN)
		return TDX_LIFECYCLE_STATE_INCORRECT;
	if (e->type == TDX_PT_TDR) {
		if (td->children)
			return TDX_TD_ASSOCIATED_PAGES_EXIST;
		pamt_free(pa);
		td_forget(td);
	} else {
		pamt_free(pa);
	}
	return TDX_SUCCESS;
}

static uint64_t page_wbinvd(unsigned int lp, struct seam_regs *r)
{
	(void)lp;
	(void)r;
	return TDX_SUCCESS;
}

static uint64_t sys_shutdown(unsigned int lp, struct seam_regs *r)
{
	(void)lp;
	(void)r;
	tdx.state = SYS_DISABLED;
	return TDX_SUCCESS;
}

/* --- the table ------------------------------------------------------------------ */

const struct tdx_leaf tdx_leaves[128] = {
	[TDH_SYS_INIT]		= { "TDH.SYS.INIT", sys_init, NEEDS_NOTHING, 0 },
	[TDH_SYS_LP_INIT]	= { "TDH.SYS.LP.INIT", sys_lp_init, NEEDS_NOTHING, 0 },
	[TDH_SYS_RD]		= { "TDH.SYS.RD", sys_rd, NEEDS_LP, 0 },
	[TDH_SYS_CONFIG]	= { "TDH.SYS.CONFIG", sys_config, NEEDS_LP, 0 },
	[TDH_SYS_KEY_CONFIG]	= { "TDH.SYS.KEY.CONFIG", sys_key_config, NEEDS_LP, 0 },
	[TDH_SYS_TDMR_INIT]	= { "TDH.SYS.TDMR.INIT", sys_tdmr_init, NEEDS_READY, 0 },
	[TDH_SYS_DISABLE]	= { "TDH.SYS.DISABLE", sys_disable, NEEDS_NOTHING, 0 },
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
	[TDH_VP_WR]		= { "TDH.VP.WR", vp_wr, NEEDS_READY, 1 },
	[TDH_VP_FLUSH]		= { "TDH.VP.FLUSH", vp_flush, NEEDS_READY, 0 },
	[TDH_MEM_SEPT_ADD]	= { "TDH.MEM.SEPT.ADD", mem_sept_add, NEEDS_READY, 0 },
	[TDH_MEM_SEPT_REMOVE]	= { "TDH.MEM.SEPT.REMOVE", mem_sept_remove, NEEDS_READY, 0 },
	[TDH_MEM_PAGE_ADD]	= { "TDH.MEM.PAGE.ADD", mem_page_add, NEEDS_READY, 0 },
	[TDH_MEM_PAGE_AUG]	= { "TDH.MEM.PAGE.AUG", mem_page_aug, NEEDS_READY, 0 },
	[TDH_MEM_PAGE_REMOVE]	= { "TDH.MEM.PAGE.REMOVE", mem_page_remove, NEEDS_READY, 0 },
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

static uint64_t call(const struct tdx_leaf *leaf, unsigned int lp, struct seam_regs *r)
{
	if (tdx.state == SYS_DISABLED)
		return TDX_SYS_SHUTDOWN;
	if (leaf->needs >= NEEDS_LP && !(tdx.lp_init >> lp & 1))
		return TDX_SYS_LP_INIT_NOT_DONE;
	if (leaf->needs == NEEDS_READY && tdx.state != SYS_READY)
		return TDX_SYS_NOT_READY;
	return leaf->fn(lp, r);
}

void tdx_seamcall(unsigned int lp, struct seam_regs *r)
{
	const struct tdx_leaf *leaf = leaf_of(r->rax);
	uint64_t version = r->rax >> TDX_LEAF_VERSION_SHIFT & 0xff;
	uint64_t nr = r->rax & (G_N_ELEMENTS(tdx.inject) - 1);

	if (!leaf || version > leaf->max_version) {
		r->rax = TDX_OPERAND_INVALID | OP_RAX;
		return;
	}
	tdx.calls[nr]++;
	if (tdx.inject[nr].count) {
		tdx.inject[nr].count--;
		r->rax = tdx.inject[nr].status;
		return;
	}
	r->rax = call(leaf, lp, r);
}
