// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: gives chosen physical pages to TDX, each as the TDR of a TD, and
 * leaves them there.  With pages of the crash kernel reservation this makes what
 * crashkernel CMA areas can hold: private memory that a capture kernel is
 * about to run in.
 *
 * The running kernel owns VMX and the TDX module; its own __seamcall() is
 * called, found through a kprobe, since it is not exported.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include "tdx/abi.h"

static ulong pa[16];
static unsigned int nr_pages;
module_param_array(pa, ulong, &nr_pages, 0444);
MODULE_PARM_DESC(pa, "physical addresses of the pages, page aligned");

static uint hkid = 31;
module_param(hkid, uint, 0444);
MODULE_PARM_DESC(hkid, "private KeyID of the first TD (default 31); the others take those below");

static bool contig;
module_param(contig, bool, 0444);
MODULE_PARM_DESC(contig, "the pages are of a CMA area: taken from whoever has them (default 0)");

/* The kernel's struct tdx_module_args begins with these, in this order. */
struct seamcall_registers {
	u64 rcx, rdx, r8, r9, r10, r11, r12, r13, r14, r15, rbx, rdi, rsi;
};

typedef u64 (*seamcall_fn)(u64 fn, struct seamcall_registers *args);

static seamcall_fn find_seamcall(void)
{
	struct kprobe kp = { .symbol_name = "__seamcall" };
	seamcall_fn fn;

	if (register_kprobe(&kp))
		return NULL;
	fn = (seamcall_fn)kp.addr;
	unregister_kprobe(&kp);
	return fn;
}

/* Kept for ever: TDX has it. */
#ifdef ACR_FLAGS_CMA
static int take(ulong pfn)
{
	return alloc_contig_range(pfn, pfn + 1, ACR_FLAGS_CMA, GFP_KERNEL);
}
#else
static int take(ulong pfn)
{
	return -EOPNOTSUPP;
}
#endif

static int give(seamcall_fn seamcall, ulong page, uint key)
{
	struct seamcall_registers args = { .rcx = page, .rdx = key };
	u64 status;

	if (!page || !PAGE_ALIGNED(page)) {
		pr_err("pa=%#lx is no page\n", page);
		return -EINVAL;
	}
	if (contig && take(PHYS_PFN(page))) {
		pr_err("page %#lx is not to be had\n", page);
		return -EBUSY;
	}
	preempt_disable();
	status = seamcall(TDH_MNG_CREATE, &args);
	preempt_enable();
	if (status) {
		pr_err("TDH.MNG.CREATE of page %#lx with KeyID %u: status %#llx\n",
		       page, key, status);
		return -EIO;
	}
	pr_info("page %#lx is a TDR now\n", page);
	return 0;
}

static int __init give_init(void)
{
	seamcall_fn seamcall = find_seamcall();
	unsigned int i;
	int ret = -EINVAL;	/* no page given */

	if (!seamcall) {
		pr_err("no __seamcall() in this kernel\n");
		return -EOPNOTSUPP;
	}
	for (i = 0; i < nr_pages; i++) {
		ret = give(seamcall, pa[i], hkid - i);
		if (ret)
			break;
	}
	return ret;
}

static void __exit give_exit(void)
{
}

module_init(give_init);
module_exit(give_exit);

MODULE_DESCRIPTION("Test only: give a page to TDX");
MODULE_AUTHOR("The kexec-tdx developers");
MODULE_LICENSE("GPL");
