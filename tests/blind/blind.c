// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: does to the running kernel, once, at load, what would blind
 * somebody who watches its SEAMCALLs with kprobes.  how= says what; the table
 * at the end has them all.  Nothing is undone when the module is removed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <asm/text-patching.h>

#include "tdx/abi.h"

static char *how = "";
module_param(how, charp, 0444);
MODULE_PARM_DESC(how, "leaf, version, update, nested, patch or flicker");

static uint flicker_ms;
module_param(flicker_ms, uint, 0444);
MODULE_PARM_DESC(flicker_ms, "how=flicker: for how long (default 0: no longer than it takes)");

#define UNKNOWN_LEAF	99
#define UNKNOWN_VERSION	0xffULL		/* RAX[23:16], all of it */
#define MD_MODULE_HV	0x8900000100000000ULL	/* handoff version, TDH.SYS.RD */

/* The kernel's struct tdx_module_args begins with these, in this order. */
struct seamcall_registers {
	u64 rcx, rdx, r8, r9, r10, r11, r12, r13, r14, r15, rbx, rdi, rsi;
};

typedef u64 (*seamcall_fn)(u64 fn, struct seamcall_registers *args);
typedef unsigned long (*lookup_fn)(const char *name);

static seamcall_fn kernel_seamcall;	/* __seamcall(): outputs are lost */
static seamcall_fn kernel_seamcall_ret;	/* __seamcall_ret() */
static lookup_fn lookup;

/*
 * A kprobe that is never armed resolves one name, and that function all
 * others: no probe of ours goes near those that are to be blinded.
 */
static int find_kernel(void)
{
	struct kprobe kp = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};
	int ret = register_kprobe(&kp);

	if (ret)
		return ret;
	lookup = (lookup_fn)kp.addr;
	unregister_kprobe(&kp);
	kernel_seamcall = (seamcall_fn)lookup("__seamcall");
	kernel_seamcall_ret = (seamcall_fn)lookup("__seamcall_ret");
	if (kernel_seamcall && kernel_seamcall_ret)
		return 0;
	pr_err("no __seamcall() in this kernel\n");
	return -EOPNOTSUPP;
}

static u64 seamcall(seamcall_fn fn, u64 rax, struct seamcall_registers *args)
{
	u64 status;

	preempt_disable();
	status = fn(rax, args);
	preempt_enable();
	pr_info("SEAMCALL %#llx: status %#llx\n", rax, status);
	return status;
}

static int unknown_leaf(void)
{
	struct seamcall_registers args = { };

	seamcall(kernel_seamcall, UNKNOWN_LEAF, &args);
	return 0;
}

static int unknown_version(void)
{
	struct seamcall_registers args = { .rdx = TDX_MD_FEATURES0 };

	seamcall(kernel_seamcall,
		 TDH_SYS_RD | UNKNOWN_VERSION << TDX_LEAF_VERSION_SHIFT, &args);
	return 0;
}

/* As the kernel does when a module update begins; the rest does not follow. */
static int module_update(void)
{
	struct seamcall_registers args = { .rdx = MD_MODULE_HV };

	if (seamcall(kernel_seamcall_ret, TDH_SYS_RD, &args)) {
		pr_err("the TDX module does not tell its handoff version\n");
		return -EIO;
	}
	args = (struct seamcall_registers){ .rcx = args.r8 };
	if (seamcall(kernel_seamcall, TDH_SYS_SHUTDOWN, &args)) {
		pr_err("TDH.SYS.SHUTDOWN with handoff version %llu failed\n", args.rcx);
		return -EIO;
	}
	return 0;
}

/* Kprobes do not nest: what this handler calls, no other one sees. */
static int nested_handler(struct kprobe *kp, struct pt_regs *regs)
{
	struct seamcall_registers args = { .rdx = TDX_MD_FEATURES0 };

	kernel_seamcall(TDH_SYS_RD, &args);
	return 0;
}

static noinline void nested_trigger(void)
{
	barrier();
}

static int nested_call(void)
{
	struct kprobe kp = {
		.addr = (kprobe_opcode_t *)nested_trigger,
		.pre_handler = nested_handler,
	};
	int ret = register_kprobe(&kp);

	if (ret) {
		pr_err("no kprobe on a function of this module: error %d\n", ret);
		return ret;
	}
	nested_trigger();
	unregister_kprobe(&kp);
	return 0;
}

/**
 * struct breakpoint - the first byte of __seamcall()
 * @at: where
 * @original: what a kprobe replaced by INT3
 */
struct breakpoint {
	u8 *at;
	u8 original;
};

static int find_breakpoint(struct breakpoint *bp)
{
	struct kprobe *(*find)(void *addr);
	struct kprobe *kp;
	int ret = -ENOENT;

	find = (void *)lookup("get_kprobe");
	if (!find) {
		pr_err("no get_kprobe() in this kernel\n");
		return -EOPNOTSUPP;
	}
	bp->at = (u8 *)kernel_seamcall;
	preempt_disable();
	kp = find(bp->at);
	if (kp && *bp->at == INT3_INSN_OPCODE) {
		bp->original = kp->opcode;
		ret = 0;
	}
	preempt_enable();
	if (ret)
		pr_err("__seamcall() has no armed kprobe\n");
	return ret;
}

/* In the open: as live patching or a debugger would, every CPU told of it. */
static int poke(u8 *at, u8 byte)
{
	void *(*text_poke_fn)(void *addr, const void *opcode, size_t len);
	struct mutex *mutex = (void *)lookup("text_mutex");
	void (*sync)(void);

	text_poke_fn = (void *)lookup("text_poke");
	sync = (void *)lookup("smp_text_poke_sync_each_cpu");
	if (!sync)
		sync = (void *)lookup("text_poke_sync");	/* before 6.16 */
	if (!text_poke_fn || !mutex || !sync) {
		pr_err("no text_poke() in this kernel\n");
		return -EOPNOTSUPP;
	}
	mutex_lock(mutex);
	text_poke_fn(at, &byte, 1);
	sync();
	mutex_unlock(mutex);
	if (READ_ONCE(*at) == byte)
		return 0;
	pr_err("%pS is %#x, not %#x\n", at, *at, byte);
	return -EIO;
}

static int patch_over(void)
{
	struct breakpoint bp;
	int ret = find_breakpoint(&bp);

	return ret ? ret : poke(bp.at, bp.original);
}

static int flicker(void)
{
	struct breakpoint bp;
	int ret = find_breakpoint(&bp);

	if (!ret)
		ret = poke(bp.at, bp.original);
	if (ret)
		return ret;
	if (flicker_ms)
		msleep(flicker_ms);
	return poke(bp.at, INT3_INSN_OPCODE);
}

static const struct {
	const char *name;
	int (*run)(void);
} ways[] = {
	{ "leaf",	unknown_leaf },		/* no table has it */
	{ "version",	unknown_version },	/* of a leaf that tables have */
	{ "update",	module_update },	/* the TDX module, at run time */
	{ "nested",	nested_call },		/* inside another kprobe */
	{ "patch",	patch_over },		/* the breakpoint is gone */
	{ "flicker",	flicker },		/* and comes back */
};

static int __init blind_init(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strcmp(how, ways[i].name))
			break;
	if (i == ARRAY_SIZE(ways)) {
		pr_err("how=%s: allowed are leaf, version, update, nested, patch, flicker\n", how);
		return -EINVAL;
	}
	ret = find_kernel();
	if (!ret)
		ret = ways[i].run();
	if (!ret)
		pr_info("%s: done\n", how);
	return ret;
}

static void __exit blind_exit(void)
{
}

module_init(blind_init);
module_exit(blind_exit);

MODULE_DESCRIPTION("Test only: blind whoever watches SEAMCALLs");
MODULE_AUTHOR("The kexec-tdx developers");
MODULE_LICENSE("GPL");
