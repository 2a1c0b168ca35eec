// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kind of machine and kernel is this?
 */
#include <linux/kprobes.h>
#include <asm/asm.h>
#include <asm/processor.h>
#include <asm/special_insns.h>
#include <asm/tdx.h>

#include "compat.h"
#include "seamcall.h"
#include "tdx_reset.h"

static_assert(offsetof(struct tdx_module_args, rcx) ==
	      offsetof(struct seamcall_args, rcx));
static_assert(offsetof(struct tdx_module_args, rdx) ==
	      offsetof(struct seamcall_args, rdx));
static_assert(offsetof(struct tdx_module_args, r8) ==
	      offsetof(struct seamcall_args, r8));
static_assert(offsetof(struct tdx_module_args, r11) ==
	      offsetof(struct seamcall_args, r11));

struct platform platform;

/*
 * CPUs with the partial-write erratum.  X86_BUG_TDX_PW_MCE says the same only
 * when the kernel went through all of its TDX set-up, so the model decides.
 */
static const struct {
	u8 family;
	u8 model;
} erratum_cpus[] = {
	{ 6, 0x8f },	/* Sapphire Rapids */
	{ 6, 0xcf },	/* Emerald Rapids */
};

static bool cpu_has_erratum(void)
{
	size_t i;

	if (boot_cpu_data.x86_vendor != X86_VENDOR_INTEL)
		return false;
	for (i = 0; i < ARRAY_SIZE(erratum_cpus); i++)
		if (boot_cpu_data.x86 == erratum_cpus[i].family &&
		    boot_cpu_data.x86_model == erratum_cpus[i].model)
			return true;
	return false;
}

/**
 * platform_symbol - address of a symbol that is not exported
 * @name: function or, if the kernel lists them, variable
 *
 * A kprobe that is never armed resolves the name.  For a variable the
 * registration fails, but only after the address was found.
 *
 * Of a function that begins with ENDBR64 the address behind it may be returned;
 * and the kernel may have made it impossible to call indirectly (IBT).  So nothing
 * is called by it.
 *
 * Context: process, may sleep.
 * Return: the address, or NULL.
 */
void *platform_symbol(const char *name)
{
	struct kprobe kp = {
		.symbol_name = name,
		.flags = KPROBE_FLAG_DISABLED,
	};

	if (!register_kprobe(&kp))
		unregister_kprobe(&kp);
	return kp.addr;
}

#if COMPAT_OWN_MODE
static const char *detect_mode(void)
{
	const char *why_not = own_detect();

	platform.own = !why_not;
	return why_not;
}
#else
static const char *detect_mode(void)
{
	if (!platform_symbol("__seamcall") || !platform_symbol("__seamcall_ret"))
		return "this kernel has no TDX host support";
	if (!compat_tdx_host_platform())
		return "TDX is not set up: firmware, CPU, no nohibernate? See virt/tdx: in the log";
	platform.host = true;
	return NULL;
}
#endif

/**
 * platform_vmx_off - leave VMX operation, if this CPU is in it
 *
 * Who did VMXON should have done it.  If not, the code between two kernels
 * would fault when it clears CR4.VMXE.  By hand: what the kernel has for this is
 * KVM's alone.
 *
 * Context: interrupts off, nobody needs VMX any more.
 */
void platform_vmx_off(void)
{
	unsigned long cr4 = native_read_cr4();

	if (!(cr4 & X86_CR4_VMXE))
		return;
	asm volatile("1:	vmxoff\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc", "memory");
	asm volatile("mov %0, %%cr4" : : "r" (cr4 & ~X86_CR4_VMXE) : "memory");
}

/**
 * platform_detect - fill @platform
 *
 * Context: process, may sleep.
 * Return: NULL if this is a TDX host that can be watched, or one that this module
 * can bring up; otherwise why not.
 */
const char *platform_detect(void)
{
	platform.erratum = cpu_has_erratum();
	platform.kernel_rewrites = compat_kernel_knows_erratum();
	return detect_mode();
}
