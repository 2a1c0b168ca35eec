// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tdx_enable() has to know: the TDX module's limits, the firmware's CMRs,
 * the kernel's memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "hotplug.h"
#include "own.h"
#include "tdx/abi.h"
#include "tdx_reset.h"

static int read_field(u64 field, u64 *value)
{
	struct seamcall_args args = { .rdx = field };
	u64 status = enable_call(TDH_SYS_RD, &args);

	if (status & TDX_STATUS_ERROR) {
		pr_err("enable: the TDX module's field %#llx cannot be read\n", field);
		return enable_error(TDH_SYS_RD, status);
	}
	*value = args.r8;
	return 0;
}

static int read_u16(u64 field, u16 *value)
{
	u64 wide;
	int ret = read_field(field, &wide);

	if (!ret)
		*value = wide;
	return ret;
}

/*
 * A module that has no such field answers with an error; TDH.SYS.CONFIG judges
 * then, as it does for Linux since 7.1, which does not ask.
 */
static int read_cmrs(struct tdx_info *info)
{
	struct seamcall_args args = { .rdx = TDX_MD_NUM_CMRS };
	u64 status = enable_call(TDH_SYS_RD, &args);
	u64 i, base, size, nr = args.r8;
	int ret;

	info->nr_cmrs = 0;
	if (!seamcall_reached(status) || (status & TDX_STATUS_MASK) == TDX_SYS_BUSY ||
	    (status & TDX_STATUS_MASK) == TDX_RND_NO_ENTROPY)
		return enable_error(TDH_SYS_RD, status);
	if (status & TDX_STATUS_ERROR) {
		pr_info("enable: the TDX module does not tell its CMRs (status %#llx)\n", status);
		return 0;
	}
	for (i = 0; i < min_t(u64, nr, TDX_MAX_CMRS); i++) {
		ret = read_field(TDX_MD_CMR_BASE + i, &base);
		if (!ret)
			ret = read_field(TDX_MD_CMR_SIZE + i, &size);
		if (ret)
			return ret;
		if (size)
			info->cmr[info->nr_cmrs++] = (struct mem_range){ base, base + size };
	}
	return 0;
}

/**
 * enable_read_info - ask the TDX module for its metadata
 * @info: the answer
 *
 * Context: process; on CPUs that have done TDH.SYS.LP.INIT.
 * Return: 0 or a negative error, with the reason in the log.
 */
int enable_read_info(struct tdx_info *info)
{
	const struct {
		u64 field;
		u16 *value;
	} fields[] = {
		{ TDX_MD_MAJOR_VERSION, &info->version[0] },
		{ TDX_MD_MINOR_VERSION, &info->version[1] },
		{ TDX_MD_UPDATE_VERSION, &info->version[2] },
		{ TDX_MD_MAX_TDMRS, &info->limits.max_tdmrs },
		{ TDX_MD_MAX_RESERVED_PER_TDMR, &info->limits.max_reserved },
		{ TDX_MD_PAMT_4K_ENTRY_SIZE, &info->limits.entry[TDX_PS_4K] },
		{ TDX_MD_PAMT_2M_ENTRY_SIZE, &info->limits.entry[TDX_PS_2M] },
		{ TDX_MD_PAMT_1G_ENTRY_SIZE, &info->limits.entry[TDX_PS_1G] },
	};
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		ret = read_u16(fields[i].field, fields[i].value);
		if (ret)
			return ret;
	}
	info->limits.max_tdmrs = min_t(u16, info->limits.max_tdmrs, PAMT_MAX_TDMRS);
	ret = read_field(TDX_MD_FEATURES0, &info->features);
	return ret ? ret : read_cmrs(info);
}

/* More than there are, for memory that is added meanwhile. */
#define SPARE_RANGES	16

struct find_memory {
	struct tdmr_set *set;
	unsigned int room;
};

static int count_range(u64 pfn, u64 nr, void *arg)
{
	unsigned int *count = arg;

	(*count)++;
	return 0;
}

static int add_memory_range(u64 pfn, u64 nr, void *arg)
{
	struct find_memory *find = arg;
	struct mem_range range = {
		.start = max_t(u64, PFN_PHYS(pfn), SZ_1M),	/* nothing below is given to TDX */
		.end = PFN_PHYS(pfn + nr),
	};

	if (range.start >= range.end)
		return 0;
	if (find->set->nr_ranges == find->room)
		return 1;
	find->set->ranges[find->set->nr_ranges++] = range;
	return 0;
}

/**
 * enable_find_memory - what TDX shall be able to use: the page allocator's
 * @set: gets the ranges; the caller frees them
 *
 * Context: process, may sleep.  Memory that is added meanwhile may be found or not.
 * Return: 0 or a negative error; -EAGAIN if much was added meanwhile.
 */
int enable_find_memory(struct tdmr_set *set)
{
	struct find_memory find = { .set = set };

	search_walk_ram(count_range, &find.room);
	find.room += SPARE_RANGES;
	set->nr_ranges = 0;
	set->ranges = kvcalloc(find.room, sizeof(*set->ranges), GFP_KERNEL);
	if (!set->ranges)
		return -ENOMEM;
	if (search_walk_ram(add_memory_range, &find) == 1)
		return -EAGAIN;
	return set->nr_ranges ? 0 : -ENXIO;
}

/**
 * enable_outside - where a range leaves others
 * @in: the others, in any order
 * @nr: entries of @in
 * @range: the range
 *
 * Context: any.
 * Return: its first byte that none of @in has; its end if there is none.
 */
u64 enable_outside(const struct mem_range *in, unsigned int nr,
		   const struct mem_range *range)
{
	u64 pos = range->start;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (pos >= in[i].start && pos < in[i].end) {
			pos = in[i].end;
			i = -1;		/* they need not be sorted: look again */
		}
		if (pos >= range->end)
			return range->end;
	}
	return pos;
}

/**
 * enable_check_cmrs - can all of the kernel's memory be TDX memory?
 * @info: of the TDX module
 * @set: with the ranges of memory; loses those that are not fit but offline
 *
 * Any page of the page allocator may be given to TDX later.  A range that was
 * added and is offline is judged as hotplug.c would: as a whole.
 *
 * Context: process, between hotplug_hold() and hotplug_release().
 * Return: 0, or -EINVAL with the range in the log.
 */
int enable_check_cmrs(const struct tdx_info *info, struct tdmr_set *set)
{
	unsigned int i, kept = 0;

	if (!info->nr_cmrs)
		return 0;
	for (i = 0; i < set->nr_ranges; i++) {
		const struct mem_range range = set->ranges[i];
		u64 pos = enable_outside(info->cmr, info->nr_cmrs, &range);

		if (pos == range.end) {
			set->ranges[kept++] = range;
			continue;
		}
		if (hotplug_in_use(range.start, range.end)) {
			pr_err("enable: memory at %#llx (of %#llx-%#llx) is in no CMR: the firmware did not make it fit for TDX; take it from the kernel (memmap=, device-dax) or enable TDX for it in the firmware's setup\n",
			       pos, range.start, range.end - 1);
			return -EINVAL;
		}
		pr_info("enable: memory %#llx-%#llx is offline, and at %#llx in no CMR: TDX is initialised without it\n",
			range.start, range.end - 1, pos);
	}
	set->nr_ranges = kept;
	return 0;
}
