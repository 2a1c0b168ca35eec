// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDs come, by the SEAMCALLs that KVM would make, in its order; none ever runs.
 *
 * A TD's memory begins at guest address 0.  Its pages are kept in lists, so that
 * each can be taken back whatever state the TD got to.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cacheflush.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/processor.h>

#include "td-user.h"
#include "tdx/abi.h"

#define MSR_KEYID_PARTITIONING	0x87
#define MD_TDCS_SIZE		0x9800000100000100ULL
#define MD_TDVPS_SIZE		0x9800000100000200ULL
#define MAX_TDS			14
#define SEPT_TOP		3

/* The beginning of TD_PARAMS; 1024 bytes, 1024-aligned. */
struct td_params {
	u64 attributes;
	u64 xfam;
	u16 max_vcpus;
	u8 reserved[6];
	u64 eptp_controls;
	u64 config_flags;
	u16 tsc_frequency;	/* in 25 MHz */
};

struct td tds[MAX_TDS];
unsigned int nr_tds;

u32 td_global_keyid(void)
{
	return (u32)td_msr(MSR_KEYID_PARTITIONING) + 1;
}

int td_failed(const char *what, u64 status)
{
	pr_err("%s: status %#llx\n", what, status);
	return -EIO;
}

static unsigned int metadata_pages(u64 field)
{
	struct seamcall_args args = { .rdx = field };

	return td_is_error(seam_out(TDH_SYS_RD, &args)) ? 0 : args.r8 / PAGE_SIZE;
}

/* No line of it may be dirty in a cache when TDX gets it. */
static struct td_page *new_page(struct list_head *list, unsigned int order)
{
	struct td_page *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	p->page = td_alloc(order);
	if (!p->page) {
		kfree(p);
		return NULL;
	}
	p->order = order;
	clflush_cache_range(page_address(p->page), PAGE_SIZE << order);
	list_add_tail(&p->list, list);
	return p;
}

void td_drop_page(struct td_page *p)
{
	list_del(&p->list);
	if (!p->given)
		td_free(p->page, p->order);
	kfree(p);
}

static u64 pa_of(const struct td_page *p)
{
	return page_to_phys(p->page);
}

/* A control page: @operand is the TDR or the TDVPR. */
static int add_control(struct td *td, u64 leaf, u64 operand, const char *what, u64 *pa)
{
	struct td_page *p = new_page(&td->control, 0);
	u64 status;

	if (!p)
		return -ENOMEM;
	status = seam(leaf, pa_of(p), operand, 0, 0);
	if (td_is_error(status)) {
		td_drop_page(p);
		return td_failed(what, status);
	}
	if (pa)
		*pa = pa_of(p);
	return 0;
}

static int init_td(struct td *td)
{
	struct td_params *params = (void *)get_zeroed_page(GFP_KERNEL);
	u64 status;

	if (!params)
		return -ENOMEM;
	params->xfam = 3;
	params->max_vcpus = 1;
	params->eptp_controls = 0x1e;	/* write-back, 4 levels */
	params->config_flags = 4;	/* NO_RBP_MOD */
	params->tsc_frequency = 40;	/* 1 GHz */
	status = seam(TDH_MNG_INIT, td->tdr, virt_to_phys(params), 0, 0);
	free_page((unsigned long)params);
	return td_is_error(status) ? td_failed("TDH.MNG.INIT", status) : 0;
}

static int create_td(struct td *td)
{
	unsigned int i, n = metadata_pages(MD_TDCS_SIZE);
	struct page *page = td_alloc(0);
	u64 status;
	int ret;

	if (!page)
		return -ENOMEM;
	clflush_cache_range(page_address(page), PAGE_SIZE);
	td->tdr = page_to_phys(page);
	status = seam(TDH_MNG_CREATE, td->tdr, td->hkid, 0, 0);
	if (td_is_error(status)) {
		td_free(page, 0);
		return td_failed("TDH.MNG.CREATE", status);
	}
	td->control_tdr = page;
	status = seam(TDH_MNG_KEY_CONFIG, td->tdr, 0, 0, 0);
	if (td_is_error(status))
		return td_failed("TDH.MNG.KEY.CONFIG", status);
	for (i = 0; i < n; i++) {
		ret = add_control(td, TDH_MNG_ADDCX, td->tdr, "TDH.MNG.ADDCX", NULL);
		if (ret)
			return ret;
	}
	return init_td(td);
}

struct vcpu_call {
	u64 leaf;
	u64 tdvpr;
	u64 status;
};

static void vcpu_call_here(void *arg)
{
	struct vcpu_call *call = arg;

	call->status = seam(call->leaf, call->tdvpr, 0, 0, 0);
}

/* A vCPU belongs to the CPU it was last used on. */
u64 td_on_vcpu(struct td *td, u64 leaf)
{
	struct vcpu_call call = { .leaf = leaf, .tdvpr = td->tdvpr };

	if (smp_call_function_single(td->cpu, vcpu_call_here, &call, 1))
		return SEAMCALL_REFUSED;
	return call.status;
}

static int create_vcpu(struct td *td)
{
	unsigned int i, n = metadata_pages(MD_TDVPS_SIZE);
	u64 status;
	int ret;

	ret = add_control(td, TDH_VP_CREATE, td->tdr, "TDH.VP.CREATE", &td->tdvpr);
	for (i = 1; i < n && !ret; i++)
		ret = add_control(td, TDH_VP_ADDCX, td->tdvpr, "TDH.VP.ADDCX", NULL);
	if (ret)
		return ret;
	td->cpu = raw_smp_processor_id();
	status = td_on_vcpu(td, TDH_VP_INIT | TD_VERSION_1);
	return td_is_error(status) ? td_failed("TDH.VP.INIT", status) : 0;
}

static int add_table(struct td *td, u64 gpa, unsigned int level)
{
	u64 span = 1ULL << (12 + 9 * level);
	struct td_page *p;
	u64 status;

	if (gpa & (span - 1))
		return 0;
	p = new_page(&td->tables, 0);
	if (!p)
		return -ENOMEM;
	status = seam(TDH_MEM_SEPT_ADD, gpa | level, td->tdr, pa_of(p), 0);
	if (td_is_error(status)) {
		td_drop_page(p);
		return td_failed("TDH.MEM.SEPT.ADD", status);
	}
	return 0;
}

/* Tables for the 2 MiB at @gpa, down to @lowest. */
static int add_tables(struct td *td, u64 gpa, unsigned int lowest)
{
	unsigned int level;
	int ret = 0;

	if (gpa < td->tables_end)
		return 0;
	for (level = SEPT_TOP; level >= lowest && !ret; level--)
		ret = add_table(td, gpa, level);
	td->tables_end = gpa + SZ_2M;
	return ret;
}

/* Before the TD is finalised, with a source that is copied. */
static int add_first_page(struct td *td)
{
	struct page *source = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct td_page *p;
	u64 status;
	int ret;

	ret = source ? add_tables(td, 0, 1) : -ENOMEM;
	p = ret ? NULL : new_page(&td->guest, 0);
	if (!p) {
		if (source)
			__free_page(source);
		return ret ? ret : -ENOMEM;
	}
	status = seam(TDH_MEM_PAGE_ADD, 0, td->tdr, pa_of(p), page_to_phys(source));
	__free_page(source);
	if (td_is_error(status)) {
		td_drop_page(p);
		return td_failed("TDH.MEM.PAGE.ADD", status);
	}
	td->next_gpa = PAGE_SIZE;
	return 0;
}

static int aug_page(struct td *td, unsigned int order)
{
	unsigned int level = order ? TDX_PS_2M : TDX_PS_4K;
	struct td_page *p;
	u64 status;
	int ret;

	ret = add_tables(td, td->next_gpa, level + 1);
	if (ret)
		return ret;
	p = new_page(&td->guest, order);
	if (!p)
		return -ENOMEM;
	p->gpa = td->next_gpa;
	status = seam(TDH_MEM_PAGE_AUG, p->gpa | level, td->tdr, pa_of(p), 0);
	if (td_is_error(status)) {
		td_drop_page(p);
		return td_failed("TDH.MEM.PAGE.AUG", status);
	}
	td->next_gpa += PAGE_SIZE << order;
	return 0;
}

static int fill_td(struct td *td, u64 bytes, bool large)
{
	u64 status;
	int ret = add_first_page(td);

	if (ret)
		return ret;
	status = seam(TDH_MR_FINALIZE, td->tdr, 0, 0, 0);
	if (td_is_error(status))
		return td_failed("TDH.MR.FINALIZE", status);
	while (td->next_gpa < bytes) {
		unsigned int order = large && !(td->next_gpa % SZ_2M) ? 9 : 0;

		ret = aug_page(td, order);
		if (ret)
			return ret;
	}
	return 0;
}

/* @large: 2 MiB pages behind the first 2 MiB. */
int td_make(unsigned int nr, unsigned int mib, bool large)
{
	int ret = 0;

	for (; nr && !ret; nr--) {
		struct td *td = &tds[nr_tds];

		if (nr_tds == MAX_TDS)
			return -ENOSPC;
		*td = (struct td){ .hkid = td_global_keyid() + 1 + nr_tds };
		INIT_LIST_HEAD(&td->guest);
		INIT_LIST_HEAD(&td->tables);
		INIT_LIST_HEAD(&td->control);
		nr_tds++;	/* what there is of it is destroyed, if it fails */
		ret = create_td(td);
		if (!ret)
			ret = create_vcpu(td);
		if (!ret)
			ret = fill_td(td, (u64)mib << 20, large);
	}
	pr_info("%u TDs, result %d\n", nr_tds, ret);
	return ret;
}

/* One page of somebody else, such as the crash kernel's, becomes TD memory. */
int td_give(u64 pa)
{
	struct td_page *p = kzalloc(sizeof(*p), GFP_KERNEL);
	struct td *td = &tds[0];
	u64 status;

	if (!p)
		return -ENOMEM;
	if (!nr_tds || !pfn_valid(PHYS_PFN(pa)) ||
	    add_tables(td, td->next_gpa, 1)) {
		kfree(p);
		return -EINVAL;
	}
	p->page = pfn_to_page(PHYS_PFN(pa));
	p->given = true;
	p->gpa = td->next_gpa;
	status = seam(TDH_MEM_PAGE_AUG, p->gpa, td->tdr, pa, 0);
	if (td_is_error(status)) {
		kfree(p);
		return td_failed("TDH.MEM.PAGE.AUG of a given page", status);
	}
	td->next_gpa += PAGE_SIZE;
	list_add_tail(&p->list, &td->guest);
	pr_info("page %#llx is TD memory now\n", pa);
	return 0;
}
