/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of tdx_reset.ko share.  Order of life: platform, tracker,
 * crash memory, scrub, hand-off, then in watch mode: watch, search, unlock; in
 * own mode: the steps of the enablement; sysfs; end in reverse.
 */
#ifndef TDX_RESET_H
#define TDX_RESET_H

#include <linux/errno.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/processor.h>

#include "compat.h"
#include "tracker.h"

struct ftrace_ops;
struct kimage;
struct seamcall_args;

/**
 * enum tdx_state - the TDX module, as far as this component knows
 * @TDX_OFF: not there, or never initialised
 * @TDX_INITIALIZED: it owns memory, at least the PAMT
 * @TDX_DISABLED: TDH.SYS.DISABLE succeeded
 */
enum tdx_state {
	TDX_OFF,
	TDX_INITIALIZED,
	TDX_DISABLED,
};

/**
 * struct platform - what was found at load
 * @erratum: a partial write to a private line poisons it (CPU family/model)
 * @host: the kernel has TDX host support and the firmware enabled TDX
 * @own: the kernel has none, the firmware enabled TDX: this module can bring it up
 * @kernel_rewrites: tdx_quirk_reset_paddr() really writes
 * @sys_disable_known: TDX_FEATURES0 could be read
 * @sys_disable: TDH.SYS.DISABLE is enumerated
 */
struct platform {
	bool erratum;
	bool host;
	bool own;
	bool kernel_rewrites;
	bool sys_disable_known;
	bool sys_disable;
};

extern struct platform platform;
extern struct tracker tracker;
extern enum tdx_state tdx_state;

/* platform.c */
const char *platform_detect(void);
void *platform_symbol(const char *name);
void platform_vmx_off(void);

/* hook.c */
int hook_function(struct ftrace_ops *ops, const char *function);
void unhook_function(struct ftrace_ops *ops);

/* Does a reboot notifier hear of a kexec? */
static inline bool restart_is_kexec(unsigned long action, const void *cmd)
{
	return action == SYS_RESTART && cmd && !strcmp(cmd, "kexec reboot");
}

/* main.c */
void pin_module(void);
void pin_module_for_good(const char *why);
const char *pin_reason(void);
const char *tracker_name(void);
void unpin_module(void);
bool core_ready(void);

/* watch.c, own.c */
#if COMPAT_OWN_MODE
static inline int watch_start(void)
{
	return -ENODEV;
}

static inline void watch_stop(void)
{
}

static inline void watch_account(void)
{
}

const char *own_detect(void);
int own_load(void);
void own_unload(void);
bool own_caches_flushed(void);
void own_shutdown(void);
void own_close(void);
#else
int watch_start(void);
void watch_stop(void);
void watch_account(void);

static inline int own_load(void)
{
	return -ENODEV;
}

static inline void own_unload(void)
{
}

static inline bool own_caches_flushed(void)
{
	return true;	/* the kernel does it */
}

static inline void own_shutdown(void)
{
}

static inline void own_close(void)
{
}
#endif

/* watch_resets.c */
int watch_resets_start(void);
void watch_resets_stop(void);
void watch_resets_account(void);

/* watch_text.c */
void watch_text_start(const u8 * const *probes, unsigned int nr);
void watch_text_stop(void);
void watch_text_account(void);

/* pamt.c */
#define PAMT_MAX_TDMRS	64	/* what module 1.5 allows; it says so in its metadata */
bool pamt_take(const struct seamcall_args *args);
void pamt_take_back(void);
bool pamt_known(void);
bool pamt_has(u64 pfn);

/* disable.c */
u64 disable_status(u64 status, bool crash);

/* unlock.c */
#if COMPAT_OWN_MODE
static inline int unlock_start(void)
{
	return 0;
}

static inline void unlock_stop(void)
{
}

static inline bool unlock_wanted(void)
{
	return false;
}
#else
int unlock_start(void);
void unlock_stop(void);
bool unlock_wanted(void);
#endif
unsigned int unlock_before(void);
bool unlock_met(unsigned int before);

/* search.c */
typedef int (*search_ram_func)(u64 pfn, u64 nr, void *arg);
int search_walk_ram(search_ram_func func, void *arg);
int search_memory_end(u64 *end_pfn);
int search_populate(void);
void search_private_pages(void);
void search_metadata(void);

/* crash_memory.c */
void crash_memory_find(void);
bool crash_memory_known(const struct kimage *image);
bool crash_memory_wants_flush(void);
bool crash_memory_has_cma(void);
bool crash_memory_tracked(void);
bool crash_memory_next(unsigned int *index, struct tracker_range *range);

/* crash_cpus.c */
void crash_cpus_find(void);
void crash_cpus_start(void);
void crash_cpus_stop(void);
bool crash_cpus_quiet(void);

/* scrub.c */

/**
 * struct scrub_progress - of a rewriting that may take long
 * @total: pages, at the beginning
 * @start: monotonic nanoseconds
 * @told: the same, when it was told last
 */
struct scrub_progress {
	u64 total;
	u64 start;
	u64 told;
};

int scrub_start(void);
void scrub_stop(void);
void scrub_progress_begin(struct scrub_progress *progress);
void scrub_progress_tell(struct scrub_progress *progress, u64 done);
u64 scrub_tracked(u64 pfn, u64 end, bool alone, struct scrub_progress *progress);
void scrub_mapped(u64 pfn, u64 nr);

/* scrub_parallel.c */
void scrub_parallel_find(void);
void scrub_parallel_start(void);
void scrub_parallel_stop(void);
u64 scrub_parallel_done(u64 *ns);

/* users.c */
void users_find(void);
void users_start(void);
void users_stop(void);
bool users_registered(void);
const char *users_call(const struct kimage *image);

/* firmware_reset.c */
void firmware_reset_begin(void);

/**
 * firmware_reset - reset the machine through its firmware
 *
 * The end is inline: objtool does not know of a module's function that it never
 * returns.
 *
 * Context: any, NMI included; no allocation, no lock.
 */
static inline void __noreturn firmware_reset(void)
{
	firmware_reset_begin();
	for (;;)
		cpu_relax();
}

void firmware_reset_armed(const char *name);
void firmware_reset_find(void);
void firmware_reset_start(void);
void firmware_reset_stop(void);

/* handoff.c */
bool handoff_image_tracked(const struct kimage *image);
int handoff_start(void);
void handoff_stop(void);

/* sysfs.c */
int sysfs_start(void);
void sysfs_stop(void);

#endif /* TDX_RESET_H */
