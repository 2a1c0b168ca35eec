// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Write-combining buffers of each CPU.  Intel SDM volume 1, 10.4.6.2 and
 * volume 3, 13.3.1: non-temporal stores gather in them and leave as one
 * transaction only if the whole line was filled.
 */
#include "memory.h"

#include <string.h>

#define MAX_CPUS	64
#define BUFFERS		10	/* fill buffers of a core; the oldest is evicted */

struct wc_buffer {
	uint64_t line;		/* physical address; valid if mask */
	uint64_t mask;		/* bit n = byte n written */
	uint64_t owned_before;	/* did the line still belong to TDX at the first byte? */
};

static struct wc_cpu {
	struct wc_buffer buf[BUFFERS];
	unsigned int next;	/* the oldest */
} cpus[MAX_CPUS];

static void drain(struct wc_buffer *b, void (*poisoned)(uint64_t pa))
{
	if (!b->mask)
		return;
	if (b->mask == ~0ULL) {
		mem_full_line(b->line);
	} else if (!mem_erratum()) {
		mem_full_line(b->line);
	} else if (b->owned_before && !mem_line_poisoned(b->line)) {
		mem_poison(b->line);
		poisoned(b->line);
	}
	b->mask = 0;
}

static void store_line(struct wc_cpu *c, uint64_t pa, unsigned int len,
		       void (*poisoned)(uint64_t pa))
{
	uint64_t line = pa & ~(SIM_LINE - 1), bytes;
	struct wc_buffer *b = NULL;

	for (int i = 0; i < BUFFERS; i++)
		if (c->buf[i].mask && c->buf[i].line == line)
			b = &c->buf[i];
	if (!b) {
		b = &c->buf[c->next++ % BUFFERS];
		drain(b, poisoned);
		b->line = line;
		/* Asked now: the store itself is about to change the bytes. */
		b->owned_before = mem_line_owned(pa);
	}
	bytes = len == SIM_LINE ? ~0ULL : (1ULL << len) - 1;
	b->mask |= bytes << (pa % SIM_LINE);
	if (b->mask == ~0ULL)
		drain(b, poisoned);
}

void wc_store(unsigned int cpu, uint64_t pa, unsigned int len,
	      void (*poisoned)(uint64_t pa))
{
	struct wc_cpu *c = &cpus[cpu % MAX_CPUS];
	unsigned int first = SIM_LINE - pa % SIM_LINE;

	if (first > len)
		first = len;
	store_line(c, pa, first, poisoned);
	if (len > first)
		store_line(c, pa + first, len - first, poisoned);
}

void wc_flush(unsigned int cpu, void (*poisoned)(uint64_t pa))
{
	struct wc_cpu *c = &cpus[cpu % MAX_CPUS];

	for (int i = 0; i < BUFFERS; i++)
		drain(&c->buf[i], poisoned);
}

void wc_reset(void)
{
	memset(cpus, 0, sizeof(cpus));
}
