// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why the tracker may not hold every private page.  One word of bits, kept
 * here and copied into the private map for outside readers.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/printk.h>

#include "coverage.h"
#include "tdx/private_map.h"

static const char * const reason_texts[] = {
	[COVERAGE_SEARCH_PENDING] =
		"the search for private pages is not finished",
	[COVERAGE_SEARCH_FAILED] =
		"TDH.PHYMEM.PAGE.RDMD did not answer for some memory",
	[COVERAGE_DYNAMIC_PAMT] =
		"the kernel gives PAMT pages to TDX on demand",
	[COVERAGE_CONFIGURED_LATE] =
		"TDX was initialised after the module was loaded, and its PAMT is not known",
	[COVERAGE_MISSED_CALL] =
		"a SEAMCALL was not seen",
	[COVERAGE_MISSED_RETURN] =
		"the result of a SEAMCALL was not seen",
	[COVERAGE_MISSED_RESET] =
		"the rewriting of a page was not seen",
	[COVERAGE_NO_RESET_PROBE] =
		"no function that rewrites pages can be watched",
	[COVERAGE_UNKNOWN_LEAF] =
		"a SEAMCALL leaf or version that is not in the table was called",
	[COVERAGE_OUTSIDE_MAP] =
		"a page outside of the memory known at load was given to TDX",
	[COVERAGE_TRACKER_FULL] =
		"the xarray tracker ran out of memory in reserve (tracker=bitmap needs none)",
	[COVERAGE_DISARMED] =
		"the probes were disarmed (debugfs kprobes/enabled) or patched over",
	[COVERAGE_UNGUARDED] =
		"it cannot be noticed when the probes are disarmed for a moment",
	[COVERAGE_FOREIGN_TDX] =
		"TDX was initialised by an earlier kernel or by somebody else",
	[COVERAGE_MODULE_UPDATED] =
		"the TDX module was updated while it ran",
};

static unsigned long coverage_reasons;
static struct private_map_header *coverage_map;

/**
 * coverage_publish - keep a copy of the reasons in the private map
 * @map: the header, or NULL to stop
 *
 * Context: any; one caller.
 */
void coverage_publish(struct private_map_header *map)
{
	WRITE_ONCE(coverage_map, map);
	if (map)
		WRITE_ONCE(map->coverage, coverage_reasons);
}

/**
 * coverage_lose - the tracker may miss a page from now on
 * @reason: why
 *
 * Context: any, NMI included.
 */
void coverage_lose(enum coverage_reason reason)
{
	struct private_map_header *map = READ_ONCE(coverage_map);

	if (test_and_set_bit(reason, &coverage_reasons))
		return;
	if (map)
		set_bit(reason, (unsigned long *)&map->coverage);
	if (reason != COVERAGE_SEARCH_PENDING)
		pr_warn("coverage is partial: %s; on a CPU with the erratum a kexec then ends in a firmware reset, unless TDH.SYS.DISABLE makes up for it; Documentation/tdx_reset.md has the remedy\n",
			reason_texts[reason]);
}

/**
 * coverage_regain - a reason does not hold any more
 * @reason: which
 *
 * Context: process.
 */
void coverage_regain(enum coverage_reason reason)
{
	struct private_map_header *map = READ_ONCE(coverage_map);

	clear_bit(reason, &coverage_reasons);
	if (map)
		clear_bit(reason, (unsigned long *)&map->coverage);
}

/**
 * coverage_complete - does the tracker hold every private and dirty page?
 *
 * Context: any, NMI included.
 * Return: true if no reason speaks against it.
 */
bool coverage_complete(void)
{
	return !READ_ONCE(coverage_reasons);
}

/*
 * Private pages that the tracker does not know.  TDH.SYS.DISABLE makes them
 * normal like those that it knows; not so dirty ones that nobody saw.
 */
#define HEALED_BY_DISABLE	(BIT(COVERAGE_SEARCH_FAILED) |		\
				 BIT(COVERAGE_DYNAMIC_PAMT) |		\
				 BIT(COVERAGE_CONFIGURED_LATE) |	\
				 BIT(COVERAGE_OUTSIDE_MAP))

/**
 * coverage_healed_by_disable - is all known after TDH.SYS.DISABLE succeeded?
 *
 * Context: any, NMI included.
 * Return: true if no reason speaks against it.
 */
bool coverage_healed_by_disable(void)
{
	return !(READ_ONCE(coverage_reasons) & ~HEALED_BY_DISABLE);
}

/**
 * coverage_lost - does this reason hold?
 * @reason: which
 *
 * Context: any, NMI included.
 * Return: true if it does.
 */
bool coverage_lost(enum coverage_reason reason)
{
	return test_bit(reason, &coverage_reasons);
}

/**
 * coverage_reason - the first reason, as text
 *
 * Context: any, NMI included.
 * Return: the text; empty if coverage is complete.
 */
const char *coverage_reason(void)
{
	unsigned long reasons = READ_ONCE(coverage_reasons);

	return reasons ? reason_texts[__ffs(reasons)] : "";
}
