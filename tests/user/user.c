// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: users of the reset notifier chain (tdx/reset_user.h).
 *
 * Three are registered: first, middle, last.  The last is well-behaved; the middle
 * one does what how= says in its now and crash, and what prepare= says in its
 * prepare; the first what first= says in its now and crash.  Some of these, joined
 * by "+":
 *
 *   ok		nothing special
 *   slow	takes two seconds
 *   sleep	sleeps
 *   irqs	turns interrupts on
 *   fail	returns an error
 *
 * private=1: last has a page of its own that TDX owns and the tracker does not
 * know, because the SEAMCALL was made here and not by the kernel; its now and
 * crash make it normal.  pa=: that page is not the kernel's to give, but one of the
 * crash kernel reservation.  forget=1: it stays as it is (the negative twin).
 * twice=1: it is made normal twice.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pfn.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "tdx/abi.h"
#include "tdx/movdir64b.h"
#include "tdx/reset_user.h"
#include "tdx/seamcall_insn.h"

static char *how = "ok";
module_param(how, charp, 0444);
MODULE_PARM_DESC(how, "what the middle user does at the end: ok, slow, sleep, irqs, fail");

static char *first = "ok";
module_param(first, charp, 0444);
MODULE_PARM_DESC(first, "what the first user does at the end: the same");

static char *prepare = "ok";
module_param(prepare, charp, 0444);
MODULE_PARM_DESC(prepare, "what the middle user does in its prepare: the same");

static bool private;
module_param(private, bool, 0444);
MODULE_PARM_DESC(private, "give a page to TDX behind the tracker's back");

static ulong pa;
module_param(pa, ulong, 0444);
MODULE_PARM_DESC(pa, "the page's physical address (default: any)");

static bool forget;
module_param(forget, bool, 0444);
MODULE_PARM_DESC(forget, "do not make that page normal");

#define TEST_HKID	31

static bool twice;
module_param(twice, bool, 0444);
MODULE_PARM_DESC(twice, "make that page normal, and again");

static void *private_page;
static const u8 zeroes[TDX_LINE_SIZE] __aligned(TDX_LINE_SIZE);

/* By the clock: a delay loop goes by what the machine had to do at boot. */
static void spin(void)
{
	u64 end = ktime_get_mono_fast_ns() + 2ULL * NSEC_PER_SEC;

	while (ktime_get_mono_fast_ns() < end)
		cpu_relax();
}

static int misbehave(const char *words)
{
	if (strstr(words, "slow"))
		spin();
	if (strstr(words, "sleep"))
		msleep(20);
	if (strstr(words, "irqs"))
		local_irq_enable();
	return strstr(words, "fail") ? -EIO : 0;
}

static int say_prepare(struct tdx_reset_user *user)
{
	msleep(20);	/* it may */
	pr_info("%s: prepare\n", user->name);
	return 0;
}

static int misbehave_early(struct tdx_reset_user *user)
{
	say_prepare(user);
	return misbehave(prepare);
}

static void say(struct tdx_reset_user *user)
{
	if (irqs_disabled())
		pr_emerg("%s: called\n", user->name);
	else
		pr_emerg("%s: is called with interrupts on\n", user->name);
}

static int misbehave_first(struct tdx_reset_user *user)
{
	say(user);
	return misbehave(first);
}

static int misbehave_late(struct tdx_reset_user *user)
{
	say(user);
	return misbehave(how);
}

static int clean(struct tdx_reset_user *user)
{
	say(user);
	if (private_page && !forget) {
		movdir64b_clear_page(private_page, zeroes);
		if (twice)
			movdir64b_clear_page(private_page, zeroes);
		movdir64b_fence();
	}
	return 0;
}

static struct tdx_reset_user users[] = {
	{ .name = "first", .prepare = say_prepare, .now = misbehave_first,
	  .crash = misbehave_first },
	{ .name = "middle", .prepare = misbehave_early, .now = misbehave_late,
	  .crash = misbehave_late },
	{ .name = "last", .prepare = say_prepare, .now = clean, .crash = clean },
};

static void drop_page(struct page *page)
{
	if (!pa)
		__free_page(page);
}

static int give_page(void)
{
	struct seamcall_args args = { .rdx = TEST_HKID };
	struct page *page;
	u64 status;

	page = pa ? pfn_to_page(PHYS_PFN(pa)) : alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	/* With a capture kernel loaded, the direct map of its memory is read-only. */
	private_page = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!private_page) {
		drop_page(page);
		return -ENOMEM;
	}
	args.rcx = page_to_phys(page);
	preempt_disable();
	status = seamcall_insn(TDH_MNG_CREATE, &args);
	preempt_enable();
	if (status) {
		pr_err("TDH.MNG.CREATE: status %#llx\n", status);
		vunmap(private_page);
		drop_page(page);
		return -EIO;
	}
	pr_info("page %#llx is a TDR now\n", args.rcx);
	return 0;
}

static int __init user_init(void)
{
	size_t i;
	int ret = private ? give_page() : 0;

	for (i = 0; !ret && i < ARRAY_SIZE(users); i++)
		ret = tdx_reset_register(&users[i]);
	if (ret)
		pr_err("error %d\n", ret);
	else if (tdx_reset_register(&users[0]) != -EEXIST)
		pr_err("registered twice\n");
	else
		pr_info("%zu users registered\n", i);
	return ret;
}

static void __exit user_exit(void)
{
	size_t i;

	for (i = ARRAY_SIZE(users); i-- > 0;)
		tdx_reset_unregister(&users[i]);
}

module_init(user_init);
module_exit(user_exit);

MODULE_DESCRIPTION("Test only: users of the reset notifier chain");
MODULE_LICENSE("GPL");
