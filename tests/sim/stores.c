// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which lines MOVDIR64B has written since the last SEAMCALL that succeeded,
 * option stores=FILE.  Written at each jump into another kernel:
 *
 *   jump EPOCH PRIVATE_PAGES
 *   run CPU LINE LINES tdx|normal
 *
 * A run is what one CPU wrote without a gap, upwards: LINE is its first address
 * divided by 64.  Runs are in the order in which they began.  tdx: each of these
 * lines was TDX's, or poisoned, until this store; normal: none was, so that there
 * was nothing to do.
 *
 * Lock: sim_lock() in everything but stores_open() and stores_on().
 */
#include "sim.h"

#include <glib.h>
#include <stdio.h>

struct run {
	uint64_t line, lines;
	uint32_t cpu;
	bool tdx;
};

static FILE *file;
static GArray *runs;
static guint newest[SIM_MAX_CPUS];	/* a CPU's last run, plus one; 0: none */

int stores_open(const char *path)
{
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		return -1;
	}
	runs = g_array_new(FALSE, FALSE, sizeof(struct run));
	return 0;
}

bool stores_on(void)
{
	return file;
}

void stores_note(unsigned int cpu, uint64_t pa, bool owned)
{
	struct run run = { .line = pa / SIM_LINE, .lines = 1, .cpu = cpu, .tdx = owned };
	struct run *last;

	if (!file || cpu >= SIM_MAX_CPUS)
		return;
	last = newest[cpu] ? &g_array_index(runs, struct run, newest[cpu] - 1) : NULL;
	if (last && last->line + last->lines == run.line && last->tdx == run.tdx) {
		last->lines++;
		return;
	}
	g_array_append_val(runs, run);
	newest[cpu] = runs->len;
}

void stores_forget(void)
{
	if (!file || !runs->len)
		return;
	g_array_set_size(runs, 0);
	for (unsigned int i = 0; i < SIM_MAX_CPUS; i++)
		newest[i] = 0;
}

void stores_jump(uint64_t epoch, uint64_t private_pages)
{
	if (!file)
		return;
	fprintf(file, "jump %lu %lu\n", epoch, private_pages);
	for (guint i = 0; i < runs->len; i++) {
		const struct run *run = &g_array_index(runs, struct run, i);

		fprintf(file, "run %u %lu %lu %s\n", run->cpu, run->line, run->lines,
			run->tdx ? "tdx" : "normal");
	}
	fflush(file);
	stores_forget();
}
