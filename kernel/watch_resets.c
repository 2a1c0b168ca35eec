// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watch the kernel make pages normal again: fprobes on the functions that do.
 * They run where the watched function runs, in any context but NMI.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fprobe.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/uaccess.h>
#include <asm/text-patching.h>

#include "compat.h"
#include "coverage.h"
#include "effects.h"
#include "tdx_reset.h"

/*
 * @missed_before: resets that were on their way when the probe came
 * @names_page: the argument is a struct page, not an address and a size.  Older
 * kernels have the second form only; newer ones the first, and a wrapper may
 * exist beside it.
 */
struct reset_probe {
	const char *symbol;
	bool names_page;
	bool registered;
	unsigned long missed_before;
	const u8 *site;
	struct fprobe fp;
};

static struct reset_probe reset_probes[] = {
	{ .symbol = "tdx_quirk_reset_paddr" },
	{ .symbol = "tdx_quirk_reset_page", .names_page = true },
	{ .symbol = "tdx_clear_page", .names_page = true },
};

/**
 * struct reset - one call of such a function
 * @pages: rewritten by it
 * @unlock: unlock_before()
 */
struct reset {
	struct tracker_range pages;
	unsigned int unlock;
};

static int reset_entry(struct fprobe *fp, unsigned long entry_ip,
		       unsigned long ret_ip, compat_fprobe_regs *regs, void *data)
{
	struct reset_probe *probe = container_of(fp, struct reset_probe, fp);
	struct reset *reset = data;
	u64 base, end;

	if (probe->names_page) {
		base = page_to_phys((struct page *)compat_fprobe_arg(regs, 0));
		end = base + PAGE_SIZE;
	} else {
		base = compat_fprobe_arg(regs, 0);
		end = base + compat_fprobe_arg(regs, 1);
	}
	/* Whole pages only: the rest of a page is as it was. */
	reset->pages.pfn = PFN_UP(base);
	reset->pages.nr = PFN_DOWN(end) > reset->pages.pfn ?
			  PFN_DOWN(end) - reset->pages.pfn : 0;
	reset->unlock = unlock_before();
	return 0;
}

/*
 * Without the erratum the function writes nothing, and nothing is needed: the
 * next full or partial write makes a line normal.
 */
static void reset_return(struct fprobe *fp, unsigned long entry_ip,
			 unsigned long ret_ip, compat_fprobe_regs *regs, void *data)
{
	const struct reset *reset = data;

	if (unlock_met(reset->unlock) && platform.erratum)
		scrub_mapped(reset->pages.pfn, reset->pages.nr);
	effect_rewritten(reset->pages.pfn, reset->pages.nr);
}

/* Where ftrace patches its call in: behind ENDBR64 (f3 0f 1e fa), if there is one. */
static const u8 *call_site(const u8 *function)
{
	static const u8 endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };

	if (!function)
		return NULL;
	return memcmp(function, endbr64, sizeof(endbr64)) ? function :
	       function + sizeof(endbr64);
}

/**
 * watch_resets_account - turn what was missed into lost coverage
 *
 * Context: any, NMI included.
 */
void watch_resets_account(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reset_probes); i++) {
		const struct reset_probe *probe = &reset_probes[i];
		u8 opcode;

		if (!probe->registered)
			continue;
		if (READ_ONCE(probe->fp.nmissed) != probe->missed_before)
			coverage_lose(COVERAGE_MISSED_RESET);
		/* The function may have been a module's that is gone. */
		if (copy_from_kernel_nofault(&opcode, probe->site, sizeof(opcode)) ||
		    (opcode != CALL_INSN_OPCODE && opcode != INT3_INSN_OPCODE))
			coverage_lose(COVERAGE_DISARMED);
	}
}

/**
 * watch_resets_start - from now on, every page reset is seen
 *
 * Context: process, may sleep.
 * Return: 0 or a negative error, with the reason in the log.
 */
int watch_resets_start(void)
{
	bool any = false;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(reset_probes); i++) {
		struct reset_probe *probe = &reset_probes[i];

		probe->fp.entry_handler = reset_entry;
		probe->fp.exit_handler = reset_return;
		probe->fp.entry_data_size = sizeof(struct reset);
		probe->site = call_site(platform_symbol(probe->symbol));
		if (!probe->site)
			continue;
		ret = register_fprobe_syms(&probe->fp, &probe->symbol, 1);
		if (ret == -ENOENT)
			continue;
		if (ret) {
			pr_err("cannot watch %s(): fprobe error %d; is kernel.ftrace_enabled 0?\n",
			       probe->symbol, ret);
			return ret;
		}
		probe->registered = true;
		any = true;
	}
	synchronize_rcu();
	for (i = 0; i < ARRAY_SIZE(reset_probes); i++)
		reset_probes[i].missed_before = reset_probes[i].fp.nmissed;
	/* The second: such a kernel frees pages as they are, dirty. */
	if (!any || (platform.erratum && !platform.kernel_rewrites))
		coverage_lose(COVERAGE_NO_RESET_PROBE);
	return 0;
}

/**
 * watch_resets_stop - undo watch_resets_start()
 *
 * Context: process, may sleep.
 */
void watch_resets_stop(void)
{
	size_t i;

	for (i = ARRAY_SIZE(reset_probes); i-- > 0;) {
		if (reset_probes[i].registered)
			unregister_fprobe(&reset_probes[i].fp);
		reset_probes[i].registered = false;
	}
}
