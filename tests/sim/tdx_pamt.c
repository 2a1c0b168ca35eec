// SPDX-License-Identifier: GPL-2.0-or-later
/* PAMT bookkeeping: type, size and owner of every page of the TDMRs. */
#include "memory.h"
#include "tdx_module.h"

#include <stdlib.h>
#include <string.h>

#define PAGES_2M	512

static struct pamt_entry *entries;	/* by page frame, for mem_end() bytes */
static uint8_t *is_pamt;		/* the page holds a PAMT */
static uint64_t nr;

void pamt_reset(void)
{
	free(entries);
	free(is_pamt);
	nr = mem_end() / SIM_PAGE;
	entries = calloc(nr, sizeof(*entries));
	is_pamt = calloc(nr, 1);
	if (nr && (!entries || !is_pamt))
		abort();
}

static void *grow(void *array, uint64_t bytes, uint64_t size)
{
	uint8_t *bigger = realloc(array, size);

	if (!bigger)
		abort();
	memset(bigger + bytes, 0, size - bytes);
	return bigger;
}

void pamt_grow(void)
{
	uint64_t more = mem_end() / SIM_PAGE;

	if (more <= nr)
		return;
	entries = grow(entries, nr * sizeof(*entries), more * sizeof(*entries));
	is_pamt = grow(is_pamt, nr, more);
	nr = more;
}

static const struct tdmr *tdmr_of(uint64_t pa)
{
	for (unsigned int i = 0; i < tdx.nr_tdmrs; i++)
		if (pa - tdx.tdmr[i].base < tdx.tdmr[i].size)
			return &tdx.tdmr[i];
	return NULL;
}

static bool reserved_in(const struct tdmr *t, uint64_t pa)
{
	for (int i = 0; i < SIM_MAX_RESERVED && t->reserved[i].size; i++)
		if (pa - t->base - t->reserved[i].offset < t->reserved[i].size)
			return true;
	return false;
}

/* The walk to the leaf reads the entries of all levels. */
static void walk_reads(const struct tdmr *t, uint64_t pa)
{
	for (int level = 0; level < 3; level++)
		tdx_reads(t->pamt[level].base +
			  ((pa - t->base) >> (12 + 9 * level)) * SIM_PAMT_ENTRY, SIM_PAMT_ENTRY);
}

struct pamt_entry *pamt_entry(uint64_t pa)
{
	static struct pamt_entry reserved;
	const struct tdmr *t = tdmr_of(pa);

	if (!t || pa >= t->next || pa / SIM_PAGE >= nr)
		return NULL;
	walk_reads(t, pa);
	if (reserved_in(t, pa)) {
		reserved = (struct pamt_entry){ .type = TDX_PT_RSVD };
		return &reserved;
	}
	return &entries[pa / SIM_PAGE];
}

struct pamt_entry *pamt_operand(uint64_t pa, enum tdx_page_type type, unsigned int op,
				uint64_t *err)
{
	struct pamt_entry *e = NULL;

	if (tdx_bad_address(pa, SIM_PAGE)) {
		*err = TDX_OPERAND_INVALID | op;
		return NULL;
	}
	e = pamt_entry(pa);
	if (e && e->type == type && e->size == TDX_PS_4K)
		return e;
	*err = (e ? TDX_PAGE_METADATA_INCORRECT : TDX_OPERAND_ADDR_RANGE_ERROR) | op;
	return NULL;
}

uint64_t pamt_check_free(uint64_t pa, unsigned int size, unsigned int op)
{
	uint64_t pages = size == TDX_PS_2M ? PAGES_2M : 1;

	if (tdx_bad_address(pa, pages * SIM_PAGE))
		return TDX_OPERAND_INVALID | op;
	for (uint64_t i = 0; i < pages; i++) {
		struct pamt_entry *e = pamt_entry(pa + i * SIM_PAGE);

		if (!e)
			return TDX_OPERAND_ADDR_RANGE_ERROR | op;
		if (e->type != TDX_PT_NDA)
			return TDX_PAGE_METADATA_INCORRECT | op;
	}
	return TDX_SUCCESS;
}

/* A page of @owner; a TDR, and the PAMT (no owner), are under the global KeyID. */
static void module_writes(uint64_t pa, enum tdx_page_type type, const struct td *owner)
{
	mem_tdx_write_page(pa);
	cache_note_write(tdx.lp, pa, owner && type != TDX_PT_TDR ? owner->hkid : tdx.global_hkid,
			 tdx.now);
}

void pamt_assign(uint64_t pa, unsigned int size, enum tdx_page_type type, struct td *owner)
{
	uint64_t pages = size == TDX_PS_2M ? PAGES_2M : 1;

	for (uint64_t i = 0; i < pages; i++) {
		entries[pa / SIM_PAGE + i] = (struct pamt_entry){
			.owner = owner->tdr, .type = type, .size = size,
		};
		module_writes(pa + i * SIM_PAGE, type, owner);
	}
	if (type != TDX_PT_TDR)
		owner->children += pages;
}

void pamt_free(uint64_t pa)
{
	struct pamt_entry *e = &entries[pa / SIM_PAGE];
	uint64_t pages = e->size == TDX_PS_2M ? PAGES_2M : 1;
	struct td *td = td_find(e->owner);

	if (td && e->type != TDX_PT_TDR)
		td->children -= pages;
	memset(e, 0, pages * sizeof(*e));
}

void pamt_resize(uint64_t pa, unsigned int size)
{
	for (uint64_t i = 0; i < PAGES_2M; i++)
		entries[pa / SIM_PAGE + i].size = size;
}

void pamt_take(const struct tdmr *t)
{
	for (int level = 0; level < 3; level++) {
		uint64_t start = t->pamt[level].base, end = start + t->pamt[level].size;

		for (uint64_t pa = start; pa < end; pa += SIM_PAGE) {
			if (pa / SIM_PAGE >= nr)
				break;
			is_pamt[pa / SIM_PAGE] = 1;
			module_writes(pa, TDX_PT_RSVD, NULL);
		}
	}
}

bool pamt_private(uint64_t pa)
{
	uint64_t i = pa / SIM_PAGE;

	return i < nr && (is_pamt[i] || entries[i].type != TDX_PT_NDA);
}

void pamt_release_all(void)
{
	for (uint64_t i = 0; i < nr; i++)
		if (pamt_private(i * SIM_PAGE))
			mem_tdx_release_page(i * SIM_PAGE);
	pamt_reset();
}

struct pamt_totals pamt_totals(void)
{
	struct pamt_totals t = { 0 };

	for (uint64_t i = 0; i < nr; i++) {
		if (!pamt_private(i * SIM_PAGE))
			continue;
		t.pages++;
		t.by_type[is_pamt[i] ? TDX_PT_RSVD : entries[i].type & 15]++;
	}
	return t;
}
