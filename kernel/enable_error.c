// SPDX-License-Identifier: GPL-2.0-only
/*
 * A SEAMCALL of the enablement failed: which, why, and what can be done.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <asm/trapnr.h>

#include "own.h"
#include "tdx/abi.h"

static const struct {
	u16 leaf;
	const char *name;
} leaf_names[] = {
	{ TDH_SYS_INIT, "TDH.SYS.INIT" },
	{ TDH_SYS_LP_INIT, "TDH.SYS.LP.INIT" },
	{ TDH_SYS_RD, "TDH.SYS.RD" },
	{ TDH_SYS_CONFIG, "TDH.SYS.CONFIG" },
	{ TDH_SYS_KEY_CONFIG, "TDH.SYS.KEY.CONFIG" },
	{ TDH_SYS_TDMR_INIT, "TDH.SYS.TDMR.INIT" },
};

/* The first row that fits; the last one fits all. */
static const struct {
	u64 status;
	u64 mask;
	int error;
	const char *text;
} causes[] = {
	{ SEAMCALL_NO_STATUS | X86_TRAP_UD, U64_MAX, -EINVAL,
	  "this CPU is not in VMX operation; VMXON on every online CPU, then enable again" },
	{ SEAMCALL_NO_STATUS | X86_TRAP_GP, U64_MAX, -ENODEV,
	  "this CPU does not take SEAMCALLs; enable TDX in the firmware's setup" },
	{ SEAMCALL_VMFAIL, U64_MAX, -ENODEV,
	  "no TDX module answers; does the firmware load it?" },
	{ SEAMCALL_REFUSED, U64_MAX, -ESHUTDOWN,
	  "not called, a reboot has begun" },
	{ TDX_RND_NO_ENTROPY, TDX_STATUS_MASK, -EAGAIN,
	  "the CPU has no entropy; enable again" },
	{ TDX_SYS_BUSY, TDX_STATUS_MASK, -EBUSY,
	  "the TDX module is busy; enable again" },
	{ TDX_OPERAND_BUSY, TDX_STATUS_MASK, -EBUSY,
	  "the TDX module is busy; enable again" },
	{ TDX_INTERRUPTED_RESUMABLE, TDX_STATUS_MASK, -EINTR,
	  "interrupted; enable again" },
	{ TDX_SYS_SHUTDOWN, TDX_STATUS_MASK, -ENODEV,
	  "the TDX module was shut down; reset the machine through its firmware to use TDX" },
	{ TDX_SYS_LP_INIT_NOT_PENDING, TDX_STATUS_MASK, -ENODEV,
	  "TDX was initialised before, or without this CPU; only a firmware reset helps" },
	{ TDX_SYS_NOT_READY, TDX_STATUS_MASK, -EAGAIN,
	  "a package has no key yet; bring a CPU of each package online, then enable again" },
	{ TDX_SYS_CONFIG_NOT_PENDING, TDX_STATUS_MASK, -EAGAIN,
	  "not every CPU has done TDH.SYS.LP.INIT; bring all CPUs online once, then enable again" },
	{ 0, 0, -EIO,
	  "enable again, or look up the status in the TDX module's ABI reference" },
};

static const char *leaf_name(u64 leaf)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(leaf_names); i++)
		if (leaf_names[i].leaf == (leaf & TDX_LEAF_MASK))
			return leaf_names[i].name;
	return "a SEAMCALL";
}

/**
 * enable_error - say why a SEAMCALL failed
 * @leaf: which
 * @status: what it answered, with an error
 *
 * Context: any; on the CPU that made the call, if that matters.
 * Return: a negative error for it.
 */
int enable_error(u64 leaf, u64 status)
{
	size_t i = 0;

	while ((status & causes[i].mask) != causes[i].status)
		i++;
	pr_err("enable: %s on CPU %d: status %#llx: %s\n", leaf_name(leaf),
	       raw_smp_processor_id(), status, causes[i].text);
	return causes[i].error;
}
