// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDs go, as KVM ends them; and pages in the states that they pass on the way,
 * left there.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/processor.h>

#include "td-user.h"

static u64 pa_of(const struct td_page *p)
{
	return page_to_phys(p->page);
}

static void make_normal(struct td_page *p, u32 hkid)
{
	u64 i;

	for (i = 0; i < 1ULL << p->order; i++)
		seam(TDH_PHYMEM_PAGE_WBINVD, (pa_of(p) + i * PAGE_SIZE) |
		     (u64)hkid << boot_cpu_data.x86_phys_bits, 0, 0, 0);
	seam_reset(page_to_pfn(p->page), 1ULL << p->order);
}

static u64 block_page(struct td *td, const struct td_page *p)
{
	return seam(TDH_MEM_RANGE_BLOCK, p->gpa | (p->order ? TDX_PS_2M : TDX_PS_4K),
		    td->tdr, 0, 0);
}

static u64 remove_page(struct td *td, struct td_page *p)
{
	u64 status = seam(TDH_MEM_PAGE_REMOVE, p->gpa | (p->order ? TDX_PS_2M : TDX_PS_4K),
			  td->tdr, 0, 0);

	p->back = !td_is_error(status);
	return status;
}

static u64 reclaim_page(struct td_page *p)
{
	u64 status = p->back ? 0 : seam(TDH_PHYMEM_PAGE_RECLAIM, pa_of(p), 0, 0, 0);

	p->back = !td_is_error(status);
	return status;
}

static u64 write_back_caches(void)
{
	u64 status = seam(TDH_PHYMEM_CACHE_WB, 0, 0, 0, 0);

	while ((status & TDX_STATUS_MASK) == TDX_INTERRUPTED_RESUMABLE)
		status = seam(TDH_PHYMEM_CACHE_WB, 1, 0, 0, 0);
	return status;
}

/* Its KeyID becomes free; every page can be reclaimed then. */
static int tear_down(struct td *td)
{
	u64 status = 0;

	if (td->torn_down)
		return 0;
	if (td->tdvpr)
		td_on_vcpu(td, TDH_VP_FLUSH);	/* not associated: fine */
	status = seam(TDH_MNG_VPFLUSHDONE, td->tdr, 0, 0, 0);
	if (!td_is_error(status))
		status = write_back_caches();
	if (!td_is_error(status))
		status = seam(TDH_MNG_KEY_FREEID, td->tdr, 0, 0, 0);
	if (td_is_error(status))
		return td_failed("end of a TD", status);
	td->torn_down = true;
	return 0;
}

static void reclaim_list(struct list_head *list, u32 hkid)
{
	struct td_page *p, *next;
	u64 status;

	list_for_each_entry_safe(p, next, list, list) {
		status = reclaim_page(p);
		if (td_is_error(status)) {
			td_failed("TDH.PHYMEM.PAGE.RECLAIM, page is lost", status);
			list_del(&p->list);
			kfree(p);
			continue;
		}
		make_normal(p, hkid);
		td_drop_page(p);
	}
}

static void destroy_td(struct td *td)
{
	struct td_page tdr = { .page = td->control_tdr, .given = true };
	struct td_page *p, *next;

	if (!td->control_tdr)
		return;
	list_for_each_entry(p, &td->guest, list)
		if (!p->back && !td->torn_down)
			block_page(td, p);
	if (!td->torn_down)
		seam(TDH_MEM_TRACK, td->tdr, 0, 0, 0);
	list_for_each_entry_safe(p, next, &td->guest, list) {
		if (!p->back && !td->torn_down)
			remove_page(td, p);
		if (!p->back)
			continue;
		make_normal(p, td->hkid);
		td_drop_page(p);
	}
	if (tear_down(td))
		return;
	reclaim_list(&td->guest, td->hkid);
	reclaim_list(&td->tables, td->hkid);
	reclaim_list(&td->control, td->hkid);
	if (td_is_error(reclaim_page(&tdr)))
		return;
	make_normal(&tdr, td_global_keyid());
	td_free(td->control_tdr, 0);
	td->control_tdr = NULL;
}

void td_destroy_all(void)
{
	while (nr_tds)
		destroy_td(&tds[--nr_tds]);
	pr_info("no TD left\n");
}

/* --- states between --------------------------------------------------------------- */

#define STATE_PAGES	16	/* of each state */

/* From the end, so that the states do not meet the first page. */
static struct td_page *last_page(struct td *td, unsigned int n)
{
	struct td_page *p;

	list_for_each_entry_reverse(p, &td->guest, list)
		if (!p->back && !n--)
			return p;
	return NULL;
}

/* Kept until each has been tried: the allocator gives a page that is freed out again. */
static struct page *refused[STATE_PAGES];

static void free_refused(void)
{
	int i;

	for (i = 0; i < STATE_PAGES; i++) {
		if (refused[i])
			__free_page(refused[i]);
		refused[i] = NULL;
	}
}

/* The SEAMCALL fails: the guest address has a page already. */
static int state_added_failed(struct td *td, unsigned int n)
{
	u64 status;

	refused[n] = alloc_page(GFP_KERNEL);
	if (!refused[n])
		return -ENOMEM;
	status = seam(TDH_MEM_PAGE_AUG, 0, td->tdr, page_to_phys(refused[n]), 0);
	memset(page_address(refused[n]), 0x5a, PAGE_SIZE);
	return td_is_error(status) ? 0 : td_failed("a second page for one address", status);
}

/*
 * Not those at the end, which are for "removed".  They stay where they are, so the
 * next one is another one.  Blocked already is no error, but not what is wanted.
 */
static int state_blocked(struct td *td, unsigned int n)
{
	struct td_page *p = last_page(td, STATE_PAGES + n);
	u64 status;

	if (!p)
		return -ENOENT;
	status = block_page(td, p);
	return status ? td_failed("TDH.MEM.RANGE.BLOCK", status) : 0;
}

/* The last one that is not back yet, each time another. */
static int state_removed(struct td *td, unsigned int n)
{
	struct td_page *p = last_page(td, 0);

	if (!p || td_is_error(block_page(td, p)) ||
	    td_is_error(seam(TDH_MEM_TRACK, td->tdr, 0, 0, 0)) ||
	    td_is_error(remove_page(td, p)))
		return -EIO;
	return 0;
}

/* Only of a TD that has ended: the last one. */
static int state_reclaimed(struct td *unused, unsigned int n)
{
	struct td *td = &tds[nr_tds - 1];
	struct td_page *p;

	if (tear_down(td))
		return -EIO;
	p = last_page(td, 0);
	return p && !td_is_error(reclaim_page(p)) ? 0 : -EIO;
}

static const struct {
	const char *name;
	int (*make)(struct td *td, unsigned int n);
} states[] = {
	{ "added-failed", state_added_failed },
	{ "blocked", state_blocked },
	{ "removed", state_removed },
	{ "reclaimed", state_reclaimed },
};

/* Leave pages in a state: of the first TD, or of the last one ("reclaimed"). */
int td_state(const char *state)
{
	int i, try, ret = 0;

	if (nr_tds < 2)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		if (!sysfs_streq(state, states[i].name))
			continue;
		for (try = 0; try < STATE_PAGES && !ret; try++)
			ret = states[i].make(&tds[0], try);
		free_refused();
		pr_info("state %s: %d pages, result %d\n", states[i].name, try, ret);
		return ret;
	}
	pr_err("%s: no such state\n", state);
	return -EINVAL;
}
