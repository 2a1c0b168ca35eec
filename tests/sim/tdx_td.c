// SPDX-License-Identifier: GPL-2.0-or-later
/* TDs of the simulated module: keys, control pages, vCPUs. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "tdx_module.h"

struct td *td_find(uint64_t tdr)
{
	gint64 key = tdr;

	return g_hash_table_lookup(tdx.tds, &key);
}

/* The TD that an operand names, or NULL and its status. */
struct td *td_operand(uint64_t tdr, unsigned int op, uint64_t *err)
{
	if (!pamt_operand(tdr, TDX_PT_TDR, op, err))
		return NULL;
	tdx_reads(tdr, SIM_PAGE);
	return td_find(tdr);
}

uint64_t td_check_built(const struct td *td)
{
	if (td->state != TD_KEYS_CONFIGURED)
		return TDX_TD_KEYS_NOT_CONFIGURED;
	return td->nr_tdcx < SIM_TDCX_PAGES ? TDX_TDCS_NOT_ALLOCATED : TDX_SUCCESS;
}

/*
 * The operation states in which a leaf works, beside a built TD: not yet
 * initialised, initialised, finalised (op_state_lookup.c of module 1.5).
 */
enum { OP_UNINITIALISED = 1, OP_INITIALISED = 2, OP_RUNNABLE = 4 };

static uint64_t check_state(const struct td *td, unsigned int allowed)
{
	uint64_t err = td_check_built(td);
	unsigned int now = td->finalised ? OP_RUNNABLE :
		td->initialised ? OP_INITIALISED : OP_UNINITIALISED;

	return err ? err : now & allowed ? TDX_SUCCESS : TDX_OP_STATE_INCORRECT;
}

static void td_free(struct td *td)
{
	g_hash_table_destroy(td->vcpus);
	g_hash_table_destroy(td->sept);
	free(td);
}

void td_forget(struct td *td)
{
	gint64 key = td->tdr;

	g_hash_table_remove(tdx.tds, &key);
	td_free(td);
}

void td_destroy_all(void)
{
	GHashTableIter it;
	gpointer td;

	g_hash_table_iter_init(&it, tdx.tds);
	while (g_hash_table_iter_next(&it, NULL, &td))
		td_free(td);
	g_hash_table_destroy(tdx.tds);
	tdx.tds = NULL;
}

static uint64_t hkid_bit(uint16_t hkid)
{
	return 1ULL << (hkid - SIM_FIRST_TDX_KEYID);
}

uint64_t mng_create(unsigned int lp, struct seam_regs *r)
{
	struct td *td;
	uint64_t err;

	(void)lp;
	if (r->rdx < SIM_FIRST_TDX_KEYID || r->rdx >= SIM_FIRST_TDX_KEYID + SIM_NR_TDX_KEYIDS)
		return TDX_OPERAND_INVALID | OP_RDX;
	err = pamt_check_free(r->rcx, TDX_PS_4K, OP_RCX);
	if (err)
		return err;
	if (tdx.hkid_used & hkid_bit(r->rdx))
		return TDX_HKID_NOT_FREE;
	td = calloc(1, sizeof(*td));
	if (!td)
		return TDX_OPERAND_BUSY;
	td->tdr = r->rcx;
	td->hkid = r->rdx;
	td->vcpus = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free);
	td->sept = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, sept_free_entry);
	tdx.hkid_used |= hkid_bit(td->hkid);
	g_hash_table_insert(tdx.tds, &td->tdr, td);
	pamt_assign(td->tdr, TDX_PS_4K, TDX_PT_TDR, td);
	return TDX_SUCCESS;
}

uint64_t mng_key_config(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct td *td = td_operand(r->rcx, OP_RCX, &err);

	(void)lp;
	if (!td)
		return err;
	if (td->state != TD_HKID_ASSIGNED)	/* one package: configured at once */
		return TDX_LIFECYCLE_STATE_INCORRECT;
	td->state = TD_KEYS_CONFIGURED;
	return TDX_SUCCESS;
}

uint64_t mng_addcx(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct td *td = td_operand(r->rdx, OP_RDX, &err);

	(void)lp;
	if (!td)
		return err;
	if (td->state != TD_KEYS_CONFIGURED)
		return TDX_TD_KEYS_NOT_CONFIGURED;
	if (td->nr_tdcx == SIM_TDCX_PAGES)
		return TDX_TDCX_NUM_INCORRECT;
	err = pamt_check_free(r->rcx, TDX_PS_4K, OP_RCX);
	if (err)
		return err;
	pamt_assign(r->rcx, TDX_PS_4K, TDX_PT_TDCX, td);
	td->nr_tdcx++;
	return TDX_SUCCESS;
}

/* The first words of TD_PARAMS that are checked here. */
struct td_params {
	uint64_t attributes, xfam;
	uint16_t max_vcpus;
};

#define ATTRIBUTES_ALLOWED	0x8000000050000001ULL
#define XFAM_ALLOWED		0x6dbe7ULL
#define XFAM_REQUIRED		3ULL

uint64_t mng_init(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct td *td = td_operand(r->rcx, OP_RCX, &err);
	const struct td_params *p = tdx_bad_address(r->rdx, 1024) ? NULL : mem_ptr(r->rdx);

	(void)lp;
	r->rcx = 0;
	err = td ? check_state(td, OP_UNINITIALISED) : err;
	if (err)
		return err;
	if (!p)
		return TDX_OPERAND_INVALID | OP_RDX;
	tdx_reads(r->rdx, 1024);
	if (p->attributes & ~ATTRIBUTES_ALLOWED)
		return TDX_OPERAND_INVALID | OP_ATTRIBUTES;
	if (p->xfam & ~XFAM_ALLOWED || (p->xfam & XFAM_REQUIRED) != XFAM_REQUIRED)
		return TDX_OPERAND_INVALID | OP_XFAM;
	if (!p->max_vcpus)
		return TDX_OPERAND_INVALID | OP_MAX_VCPUS;
	td->max_vcpus = p->max_vcpus;
	td->initialised = true;
	return TDX_SUCCESS;
}

uint64_t mng_rd(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct td *td = td_operand(r->rcx, OP_RCX, &err);

	(void)lp;
	err = td ? check_state(td, OP_INITIALISED | OP_RUNNABLE) : err;
	if (err)
		return err;
	r->r8 = 0;		/* no TD runs: every field is as at its start */
	return TDX_SUCCESS;
}

uint64_t mng_wr(unsigned int lp, struct seam_regs *r)
{
	return mng_rd(lp, r);
}

static bool any_vcpu_associated(struct td *td)
{
	GHashTableIter it;
	gpointer v;

	g_hash_table_iter_init(&it, td->vcpus);
	while (g_hash_table_iter_next(&it, NULL, &v))
		if (((struct vcpu *)v)->lp >= 0)
			return true;
	return false;
}

uint64_t mng_vpflushdone(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct td *td = td_operand(r->rcx, OP_RCX, &err);

	(void)lp;
	if (!td)
		return err;
	if (td->state != TD_KEYS_CONFIGURED && td->state != TD_HKID_ASSIGNED)
		return TDX_LIFECYCLE_STATE_INCORRECT;
	if (any_vcpu_associated(td))
		return TDX_FLUSHVP_NOT_DONE;
	td->state = TD_BLOCKED;
	return TDX_SUCCESS;
}

uint64_t phymem_cache_wb(unsigned int lp, struct seam_regs *r)
{
	GHashTableIter it;
	bool any = false;
	gpointer p;

	(void)lp;
	if (r->rcx > 1)
		return TDX_OPERAND_INVALID | OP_RCX;
	if (r->rcx && !tdx.wb_interrupted)
		return TDX_WBCACHE_RESUME_ERROR;
	tdx.wb_interrupted = false;
	g_hash_table_iter_init(&it, tdx.tds);
	while (g_hash_table_iter_next(&it, NULL, &p)) {
		struct td *td = p;

		if (td->state == TD_BLOCKED && !td->cache_written)
			any = td->cache_written = true;
	}
	if (any)
		cache_write_back_all();		/* one package: all its caches */
	return any ? TDX_SUCCESS : TDX_NO_HKID_READY_TO_WBCACHE;
}

uint64_t mng_key_freeid(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct td *td = td_operand(r->rcx, OP_RCX, &err);

	(void)lp;
	if (!td)
		return err;
	if (td->state != TD_BLOCKED)
		return TDX_LIFECYCLE_STATE_INCORRECT;
	if (!td->cache_written)
		return TDX_WBCACHE_NOT_COMPLETE;
	tdx.hkid_used &= ~hkid_bit(td->hkid);
	td->state = TD_TEARDOWN;
	return TDX_SUCCESS;
}

/* --- vCPUs --------------------------------------------------------------------- */

/* The vCPU whose TDVPR is in operand @op, and its TD; NULL and the status. */
static struct vcpu *vcpu_operand(uint64_t tdvpr, unsigned int op, struct td **td,
				 uint64_t *err)
{
	struct pamt_entry *e = pamt_operand(tdvpr, TDX_PT_TDVPR, op, err);
	gint64 key = tdvpr;

	if (!e)
		return NULL;
	*td = td_find(e->owner);
	tdx_reads((*td)->tdr, SIM_PAGE);
	tdx_reads(tdvpr, SIM_PAGE);
	return g_hash_table_lookup((*td)->vcpus, &key);
}

uint64_t vp_create(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct td *td = td_operand(r->rdx, OP_RDX, &err);
	struct vcpu *v;

	(void)lp;
	err = td ? check_state(td, OP_INITIALISED) : err;
	if (!err)
		err = pamt_check_free(r->rcx, TDX_PS_4K, OP_RCX);
	if (err)
		return err;
	v = calloc(1, sizeof(*v));
	if (!v)
		return TDX_OPERAND_BUSY;
	v->tdvpr = r->rcx;
	v->lp = -1;
	g_hash_table_insert(td->vcpus, &v->tdvpr, v);
	pamt_assign(r->rcx, TDX_PS_4K, TDX_PT_TDVPR, td);
	return TDX_SUCCESS;
}

uint64_t vp_addcx(unsigned int lp, struct seam_regs *r)
{
	struct td *td = NULL;
	uint64_t err = 0;
	struct vcpu *v = vcpu_operand(r->rdx, OP_RDX, &td, &err);

	(void)lp;
	err = v ? check_state(td, OP_INITIALISED) : err;
	if (err)
		return err;
	if (v->initialised)
		return TDX_VCPU_STATE_INCORRECT;
	if (v->nr_tdcx == SIM_TDVPX_PAGES)
		return TDX_TDCX_NUM_INCORRECT;
	err = pamt_check_free(r->rcx, TDX_PS_4K, OP_RCX);
	if (err)
		return err;
	pamt_assign(r->rcx, TDX_PS_4K, TDX_PT_TDCX, td);
	v->nr_tdcx++;
	return TDX_SUCCESS;
}

uint64_t vp_init(unsigned int lp, struct seam_regs *r)
{
	struct td *td = NULL;
	uint64_t err = 0;
	struct vcpu *v = vcpu_operand(r->rcx, OP_RCX, &td, &err);

	err = v ? check_state(td, OP_INITIALISED) : err;
	if (err)
		return err;
	if (v->nr_tdcx != SIM_TDVPX_PAGES)
		return TDX_TDCX_NUM_INCORRECT;
	if (v->initialised)
		return TDX_VCPU_STATE_INCORRECT;
	if (td->nr_vcpus >= td->max_vcpus)
		return TDX_MAX_VCPUS_EXCEEDED;
	td->nr_vcpus++;
	v->initialised = true;
	v->lp = lp;
	return TDX_SUCCESS;
}

/* VP.RD and VP.WR: they associate the vCPU with the CPU they run on. */
static uint64_t vp_access(unsigned int lp, struct seam_regs *r)
{
	struct td *td = NULL;
	uint64_t err = 0;
	struct vcpu *v = vcpu_operand(r->rcx, OP_RCX, &td, &err);

	err = v ? check_state(td, OP_INITIALISED | OP_RUNNABLE) : err;
	if (err)
		return err;
	if (v->nr_tdcx != SIM_TDVPX_PAGES)
		return TDX_TDCX_NUM_INCORRECT;
	if (!v->initialised)
		return TDX_VCPU_STATE_INCORRECT;
	if (v->lp >= 0 && v->lp != (int)lp)
		return TDX_VCPU_ASSOCIATED;
	v->lp = lp;
	r->r8 = 0;
	return TDX_SUCCESS;
}

uint64_t vp_rd(unsigned int lp, struct seam_regs *r)
{
	return vp_access(lp, r);
}

uint64_t vp_wr(unsigned int lp, struct seam_regs *r)
{
	return vp_access(lp, r);
}

uint64_t vp_flush(unsigned int lp, struct seam_regs *r)
{
	struct td *td = NULL;
	uint64_t err = 0;
	struct vcpu *v = vcpu_operand(r->rcx, OP_RCX, &td, &err);

	if (!v)
		return err;
	if (td->state != TD_KEYS_CONFIGURED)
		return TDX_TD_KEYS_NOT_CONFIGURED;
	if (v->nr_tdcx != SIM_TDVPX_PAGES)
		return TDX_TDCX_NUM_INCORRECT;
	if (v->lp != (int)lp)
		return TDX_VCPU_NOT_ASSOCIATED;
	v->lp = -1;
	return TDX_SUCCESS;
}
