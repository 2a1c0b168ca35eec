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
#define GPA_BITS	47	/* of private addresses; bit 47 is the shared bit */
#define CHILDREN	512	/* entries of a table */

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

/* What the operands of a leaf name; @e is NULL where the entry is free. */
struct place {
	struct td *td;
	uint64_t gpa;
	unsigned int level;
	struct sept_entry *e;
};

/*
 * Operands that every leaf here shares: GPA | level in RCX, TDR in RDX.  Needs
 * an initialised TD; the level must be in [@low, @high].  Clears RCX and RDX.
 */
static uint64_t operands(struct seam_regs *r, unsigned int low, unsigned int high,
			 struct place *at)
{
	uint64_t rcx = r->rcx, err = 0;

	at->td = td_operand(r->rdx, OP_RDX, &err);
	at->level = rcx & LEVEL_MASK;
	at->gpa = rcx & ~LEVEL_MASK;
	at->e = NULL;
	r->rcx = r->rdx = 0;
	if (!at->td)
		return err;
	err = td_check_built(at->td);
	if (!err && !at->td->initialised)
		err = TDX_OP_STATE_INCORRECT;
	if (!err && (at->level < low || at->level > high || at->gpa >> GPA_BITS ||
		     at->gpa != (key_of(at->gpa, at->level) & ~LEVEL_MASK)))
		err = TDX_OPERAND_INVALID | OP_RCX;
	return err;
}

/* The way down to (gpa, level) exists; the module reads the tables on it. */
static uint64_t walk(struct td *td, uint64_t gpa, unsigned int level, struct sept_entry **e)
{
	for (unsigned int l = TOP_LEVEL; l > level; l--) {
		struct sept_entry *up = lookup(td, gpa, l);

		if (!up || !up->table || up->blocked)
			return TDX_EPT_WALK_FAILED | OP_RCX;
		tdx_reads(up->pa, SIM_PAGE);
	}
	*e = lookup(td, gpa, level);
	return TDX_SUCCESS;
}

/* The operands, and the way down to the entry that they name. */
static uint64_t find(struct seam_regs *r, unsigned int low, unsigned int high,
		     struct place *at)
{
	uint64_t err = operands(r, low, high, at);

	return err ? err : walk(at->td, at->gpa, at->level, &at->e);
}

/* The operands and the way down; the entry itself is free. */
static uint64_t find_free(struct seam_regs *r, unsigned int low, unsigned int high,
			  struct place *at)
{
	uint64_t err = find(r, low, high, at);

	return !err && at->e ? TDX_EPT_ENTRY_STATE_INCORRECT | OP_RCX : err;
}

static struct sept_entry *new_entry(struct td *td, uint64_t gpa, unsigned int level,
				    uint64_t pa, bool table)
{
	struct sept_entry *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->key = key_of(gpa, level);
	e->pa = pa;
	e->table = table;
	g_hash_table_insert(td->sept, &e->key, e);
	return e;
}

static void drop_entry(struct td *td, const struct sept_entry *e)
{
	gint64 key = e->key;

	g_hash_table_remove(td->sept, &key);
}

/* The page in R8 becomes what the free entry @at points to. */
static uint64_t add_page(const struct place *at, uint64_t pa, bool table)
{
	unsigned int size = table ? TDX_PS_4K : at->level;
	uint64_t err = pamt_check_free(pa, size, OP_R8);

	if (err)
		return err;
	new_entry(at->td, at->gpa, at->level, pa, table);
	pamt_assign(pa, size, table ? TDX_PT_EPT : TDX_PT_REG, at->td);
	return TDX_SUCCESS;
}

uint64_t mem_sept_add(unsigned int lp, struct seam_regs *r)
{
	struct place at;
	uint64_t err = find_free(r, 1, TOP_LEVEL, &at);

	(void)lp;
	return err ? err : add_page(&at, r->r8, true);
}

uint64_t mem_page_add(unsigned int lp, struct seam_regs *r)
{
	struct place at;
	uint64_t err = operands(r, TDX_PS_4K, TDX_PS_4K, &at);

	(void)lp;
	if (err)
		return err;
	if (at.td->finalised)
		return TDX_OP_STATE_INCORRECT;
	err = walk(at.td, at.gpa, at.level, &at.e);
	if (err)
		return err;
	if (at.e)
		return TDX_EPT_ENTRY_STATE_INCORRECT | OP_RCX;
	if (tdx_bad_address(r->r9, SIM_PAGE) || !mem_ptr(r->r9))
		return TDX_OPERAND_INVALID | OP_R9;
	err = add_page(&at, r->r8, false);
	if (!err)
		tdx_reads(r->r9, SIM_PAGE);
	return err;
}

uint64_t mem_page_aug(unsigned int lp, struct seam_regs *r)
{
	struct place at;
	uint64_t err = find_free(r, TDX_PS_4K, TDX_PS_2M, &at);

	(void)lp;
	return err ? err : add_page(&at, r->r8, false);
}

uint64_t mem_range_block(unsigned int lp, struct seam_regs *r)
{
	struct place at;
	uint64_t err = find(r, TDX_PS_4K, TOP_LEVEL, &at);

	(void)lp;
	if (err)
		return err;
	if (!at.e)
		return TDX_EPT_ENTRY_STATE_INCORRECT | OP_RCX;
	if (at.e->blocked)
		return TDX_GPA_RANGE_ALREADY_BLOCKED | OP_RCX;
	at.e->blocked = true;
	at.e->blocked_epoch = at.td->epoch;
	return TDX_SUCCESS;
}

/* May a CPU still hold a translation through this blocked entry? */
static bool tracked(const struct td *td, const struct sept_entry *e)
{
	return !td->finalised || e->blocked_epoch != td->epoch;
}

uint64_t mem_range_unblock(unsigned int lp, struct seam_regs *r)
{
	struct place at;
	uint64_t err = find(r, TDX_PS_4K, TOP_LEVEL, &at);

	(void)lp;
	if (err)
		return err;
	if (!at.e || !at.e->blocked)
		return TDX_EPT_ENTRY_STATE_INCORRECT | OP_RCX;
	if (!tracked(at.td, at.e))
		return TDX_TLB_TRACKING_NOT_DONE | OP_SEPT_TREE;
	at.e->blocked = false;
	return TDX_SUCCESS;
}

uint64_t mem_track(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct td *td = td_operand(r->rcx, OP_RCX, &err);

	(void)lp;
	err = td ? td_check_built(td) : err;
	if (err)
		return err;
	if (!td->initialised)
		return TDX_OP_STATE_INCORRECT;
	td->epoch++;
	return TDX_SUCCESS;
}

/*
 * The entry of a page or table that is about to go.  Once the TD can run it
 * must be blocked, and no CPU may hold a translation any more.
 */
static uint64_t check_removable(struct td *td, struct sept_entry *e, bool table)
{
	if (!e || e->table != table)
		return TDX_EPT_ENTRY_STATE_INCORRECT | OP_RCX;
	if (td->finalised && !e->blocked)
		return TDX_GPA_RANGE_NOT_BLOCKED | OP_RCX;
	return tracked(td, e) ? TDX_SUCCESS : TDX_TLB_TRACKING_NOT_DONE | OP_RCX;
}

static bool has_children(struct td *td, const struct sept_entry *e)
{
	unsigned int level = (e->key & LEVEL_MASK) - 1;

	for (uint64_t i = 0; i < CHILDREN; i++)
		if (lookup(td, (e->key & ~LEVEL_MASK) + (i << (12 + 9 * level)), level))
			return true;
	return false;
}

uint64_t mem_page_remove(unsigned int lp, struct seam_regs *r)
{
	struct place at;
	uint64_t err = find(r, TDX_PS_4K, TDX_PS_1G, &at);

	(void)lp;
	if (!err)
		err = check_removable(at.td, at.e, false);
	if (err)
		return err;
	r->rcx = at.e->pa;
	pamt_free(at.e->pa);
	drop_entry(at.td, at.e);
	return TDX_SUCCESS;
}

uint64_t mem_sept_remove(unsigned int lp, struct seam_regs *r)
{
	struct place at;
	uint64_t err = find(r, 1, TOP_LEVEL, &at);

	(void)lp;
	if (!err)
		err = check_removable(at.td, at.e, true);
	if (err)
		return err;
	tdx_reads(at.e->pa, SIM_PAGE);
	if (has_children(at.td, at.e))
		return TDX_EPT_PAGE_NOT_FREE | OP_RCX;
	r->rcx = at.e->pa;
	pamt_free(at.e->pa);
	drop_entry(at.td, at.e);
	return TDX_SUCCESS;
}

/* --- other pages under the same addresses ----------------------------------------- */

uint64_t mem_page_relocate(unsigned int lp, struct seam_regs *r)
{
	struct place at;
	uint64_t err = find(r, TDX_PS_4K, TDX_PS_4K, &at), old;

	(void)lp;
	if (err)
		return err;
	if (!at.e || at.e->table)
		return TDX_EPT_ENTRY_STATE_INCORRECT | OP_RCX;
	if (r->r8 == at.e->pa)
		return TDX_OPERAND_INVALID | OP_R8;
	err = check_removable(at.td, at.e, false);
	if (!err)
		err = pamt_check_free(r->r8, TDX_PS_4K, OP_R8);
	if (err)
		return err;
	old = at.e->pa;
	tdx_reads(old, SIM_PAGE);
	pamt_assign(r->r8, TDX_PS_4K, TDX_PT_REG, at.td);
	pamt_free(old);
	at.e->pa = r->r8;
	at.e->blocked = false;
	r->rcx = old;
	return TDX_SUCCESS;
}

/* A 2 MiB page becomes 512 pages below a new table, the page in R8. */
uint64_t mem_page_demote(unsigned int lp, struct seam_regs *r)
{
	struct place at;
	uint64_t err = find(r, TDX_PS_2M, TDX_PS_2M, &at), pa;

	(void)lp;
	if (!err)
		err = check_removable(at.td, at.e, false);
	if (!err)
		err = pamt_check_free(r->r8, TDX_PS_4K, OP_R8);
	if (err)
		return err;
	pa = at.e->pa;
	pamt_resize(pa, TDX_PS_4K);
	pamt_assign(r->r8, TDX_PS_4K, TDX_PT_EPT, at.td);
	*at.e = (struct sept_entry){ .key = at.e->key, .pa = r->r8, .table = true };
	for (uint64_t i = 0; i < CHILDREN; i++)
		new_entry(at.td, at.gpa + i * SIM_PAGE, TDX_PS_4K, pa + i * SIM_PAGE, false);
	return TDX_SUCCESS;
}

/* 512 adjacent pages below a table become one page; the table is given back. */
uint64_t mem_page_promote(unsigned int lp, struct seam_regs *r)
{
	struct place at;
	uint64_t err = find(r, TDX_PS_2M, TDX_PS_2M, &at), pa = 0, table;
	struct sept_entry *child;

	(void)lp;
	if (!err)
		err = check_removable(at.td, at.e, true);
	if (err)
		return err;
	table = at.e->pa;
	tdx_reads(table, SIM_PAGE);
	for (uint64_t i = 0; i < CHILDREN; i++) {
		child = lookup(at.td, at.gpa + i * SIM_PAGE, TDX_PS_4K);
		if (!i)
			pa = child ? child->pa : 1;
		if (pa % (CHILDREN * SIM_PAGE) || !child || child->blocked ||
		    child->pa != pa + i * SIM_PAGE)
			return TDX_EPT_INVALID_PROMOTE_CONDITIONS | OP_RCX;
	}
	for (uint64_t i = 0; i < CHILDREN; i++)
		drop_entry(at.td, lookup(at.td, at.gpa + i * SIM_PAGE, TDX_PS_4K));
	pamt_resize(pa, TDX_PS_2M);
	pamt_free(table);
	*at.e = (struct sept_entry){ .key = at.e->key, .pa = pa };
	r->rcx = table;
	return TDX_SUCCESS;
}

/* --- measuring --------------------------------------------------------------------- */

uint64_t mr_extend(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0, gpa = r->rcx;
	struct td *td = td_operand(r->rdx, OP_RDX, &err);
	struct sept_entry *e = NULL;

	(void)lp;
	r->rcx = r->rdx = 0;
	err = td ? td_check_built(td) : err;
	if (err)
		return err;
	if (!td->initialised || td->finalised)
		return TDX_OP_STATE_INCORRECT;
	if (gpa % 256 || gpa >> GPA_BITS)
		return TDX_OPERAND_INVALID | OP_RCX;
	err = walk(td, gpa, TDX_PS_4K, &e);
	if (err || !e)
		return TDX_EPT_ENTRY_NOT_PRESENT | OP_RCX;
	tdx_reads(e->pa + gpa % SIM_PAGE, 256);
	return TDX_SUCCESS;
}

uint64_t mr_finalize(unsigned int lp, struct seam_regs *r)
{
	uint64_t err = 0;
	struct td *td = td_operand(r->rcx, OP_RCX, &err);

	(void)lp;
	err = td ? td_check_built(td) : err;
	if (err)
		return err;
	if (!td->initialised || td->finalised)
		return TDX_OP_STATE_INCORRECT;
	if (!td->nr_vcpus)
		return TDX_NO_VCPUS;
	td->finalised = true;
	return TDX_SUCCESS;
}
