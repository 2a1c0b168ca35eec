// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TDH.SYS.CONFIG: the TDMRs and their PAMTs, checked against each other and
 * against the CMRs.  Order and statuses as in the public source of TDX module
 * 1.5 (tdh_sys_config.c); bits 7:0 of a status are the TDMR, 15:8 the PAMT
 * level or the reserved area.
 */
#include "memory.h"
#include "tdx_module.h"

#define GIB	(1ULL << 30)
#define ENTRY_ALIGN	512	/* of TDMR_INFO and of the array of their addresses */

/* Memory that was plugged in later is in no CMR, unless cmr= says so. */
static uint64_t boot_end(void)
{
	return tdx.cfg.plugged_from ? tdx.cfg.plugged_from : mem_end();
}

static bool in_one_cmr(uint64_t pa)
{
	if (!tdx.cfg.nr_cmrs)
		return pa >= 1 << 20 && pa < boot_end() && mem_ptr(pa);
	for (unsigned int i = 0; i < tdx.cfg.nr_cmrs; i++)
		if (pa >= tdx.cfg.cmr[i].start && pa < tdx.cfg.cmr[i].end)
			return mem_ptr(pa) != NULL;
	return false;
}

/* Without cmr= the firmware converted each range of RAM above the first MiB. */
bool config_cmr(unsigned int n, uint64_t *start, uint64_t *size)
{
	uint64_t pa = 1 << 20;

	if (tdx.cfg.nr_cmrs) {
		if (n >= tdx.cfg.nr_cmrs)
			return false;
		*start = tdx.cfg.cmr[n].start;
		*size = tdx.cfg.cmr[n].end - *start;
		return true;
	}
	for (; pa < boot_end(); n--) {
		while (pa < boot_end() && !mem_ptr(pa))
			pa += SIM_PAGE;
		*start = pa;
		while (pa < boot_end() && mem_ptr(pa))
			pa += SIM_PAGE;
		*size = pa - *start;
		if (!n)
			return *size;
	}
	return false;
}

/* Is all of [start, start + size) memory that firmware converted? */
static bool in_cmrs(uint64_t start, uint64_t size)
{
	for (uint64_t pa = start; pa < start + size; pa += SIM_PAGE)
		if (!in_one_cmr(pa))
			return false;
	return true;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static unsigned int nr_reserved(const struct tdmr *t)
{
	unsigned int n = 0;

	while (n < SIM_MAX_RESERVED && t->reserved[n].size)
		n++;
	return n;
}

static uint64_t check_reserved(const struct tdmr *t)
{
	unsigned int n = nr_reserved(t);
	uint64_t pos = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (t->reserved[i].offset < pos)
			return TDX_NON_ORDERED_RESERVED_IN_TDMR | i << 8;
		pos = t->reserved[i].offset + t->reserved[i].size;
		if ((t->reserved[i].offset | t->reserved[i].size) & (SIM_PAGE - 1) ||
		    pos > t->size)
			return TDX_INVALID_RESERVED_IN_TDMR | i << 8;
	}
	for (unsigned int i = n; i < SIM_MAX_RESERVED; i++)
		if (t->reserved[i].size)
			return TDX_NON_ORDERED_RESERVED_IN_TDMR | i << 8;
	return TDX_SUCCESS;
}

/* The memory of @t that is not reserved: [*start, *end) number @n, if there is one. */
static bool available(const struct tdmr *t, unsigned int n, uint64_t *start, uint64_t *end)
{
	unsigned int last = nr_reserved(t);

	if (n > last)
		return false;
	*start = n ? t->base + t->reserved[n - 1].offset + t->reserved[n - 1].size : t->base;
	*end = t->base + (n < last ? t->reserved[n].offset : t->size);
	return true;
}

/* Does [base, base + size) meet memory that @t offers to TDX? */
static bool meets_available(const struct tdmr *t, uint64_t base, uint64_t size)
{
	uint64_t start, end;

	for (unsigned int n = 0; available(t, n, &start, &end); n++)
		if (overlap(base, size, start, end - start))
			return true;
	return false;
}

static uint64_t check_pamts(const struct tdmr *t, unsigned int index)
{
	for (int level = 2; level >= 0; level--) {
		uint64_t need = (t->size >> (12 + 9 * level)) * SIM_PAMT_ENTRY;

		if (tdx_bad_address(t->pamt[level].base, SIM_PAGE) ||
		    t->pamt[level].size & (SIM_PAGE - 1) || t->pamt[level].size < need)
			return TDX_INVALID_PAMT | level << 8;
	}
	for (int level = 0; level < 3; level++) {
		uint64_t base = t->pamt[level].base, size = t->pamt[level].size;

		for (unsigned int i = 0; i <= index; i++) {
			const struct tdmr *other = i == index ? t : &tdx.tdmr[i];

			for (int l = 0; l < (i == index ? level : 3); l++)
				if (overlap(base, size, other->pamt[l].base, other->pamt[l].size))
					return TDX_PAMT_OVERLAP | level << 8;
			if (meets_available(other, base, size))
				return TDX_PAMT_OVERLAP | level << 8;
		}
		for (unsigned int i = 0; i < index; i++)
			for (int l = 0; l < 3; l++)
				if (meets_available(t, tdx.tdmr[i].pamt[l].base,
						    tdx.tdmr[i].pamt[l].size))
					return TDX_PAMT_OVERLAP | level << 8;
	}
	for (int level = 2; level >= 0; level--)
		if (!in_cmrs(t->pamt[level].base, t->pamt[level].size))
			return TDX_PAMT_OUTSIDE_CMRS | level << 8;
	return TDX_SUCCESS;
}

static uint64_t check_tdmr(const struct tdmr *t, unsigned int index)
{
	uint64_t start, end, err;

	if (index && t->base < tdx.tdmr[index - 1].base + tdx.tdmr[index - 1].size)
		return TDX_NON_ORDERED_TDMR;
	if (tdx_bad_address(t->base, GIB) || !t->size || t->size % GIB ||
	    tdx_bad_address(t->base + t->size - SIM_PAGE, SIM_PAGE))
		return TDX_INVALID_TDMR;
	err = check_reserved(t);
	if (!err)
		err = check_pamts(t, index);
	for (unsigned int n = 0; !err && available(t, n, &start, &end); n++)
		if (!in_cmrs(start, end - start))
			err = TDX_TDMR_OUTSIDE_CMRS;
	return err;
}

/* struct TDMR_INFO: eight words, then MAX_RESERVED pairs of offset and size. */
static uint64_t read_tdmr(uint64_t pa, unsigned int index)
{
	const uint64_t *p = tdx_bad_address(pa, ENTRY_ALIGN) ? NULL : mem_ptr(pa);
	struct tdmr *t = &tdx.tdmr[index];
	uint64_t err;

	if (!p)
		return TDX_OPERAND_INVALID | OP_RCX;
	tdx_reads(pa, ENTRY_ALIGN);
	*t = (struct tdmr){ .base = p[0], .size = p[1], .next = p[0] };
	for (int level = 0; level < 3; level++) {
		/* 1G comes first in TDMR_INFO */
		t->pamt[level].base = p[2 + 2 * (2 - level)];
		t->pamt[level].size = p[3 + 2 * (2 - level)];
	}
	for (int i = 0; i < SIM_MAX_RESERVED; i++) {
		t->reserved[i].offset = p[8 + 2 * i];
		t->reserved[i].size = p[9 + 2 * i];
	}
	err = check_tdmr(t, index);
	return err ? err | index : TDX_SUCCESS;
}

uint64_t sys_config(unsigned int lp, struct seam_regs *r)
{
	const uint64_t *array = tdx_bad_address(r->rcx, ENTRY_ALIGN) ? NULL : mem_ptr(r->rcx);
	unsigned int first = SIM_FIRST_TDX_KEYID;
	uint64_t err;

	(void)lp;
	if (tdx.state != SYS_INIT_DONE ||
	    (unsigned int)__builtin_popcountll(tdx.lp_init) < tdx.cfg.nr_lps || !tdx.lp_init)
		return TDX_SYS_CONFIG_NOT_PENDING;
	if (!array)
		return TDX_OPERAND_INVALID | OP_RCX;
	if (!r->rdx || r->rdx > SIM_MAX_TDMRS)
		return TDX_OPERAND_INVALID | OP_RDX;
	if (r->r8 < first || r->r8 >= first + SIM_NR_TDX_KEYIDS)
		return TDX_OPERAND_INVALID | OP_R8;
	for (uint64_t i = 0; i < r->rdx; i++) {
		err = read_tdmr(array[i], i);
		if (err)
			return err;
	}
	tdx.nr_tdmrs = r->rdx;
	tdx.global_hkid = r->r8;
	tdx.hkid_used |= 1ULL << (r->r8 - first);
	tdx.state = SYS_CONFIGURED;
	return TDX_SUCCESS;
}
