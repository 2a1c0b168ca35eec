// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX operation, as a user of TDX has to see to it: VMXON on every CPU, on those
 * that come online later, too; VMXOFF when a CPU goes, and before a reboot.
 *
 * The kernel writes CR4 from a shadow of it, so VMXE has to be there as well; not
 * every kernel exports the function for that.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <asm/asm.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#include "td-user.h"

#define MSR_VMX_BASIC	0x480
#define VMX_REVISION	0x7fffffffU

static DEFINE_PER_CPU(struct page *, vmx_region);
static DEFINE_PER_CPU(bool, vmx_on);
static bool tdx_enabled;
static int hotplug_state;

/* cr4_update_irqsoff(), for KVM only since 7.x. */
static void (*update_cr4)(unsigned long set, unsigned long clear);

static int find_update_cr4(void)
{
	struct kprobe kp = { .symbol_name = "cr4_update_irqsoff" };
	int ret = register_kprobe(&kp);

	if (ret)
		return ret;
	unregister_kprobe(&kp);
	update_cr4 = (void *)kp.addr;
	return 0;
}

static int vmxon_here(void)
{
	struct page *region = this_cpu_read(vmx_region);
	u64 pa = page_to_phys(region);
	unsigned long flags;
	bool failed;

	local_irq_save(flags);
	*(u32 *)page_address(region) = td_msr(MSR_VMX_BASIC) & VMX_REVISION;
	update_cr4(X86_CR4_VMXE, 0);
	asm volatile("1:	vmxon %[pa]\n"
		     "	setna %[failed]\n"
		     "	jmp 3f\n"
		     "2:	movb $1, %[failed]\n"
		     "3:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : [failed] "=qm" (failed) : [pa] "m" (pa) : "cc", "memory");
	if (failed)
		update_cr4(0, X86_CR4_VMXE);
	else
		this_cpu_write(vmx_on, true);
	local_irq_restore(flags);
	return failed ? -EIO : 0;
}

static void vmxoff_here(void *unused)
{
	unsigned long flags;

	local_irq_save(flags);
	if (this_cpu_read(vmx_on)) {
		asm volatile("1:	vmxoff\n"
			     "2:\n"
			     _ASM_EXTABLE(1b, 2b)
			     : : : "cc", "memory");
		update_cr4(0, X86_CR4_VMXE);
		this_cpu_write(vmx_on, false);
	}
	local_irq_restore(flags);
}

/* On the CPU itself, in its hotplug thread. */
static int vmx_cpu_online(unsigned int cpu)
{
	unsigned long flags;
	int ret;

	if ((int)cpu == skip_vmxon)
		return 0;
	if (!this_cpu_read(vmx_region)) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

		if (!page)
			return -ENOMEM;
		this_cpu_write(vmx_region, page);
	}
	ret = vmxon_here();
	if (ret) {
		pr_err("VMXON failed on CPU %u\n", cpu);
		return ret;
	}
	if (!READ_ONCE(tdx_enabled))
		return 0;
	local_irq_save(flags);
	ret = tdx_cpu_enable();
	local_irq_restore(flags);
	pr_info("CPU %u came online: tdx_cpu_enable() %d\n", cpu, ret);
	if (ret)
		vmxoff_here(NULL);
	return ret;
}

static int vmx_cpu_offline(unsigned int cpu)
{
	vmxoff_here(NULL);
	return 0;
}

/* CPUs that come online from now on take part. */
void vmx_tdx_enabled(void)
{
	WRITE_ONCE(tdx_enabled, true);
}

static int reboot_begins(struct notifier_block *nb, unsigned long action, void *data)
{
	if (break_chain) {
		pr_info("reboot: no other notifier is called\n");
		return NOTIFY_BAD;
	}
	if (vmxoff_at_reboot)
		on_each_cpu(vmxoff_here, NULL, 1);
	pr_info("reboot: VMX is %s\n", vmxoff_at_reboot ? "off" : "left on");
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = {
	.notifier_call = reboot_begins,
};

int vmx_start(void)
{
	int ret = find_update_cr4();

	if (ret) {
		pr_err("no cr4_update_irqsoff(): error %d\n", ret);
		return ret;
	}
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "test/td-user:online",
				vmx_cpu_online, vmx_cpu_offline);
	if (ret < 0)
		return ret;
	hotplug_state = ret;
	/* As a watchdog's does that cannot be stopped: before most others. */
	reboot_block.priority = break_chain;
	ret = register_reboot_notifier(&reboot_block);
	if (ret)
		cpuhp_remove_state(hotplug_state);
	return ret;
}

void vmx_stop(void)
{
	int cpu;

	unregister_reboot_notifier(&reboot_block);
	cpuhp_remove_state(hotplug_state);
	for_each_possible_cpu(cpu) {
		if (per_cpu(vmx_region, cpu))
			__free_page(per_cpu(vmx_region, cpu));
		per_cpu(vmx_region, cpu) = NULL;
	}
}
