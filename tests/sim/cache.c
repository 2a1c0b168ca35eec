// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines that TDX wrote and that still wait in a CPU's cache: see memory.h.
 *
 * Memory shows what TDX wrote at once (a line may leave the cache at any
 * moment); the copy here is what makes it come back once more.
 */
#include "memory.h"

#include <glib.h>
#include <stdlib.h>

#define MAX_CPUS	64

struct cached_page {
	gint64 pa;
	uint16_t hkid;
	uint64_t due;		/* ms; CACHE_STAYS: not before another kernel runs */
};

#define CACHE_STAYS	UINT64_MAX

static struct cache_config cfg;
static GHashTable *cpus[MAX_CPUS];	/* pa -> struct cached_page */
static uint64_t seed;
static struct cache_stats stats;

/* xorshift64*: the same seed gives the same run of due times. */
static uint64_t draw(uint64_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return below ? (seed * 0x2545f4914f6cdd1dULL >> 11) % below : 0;
}

void cache_configure(const struct cache_config *c)
{
	cfg = *c;
	cache_reset();
}

bool cache_on(void)
{
	return cfg.on;
}

void cache_reset(void)
{
	seed = cfg.seed ? cfg.seed : 1;
	stats = (struct cache_stats){ 0 };
	for (int i = 0; i < MAX_CPUS; i++)
		if (cpus[i])
			g_hash_table_remove_all(cpus[i]);
}

void cache_note_write(unsigned int cpu, uint64_t pa, uint16_t hkid, uint64_t now)
{
	gint64 key = pa & ~(SIM_PAGE - 1);
	struct cached_page *p;

	if (!cfg.on)
		return;
	for (int i = 0; i < MAX_CPUS; i++)	/* a line is dirty in one cache only */
		if (cpus[i])
			g_hash_table_remove(cpus[i], &key);
	cpu %= MAX_CPUS;
	if (!cpus[cpu])
		cpus[cpu] = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free);
	p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	*p = (struct cached_page){
		.pa = key, .hkid = hkid,
		.due = draw(2) ? now + draw(cfg.max_ms + 1) : CACHE_STAYS,
	};
	g_hash_table_insert(cpus[cpu], &p->pa, p);
}

/* Lines of this page that would change hands if it came back now. */
static unsigned int lines_to_return(const struct cached_page *p)
{
	return SIM_LINES_PER_PAGE - __builtin_popcountll(mem_page_owned(p->pa));
}

static void write_back(struct cached_page *p)
{
	unsigned int lines = lines_to_return(p);

	stats.written_pages++;
	if (lines) {
		stats.returned_lines += lines;
		stats.returned_pages++;
		mem_tdx_write_page(p->pa);
	}
}

static gboolean leave(gpointer key, gpointer value, gpointer u)
{
	struct cached_page *p = value;
	uint64_t now = *(uint64_t *)u;

	(void)key;
	if (p->due > now)
		return FALSE;
	write_back(p);
	return TRUE;
}

void cache_tick(uint64_t now)
{
	for (int i = 0; i < MAX_CPUS; i++)
		if (cpus[i])
			g_hash_table_foreach_remove(cpus[i], leave, &now);
}

static gboolean leave_now(gpointer key, gpointer value, gpointer u)
{
	(void)key;
	(void)u;
	write_back(value);
	return TRUE;
}

void cache_wbinvd(unsigned int cpu)
{
	if (cpus[cpu % MAX_CPUS])
		g_hash_table_foreach_remove(cpus[cpu % MAX_CPUS], leave_now, NULL);
}

void cache_write_back_all(void)
{
	for (int i = 0; i < MAX_CPUS; i++)
		cache_wbinvd(i);
}

void cache_flush_page(uint64_t pa, uint16_t hkid)
{
	gint64 key = pa & ~(SIM_PAGE - 1);

	for (int i = 0; i < MAX_CPUS; i++) {
		struct cached_page *p = cpus[i] ? g_hash_table_lookup(cpus[i], &key) : NULL;

		if (!p || p->hkid != hkid)
			continue;
		write_back(p);
		g_hash_table_remove(cpus[i], &key);
	}
}

static gboolean set_due(gpointer key, gpointer value, gpointer u)
{
	struct cached_page *p = value;

	(void)key;
	if (p->due == CACHE_STAYS)
		p->due = *(uint64_t *)u + draw(cfg.max_ms + 1);
	return FALSE;
}

void cache_kernel_jump(uint64_t now)
{
	for (int i = 0; i < MAX_CPUS; i++)
		if (cpus[i])
			g_hash_table_foreach_remove(cpus[i], set_due, &now);
}

unsigned int cache_pending_lines(uint64_t pa)
{
	gint64 key = pa & ~(SIM_PAGE - 1);

	for (int i = 0; i < MAX_CPUS; i++) {
		struct cached_page *p = cpus[i] ? g_hash_table_lookup(cpus[i], &key) : NULL;

		if (p)
			return lines_to_return(p);
	}
	return 0;
}

struct cache_stats cache_stats(void)
{
	struct cache_stats s = stats;
	GHashTableIter it;
	gpointer p;

	for (int i = 0; i < MAX_CPUS; i++) {
		if (!cpus[i])
			continue;
		g_hash_table_iter_init(&it, cpus[i]);
		while (g_hash_table_iter_next(&it, NULL, &p)) {
			unsigned int lines = lines_to_return(p);

			s.dirty_pages++;
			s.pending_lines += lines;
			s.pending_pages += lines != 0;
		}
	}
	return s;
}
