// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: users of the reset notifier chain (tdx/reset_user.h).
 *
 * Three are registered: first, middle, last.  First and last are well-behaved;
 * the middle one does what how= says in its now and crash:
 *
 *   ok		nothing special
 *   fail	returns an error
 *   slow	takes two seconds
 *   sleep	sleeps
 *
 * private=1: last has a page of its own that TDX owns and the tracker does not
 * know, because the SEAMCALL was made here and not by the kernel; its now makes
 * it normal.  forget=1: its now does not (the negative twin).  twice=1: it does
 * so twice.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include "tdx/abi.h"
#include "tdx/movdir64b.h"
#include "tdx/reset_user.h"
#include "tdx/seamcall_insn.h"

static char *how = "ok";
module_param(how, charp, 0444);
MODULE_PARM_DESC(how, "what the middle user does: ok, fail, slow, sleep");

static bool private;
module_param(private, bool, 0444);
MODULE_PARM_DESC(private, "give a page to TDX behind the tracker's back");

static bool forget;
module_param(forget, bool, 0444);
MODULE_PARM_DESC(forget, "do not make that page normal");

#define TEST_HKID	31

static bool twice;
module_param(twice, bool, 0444);
MODULE_PARM_DESC(twice, "make that page normal, and again");

static struct page *private_page;
static const u8 zeroes[TDX_LINE_SIZE] __aligned(TDX_LINE_SIZE);

static int say_prepare(struct tdx_reset_user *user)
{
	msleep(20);	/* it may */
	pr_info("%s: prepare\n", user->name);
	return 0;
}

static int say(struct tdx_reset_user *user)
{
	pr_emerg("%s: called\n", user->name);
	return 0;
}

static int misbehave(struct tdx_reset_user *user)
{
	pr_emerg("%s: called, %s\n", user->name, how);
	if (!strcmp(how, "fail"))
		return -EIO;
	if (!strcmp(how, "slow"))
		mdelay(2000);
	if (!strcmp(how, "sleep"))
		msleep(20);
	return 0;
}

static int clean(struct tdx_reset_user *user)
{
	pr_emerg("%s: called\n", user->name);
	if (private_page && !forget) {
		movdir64b_clear_page(page_address(private_page), zeroes);
		if (twice)
			movdir64b_clear_page(page_address(private_page), zeroes);
		movdir64b_fence();
	}
	return 0;
}

static struct tdx_reset_user users[] = {
	{ .name = "first", .prepare = say_prepare, .now = say, .crash = say },
	{ .name = "middle", .prepare = say_prepare, .now = misbehave, .crash = misbehave },
	{ .name = "last", .prepare = say_prepare, .now = clean, .crash = clean },
};

static int give_page(void)
{
	struct seamcall_args args = { .rdx = TEST_HKID };
	u64 status;

	private_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!private_page)
		return -ENOMEM;
	args.rcx = page_to_phys(private_page);
	preempt_disable();
	status = seamcall_insn(TDH_MNG_CREATE, &args);
	preempt_enable();
	if (status) {
		pr_err("TDH.MNG.CREATE: status %#llx\n", status);
		__free_page(private_page);
		return -EIO;
	}
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
