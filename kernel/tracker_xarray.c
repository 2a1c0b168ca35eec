// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracker as the kernel's xarray, indexed by page frame: a free 2 MiB or
 * 1 GiB frame that is set as a whole is one entry.
 *
 * An xarray is made for process context.  Its updates allocate and free nodes,
 * and a SEAMCALL's probe may do neither: it runs as in an NMI, where neither the
 * slab allocator nor call_rcu() may be called.  So:
 *
 * - Every update here needs at most one node at a time, which comes from a
 *   reserve; nodes in between are made one after the other.  xarray_maintain()
 *   refills it in process context.  Reserve empty: tracker_set() says so, and
 *   what should leave the set stays; tracker->lost() is called for both.
 * - No update here empties a node or stores over nodes, so that none is freed.
 *   A node without pages keeps an XA_ZERO_ENTRY and waits for xarray_maintain().
 * - The height never changes: the root keeps an XA_ZERO_ENTRY in its last slot.
 * - Entries have the orders 0, 6, 9, 12 and 18 only; all but 9 (2 MiB) fill
 *   exactly one slot.  A cut entry becomes 64 (or 8) smaller ones at each level.
 *
 * Updates take the xarray's lock, with interrupts off.  Readers take none: the
 * xarray writes a slot when what it points to is complete.  A clear in a crash,
 * while the lock's owner is stopped, waits a moment, then goes on without it:
 * it turns slots into XA_ZERO_ENTRY where they are.  A slot that is only partly
 * to be cleared stays then, and so do its pages: the hand-off finds them.
 * What such a clear can lose to an owner who was only slow is a clear.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>

#include "tracker_xarray.h"

#if TRACKER_HAS_XARRAY

static void *slot_entry(const struct xa_node *node, unsigned int offset)
{
	return rcu_dereference_raw(node->slots[offset]);
}

/**
 * struct slot - where a look-up ended
 * @entry: what is there
 * @node: the node; never NULL for a page below the end
 * @offset: the slot in it
 * @first: the first page of the entry
 * @end: behind its last page
 */
struct slot {
	void *entry;
	struct xa_node *node;
	unsigned int offset;
	u64 first;
	u64 end;
};

/* Look a page up.  xas: of order 0; it stays where the look-up ended. */
static struct slot look_up(struct xa_state *xas)
{
	struct slot slot = { };
	unsigned int nr = 1;

	do {
		slot.entry = xas_load(xas);
		if (xa_is_retry(slot.entry))
			xas_reset(xas);
	} while (xa_is_retry(slot.entry));

	slot.node = xas->xa_node;
	slot.offset = xas->xa_offset;
	if (slot.entry)
		while (slot.offset + nr < XA_CHUNK_SIZE &&
		       xa_is_sibling(slot_entry(slot.node, slot.offset + nr)))
			nr++;
	slot.first = ((xas->xa_index >> slot.node->shift) & ~(u64)XA_CHUNK_MASK) + slot.offset;
	slot.end = (slot.first + nr) << slot.node->shift;
	slot.first <<= slot.node->shift;
	return slot;
}

static struct xa_node *take_node(struct tracker_xarray *set)
{
	struct xa_node *node = set->reserve;

	if (node) {
		set->reserve = rcu_dereference_raw(node->parent);
		RCU_INIT_POINTER(node->parent, NULL);
		set->nr_reserve--;
	}
	return node;
}

/* Store with at most one new node, which must be needed.  False: none there. */
static bool store_below(struct tracker_xarray *set, u64 pfn, unsigned int order,
			void *entry)
{
	XA_STATE_ORDER(xas, &set->xa, pfn, order);

	xas.xa_alloc = take_node(set);
	if (!xas.xa_alloc)
		return false;
	xas_store(&xas, entry);
	return true;
}

/* Store where the nodes are there already. */
static void store_here(struct tracker_xarray *set, u64 pfn, unsigned int order,
		       void *entry)
{
	XA_STATE_ORDER(xas, &set->xa, pfn, order);

	xas_store(&xas, entry);
}

/* Empty one slot.  A node's last entry is never removed: the node would go. */
static void empty_slot(struct tracker_xarray *set, const struct slot *slot)
{
	store_here(set, slot->first, slot->node->shift,
		   slot->node->count > 1 ? NULL : XA_ZERO_ENTRY);
}

/* Make an XA_ZERO_ENTRY's slot really empty, so that a node can go there. */
static void vacate(struct tracker_xarray *set, const struct slot *slot)
{
	unsigned int shift = slot->node->shift;

	if (slot->node->count == 1)
		store_here(set, slot->first ^ 1ULL << shift, shift, XA_ZERO_ENTRY);
	store_here(set, slot->first, shift, NULL);
}

#define LARGE_ORDER	18	/* 1 GiB */

/* The largest entry that may begin at a page. */
static unsigned int largest_order(u64 pfn, u64 end)
{
	static const unsigned int orders[] = { LARGE_ORDER, 12, 9, 6 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++)
		if (!(pfn & ((1ULL << orders[i]) - 1)) && (end - pfn) >> orders[i])
			return orders[i];
	return 0;
}

/* Are these slots of a node free, all of them? */
static bool slots_free(const struct xa_node *node, unsigned int offset,
		       unsigned int nr)
{
	while (nr--) {
		void *entry = slot_entry(node, offset + nr);

		if (entry && !xa_is_zero(entry))
			return false;
	}
	return true;
}

/*
 * Set the page of a free slot, and those behind it that go with it into one
 * entry.  A node on the way that has to be made gets an XA_ZERO_ENTRY beside the
 * way, because a store makes all missing nodes at once.  Returns how many pages,
 * 0 to be called again, or -ENOMEM.
 */
static s64 set_slot(struct tracker_xarray *set, struct xa_state *xas,
		    struct slot *slot, u64 end)
{
	u64 pfn = xas->xa_index;
	unsigned int order = largest_order(pfn, end);
	unsigned int shift = slot->node->shift;

	if (order >= shift) {
		if (order != 9 || shift != 6 || !slots_free(slot->node, slot->offset, 8))
			order = shift;
		if (order)
			store_here(set, pfn, order, PRESENT);
		else
			xas_store(xas, PRESENT);
		return 1LL << order;
	}
	if (!set->reserve)
		return -ENOMEM;
	if (slot->entry)
		vacate(set, slot);
	shift -= XA_CHUNK_SHIFT;
	if (order >= shift)
		return store_below(set, pfn, order, PRESENT) ? 1LL << order : -ENOMEM;
	return store_below(set, pfn ^ 1ULL << shift, shift, XA_ZERO_ENTRY) ? 0 : -ENOMEM;
}

/* Returns how many pages came into the set, or -ENOMEM. */
static s64 set_locked(struct tracker_xarray *set, u64 pfn, u64 end)
{
	bool lost = false;
	s64 added = 0;

	while (pfn < end) {
		XA_STATE(xas, &set->xa, pfn);
		struct slot slot = look_up(&xas);
		s64 nr;

		if (xa_is_value(slot.entry)) {
			pfn = slot.end;
			continue;
		}
		nr = set_slot(set, &xas, &slot, end);
		if (nr < 0) {
			lost = true;
			pfn = slot.end;
			continue;
		}
		added += nr;
		pfn += nr;
	}
	atomic64_add(added, &set->pages);
	return lost ? -ENOMEM : added;
}

/* Cut an entry of one slot into 64 in a node of their own. */
static bool split_slot(struct tracker_xarray *set, u64 pfn, unsigned int shift)
{
	unsigned int order = shift - XA_CHUNK_SHIFT;
	XA_STATE_ORDER(xas, &set->xa, pfn, order);
	struct xa_node *node = take_node(set);
	unsigned int i;

	if (!node)
		return false;
	node->array = &set->xa;
	for (i = 0; i < XA_CHUNK_SIZE; i++)
		RCU_INIT_POINTER(node->slots[i], PRESENT);
	xas.xa_alloc = node;
	xas_split(&xas, PRESENT, shift);
	return true;
}

/* Cut an entry of 8 slots into 8 entries of the same node. */
static void split_siblings(struct tracker_xarray *set, u64 pfn, unsigned int shift)
{
	XA_STATE_ORDER(xas, &set->xa, pfn, shift);

	xas_split(&xas, PRESENT, 9);
}

/* Returns how many pages left; *lost: some that should have stayed. */
static u64 clear_locked(struct tracker_xarray *set, const struct tracker *tracker,
			u64 pfn, u64 end, bool *lost)
{
	u64 removed = 0;

	while ((pfn = xarray_find_page(tracker, pfn, end, true)) < end) {
		XA_STATE(xas, &set->xa, pfn);
		struct slot slot = look_up(&xas);
		unsigned int shift = slot.node->shift;

		if (slot.end - slot.first > 1ULL << shift) {
			split_siblings(set, pfn, shift);
			continue;
		}
		if (slot.first < pfn || slot.end > end) {
			if (split_slot(set, pfn, shift))
				continue;
			*lost = true;
			pfn = slot.end;
			continue;
		}
		if (!shift)
			xas_store(&xas, slot.node->count > 1 ? NULL : XA_ZERO_ENTRY);
		else
			empty_slot(set, &slot);
		if (!slot.node->nr_values)
			xarray_note_idle(set, slot.node);
		removed += slot.end - slot.first;
		pfn = slot.end;
	}
	atomic64_sub(removed, &set->pages);
	return removed;
}

/* In a crash, without the lock: see the top of this file. */
static u64 clear_in_place(struct tracker_xarray *set, const struct tracker *tracker,
			  u64 pfn, u64 end)
{
	u64 removed = 0;

	rcu_read_lock();
	while ((pfn = xarray_find_page(tracker, pfn, end, true)) < end) {
		XA_STATE(xas, &set->xa, pfn);
		struct slot slot = look_up(&xas);

		if (xa_is_value(slot.entry) && slot.first >= pfn && slot.end <= end &&
		    cmpxchg((__force void **)&slot.node->slots[slot.offset], slot.entry,
			    XA_ZERO_ENTRY) == slot.entry)
			removed += slot.end - slot.first;
		pfn = slot.end;
	}
	rcu_read_unlock();
	atomic64_sub(removed, &set->pages);
	return removed;
}

static void wake_if_needed(struct tracker_xarray *set)
{
	if (READ_ONCE(set->nr_reserve) < RESERVE_NODES / 2 ||
	    READ_ONCE(set->nr_idle) >= IDLE_NODES)
		irq_work_queue(&set->wake);
}

/*
 * The lock is held, and interrupts are off, for one section at a time, or for a
 * 1 GiB frame, which is one entry at best.
 */
static u64 locked_end(u64 pfn, u64 end)
{
	if (largest_order(pfn, end) == LARGE_ORDER)
		return pfn + (1ULL << LARGE_ORDER);
	return min(end, pfn + PRIVATE_MAP_SECTION_PAGES - pfn % PRIVATE_MAP_SECTION_PAGES);
}

/**
 * xarray_set_pages - tracker_set() for this backend
 * @tracker: the set
 * @pfn: the first page
 * @nr: how many
 *
 * Context: any, NMI included, but not inside itself on one CPU, and not while
 * the lock's owner is stopped.
 * Return: how many were not in the set before, -ERANGE or -ENOMEM.
 */
s64 xarray_set_pages(struct tracker *tracker, u64 pfn, u64 nr)
{
	struct tracker_xarray *set = tracker->xarray;
	u64 end = pfn + nr;
	s64 added = 0, err = 0;

	if (end < pfn || end > tracker_end(tracker)) {
		err = -ERANGE;
		end = tracker_end(tracker);
	}

	while (pfn < end) {
		u64 stop = locked_end(pfn, end);
		unsigned long flags;
		s64 fresh;

		xarray_lock(set, &flags, true);
		fresh = set_locked(set, pfn, stop);
		xarray_unlock(set, flags);
		if (fresh < 0)
			err = fresh;
		else
			added += fresh;
		pfn = stop;
	}
	wake_if_needed(set);
	if (err == -ENOMEM && tracker->lost)
		tracker->lost();
	/* Before the SEAMCALL that the caller is going to make. */
	smp_mb();
	return err ?: added;
}

/**
 * xarray_clear_pages - tracker_clear() for this backend
 * @tracker: the set
 * @pfn: the first page
 * @nr: how many
 *
 * Context: any, NMI included; inside an update on the same CPU in a crash only.
 * Return: how many were in the set and left it.
 */
u64 xarray_clear_pages(struct tracker *tracker, u64 pfn, u64 nr)
{
	struct tracker_xarray *set = tracker->xarray;
	u64 end = min(pfn + nr, tracker_end(tracker));
	u64 removed = 0;
	bool lost = false;

	/* Behind the fence that made the pages normal. */
	smp_mb();
	/* Nothing there: not even the lock. */
	while ((pfn = xarray_find_page(tracker, pfn, end, true)) < end) {
		u64 stop = locked_end(pfn, end);
		unsigned long flags;

		if (xarray_lock(set, &flags, false)) {
			removed += clear_locked(set, tracker, pfn, stop, &lost);
			xarray_unlock(set, flags);
		} else {
			removed += clear_in_place(set, tracker, pfn, stop);
		}
		pfn = stop;
	}
	wake_if_needed(set);
	if (lost && tracker->lost)
		tracker->lost();
	return removed;
}

/**
 * xarray_test_page - tracker_test() for this backend
 * @tracker: the set
 * @pfn: the page, below the end
 *
 * Context: any, NMI included.
 * Return: true if it is in the set.
 */
bool xarray_test_page(const struct tracker *tracker, u64 pfn)
{
	return xa_is_value(xa_load(&tracker->xarray->xa, pfn));
}

static u64 find_present(struct xarray *xa, u64 pfn, u64 end)
{
	XA_STATE(xas, xa, pfn);
	void *entry;

	/* xas_retry() takes XA_ZERO_ENTRY for one to go on from. */
	do {
		entry = xas_find(&xas, end - 1);
	} while (xas_retry(&xas, entry));
	return entry ? max_t(u64, xas.xa_index, pfn) : end;
}

static u64 find_absent(struct xarray *xa, u64 pfn, u64 end)
{
	while (pfn < end) {
		XA_STATE(xas, xa, pfn);
		struct slot slot = look_up(&xas);

		if (!xa_is_value(slot.entry))
			break;
		pfn = slot.end;
		/* Its neighbours in the same node, without a new look-up. */
		for (slot.offset = ((pfn - 1) >> slot.node->shift) & XA_CHUNK_MASK;
		     ++slot.offset < XA_CHUNK_SIZE; pfn += 1ULL << slot.node->shift) {
			void *entry = slot_entry(slot.node, slot.offset);

			if (!xa_is_value(entry))
				break;
		}
	}
	return pfn;
}

/**
 * xarray_find_page - the first page that is, or is not, in the set
 * @tracker: the set
 * @pfn: where to start looking
 * @end: where to stop, at most the end of the set
 * @in: what to look for
 *
 * Context: any, NMI included.
 * Return: the page, or @end.
 */
u64 xarray_find_page(const struct tracker *tracker, u64 pfn, u64 end, bool in)
{
	struct xarray *xa = &tracker->xarray->xa;

	if (pfn >= end)
		return end;
	rcu_read_lock();
	pfn = in ? find_present(xa, pfn, end) : find_absent(xa, pfn, end);
	rcu_read_unlock();
	return min(pfn, end);
}

/**
 * xarray_count_pages - tracker_count() for this backend
 * @tracker: the set
 *
 * Context: any.
 */
u64 xarray_count_pages(const struct tracker *tracker)
{
	return atomic64_read(&tracker->xarray->pages);
}

#endif /* TRACKER_HAS_XARRAY */
