// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A TDX host as a QEMU plugin: options, start, reset, which kernel runs.
 *
 *   -plugin tdx-sim.so,log=FILE,ctl=SOCKET,...     (see options[] and README.md)
 */
#define _GNU_SOURCE
#include "sim.h"
#include "points.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SIM_EXPORT int qemu_plugin_version = SIM_QEMU_PLUGIN_VERSION;
struct sim_stats sim_stats;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tdx_config config = {
	.sys_disable = SYS_DISABLE_ABSENT, .major = 1, .minor = 5, .update = 6,
};
static uint64_t epoch;
static struct sim_counts inherited;
static GArray *inherited_pages;		/* struct left_page, ascending */
static bool ram_known;
static struct cache_config caches = { .seed = 1, .max_ms = 2000 };
static struct {
	bool all, one;
	uint64_t cpu;
} wbinvd_ignored;
bool sim_seamcalls_unlogged;
struct sim_hold sim_hold;

void sim_lock(void)
{
	pthread_mutex_lock(&lock);
}

void sim_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

void sim_count(struct sim_counts *c)
{
	memset(c, 0, sizeof(*c));
	c->epoch = epoch;
	c->mce = sim_stats.machine_checks;
	c->private = pamt_totals();
	c->lines = mem_count(0, mem_end());
	c->cache = cache_stats();
	for (uint64_t pa = mem_next_page(0); pa < mem_end(); pa = mem_next_page(pa + SIM_PAGE))
		if (!pamt_private(pa) && (mem_page_owned(pa) | mem_page_poisoned(pa)))
			c->dirty_pages++;
}

const struct sim_counts *sim_inherited(void)
{
	return &inherited;
}

const char *sim_page_kind(uint64_t pa)
{
	if (pamt_private(pa))
		return "private";
	return mem_page_owned(pa) | mem_page_poisoned(pa) | cache_pending_lines(pa) ?
		"dirty" : NULL;
}

/* A page that was not normal at the jump into the current kernel. */
struct left_page {
	uint64_t pa, owned, poisoned;
	unsigned int pending;		/* lines that a cache will make TDX's again */
};

static void remember_pages(void)
{
	g_array_set_size(inherited_pages, 0);
	for (uint64_t pa = mem_next_page(0); pa < mem_end(); pa = mem_next_page(pa + SIM_PAGE)) {
		struct left_page left = {
			pa, mem_page_owned(pa), mem_page_poisoned(pa), cache_pending_lines(pa),
		};

		if (left.owned | left.poisoned | left.pending)
			g_array_append_val(inherited_pages, left);
	}
}

struct mem_counts sim_inherited_inside(uint64_t start, uint64_t end)
{
	struct mem_counts c = { 0 };

	for (guint i = 0; i < inherited_pages->len; i++) {
		struct left_page *left = &g_array_index(inherited_pages, struct left_page, i);

		if (left->pa < start || left->pa >= end)
			continue;
		c.owned_lines += __builtin_popcountll(left->owned);
		c.poisoned_lines += __builtin_popcountll(left->poisoned);
		c.owned_pages += left->owned != 0;
		c.poisoned_pages += left->poisoned != 0;
	}
	return c;
}

uint64_t sim_inherited_pending(uint64_t start, uint64_t end)
{
	uint64_t lines = 0;

	for (guint i = 0; i < inherited_pages->len; i++) {
		struct left_page *left = &g_array_index(inherited_pages, struct left_page, i);

		if (left->pa >= start && left->pa < end)
			lines += left->pending;
	}
	return lines;
}

void sim_kernel_jump(unsigned int cpu)
{
	jump_arrived();
	sim_machine_ready();
	sim_lock();
	epoch++;
	sim_count(&inherited);
	remember_pages();
	stores_jump(epoch, inherited.private.pages);
	cache_kernel_jump(sim_now());
	sim_unlock();
	event("\"ev\":\"kernel\",\"cpu\":%u,\"epoch\":%lu,\"private_pages\":%lu,"
	      "\"dirty_pages\":%lu,\"owned_lines\":%lu,\"poisoned_lines\":%lu,\"pending_lines\":%lu,"
	      "\"pamt_pages\":%lu,\"cached_pages\":%lu",
	      cpu, epoch, inherited.private.pages, inherited.dirty_pages,
	      inherited.lines.owned_lines, inherited.lines.poisoned_lines,
	      inherited.cache.pending_lines, inherited.private.by_type[TDX_PT_RSVD],
	      inherited.cache.dirty_pages);
}

/* --- caches ----------------------------------------------------------------------- */

bool sim_wbinvd_ignored(unsigned int cpu)
{
	return wbinvd_ignored.all || (wbinvd_ignored.one && wbinvd_ignored.cpu == cpu);
}

#define TICK_MS	20

uint64_t sim_now(void)
{
	return g_get_monotonic_time() / 1000;
}

void sim_report_returns(void)
{
	static uint64_t reported;
	uint64_t lines, new, now;

	sim_lock();
	lines = cache_stats().returned_lines;
	new = lines - (lines < reported ? 0 : reported);
	reported = lines;
	now = epoch;
	sim_unlock();
	if (new)
		event("\"ev\":\"cache-return\",\"epoch\":%lu,\"lines\":%lu", now, new);
}

static gboolean on_tick(gpointer u)
{
	(void)u;
	sim_lock();
	cache_tick(sim_now());
	sim_unlock();
	sim_report_returns();
	return TRUE;
}

/* One range of guest RAM, if there is one.  Returns its length. */
static uint64_t find_ram(uint64_t start)
{
	uint64_t len = 1ULL << 40;
	void *host = qemu.address_space_map(qemu.address_space_memory, start, &len, true, 0);

	len &= ~(SIM_PAGE - 1);
	if (!host || len < 1 << 20)
		return 0;
	mem_add_ram(start, len, host);
	return len;
}

/* Ranges side by side: each NUMA node's is one of its own. */
static void find_all_ram(uint64_t start)
{
	uint64_t len;

	while ((len = find_ram(start)))
		start += len;
}

bool sim_plugged(uint64_t start)
{
	bool found;

	sim_lock();
	found = !mem_ptr(start) && find_ram(start);
	if (found)
		pamt_grow();
	if (found && (!tdx.cfg.plugged_from || start < tdx.cfg.plugged_from))
		tdx.cfg.plugged_from = start;
	sim_unlock();
	return found;
}

void sim_machine_ready(void)
{
	bool bql;

	if (__atomic_load_n(&ram_known, __ATOMIC_ACQUIRE))
		return;
	bql = qemu.bql_locked();
	if (!bql)
		qemu.bql_lock_impl(__FILE__, __LINE__);
	sim_lock();
	if (!ram_known) {
		/* Of a PC: below the PCI hole, and from 4 GiB. */
		find_all_ram(1 << 20);
		find_all_ram(4ULL << 30);
		config.nr_lps = qemu_plugin_num_vcpus();
		tdx_reset(&config);
		__atomic_store_n(&ram_known, true, __ATOMIC_RELEASE);
	}
	sim_unlock();
	if (!bql)
		qemu.bql_unlock();
}

void sim_set_cpu(unsigned int phys_bits, bool erratum)
{
	sim_lock();
	config.phys_bits = phys_bits;
	tdx.cfg.phys_bits = phys_bits;
	mem_set_erratum(erratum);
	sim_unlock();
}

/* Platform reset: firmware converts all memory back and reloads the module. */
static void platform_reset(void *u)
{
	(void)u;
	poison_reset();
	sim_lock();
	if (ram_known) {
		mem_reset();
		tdx_reset(NULL);
	}
	epoch = 0;
	memset(&inherited, 0, sizeof(inherited));
	g_array_set_size(inherited_pages, 0);
	sim_unlock();
	event("\"ev\":\"reset\"");
}

static void at_exit(void *u)
{
	(void)u;
	event("\"ev\":\"exit\",\"seamcalls\":%lu,\"movdir64b\":%lu,\"machine_checks\":%lu",
	      sim_stats.seamcalls, sim_stats.movdir64b, sim_stats.machine_checks);
	events_close();
}

/* --- options --------------------------------------------------------------------- */

const char *sim_log_path;
static const char *ctl_path, *stores_path;

static int set_log(const char *v)
{
	sim_log_path = v;
	return 0;
}

static int set_ctl(const char *v)
{
	ctl_path = v;
	return 0;
}

static int set_stores(const char *v)
{
	stores_path = v;
	return 0;
}

static int set_sys_disable(const char *v)
{
	char *end;

	config.rounds = 0;
	if (!strcmp(v, "absent")) {
		config.sys_disable = SYS_DISABLE_ABSENT;
	} else if (!strcmp(v, "endless")) {
		config.sys_disable = SYS_DISABLE_ENDLESS;
	} else if (!strcmp(v, "now")) {
		config.sys_disable = SYS_DISABLE_ROUNDS;
	} else if (!strncmp(v, "rounds:", 7)) {
		config.sys_disable = SYS_DISABLE_ROUNDS;
		config.rounds = strtoull(v + 7, &end, 10);
		return *end || end == v + 7 ? -1 : 0;
	} else {
		return -1;
	}
	return 0;
}

static int set_version(const char *v)
{
	return sscanf(v, "%hu.%hu.%hu", &config.major, &config.minor, &config.update) == 3 ? 0 : -1;
}

/* May be given several times. */
static int set_cmr(const char *v)
{
	uint64_t start, end;
	char *rest;

	start = strtoull(v, &rest, 0);
	if (*rest != '-' || config.nr_cmrs == SIM_MAX_CMRS)
		return -1;
	end = strtoull(rest + 1, &rest, 0);
	if (*rest || start >= end || (start | end) & (SIM_PAGE - 1))
		return -1;
	config.cmr[config.nr_cmrs].start = start;
	config.cmr[config.nr_cmrs++].end = end;
	return 0;
}

static int set_cache(const char *v)
{
	caches.on = !strcmp(v, "on");
	return caches.on || !strcmp(v, "off") ? 0 : -1;
}

static int set_cache_seed(const char *v)
{
	char *end;

	caches.seed = strtoull(v, &end, 0);
	return *end || !caches.seed ? -1 : 0;
}

static int set_cache_ms(const char *v)
{
	char *end;

	caches.max_ms = strtoull(v, &end, 0);
	return *end || end == v ? -1 : 0;
}

static int set_wbinvd(const char *v)
{
	char *end;

	if (strncmp(v, "ignore:", 7)) {
		wbinvd_ignored.all = !strcmp(v, "ignore");
		return wbinvd_ignored.all || !strcmp(v, "works") ? 0 : -1;
	}
	v += 7;
	wbinvd_ignored.one = true;
	wbinvd_ignored.cpu = strtoull(v, &end, 0);
	return *end || end == v ? -1 : 0;
}

static int set_hold(const char *v)
{
	char *end;

	sim_hold.leaf = strtoull(v, &end, 0);
	if (*end != ':' || end == v || sim_hold.leaf > TDX_LEAF_MASK)
		return -1;
	v = end + 1;
	sim_hold.ms = strtoull(v, &end, 0);
	return *end || end == v ? -1 : 0;
}

static int set_count(const char *v)
{
	if (!strcmp(v, "on"))
		count_enable();
	return count_enabled() || !strcmp(v, "off") ? 0 : -1;
}

static int set_seamcalls(const char *v)
{
	sim_seamcalls_unlogged = !strcmp(v, "unlogged");
	return sim_seamcalls_unlogged || !strcmp(v, "logged") ? 0 : -1;
}

static const struct {
	const char *name, *allowed;
	int (*set)(const char *value);
} options[] = {
	{ "log", "FILE", set_log },
	{ "ctl", "SOCKET", set_ctl },
	{ "stores", "FILE", set_stores },
	{ "sys_disable", "absent|now|rounds:N|endless", set_sys_disable },
	{ "version", "MAJOR.MINOR.UPDATE", set_version },
	{ "cmr", "START-END", set_cmr },
	{ "cache", "on|off", set_cache },
	{ "cache_seed", "NUMBER", set_cache_seed },
	{ "cache_ms", "MILLISECONDS", set_cache_ms },
	{ "wbinvd", "works|ignore|ignore:CPU", set_wbinvd },
	{ "count", "on|off", set_count },
	{ "seamcalls", "logged|unlogged", set_seamcalls },
	{ "hold", "LEAF:MILLISECONDS", set_hold },
};

static int parse(const char *arg)
{
	const char *eq = strchr(arg, '=');

	for (unsigned int i = 0; eq && i < G_N_ELEMENTS(options); i++) {
		if (strncmp(arg, options[i].name, eq - arg) || options[i].name[eq - arg])
			continue;
		if (!options[i].set(eq + 1))
			return 0;
		fprintf(stderr, "tdx-sim: %s: not one of %s\n", arg, options[i].allowed);
		return -1;
	}
	fprintf(stderr, "tdx-sim: %s: unknown option; there are:", arg);
	for (unsigned int i = 0; i < G_N_ELEMENTS(options); i++)
		fprintf(stderr, " %s=%s", options[i].name, options[i].allowed);
	fputc('\n', stderr);
	return -1;
}

SIM_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
				   char **argv)
{
	if (!info->system_emulation || strcmp(info->target_name, "x86_64")) {
		fprintf(stderr, "tdx-sim: needs qemu-system-x86_64, this is %s\n",
			info->target_name);
		return -1;
	}
	for (int i = 0; i < argc; i++)
		if (parse(argv[i]))
			return -1;
	if (qemu_api_init())
		return -1;
	inherited_pages = g_array_new(FALSE, FALSE, sizeof(struct left_page));
	cache_configure(&caches);
	if (caches.on)
		g_timeout_add(TICK_MS, on_tick, NULL);
	if (sim_log_path && events_open(sim_log_path))
		return -1;
	if (stores_path && stores_open(stores_path))
		return -1;
	if (ctl_path && control_open(ctl_path))
		return -1;
	qemu.qemu_register_reset(platform_reset, NULL);
	count_init();
	insn_init(id);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
