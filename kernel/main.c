// SPDX-License-Identifier: GPL-2.0-only
/*
 * tdx_reset: kexec and kdump that are safe on Intel TDX hosts.
 *
 * Watch mode: the running kernel uses TDX, this module changes nothing in it.
 * It knows which pages are private (watch.c, search.c, tracker.c) and
 * makes them normal at the last moment before another kernel takes over
 * (handoff.c, scrub.c).
 *
 * Own mode: the running kernel cannot use TDX.  This module brings it up when
 * somebody calls tdx_enable() (own.c, enable.c), and does the same.
 *
 * Where there is no TDX it does nothing.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/string.h>

#include "coverage.h"
#include "hotplug.h"
#include "params.h"
#include "tdx_reset.h"

struct tracker tracker;

/* The same order; the numbers of backends are those of a map in memory. */
static const char * const tracker_names[] = { "bitmap", "xarray" };
static const enum tracker_backend tracker_backends[] = { TRACKER_BITMAP, TRACKER_XARRAY };

static struct params_choice tracker_choice = {
	.words = tracker_names,
	.nr = ARRAY_SIZE(tracker_names),
};

module_param_cb(tracker, &params_choice_ops, &tracker_choice, 0444);
MODULE_PARM_DESC(tracker, "how private pages are remembered: bitmap (default) or xarray");

/**
 * tracker_name - the tracker that was chosen at load
 *
 * Context: any.
 */
const char *tracker_name(void)
{
	return tracker_names[tracker_choice.chosen];
}

static bool removable;
module_param_cb(removable, &params_bool_ops, &removable, 0444);
MODULE_PARM_DESC(removable,
		 "the module may be removed while TDX holds private memory; a later kexec is not protected then (default 0)");

/* Why the module holds a reference to itself; NULL: it does not. */
static const char *pinned;

/**
 * pin_module_for_good - this module must stay until the machine restarts
 * @why: for the log and sysfs; the first reason stays
 *
 * Who asks to remove it is told only that it is in use, so the reason is said
 * now.
 *
 * Context: any, NMI included.
 */
void pin_module_for_good(const char *why)
{
	if (READ_ONCE(pinned) || cmpxchg(&pinned, NULL, why))
		return;
	__module_get(THIS_MODULE);
	pr_info("cannot be removed from now on: %s\n", why);
}

/**
 * pin_module - private pages exist, so this module has to stay
 *
 * The PAMT is private until TDH.SYS.DISABLE, and that is called only on the way out
 * of this kernel.  Undone where unloading can rewrite it: unpin_module().
 *
 * Context: any, NMI included.
 */
void pin_module(void)
{
	if (!removable)
		pin_module_for_good("TDX holds private memory");
}

/**
 * unpin_module - undo pin_module(): enabling TDX has failed
 *
 * The PAMT may be private by now.  Removing the module rewrites it.
 *
 * Context: process; own mode, nobody else pins meanwhile.
 */
void unpin_module(void)
{
	if (!xchg(&pinned, NULL))
		return;
	module_put(THIS_MODULE);
	pr_info("can be removed again: TDX is not enabled, and removing takes back what it was given\n");
}

/**
 * pin_reason - why the module cannot be removed
 *
 * Context: process.
 * Return: the text; empty if it can.
 */
const char *pin_reason(void)
{
	const char *why = READ_ONCE(pinned);

	if (why)
		return why;
	return compat_module_refcount() > 0 ? "other modules use it: see lsmod" : "";
}

static int __init check_tracker(void)
{
	if (tracker_backends[tracker_choice.chosen] != TRACKER_XARRAY || TRACKER_HAS_XARRAY)
		return 0;
	pr_err("tracker=xarray: this kernel's xarray has no large entries (CONFIG_XARRAY_MULTI) or a lock that sleeps (CONFIG_PREEMPT_RT); use tracker=bitmap\n");
	return -EOPNOTSUPP;
}

static void tracker_lost(void)
{
	coverage_lose(COVERAGE_TRACKER_FULL);
}

static int start_tracker(void)
{
	u64 end_pfn;
	int ret;

	ret = search_memory_end(&end_pfn);
	if (!ret)
		ret = tracker_create(&tracker, tracker_backends[tracker_choice.chosen],
				     max(end_pfn, hotplug_memory_end()));
	if (ret)
		goto out;
	tracker.lost = tracker_lost;
	ret = search_populate();
	if (ret)
		tracker_destroy(&tracker);
out:
	if (ret)
		pr_err("cannot make room for the private pages of all memory: error %d; free some and try again\n",
		       ret);
	return ret;
}

/**
 * core_find - look up what core_start() needs
 *
 * Context: process, may sleep.
 */
static void core_find(void)
{
	crash_memory_find();
	crash_cpus_find();
	scrub_parallel_find();
	users_find();
	firmware_reset_find();
	hotplug_find();
}

static bool core_started;

/**
 * core_ready - is there a tracker?
 *
 * Context: any.
 * Return: false where there is no TDX host: then there is nothing to track.
 */
bool core_ready(void)
{
	return smp_load_acquire(&core_started);	/* with the tracker: core_start() */
}

/*
 * From now on pages can be tracked, and a kexec is guarded.  At load in own mode
 * too: tdx_enable() has cpus_read_lock(), under which nothing may be hooked, since
 * ftrace takes it under its own lock.
 */
static int __init core_start(void)
{
	int ret = start_tracker();

	if (ret)
		return ret;
	coverage_publish(tracker.map);
	ret = scrub_start();
	if (ret) {
		pr_err("no memory for the page window of the scrub: error %d; free some and load again\n",
		       ret);
		goto out_tracker;
	}
	ret = handoff_start();
	if (ret)
		goto out_scrub;
	firmware_reset_start();
	users_start();
	scrub_parallel_start();
	crash_cpus_start();
	smp_store_release(&core_started, true);	/* the tracker is there: core_ready() */
	return 0;

out_scrub:
	scrub_stop();
out_tracker:
	coverage_publish(NULL);
	tracker_destroy(&tracker);
	return ret;
}

static void core_stop(void)
{
	if (!core_started)
		return;
	crash_cpus_stop();
	scrub_parallel_stop();
	users_stop();
	firmware_reset_stop();
	handoff_stop();
	scrub_stop();
	coverage_publish(NULL);
	tracker_destroy(&tracker);
	core_started = false;
}

static int __init start_watching(void)
{
	int ret;

	coverage_lose(COVERAGE_SEARCH_PENDING);
	ret = watch_start();
	if (ret)
		return ret;
	ret = hotplug_start();
	if (ret)
		watch_stop();
	return ret;
}

static int __init start(void)
{
	int ret;

	core_find();
	ret = core_start();
	if (ret)
		return ret;
	ret = platform.own ? own_load() : start_watching();
	if (ret)
		core_stop();
	return ret;
}

static void stop(void)
{
	u64 left;

	if (platform.own)
		own_unload();
	left = tracker_count(&tracker);
	if (left)
		pr_warn("removed while TDX holds %llu private pages: from now on nothing guards a kexec\n",
			left);
	if (platform.host) {
		unlock_stop();
		hotplug_stop();
		watch_stop();
	}
	core_stop();
}

static int __init tdx_reset_init(void)
{
	const char *why_not = platform_detect();
	int ret;

	if (!why_not) {
		ret = check_tracker();
		if (ret)
			return ret;
		ret = start();
		if (ret) {
			pr_err("cannot start: error %d; if no line above says why, memory was short or being added: free some and load again\n",
			       ret);
			return ret;
		}
	}
	ret = sysfs_start();
	if (ret) {
		pr_err("cannot create /sys/kernel/tdx_reset: error %d; free some memory and load again\n",
		       ret);
		if (!why_not)
			stop();
		return ret;
	}
	if (why_not) {
		pr_info("no TDX host here: %s\n", why_not);
		return 0;
	}
	if (platform.own)
		return 0;
	/* Long on a large machine; until its end coverage_reason tells of it. */
	search_private_pages();
	ret = unlock_start();
	if (ret) {
		sysfs_stop();
		stop();
		return ret;
	}

	pr_info("watching: %llu private pages, coverage %s%s%s\n",
		tracker_count(&tracker),
		coverage_complete() ? "complete" : "partial",
		coverage_complete() ? "" : ": ", coverage_reason());
	if (tracker_count(&tracker)) {
		pin_module();
		if (removable)
			pr_info("TDX holds private memory: the module may be removed all the same (removable=1)\n");
	}
	return 0;
}

static void __exit tdx_reset_exit(void)
{
	sysfs_stop();
	stop();
}

module_init(tdx_reset_init);
module_exit(tdx_reset_exit);

MODULE_DESCRIPTION("kexec and kdump that are safe on Intel TDX hosts");
MODULE_AUTHOR("The kexec-tdx developers");
MODULE_VERSION(TDX_RESET_VERSION);
MODULE_LICENSE("GPL");
