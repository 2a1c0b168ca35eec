// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory hotplug: hotplug=deny|cmr|any.
 *
 * Any page of the page allocator may be given to TDX.  TDX can only use memory
 * that the firmware converted (CMRs), and of that only what it was initialised
 * with (TDMRs); both never change.  So once TDX is initialised
 *
 *   deny	no memory comes online
 *   cmr	a range that was added comes online if all of it is usable for TDs
 *   any	all comes online; what TDs cannot use is never private
 *
 * Before that all comes online, and tdx_enable() judges it.  Judged is what was
 * added in one go, not the memory block (128 MiB and more) that the kernel asks
 * for: a range that is bad anywhere is bad in all of its blocks, so that none of
 * it is online.  Memory that stays in device-dax never gets here.
 *
 * Locking.  The notifier runs under the kernel's cpus_read_lock() and
 * mem_hotplug_lock, and then takes @hotplug_lock.  tdx_enable(), whose caller has
 * cpus_read_lock() only, holds @hotplug_lock from looking which memory there is
 * until TDX is configured with it (hotplug_hold()); nothing that it calls meanwhile
 * takes mem_hotplug_lock (get_online_mems()), not even to get contiguous memory,
 * so there is no circle.  Between MEM_GOING_ONLINE and the end of going online the
 * lock is not held: @going tells of the block that is on its way, of which there
 * is one at a time.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pfn.h>
#include <linux/sizes.h>

#include "hotplug.h"
#include "params.h"
#include "tdx_reset.h"

#ifndef CONFIG_MEMORY_HOTPLUG
struct memory_notify {
	unsigned long start_pfn;
	unsigned long nr_pages;
};
#endif

enum policy {
	POLICY_DENY,
	POLICY_CMR,
	POLICY_ANY,
};

static const char * const policy_names[] = {
	[POLICY_DENY] = "deny",
	[POLICY_CMR] = "cmr",
	[POLICY_ANY] = "any",
};

static struct params_choice policy = {
	.words = policy_names,
	.nr = ARRAY_SIZE(policy_names),
	.chosen = POLICY_CMR,
};

module_param_cb(hotplug, &params_choice_ops, &policy, 0444);
MODULE_PARM_DESC(hotplug,
		 "memory that comes online while TDX is initialised: deny, cmr (default: only ranges that TDs can use), any");

/* More than this is not expected to be added to a machine that has less. */
#define EXPECTED_END	(32 * SZ_1T)

static DEFINE_MUTEX(hotplug_lock);

/* Under @hotplug_lock: the block that is going online; nr 0: none is. */
static struct tracker_range going;

/**
 * struct verdict - what was found of one range
 * @range: all that was added in one go
 * @tdx: TDX is initialised
 * @fit: if it is
 * @where: the first byte that does not fit
 */
struct verdict {
	struct tracker_range range;
	bool tdx;
	enum memory_fit fit;
	u64 where;
};

/*
 * Under @hotplug_lock: the last one, which holds for the other blocks of its
 * range.  Who tries again later is judged, and told, again.
 */
static struct verdict last;
static unsigned long last_used;
#define SAME_ADDING	(5 * HZ)	/* between two blocks */

/* First address behind all memory that firmware says can be there; 0: unknown. */
static u64 possible_end;

/**
 * hotplug_find - look up how much memory there can be
 *
 * Context: process, may sleep; not under cpus_read_lock().
 */
void hotplug_find(void)
{
	const unsigned long long *max_possible = platform_symbol("max_possible_pfn");

	if (max_possible)
		possible_end = min_t(u64, PFN_PHYS(*max_possible), EXPECTED_END);
}

/**
 * hotplug_memory_end - the first page frame behind memory that may be added
 *
 * Context: any.
 * Return: the page frame; 0 if it is not known.
 */
u64 hotplug_memory_end(void)
{
	return PHYS_PFN(possible_end);
}

/**
 * hotplug_hold - no memory begins to come online until hotplug_release()
 *
 * Context: process, may sleep.
 */
void hotplug_hold(void)
{
	mutex_lock(&hotplug_lock);
}

/**
 * hotplug_release - undo hotplug_hold()
 *
 * Context: process.
 */
void hotplug_release(void)
{
	mutex_unlock(&hotplug_lock);
}

/* Memory is online or not by sections of 128 MiB. */
static u64 section_end(u64 pfn, u64 end)
{
	return min_t(u64, end, ALIGN(pfn + 1, PAGES_PER_SECTION));
}

/**
 * hotplug_in_use - is memory online, or on its way?
 * @start: first byte
 * @end: behind the last
 *
 * Context: process, between hotplug_hold() and hotplug_release().
 * Return: true if any page of it is.
 */
bool hotplug_in_use(u64 start, u64 end)
{
	u64 pfn = PHYS_PFN(start), end_pfn = PHYS_PFN(end);

	lockdep_assert_held(&hotplug_lock);
	if (going.nr && pfn < going.pfn + going.nr && end_pfn > going.pfn)
		return true;
	for (; pfn < end_pfn; pfn = section_end(pfn, end_pfn))
		if (pfn_to_online_page(pfn))
			return true;
	return false;
}

static int find_range(u64 pfn, u64 nr, void *arg)
{
	struct tracker_range *range = arg;

	if (range->pfn - pfn >= nr)
		return 0;
	*range = (struct tracker_range){ .pfn = pfn, .nr = nr };
	return 1;
}

/* All that was added together with a block: the kernel keeps one resource of it. */
static struct tracker_range added_range(const struct memory_notify *block)
{
	struct tracker_range range = { .pfn = block->start_pfn, .nr = block->nr_pages };

	search_walk_ram(find_range, &range);
	return range;
}

/* What of the range is not online yet, piece by piece. */
static void judge(struct verdict *verdict)
{
	u64 pfn = verdict->range.pfn, end = pfn + verdict->range.nr;

	verdict->fit = MEMORY_USABLE;
	while (pfn < end && verdict->fit == MEMORY_USABLE) {
		u64 stop = pfn;

		while (stop < end && !pfn_to_online_page(stop))
			stop = section_end(stop, end);
		if (stop > pfn)
			verdict->fit = memory_fit(PFN_PHYS(pfn), PFN_PHYS(stop),
						  &verdict->where);
		pfn = stop < end ? section_end(stop, end) : end;
	}
}

static bool allowed(const struct verdict *verdict)
{
	if (!verdict->tdx || policy.chosen == POLICY_ANY)
		return true;
	if (policy.chosen == POLICY_DENY)
		return false;
	return verdict->fit == MEMORY_USABLE || verdict->fit == MEMORY_UNKNOWN;
}

static void tell_refusal(const struct verdict *verdict, u64 start, u64 last_byte)
{
	const char *remedy = "keep it in device-dax (daxctl reconfigure-device --mode=devdax)";

	if (policy.chosen == POLICY_DENY)
		pr_err("hotplug: memory %#llx-%#llx does not come online: hotplug=deny, and TDX is initialised; %s, or reboot and load this module with another hotplug=\n",
		       start, last_byte, remedy);
	else if (verdict->fit == MEMORY_NO_CMR)
		pr_err("hotplug: memory %#llx-%#llx does not come online: at %#llx it is in no CMR, the firmware did not make it fit for TDX; %s\n",
		       start, last_byte, verdict->where, remedy);
	else
		pr_err("hotplug: memory %#llx-%#llx does not come online: TDX was initialised without it (from %#llx on); %s, or add it before TDX is initialised\n",
		       start, last_byte, verdict->where, remedy);
}

/* Once for a range, whatever the number of its blocks. */
static void tell(const struct verdict *verdict)
{
	u64 start = PFN_PHYS(verdict->range.pfn);
	u64 last_byte = start + PFN_PHYS(verdict->range.nr) - 1;

	if (!allowed(verdict))
		tell_refusal(verdict, start, last_byte);
	else if (!verdict->tdx)
		pr_info("hotplug: memory %#llx-%#llx may come online: TDX is not initialised; TDs can use it if TDX will be initialised with it\n",
			start, last_byte);
	else if (verdict->fit == MEMORY_USABLE)
		pr_info("hotplug: memory %#llx-%#llx may come online: TDX was initialised with it, TDs can use it\n",
			start, last_byte);
	else if (!platform.own)
		pr_info("hotplug: memory %#llx-%#llx: left to the kernel, which refuses what it did not initialise TDX with\n",
			start, last_byte);
	else
		pr_warn("hotplug: memory %#llx-%#llx comes online (hotplug=any) although TDs cannot use it from %#llx on: bring it online as movable (online_movable), or TDs that get a page of it fail\n",
			start, last_byte, verdict->where);
}

/*
 * Where TDX is going to use it, or may be.  In own mode tdx_enable() does it for
 * all that TDX is initialised with.
 */
static void make_room(const struct verdict *verdict)
{
	int ret;

	if (platform.own || (verdict->tdx && verdict->fit != MEMORY_USABLE))
		return;
	ret = tracker_populate(&tracker, verdict->range.pfn, verdict->range.nr);
	if (ret)
		pr_warn("hotplug: no room to remember private pages of this memory: error %d; coverage falls when TDX gets one; free some memory, set it offline, and online again, or load this module after it was added\n",
			ret);
}

static int going_online(const struct memory_notify *block)
{
	struct verdict verdict = {
		.range = added_range(block),
		.tdx = READ_ONCE(tdx_state) == TDX_INITIALIZED,
	};
	bool known = last.range.nr && last.range.pfn == verdict.range.pfn &&
		     last.range.nr == verdict.range.nr && last.tdx == verdict.tdx &&
		     time_before(jiffies, last_used + SAME_ADDING);

	if (!known) {
		if (verdict.tdx)
			judge(&verdict);
		last = verdict;
		tell(&last);
		if (allowed(&last))
			make_room(&last);
	}
	last_used = jiffies;
	if (!allowed(&last))
		return -EPERM;
	going = (struct tracker_range){ .pfn = block->start_pfn, .nr = block->nr_pages };
	return 0;
}

static int memory_changes(struct notifier_block *nb, unsigned long action, void *data)
{
	int ret = 0;

	mutex_lock(&hotplug_lock);
	switch (action) {
	case MEM_GOING_ONLINE:
		ret = going_online(data);
		break;
	case MEM_ONLINE:
	case MEM_CANCEL_ONLINE:	/* also if this notifier was never asked */
		going = (struct tracker_range){ };
		break;
	}
	mutex_unlock(&hotplug_lock);
	return notifier_from_errno(ret);
}

/* The first one: nothing has been prepared for what is refused. */
static struct notifier_block memory_block = {
	.notifier_call = memory_changes,
	.priority = INT_MAX,
};

/**
 * hotplug_start - from now on memory that comes online is judged
 *
 * In watch mode the tracker is there.  What came online since it was made gets
 * room in it.
 *
 * Context: process, may sleep.
 * Return: 0 or a negative error.
 */
int hotplug_start(void)
{
	int ret = register_memory_notifier(&memory_block);

	if (ret || platform.own)
		return ret;
	hotplug_hold();
	search_populate();
	hotplug_release();
	return 0;
}

/**
 * hotplug_stop - undo hotplug_start()
 *
 * Context: process, may sleep.
 */
void hotplug_stop(void)
{
	unregister_memory_notifier(&memory_block);
}
