// SPDX-License-Identifier: GPL-2.0-or-later
/* Guest memory of a TD: secure EPT entries, pages, blocking and tracking. */
#include <stdlib.h>

#include "memory.h"
#include "tdx_module.h"

/* One secure-EPT entry; @key = GPA | level, the level whose entry this is. */
struct sept_entry {
	uint64_t key;
	uint64_t pa;		/* guest page, or page of the next lower table */
	bool table;
	bool blocked;
	uint64_t blocked_epoch;
};

#define LEVEL_MASK	7ULL
#define TOP_LEVEL	3	/* highest entry of a 4-level secure EPT */

void sept_free_entry(gpointer entry)
{
	free(entry);
}

static uint64_t key_of(uint64_t gpa, unsigned int level)
{
	return (gpa & ~((1ULL << (12 + 9 * level)) - 1)) | level;
}

static struct sept_entry *lookup(struct td *td, uint64_t gpa, unsigned int level)
{
	gint64 key = key_of(gpa, level);

	return g_hash_table_lookup(td->sept, &key);
}

/* Operands that every leaf here shares: GPA | level in RCX, TDR in RDX. */
static struct td *operands(struct seam_regs *r, uint64_t *gpa, unsigned int *level,
			   uint64_t *err)
{
	struct td *td = td_operand(r->rdx, OP_RDX, err);

	*level = r->rcx & LEVEL_MASK;
	*gpa = r->rcx & ~0xfffULL;
	if (!td)
		return NULL;
	if (*level > TOP_LEVEL || *gpa != (key_of(*gpa, *level) & ~LEVEL_MASK)) {
		*err = TDX_OPERAND_INVALID | OP_RCX;
		return NULL;
	}
	if (!td->initialised || td->state != TD_KEYS_CONFIGURED) {
		*err = TDX_OP_STATE_INCORRECT;
		return NULL;
	}
	return td;
}

/* The way down to (gpa, level) exists and the entry itself is free. */
static uint64_t check_free_entry(struct td *td, uint64_t gpa, unsigned int level)
{
	if (level < TOP_LEVEL) {
		struct sept_entry *up = lookup(td, gpa, level + 1);

		if (!up || !up->table)
			return TDX_EPT_WALK_FAILED | OP_RCX;
	}
	if (lookup(td, gpa, level))
		return TDX_EPT_ENTRY_NOT_FREE | OP_RCX;
	return TDX_SUCCESS;
}

static uint64_t add_entry(struct td *td, uint64_t gpa, unsigned int level, uint64_t pa,
			  bool table)
{
	struct sept_entry *e;
	unsigned int size = table ? TDX_PS_4K : level;
	uint64_t err = check_free_entry(td, gpa, level);

	if (err)
		return err;
	err = pamt_check_free(pa, size, OP_R8);
	if (err)
		return err;
	e = calloc(1, sizeof(*e));
	if (!e)
		return TDX_OPERAND_BUSY;
	e->key = key_of(gpa, level);
	e->pa = pa;
	e->table = table;
	g_hash_table_insert(td->sept, &e->key, e);
	pamt_assign(pa, size, table ? TDX_PT_EPT : TDX_PT_REG, td);
	return TDX_SUCCESS;
}

uint64_t mem_sept_add(unsigned int lp, struct seam_regs *r)
{
	unsigned int level;
	uint64_t gpa, err = 0, pa = r->r8;
	struct td *td = operands(r, &gpa, &level, &err);

	(void)lp;
	r->rcx = r->rdx = 0;
	if (!td)
		return err;
	if (!level)
		return TDX_OPERAND_INVALID | OP_RCX;
	return add_entry(td, gpa, level, pa, true);
}

uint64_t mem_page_add(unsigned int lp, struct seam_regs *r)
{
	unsigned int level;
	uint64_t gpa, err = 0, pa = r->r8, source = r->r9;
	struct td *td = operands(r, &gpa, &level, &err);

	(void)lp;
	r->rcx = r->rdx = 0;
	if (!td)
		return err;
	if (level)
		return TDX_OPERAND_INVALID | OP_RCX;
	if (td->finalised)
		return TDX_OP_STATE_INCORRECT;
	if (source % SIM_PAGE || !mem_ptr(source))
		return TDX_OPERAND_INVALID | OP_R9;
	return add_entry(td, gpa, level, pa, false);
}

uint64_t mem_page_aug(unsigned int lp, struct seam_regs *r)
{
	unsigned int level;
	uint64_t gpa, err = 0, pa = r->r8;
	struct td *td = operands(r, &gpa, &level, &err);

	(void)lp;
	r->rcx = r->rdx = 0;
	if (!td)
		return err;
	if (level > TDX_PS_2M)
		return TDX_OPERAND_INVALID | OP_RCX;
	if (!td->finalised)
		return TDX_OP_STATE_INCORRECT;
	return add_entry(td, gpa, level, pa, false);
}

uint64_t mem_range_block(unsigned int lp, struct seam_regs *r)
{
	unsigned int level;
	uint64_t gpa, err = 0;
	struct td *td = operands(r, &gpa, &level, &err);
	struct sept_entry *e;

	(void)lp;
	r->rcx = r->rdx = 0;
	if (!td)
		return err;
	e = lookup(td, gpa, level);
	if (!e)
		return TDX_EPT_WALK_FAILED | OP_RCX;
	if (e->blocked)
		return TDX_GPA_RANGE_ALREADY_BLOCKED | OP_RCX;
	e->blocked = true;
	e->blocked_epoch = td->epoch;
	return TDX_SUCCESS;
}

uint64_t mem_range_unblock(unsigned int lp, struct seam_regs *r)
{
	unsigned int level;
	uint64_t gpa, err = 0;
	struct td *td = operands(r, &gpa, &level, &err);
	struct sept_entry *e;

	(void)lp;
	r->rcx = r->rdx = 0;
	if (!td)
		return err;
	e = lookup(td, gpa, level);
	if (!e)
		return TDX_EPT_WALK_FAILED | OP_RCX;
	if (!e->blocked)
		return TDX_GPA_RANGE_NOT_BLOCKED | OP_RCX;
	e->blocked = false;
	return TDX_SUCCESS;
}

uint64_t mem_track(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct td *td = td_operand(r->rcx, OP_RCX, &err);

	(void)lp;
	if (!td)
		return err;
	if (!td->finalised)
		return TDX_OP_STATE_INCORRECT;
	td->epoch++;
	return TDX_SUCCESS;
}

/* Blocked, and no CPU can hold a translation any more. */
static uint64_t check_removable(struct td *td, struct sept_entry *e)
{
	if (!e)
		return TDX_EPT_WALK_FAILED | OP_RCX;
	if (!e->blocked)
		return TDX_GPA_RANGE_NOT_BLOCKED | OP_RCX;
	if (td->finalised && e->blocked_epoch == td->epoch)
		return TDX_TLB_TRACKING_NOT_DONE;
	return TDX_SUCCESS;
}

static uint64_t remove_entry(struct seam_regs *r, bool table)
{
	unsigned int level;
	uint64_t gpa, err = 0;
	struct td *td = operands(r, &gpa, &level, &err);
	struct sept_entry *e;
	gint64 key;

	r->rcx = r->rdx = 0;
	if (!td)
		return err;
	e = lookup(td, gpa, level);
	err = check_removable(td, e);
	if (err)
		return err;
	if (e->table != table)
		return TDX_EPT_ENTRY_STATE_INCORRECT | OP_RCX;
	pamt_free(e->pa);
	key = e->key;
	g_hash_table_remove(td->sept, &key);
	return TDX_SUCCESS;
}

uint64_t mem_page_remove(unsigned int lp, struct seam_regs *r)
{
	(void)lp;
	return remove_entry(r, false);
}

uint64_t mem_sept_remove(unsigned int lp, struct seam_regs *r)
{
	(void)lp;
	return remove_entry(r, true);
}

uint64_t mr_extend(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0, gpa = r->rcx;
	struct td *td = td_operand(r->rdx, OP_RDX, &err);

	(void)lp;
	r->rcx = r->rdx = 0;
	if (!td)
		return err;
	if (td->finalised)
		return TDX_TD_FINALIZED;
	if (gpa % 256)
		return TDX_OPERAND_INVALID | OP_RCX;
	return lookup(td, gpa, 0) ? TDX_SUCCESS : TDX_EPT_WALK_FAILED | OP_RCX;
}

uint64_t mr_finalize(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct td *td = td_operand(r->rcx, OP_RCX, &err);

	(void)lp;
	if (!td)
		return err;
	if (!td->initialised)
		return TDX_OP_STATE_INCORRECT;
	if (td->finalised)
		return TDX_TD_FINALIZED;
	td->finalised = true;
	return TDX_SUCCESS;
}
