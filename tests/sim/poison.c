// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading a poisoned line is a machine check.
 *
 * A page with a poisoned line is covered by a region of "device" memory whose
 * reads look at the line first; everything else runs at full speed.  From the
 * ninth such page in 2 MiB on, one region covers the 2 MiB.
 *
 * All of it under the BQL.
 */
#define _GNU_SOURCE
#include "sim.h"

#include <execinfo.h>
#include <stdlib.h>
#include <string.h>

#define BIG		(2ULL << 20)
#define MAX_SMALL	8	/* page regions in 2 MiB before one covers all of it */
#define PRIORITY	10	/* above RAM */

/* MCi_STATUS: VAL UC EN MISCV ADDRV S AR, data load (SDM volume 3, 17.9.3.2). */
#define STATUS_LOAD	0xbd80000000000134ULL
#define MCG_LOAD	7	/* RIPV EIPV MCIP */
#define MISC_LOAD	0x86	/* physical address, 64-byte granule */
/* What the other CPUs see of a broadcast: not their error. */
#define STATUS_OTHER	0xa000000000000000ULL
#define MCG_OTHER	5	/* RIPV MCIP */
#define MAX_FRAMES	48
#define GETPC_ADJ	2

struct overlay {
	struct memory_region mr;
	uint64_t base, size;
	bool initialised, present;
};

/* Of each 2 MiB that ever held poison. */
struct block {
	uint64_t base;
	struct overlay big;
	struct overlay small[MAX_SMALL];
};

static GHashTable *blocks;	/* base -> struct block */

/* --- the machine check ---------------------------------------------------------- */

static void inject_other(CPUState *cpu, uint64_t data)
{
	(void)data;
	qemu.cpu_x86_inject_mce(NULL, cpu, 1, STATUS_OTHER, MCG_OTHER, 0, 0, 0);
}

/* The load instruction in the translated block that led here; NULL if none. */
static bool restore_to_load(CPUState *cpu)
{
	void *frames[MAX_FRAMES];
	int n = backtrace(frames, MAX_FRAMES);

	for (int i = 0; i < n; i++)
		if (qemu.cpu_restore_state(cpu, (uintptr_t)frames[i] - GETPC_ADJ))
			return true;
	return false;
}

/* Consumes poison; comes back only if no instruction of a CPU did it. */
static void machine_check(uint64_t pa)
{
	CPUState *cpu = qemu_current_cpu(), *other;

	if (!cpu || !restore_to_load(cpu)) {
		event("\"ev\":\"poison-read\",\"by\":\"device or page walk\",\"pa\":\"0x%lx\"", pa);
		return;
	}
	STAT_INC(machine_checks);
	event("\"ev\":\"mce\",\"pa\":\"0x%lx\"", pa);
	qemu.cpu_x86_inject_mce(NULL, cpu, 1, STATUS_LOAD, MCG_LOAD, pa, MISC_LOAD, 0);
	for (int i = 0; (other = qemu.qemu_get_cpu(i)) != NULL; i++)
		if (other != cpu)
			qemu.async_run_on_cpu(other, inject_other, 0);
	qemu.cpu_loop_exit(cpu);
}

static uint64_t overlay_read(void *opaque, uint64_t addr, unsigned int size)
{
	const struct overlay *o = opaque;
	uint64_t pa = o->base + addr, value = 0;
	bool poisoned;

	sim_lock();
	poisoned = mem_line_poisoned(pa) || mem_line_poisoned(pa + size - 1);
	sim_unlock();
	if (poisoned)
		machine_check(pa);
	memcpy(&value, mem_ptr(pa), size);
	return value;
}

static void overlay_write(void *opaque, uint64_t addr, uint64_t data, unsigned int size)
{
	const struct overlay *o = opaque;

	memcpy(mem_ptr(o->base + addr), &data, size);
}

static const struct memory_region_ops overlay_ops = {
	.read = overlay_read,
	.write = overlay_write,
	.endianness = SIM_DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
	.impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* --- regions -------------------------------------------------------------------- */

static void overlay_show(struct overlay *o, uint64_t base, uint64_t size)
{
	if (!o->initialised) {
		qemu.memory_region_init_io(&o->mr, NULL, &overlay_ops, o, "tdx-sim-poison", size);
		o->initialised = true;
	}
	o->base = base;
	o->size = size;
	qemu.memory_region_add_subregion_overlap(qemu.get_system_memory(), base, &o->mr,
						 PRIORITY);
	o->present = true;
	STAT_INC(overlays);
}

static void overlay_hide(struct overlay *o)
{
	if (!o->present)
		return;
	qemu.memory_region_del_subregion(qemu.get_system_memory(), &o->mr);
	o->present = false;
}

static struct block *block_of(uint64_t pa, bool create)
{
	gint64 key = pa & ~(BIG - 1);
	struct block *b;

	if (!blocks)
		blocks = g_hash_table_new(g_int64_hash, g_int64_equal);
	b = g_hash_table_lookup(blocks, &key);
	if (!b && create) {
		b = calloc(1, sizeof(*b));
		if (!b)
			abort();
		b->base = key;
		g_hash_table_insert(blocks, &b->base, b);
	}
	return b;
}

static bool block_covers(const struct block *b, uint64_t pa)
{
	if (b->big.present)
		return true;
	for (int i = 0; i < MAX_SMALL; i++)
		if (b->small[i].present && pa - b->small[i].base < SIM_PAGE)
			return true;
	return false;
}

static void hide_small(struct block *b)
{
	for (int i = 0; i < MAX_SMALL; i++)
		overlay_hide(&b->small[i]);
}

static bool take_bql(void)
{
	if (qemu.bql_locked())
		return false;
	qemu.bql_lock_impl(__FILE__, __LINE__);
	return true;
}

bool poison_armed(uint64_t pa)
{
	bool taken = take_bql(), armed;
	struct block *b = block_of(pa, false);

	armed = b && block_covers(b, pa);
	if (taken)
		qemu.bql_unlock();
	return armed;
}

void poison_arm(uint64_t pa)
{
	bool taken = take_bql();
	struct block *b = block_of(pa, true);
	int i = 0;

	if (!block_covers(b, pa)) {
		while (i < MAX_SMALL && b->small[i].present)
			i++;
		if (i < MAX_SMALL) {
			overlay_show(&b->small[i], pa & ~(SIM_PAGE - 1), SIM_PAGE);
		} else {
			overlay_show(&b->big, b->base, BIG);
			hide_small(b);
		}
	}
	if (taken)
		qemu.bql_unlock();
}

static bool poison_in(uint64_t start, uint64_t end)
{
	bool any = false;

	sim_lock();
	for (uint64_t pa = start; pa < end && !any; pa += SIM_PAGE)
		any = mem_page_poisoned(pa) != 0;
	sim_unlock();
	return any;
}

void poison_disarm(uint64_t pa)
{
	bool taken = take_bql();
	struct block *b = block_of(pa, false);

	for (int i = 0; b && i < MAX_SMALL; i++)
		if (b->small[i].present &&
		    !poison_in(b->small[i].base, b->small[i].base + SIM_PAGE))
			overlay_hide(&b->small[i]);
	if (b && b->big.present && !poison_in(b->base, b->base + BIG))
		overlay_hide(&b->big);
	if (taken)
		qemu.bql_unlock();
}

void poison_reset(void)
{
	bool taken = take_bql();
	GHashTableIter it;
	gpointer p;

	if (blocks) {
		g_hash_table_iter_init(&it, blocks);
		while (g_hash_table_iter_next(&it, NULL, &p)) {
			struct block *b = p;

			overlay_hide(&b->big);
			hide_small(b);
		}
	}
	if (taken)
		qemu.bql_unlock();
}
