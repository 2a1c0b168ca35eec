// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watch mode: the kernel has initialised TDX; with which memory, only the TDX
 * module tells.  Its metadata name the CMRs; TDH.PHYMEM.PAGE.RDMD answers for a
 * page that a TDMR offers, and refuses or calls reserved any other.
 *
 * The pages asked for are not online: nobody else makes a SEAMCALL on them.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <asm/smp.h>

#include "hotplug.h"
#include "seamcall.h"
#include "tdx/abi.h"
#include "tdx_reset.h"

#define STEP	SZ_2M	/* memory is there or not by sections of this size at least */

/* The end of the CMR that has this byte; the byte itself if none has. */
static int cmr_end(u64 nr, u64 pos, u64 *end)
{
	u64 i, base, size;

	*end = pos;
	for (i = 0; i < nr; i++) {
		if (seamcall_read_metadata(TDX_MD_CMR_BASE + i, &base) ||
		    seamcall_read_metadata(TDX_MD_CMR_SIZE + i, &size))
			return -EIO;
		if (pos - base < size)
			*end = base + size;
	}
	return 0;
}

static enum memory_fit check_cmrs(u64 start, u64 end, u64 *where)
{
	u64 nr, next;

	/* A module that does not name them: the pages will tell. */
	if (seamcall_read_metadata(TDX_MD_NUM_CMRS, &nr))
		return MEMORY_USABLE;
	for (*where = start; *where < end; *where = next) {
		if (cmr_end(min_t(u64, nr, TDX_MAX_CMRS), *where, &next))
			return MEMORY_UNKNOWN;
		if (next == *where)
			return MEMORY_NO_CMR;
	}
	return MEMORY_USABLE;
}

static enum memory_fit ask_page(u64 pa)
{
	u64 type, asked = 0;

	switch (seamcall_page_type(PHYS_PFN(pa), &type, &asked)) {
	case 0:
		return type == TDX_PT_RSVD ? MEMORY_LEFT_OUT : MEMORY_USABLE;
	case -ENXIO:
		return MEMORY_LEFT_OUT;
	default:
		return MEMORY_UNKNOWN;
	}
}

/**
 * memory_fit - can TDs use this memory?
 * @start: first byte, page aligned
 * @end: behind the last
 * @where: the first byte that decided, unless all of it can be used
 *
 * The caches may hold lines of the PAMT afterwards, unknown to the kernel: they
 * are written back here.
 *
 * Context: process, may sleep; TDX is initialised, the memory is not online.
 * Return: the answer for the first page that has another than the pages before.
 */
enum memory_fit memory_fit(u64 start, u64 end, u64 *where)
{
	enum memory_fit fit = check_cmrs(start, end, where);

	if (fit != MEMORY_USABLE)
		return fit;
	for (*where = start; *where < end; *where += STEP) {
		fit = ask_page(*where);
		if (fit != MEMORY_USABLE)
			break;
		cond_resched();
	}
	wbinvd_on_all_cpus();
	return fit;
}
