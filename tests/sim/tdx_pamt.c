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

struct pamt_entry *pamt_entry(uint64_t pa)
{
	static struct pamt_entry reserved;
	const struct tdmr *t = tdmr_of(pa);

	if (!t || pa >= t->next || pa / SIM_PAGE >= nr)
		return NULL;
	if (reserved_in(t, pa)) {
		reserved = (struct pamt_entry){ .type = TDX_PT_RSVD };
		return &reserved;
	}
	return &entries[pa / SIM_PAGE];
}

uint64_t pamt_check_free(uint64_t pa, unsigned int size, unsigned int op)
{
	uint64_t pages = size == TDX_PS_2M ? PAGES_2M : 1;

	if (pa & (pages * SIM_PAGE - 1))
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

void pamt_assign(uint64_t pa, unsigned int size, enum tdx_page_type type, struct td *owner)
{
	uint64_t pages = size == TDX_PS_2M ? PAGES_2M : 1;

	for (uint64_t i = 0; i < pages; i++) {
		entries[pa / SIM_PAGE + i] = (struct pamt_entry){
			.owner = owner->tdr, .type = type, .size = size,
		};
		mem_tdx_write_page(pa + i * SIM_PAGE);
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

void pamt_take(const struct tdmr *t)
{
	for (int level = 0; level < 3; level++) {
		uint64_t start = t->pamt[level].base, end = start + t->pamt[level].size;

		for (uint64_t pa = start; pa < end; pa += SIM_PAGE) {
			if (pa / SIM_PAGE >= nr)
				break;
			is_pamt[pa / SIM_PAGE] = 1;
			mem_tdx_write_page(pa);
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
