// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: ends the running kernel where a crash is awkward.  how= says where:
 *
 *   irq		at load, in hard interrupt context
 *   nmi		at load, in NMI context
 *   seamcall	at load, while another CPU is inside a SEAMCALL that gives the
 *		page pa= to TDX (the simulator must hold that call for long enough)
 *   function	later: when function= is entered for the after=th time
 *
 * oops=1, with how=function: an oops, not a panic.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/ftrace.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/nmi.h>
#include <linux/panic.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/nmi.h>

#include "tdx/abi.h"
#include "tdx/seamcall.h"

static char *how = "";
module_param(how, charp, 0444);
MODULE_PARM_DESC(how, "irq, nmi, seamcall or function");

static char *function = "";
module_param(function, charp, 0444);
MODULE_PARM_DESC(function, "how=function: which");

static int after = 1;
module_param(after, int, 0444);
MODULE_PARM_DESC(after, "how=function: the entry that is the last (default 1)");

static bool oops;
module_param(oops, bool, 0444);
MODULE_PARM_DESC(oops, "how=function: an oops instead of a panic");

static ulong pa;
module_param(pa, ulong, 0444);
MODULE_PARM_DESC(pa, "how=seamcall: the page that becomes a TDR");

#define TEST_HKID	27	/* the pages of give.ko take 31 and those below */

/* --- in an interrupt, in an NMI ------------------------------------------------- */

static void panic_in_irq(struct irq_work *work)
{
	if (!in_hardirq())
		pr_err("this is no hard interrupt\n");
	else
		panic("make_panic: in hard interrupt context");
}

static struct irq_work irq_work = IRQ_WORK_INIT_HARD(panic_in_irq);

static int make_irq(void)
{
	irq_work_queue(&irq_work);
	return 0;
}

static atomic_t nmi_wanted;

static int panic_in_nmi(unsigned int type, struct pt_regs *regs)
{
	if (!atomic_xchg(&nmi_wanted, 0))
		return NMI_DONE;
	nmi_panic(regs, "make_panic: in NMI context");
	return NMI_HANDLED;
}

static int make_nmi(void)
{
	int ret = register_nmi_handler(NMI_LOCAL, panic_in_nmi, 0, "make_panic");
	int cpu;

	if (ret)
		return ret;
	cpu = get_cpu();
	atomic_set(&nmi_wanted, 1);
	apic->send_IPI(cpu, NMI_VECTOR);
	put_cpu();
	return 0;
}

/* --- when a function is entered ----------------------------------------------------- */

static atomic_t entered;
static int *nowhere;

static notrace void function_entry(unsigned long ip, unsigned long parent_ip,
				   struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	if (atomic_inc_return(&entered) != after)
		return;
	pr_emerg("CPU %u in %s(), entry %d\n", raw_smp_processor_id(), function, after);
	if (oops)
		WRITE_ONCE(*READ_ONCE(nowhere), 0);
	panic("make_panic: in %s()", function);
}

static struct ftrace_ops function_ops = {
	.func = function_entry,
};

static int on_entry(struct ftrace_ops *ops, char *name)
{
	int ret = ftrace_set_filter(ops, name, strlen(name), 1);

	if (!ret)
		ret = register_ftrace_function(ops);
	if (ret)
		pr_err("cannot hook %s(): error %d\n", name, ret);
	return ret;
}

static int arm_function(void)
{
	return on_entry(&function_ops, function);
}

/* --- while another CPU is inside a SEAMCALL ------------------------------------------ */

typedef u64 (*seamcall_fn)(u64 leaf, struct seamcall_args *args);

/* How far the CPU with the SEAMCALL has come, and had when the crash stopped it. */
enum { NOT_BEGUN, BEGUN, CAME_BACK };
static int progress, stopped_at;
static int caller = -1;

/* The kernel's own or, where it has none, what tdx_reset.ko exports. */
static seamcall_fn find_seamcall(void)
{
	static const char * const names[] = { "__seamcall", "tdx_seamcall" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct kprobe kp = {
			.symbol_name = names[i],
			.flags = KPROBE_FLAG_DISABLED,
		};

		if (register_kprobe(&kp))
			continue;
		unregister_kprobe(&kp);
		return (seamcall_fn)kp.addr;
	}
	pr_err("nothing here makes SEAMCALLs\n");
	return NULL;
}

static void call(void *seamcall)
{
	struct seamcall_args args = { .rcx = pa, .rdx = TEST_HKID };
	u64 status;

	WRITE_ONCE(caller, raw_smp_processor_id());
	WRITE_ONCE(progress, BEGUN);
	status = ((seamcall_fn)seamcall)(TDH_MNG_CREATE, &args);
	WRITE_ONCE(progress, CAME_BACK);
	pr_err("TDH.MNG.CREATE of page %#lx came back: status %#llx\n", pa, status);
}

/* The kernel drops what a CPU says that is being stopped, so another one tells. */
static notrace void stopped_entry(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	if (raw_smp_processor_id() == READ_ONCE(caller))
		WRITE_ONCE(stopped_at, READ_ONCE(progress));
}

static notrace void jump_entry(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	static const char * const texts[] = {
		[NOT_BEGUN] = "has not stopped",
		[BEGUN] = "stopped in its SEAMCALL",
		[CAME_BACK] = "stopped after its SEAMCALL",
	};

	pr_emerg("CPU %d %s\n", caller, texts[READ_ONCE(stopped_at)]);
}

static struct ftrace_ops stopped_ops = {
	.func = stopped_entry,
};

static struct ftrace_ops jump_ops = {
	.func = jump_entry,
};

/*
 * Comes back only if there was no panic.  The page becomes TDX's at the call's
 * begin: it then reads as something else, which is harmless.
 */
static int panic_meanwhile(seamcall_fn seamcall)
{
	const u64 *word = phys_to_virt(pa);
	unsigned int other;
	int ret = -ENODEV;
	u64 was;

	preempt_disable();
	was = READ_ONCE(*word);
	other = cpumask_any_but(cpu_online_mask, smp_processor_id());
	if (other < nr_cpu_ids)
		ret = smp_call_function_single(other, call, seamcall, false);
	if (!ret) {
		while (READ_ONCE(progress) != CAME_BACK && READ_ONCE(*word) == was)
			cpu_relax();
		if (READ_ONCE(progress) == BEGUN)
			panic("make_panic: CPU %u is in a SEAMCALL", other);
		ret = -EAGAIN;
	}
	preempt_enable();
	pr_err("%s\n", ret == -EAGAIN ? "the SEAMCALL was too quick" : "no second CPU");
	return ret;
}

static int make_seamcall(void)
{
	char stopped[] = "kdump_nmi_callback", jump[] = "machine_kexec";
	seamcall_fn seamcall = find_seamcall();
	int ret;

	if (!seamcall)
		return -EOPNOTSUPP;
	ret = on_entry(&stopped_ops, stopped);
	if (ret)
		return ret;
	ret = on_entry(&jump_ops, jump);
	if (!ret) {
		ret = panic_meanwhile(seamcall);
		unregister_ftrace_function(&jump_ops);
	}
	unregister_ftrace_function(&stopped_ops);
	return ret;
}

static const struct {
	const char *name;
	int (*run)(void);
} ways[] = {
	{ "irq",	make_irq },
	{ "nmi",	make_nmi },
	{ "seamcall",	make_seamcall },
	{ "function",	arm_function },
};

static int __init make_panic_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strcmp(how, ways[i].name))
			return ways[i].run();
	pr_err("how=%s: allowed are irq, nmi, seamcall, function\n", how);
	return -EINVAL;
}

/* No exit: whoever armed it wants the machine to end. */
module_init(make_panic_init);

MODULE_DESCRIPTION("Test only: panic where it is awkward");
MODULE_AUTHOR("The kexec-tdx developers");
MODULE_LICENSE("GPL");
