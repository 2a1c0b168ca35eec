// SPDX-License-Identifier: GPL-2.0-only
/*
 * The xarray tracker's nodes and lock: a reserve for updates that may not
 * allocate, and the freeing that they may not do.  Life of a node: reserve ->
 * tree -> idle list, when no page of it is in the set -> slab, after a grace
 * period, or in use again.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "tracker_xarray.h"

#if TRACKER_HAS_XARRAY

/*
 * How often a clear looks at the lock before it takes its owner for stopped:
 * some hundred milliseconds.
 */
#define LOCK_TRIES	4000000UL

/**
 * xarray_lock - begin an update
 * @set: the set
 * @flags: for xarray_unlock()
 * @wait: until the lock is free, however long
 *
 * Trylock: lockdep does not like plain locks where an NMI might be.  Who did not
 * get it once does not wait the next time.
 *
 * Context: any.
 * Return: false, with nothing changed, if the owner seems to be stopped.
 */
bool xarray_lock(struct tracker_xarray *set, unsigned long *flags, bool wait)
{
	unsigned long tries = READ_ONCE(set->stuck) ? 1 : LOCK_TRIES;

	local_irq_save(*flags);
	while (wait || tries--) {
		if (xa_trylock(&set->xa)) {
			if (READ_ONCE(set->stuck))
				WRITE_ONCE(set->stuck, false);
			__release(&set->xa.xa_lock);	/* for sparse: it is held */
			return true;
		}
		cpu_relax();
	}
	WRITE_ONCE(set->stuck, true);
	local_irq_restore(*flags);
	return false;
}

/**
 * xarray_unlock - the update is done
 * @set: the set
 * @flags: of xarray_lock()
 *
 * Context: any.
 */
void xarray_unlock(struct tracker_xarray *set, unsigned long flags)
{
	__acquire(&set->xa.xa_lock);	/* for sparse: since xarray_lock() */
	xa_unlock(&set->xa);
	local_irq_restore(flags);
}

/**
 * xarray_note_idle - a node may have lost its last page
 * @set: the set, locked
 * @node: the node
 *
 * Context: any.
 */
void xarray_note_idle(struct tracker_xarray *set, struct xa_node *node)
{
	if (!list_empty(&node->private_list))
		return;
	list_add(&node->private_list, &set->idle);
	WRITE_ONCE(set->nr_idle, set->nr_idle + 1);
}

/* The xarray gives nodes to who could not store for want of memory. */
static struct xa_node *new_node(struct tracker_xarray *set)
{
	XA_STATE(xas, &set->xa, 0);

	xas_set_err(&xas, -ENOMEM);
	return xas_nomem(&xas, GFP_KERNEL) ? xas.xa_alloc : NULL;
}

static bool refill(struct tracker_xarray *set)
{
	while (READ_ONCE(set->nr_reserve) < RESERVE_NODES) {
		struct xa_node *node = new_node(set);
		unsigned long flags;

		if (!node)
			return false;
		xarray_lock(set, &flags, true);
		RCU_INIT_POINTER(node->parent, set->reserve);
		set->reserve = node;
		set->nr_reserve++;
		xarray_unlock(set, flags);
	}
	return true;
}

/* Has the node neither a page nor a node? */
static bool node_empty(const struct xa_node *node)
{
	unsigned int i;

	if (node->nr_values)
		return false;
	for (i = 0; i < XA_CHUNK_SIZE; i++)
		if (xa_is_node(rcu_dereference_raw(node->slots[i])))
			return false;
	return true;
}

static unsigned long first_index(const struct xa_node *node)
{
	unsigned long index = 0;

	for (; node; node = rcu_dereference_raw(node->parent))
		index |= (unsigned long)node->offset << (node->shift + XA_CHUNK_SHIFT);
	return index;
}

/* Take an empty node out of the tree; the xarray frees it. */
static void drop_node(struct tracker_xarray *set, struct xa_node *node,
		      struct xa_node *parent)
{
	XA_STATE_ORDER(xas, &set->xa, first_index(node), parent->shift);

	xas_store(&xas, parent->count > 1 ? NULL : XA_ZERO_ENTRY);
	if (!parent->nr_values)
		xarray_note_idle(set, parent);
}

/* One node at a time, so that the lock is never held for long. */
static bool free_idle(struct tracker_xarray *set)
{
	struct xa_node *node, *parent;
	unsigned long flags;

	xarray_lock(set, &flags, true);
	node = list_first_entry_or_null(&set->idle, struct xa_node, private_list);
	if (node) {
		list_del_init(&node->private_list);
		WRITE_ONCE(set->nr_idle, set->nr_idle - 1);
		/* The root stays. */
		parent = rcu_dereference_raw(node->parent);
		if (parent && node_empty(node))
			drop_node(set, node, parent);
	}
	xarray_unlock(set, flags);
	return node;
}

/**
 * xarray_maintain - refill the reserve, free empty nodes
 * @set: the set
 *
 * Context: process, may sleep; one caller at a time.
 */
void xarray_maintain(struct tracker_xarray *set)
{
	refill(set);
	while (free_idle(set))
		;
}

static void maintain_work(struct work_struct *work)
{
	xarray_maintain(container_of(work, struct tracker_xarray, work));
}

static void wake_worker(struct irq_work *wake)
{
	queue_work(system_highpri_wq,
		   &container_of(wake, struct tracker_xarray, wake)->work);
}

static void drop_reserve(struct tracker_xarray *set)
{
	XA_STATE(xas, &set->xa, 0);

	/* Without an error xas_nomem() frees; 6.12 does not export xas_destroy(). */
	xas.xa_alloc = set->reserve;
	xas_nomem(&xas, GFP_KERNEL);
}

static unsigned int root_shift(u64 end)
{
	unsigned int shift = XA_CHUNK_SHIFT;

	while (((u64)XA_CHUNK_MASK << shift) < end)
		shift += XA_CHUNK_SHIFT;
	return shift;
}

/* A tree of its final height: the last slot of the root is never a page's. */
static int make_root(struct tracker_xarray *set, unsigned int shift)
{
	XA_STATE_ORDER(xas, &set->xa, (unsigned long)XA_CHUNK_MASK << shift, shift);

	do {
		xas_lock_irq(&xas);
		xas_store(&xas, XA_ZERO_ENTRY);
		xas_unlock_irq(&xas);
	} while (xas_nomem(&xas, GFP_KERNEL));
	return xas_error(&xas);
}

static void describe(struct private_map_header *map, struct tracker_xarray *set)
{
	map->table_pa = virt_to_phys(&set->xa.xa_head);
	map->direct_map = (u64)(uintptr_t)phys_to_virt(0);
	map->shift_at = offsetof(struct xa_node, shift);
	map->slots_at = offsetof(struct xa_node, slots);
	map->chunk_shift = XA_CHUNK_SHIFT;
}

/**
 * xarray_create - tracker_create() for this backend
 * @tracker: the set; @map and @nr_sections are there
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM (then nothing is allocated).
 */
int xarray_create(struct tracker *tracker)
{
	/*
	 * In the direct map, unlike the module's data: for outside readers.  From
	 * the slab, unlike a page: kmemleak looks there for who holds the reserve.
	 */
	struct tracker_xarray *set = kzalloc(sizeof(*set), GFP_KERNEL);

	if (!set)
		return -ENOMEM;
	xa_init_flags(&set->xa, XA_FLAGS_LOCK_IRQ);
	INIT_LIST_HEAD(&set->idle);
	init_irq_work(&set->wake, wake_worker);
	INIT_WORK(&set->work, maintain_work);
	tracker->xarray = set;
	if (make_root(set, root_shift(tracker_end(tracker))) || !refill(set)) {
		xarray_destroy(tracker);
		return -ENOMEM;
	}
	describe(tracker->map, set);
	return 0;
}

/**
 * xarray_destroy - tracker_destroy() for this backend
 * @tracker: the set
 *
 * Context: process, may sleep.
 */
void xarray_destroy(struct tracker *tracker)
{
	struct tracker_xarray *set = tracker->xarray;

	irq_work_sync(&set->wake);
	cancel_work_sync(&set->work);
	while (!list_empty(&set->idle))
		list_del_init(set->idle.next);
	drop_reserve(set);
	xa_destroy(&set->xa);
	kfree(set);
}

#endif /* TRACKER_HAS_XARRAY */
