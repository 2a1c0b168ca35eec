// SPDX-License-Identifier: GPL-2.0-only
/*
 * Enabling TDX on demand.  Steps, each done once:
 *
 *   TDH.SYS.INIT	on any CPU
 *   TDH.SYS.LP.INIT	on each CPU, with interrupts off
 *   TDH.SYS.RD		limits, CMRs -> TDMRs, PAMT memory
 *   TDH.SYS.CONFIG	the TDX module knows its PAMT
 *   TDH.SYS.KEY.CONFIG	once in each package, after WBINVD everywhere
 *   TDH.SYS.TDMR.INIT	TDMRs side by side, until each is done
 *
 * A step that fails ends the attempt with its reason in the log; the next
 * attempt goes on there.  The PAMT is in the tracker from before TDH.SYS.CONFIG;
 * if that fails the memory is rewritten and given back, later failures keep it.
 * Unloading is possible at each point before the last step is done: it rewrites
 * what TDX may have written.
 *
 * Locking: @enable_lock for everything but the first two steps, which have
 * @sys_init_lock and the CPU itself.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "coverage.h"
#include "hotplug.h"
#include "own.h"
#include "tdx/abi.h"
#include "tdx/reset.h"
#include "tdx_reset.h"

/**
 * enum enable_state - the last step that is done for the whole machine
 * @ENABLE_NOTHING: at most TDH.SYS.INIT and TDH.SYS.LP.INIT
 * @ENABLE_CONFIGURED: TDH.SYS.CONFIG
 * @ENABLE_KEYS: TDH.SYS.KEY.CONFIG in every package with a CPU online
 * @ENABLE_READY: TDH.SYS.TDMR.INIT of every TDMR
 */
enum enable_state {
	ENABLE_NOTHING,
	ENABLE_CONFIGURED,
	ENABLE_KEYS,
	ENABLE_READY,
};

static DEFINE_MUTEX(enable_lock);
static enum enable_state state;

/* Attempts that have ended, and what the last one came to. */
static unsigned int attempts_ended;
static int last_result;

/* A suspend or hibernation has begun; under enable_lock. */
static bool asleep;

static DEFINE_RAW_SPINLOCK(sys_init_lock);
static bool sys_init_done;
static bool sys_init_foreign;	/* somebody else had done it */

static struct cpumask lp_done;	/* CPUs that did TDH.SYS.LP.INIT */
static struct cpumask key_done;	/* CPUs that did TDH.SYS.KEY.CONFIG, one a package */

static struct tdx_info info;
static struct tdmr_set set;

static struct workqueue_struct *enable_queue;

/* Of one SEAMCALL; the module says so for short times. */
#define ENTROPY_TRIES	10
#define BUSY_TRIES	1000
#define IDLE_TRIES	100000	/* calls that get no further */

/**
 * enable_call - one SEAMCALL, again while the module is busy or has no entropy
 * @leaf: which
 * @args: operands of each try, and what the last one left
 *
 * Context: any.
 * Return: the last status.
 */
u64 enable_call(u64 leaf, struct seamcall_args *args)
{
	const struct seamcall_args operands = *args;
	int entropy = 0, busy = 0;
	u64 status;

	for (;;) {
		*args = operands;
		status = own_seamcall(leaf, args);
		switch (status & TDX_STATUS_MASK) {
		case TDX_RND_NO_ENTROPY:
			if (++entropy == ENTROPY_TRIES)
				return status;
			break;
		case TDX_SYS_BUSY:
		case TDX_OPERAND_BUSY:
			if (++busy == BUSY_TRIES)
				return status;
			break;
		default:
			return status;
		}
		cpu_relax();
	}
}

/* TDX is up already, by whom nobody knows: there may be private memory. */
static void found_foreign(void)
{
	coverage_lose(COVERAGE_FOREIGN_TDX);
}

/* The same result for everybody who comes at the same time. */
static int sys_init(void)
{
	struct seamcall_args args = { };
	u64 status;
	int ret = 0;

	raw_spin_lock(&sys_init_lock);
	if (sys_init_done)
		goto out;
	status = enable_call(TDH_SYS_INIT, &args);
	if ((status & TDX_STATUS_MASK) == TDX_SYS_INIT_NOT_PENDING)
		sys_init_foreign = true;	/* the next steps tell how far it got */
	else if (status & TDX_STATUS_ERROR)
		ret = enable_error(TDH_SYS_INIT, status);
	sys_init_done = !ret;
out:
	raw_spin_unlock(&sys_init_lock);
	return ret;
}

/**
 * tdx_cpu_enable - enable TDX on this CPU
 *
 * tdx_enable() does it for every CPU that is online then.  For one that comes
 * online later the user calls this, after VMXON.
 *
 * Context: interrupts off, on the CPU itself, in VMX operation.
 * Return: 0, also if it was done before; -EINVAL if the CPU is not in VMX
 * operation, -ENODEV if TDX cannot be used on it, or another negative error, with
 * the reason in the log.  It may be called again.
 */
int tdx_cpu_enable(void)
{
	int cpu = smp_processor_id();
	struct seamcall_args args = { };
	u64 status;
	int ret;

	lockdep_assert_irqs_disabled();
	if (!platform.own)
		return -ENODEV;
	if (cpumask_test_cpu(cpu, &lp_done))
		return 0;
	ret = sys_init();
	if (ret)
		return ret;
	status = enable_call(TDH_SYS_LP_INIT, &args);
	if ((status & TDX_STATUS_ERROR) &&
	    (status & TDX_STATUS_MASK) != TDX_SYS_LP_INIT_DONE) {
		if ((status & TDX_STATUS_MASK) == TDX_SYS_LP_INIT_NOT_PENDING &&
		    READ_ONCE(state) == ENABLE_NOTHING)
			found_foreign();
		return enable_error(TDH_SYS_LP_INIT, status);
	}
	cpumask_set_cpu(cpu, &lp_done);
	return 0;
}
EXPORT_SYMBOL_GPL(tdx_cpu_enable);

static void lp_init_here(void *result)
{
	int ret = tdx_cpu_enable();

	if (ret)
		cmpxchg((int *)result, 0, ret);
}

static int lp_init_all(void)
{
	int result = 0;

	if (cpumask_subset(cpu_online_mask, &lp_done))
		return 0;
	/* Here first: a machine without TDX is told of once, not by every CPU. */
	local_irq_disable();
	result = tdx_cpu_enable();
	local_irq_enable();
	if (!result)
		on_each_cpu(lp_init_here, &result, 1);
	return result;
}

/* TDMR_INFO of all TDMRs, behind the array of their addresses. */
static int make_info(void)
{
	size_t array = ALIGN(set.nr_tdmrs * sizeof(u64), TDMR_INFO_ALIGN);
	size_t each = tdmr_info_size(&info.limits);
	unsigned int i;
	int ret;

	set.info_bytes = array + set.nr_tdmrs * each;
	set.info = alloc_pages_exact(set.info_bytes, GFP_KERNEL | __GFP_ZERO);
	if (!set.info)
		return -ENOMEM;
	for (i = 0; i < set.nr_tdmrs; i++) {
		u64 *tdmr_info = set.info + array + i * each;

		((u64 *)set.info)[i] = virt_to_phys(tdmr_info);
		ret = tdmr_fill_info(set.tdmrs, set.nr_tdmrs, i, set.ranges, set.nr_ranges,
				     &info.limits, tdmr_info);
		if (ret) {
			pr_err("enable: holes and PAMT pieces in %#llx-%#llx need more than the %u reserved areas that the TDX module allows; another pamt= may help\n",
			       set.tdmrs[i].base,
			       set.tdmrs[i].base + set.tdmrs[i].size - 1,
			       info.limits.max_reserved);
			return ret;
		}
	}
	return 0;
}

static void free_set(void)
{
	if (set.info)
		free_pages_exact(set.info, set.info_bytes);
	kfree(set.tdmrs);
	kvfree(set.ranges);
	set = (struct tdmr_set){ };
}

/* Not every CPU that there is has done TDH.SYS.LP.INIT: the module wants all. */
static int config_not_pending(u64 status)
{
	if (num_online_cpus() < num_present_cpus())
		pr_err("enable: %u of %u CPUs are offline\n",
		       num_present_cpus() - num_online_cpus(), num_present_cpus());
	if (sys_init_foreign)
		found_foreign();
	return enable_error(TDH_SYS_CONFIG, status);
}

static int sys_config(void)
{
	struct seamcall_args args = {
		.rcx = virt_to_phys(set.info),
		.rdx = set.nr_tdmrs,
		.r8 = own_global_keyid(),
	};
	u64 status;

	pamt_alloc_expose();
	status = enable_call(TDH_SYS_CONFIG, &args);
	if (!(status & TDX_STATUS_ERROR))
		return 0;
	if ((status & TDX_STATUS_MASK) == TDX_SYS_CONFIG_NOT_PENDING)
		return config_not_pending(status);
	return enable_error(TDH_SYS_CONFIG, status);
}

/* Room for what was added since the tracker was made. */
static int make_room(void)
{
	int ret = search_populate();

	if (ret == -ERANGE)
		pr_warn("enable: memory was added behind what the tracker can hold: coverage falls when TDX gets a page of it; reboot and load this module after the memory was added\n");
	return ret == -ERANGE ? 0 : ret;
}

/* Everything up to TDH.SYS.CONFIG; all undone if it fails. */
static int configure_held(void)
{
	int ret = make_room();

	if (!ret)
		ret = enable_read_info(&info);
	if (!ret)
		ret = enable_find_memory(&set);
	if (!ret)
		ret = enable_check_cmrs(&info, &set);
	if (!ret)
		ret = pamt_alloc(&set, &info.limits);
	if (!ret) {
		ret = make_info();
		if (!ret)
			ret = sys_config();
		if (ret)
			pamt_release();
	}
	if (ret) {
		free_set();
		WRITE_ONCE(tdx_state, TDX_OFF);
		return ret;
	}
	WRITE_ONCE(state, ENABLE_CONFIGURED);
	return 0;
}

/* Memory comes online before, and TDX has it, or after, and is judged. */
static int configure(void)
{
	int ret;

	hotplug_hold();
	ret = configure_held();
	hotplug_release();
	return ret;
}

/**
 * memory_fit - can TDs use this memory?
 * @start: first byte, page aligned
 * @end: behind the last
 * @where: the first byte that decided, unless all of it can be used
 *
 * Context: process; between hotplug_hold() and hotplug_release(), TDX is
 * initialised or about to be (@tdx_state).
 * Return: the answer for the byte @where; never MEMORY_UNKNOWN.
 */
enum memory_fit memory_fit(u64 start, u64 end, u64 *where)
{
	const struct mem_range range = { .start = start, .end = end };

	*where = enable_outside(info.cmr, info.nr_cmrs, &range);
	if (info.nr_cmrs && *where != end)
		return MEMORY_NO_CMR;
	*where = enable_outside(set.ranges, set.nr_ranges, &range);
	return *where == end ? MEMORY_USABLE : MEMORY_LEFT_OUT;
}

static bool package_has_key(int cpu)
{
	int other;

	for_each_cpu(other, &key_done)
		if (topology_physical_package_id(other) == topology_physical_package_id(cpu))
			return true;
	return false;
}

static void key_config_here(void *result)
{
	struct seamcall_args args = { };
	u64 status = enable_call(TDH_SYS_KEY_CONFIG, &args);

	if (status & TDX_STATUS_ERROR)
		*(int *)result = enable_error(TDH_SYS_KEY_CONFIG, status);
	else
		cpumask_set_cpu(smp_processor_id(), &key_done);
}

/*
 * No dirty line of the PAMT's memory may be left in a cache, or it would be
 * written back over what TDX writes from now on.  One package at a time: side by
 * side the module would be busy.
 */
static int key_config(void)
{
	int cpu, result = 0;

	wbinvd_on_all_cpus();
	for_each_online_cpu(cpu) {
		if (package_has_key(cpu))
			continue;
		smp_call_function_single(cpu, key_config_here, &result, 1);
		if (result)
			return result;
	}
	WRITE_ONCE(state, ENABLE_KEYS);
	return 0;
}

/**
 * struct tdmr_init - TDH.SYS.TDMR.INIT on all CPUs
 * @next: TDMR that nobody has taken
 * @running: workers that have not finished
 * @result: the first error
 * @done: none is left
 */
struct tdmr_init {
	atomic_t next;
	atomic_t running;
	int result;
	struct completion done;
};

struct tdmr_worker {
	struct work_struct work;
	struct tdmr_init *init;
};

/* The module does a part at each call and says where it stopped. */
static int init_tdmr(const struct tdmr *tdmr)
{
	u64 end = tdmr->base + tdmr->size, reached = 0;
	unsigned int idle = 0;

	for (;;) {
		struct seamcall_args args = { .rcx = tdmr->base };
		u64 status = enable_call(TDH_SYS_TDMR_INIT, &args);

		if ((status & TDX_STATUS_MASK) == TDX_TDMR_ALREADY_INITIALIZED)
			return 0;
		cond_resched();
		if ((status & TDX_STATUS_MASK) == TDX_INTERRUPTED_RESUMABLE)
			args.rdx = reached;
		else if (status & TDX_STATUS_ERROR)
			return enable_error(TDH_SYS_TDMR_INIT, status);
		if (args.rdx >= end)
			return 0;
		if (args.rdx > reached) {
			reached = args.rdx;
			idle = 0;
		} else if (++idle == IDLE_TRIES) {
			pr_err("enable: TDH.SYS.TDMR.INIT does not get beyond %#llx (status %#llx); enable again, or reset the machine through its firmware\n",
			       reached, status);
			return -EIO;
		}
	}
}

static void tdmr_work(struct work_struct *work)
{
	struct tdmr_init *init = container_of(work, struct tdmr_worker, work)->init;
	unsigned int i;
	int ret;

	while (!READ_ONCE(init->result) &&
	       (i = atomic_fetch_inc(&init->next)) < set.nr_tdmrs) {
		ret = init_tdmr(&set.tdmrs[i]);
		if (ret)
			cmpxchg(&init->result, 0, ret);
	}
	if (atomic_dec_and_test(&init->running))
		complete(&init->done);
}

/* Workers may run on any CPU: all that are online have TDX enabled. */
static int tdmr_init_all(void)
{
	unsigned int i, nr = min(num_online_cpus(), set.nr_tdmrs);
	struct tdmr_worker *workers = kcalloc(nr, sizeof(*workers), GFP_KERNEL);
	struct tdmr_init init = { };

	if (!workers)
		return -ENOMEM;
	init_completion(&init.done);
	atomic_set(&init.running, nr);
	for (i = 0; i < nr; i++) {
		workers[i].init = &init;
		INIT_WORK(&workers[i].work, tdmr_work);
		queue_work(enable_queue, &workers[i].work);
	}
	wait_for_completion(&init.done);
	for (i = 0; i < nr; i++)
		flush_work(&workers[i].work);
	kfree(workers);
	if (!init.result)
		WRITE_ONCE(state, ENABLE_READY);
	return init.result;
}

static void say_ready(void)
{
	u64 pamt = 0;
	unsigned int i, level;

	for (i = 0; i < set.nr_tdmrs; i++)
		for (level = 0; level < TDMR_LEVELS; level++)
			pamt += set.tdmrs[i].pamt[level].end - set.tdmrs[i].pamt[level].start;
	pr_info("TDX enabled: TDX module %u.%u.%02u, %u TDMRs, %llu KiB of PAMT (pamt=%s)\n",
		info.version[0], info.version[1], info.version[2], set.nr_tdmrs,
		pamt >> 10, pamt_alloc_name());
}

/* One attempt: from the first step that is not done. */
static int enable(void)
{
	int ret = lp_init_all();

	if (!ret && state == ENABLE_NOTHING)
		ret = configure();
	/* Again: a package may have come online, without whose key nothing works. */
	if (!ret && (state == ENABLE_CONFIGURED || state == ENABLE_KEYS))
		ret = key_config();
	if (!ret && state == ENABLE_KEYS)
		ret = tdmr_init_all();
	if (ret) {
		/* Unloading undoes what was done so far. */
		unpin_module();
		return ret;
	}
	platform.sys_disable = info.features & TDX_FEATURES0_SYS_DISABLE;
	platform.sys_disable_known = true;
	pin_module();
	say_ready();
	return 0;
}

/**
 * tdx_enable - enable TDX on this machine
 *
 * Done once; who calls it later, or at the same time, gets the same result.
 * After a failure it may be called again and goes on where it failed.
 *
 * Context: process, sleeps; every online CPU in VMX operation, cpus_read_lock()
 * held.
 * Return: 0; -ENODEV if there is no TDX here, -EINVAL if a CPU is not in VMX
 * operation or memory is not fit for TDX, -EAGAIN or -EBUSY if another call has
 * a chance, or another negative error, with the reason in the log.
 */
int tdx_enable(void)
{
	unsigned int ended = READ_ONCE(attempts_ended);
	int ret;

	compat_assert_cpus_held();
	if (!platform.own)
		return -ENODEV;
	mutex_lock(&enable_lock);
	if (state == ENABLE_READY) {
		ret = lp_init_all();
	} else if (asleep) {
		pr_err("TDX is not enabled: the machine is about to sleep; enable again afterwards\n");
		ret = -EBUSY;
	} else if (attempts_ended != ended) {
		ret = last_result;	/* an attempt ended while we waited */
	} else {
		ret = enable();
		if (ret)
			pr_err("TDX is not enabled: error %d; if no line above says why, memory was short or being added: free some and enable again\n",
			       ret);
		last_result = ret;
		WRITE_ONCE(attempts_ended, ended + 1);
	}
	mutex_unlock(&enable_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(tdx_enable);

/**
 * enable_sleep - no tdx_enable() from now on, because the machine is to sleep
 *
 * Context: process, may sleep; enable_wake() follows.
 * Return: false if TDX was initialised, or begun to be: the machine must not sleep.
 */
bool enable_sleep(void)
{
	mutex_lock(&enable_lock);
	asleep = !READ_ONCE(sys_init_done);
	mutex_unlock(&enable_lock);
	return asleep;
}

/**
 * enable_wake - the machine does not sleep any more
 *
 * Context: process, may sleep.
 */
void enable_wake(void)
{
	mutex_lock(&enable_lock);
	asleep = false;
	mutex_unlock(&enable_lock);
}

/**
 * enable_ready - has the last step been done?
 *
 * Context: any.
 */
bool enable_ready(void)
{
	return READ_ONCE(state) == ENABLE_READY;
}

/**
 * enable_load - reserve what tdx_enable() may not ask for under its caller's lock
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int enable_load(void)
{
	enable_queue = alloc_workqueue("tdx_enable", WQ_UNBOUND, 0);
	return enable_queue ? 0 : -ENOMEM;
}

/**
 * enable_unload - undo what can be undone
 *
 * A TDX module that is ready keeps its PAMT (the administrator wants it so:
 * removable=1).  One that is not is never asked to write there again.
 *
 * Context: process, may sleep; nobody calls anything here any more.
 */
void enable_unload(void)
{
	if (state == ENABLE_READY)
		pamt_abandon();
	else if (state != ENABLE_NOTHING)
		pamt_release();
	free_set();
	destroy_workqueue(enable_queue);
}
