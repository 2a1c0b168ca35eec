/* SPDX-License-Identifier: GPL-2.0-only */
/* The tracker on the kernel's xarray: what its two files share. */
#ifndef TDX_RESET_TRACKER_XARRAY_H
#define TDX_RESET_TRACKER_XARRAY_H

#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "tracker.h"

/* All pages of the slot are in the set; XA_ZERO_ENTRY: none, but keep the node. */
#define PRESENT xa_mk_value(1)

/*
 * Nodes in reserve, 576 bytes each.  Pages that lie scattered take one to three
 * each; pages that lie together one for 64.
 */
#ifndef RESERVE_NODES
#define RESERVE_NODES	4096
#endif
/* Empty nodes that wait for being freed, before somebody is woken for it. */
#define IDLE_NODES	64

/**
 * struct tracker_xarray - the set as an xarray
 * @xa: the tree; its lock is taken by xarray_lock() only
 * @pages: how many pages are in the set
 * @reserve: nodes for the next updates, chained by ->parent; under the lock
 * @nr_reserve: how many
 * @idle: nodes that had no page in the set when last seen, by ->private_list;
 *	under the lock
 * @nr_idle: how many
 * @stuck: the lock's owner seems to have been stopped for good
 * @wake: calls @work from any context
 * @work: refills @reserve, frees @idle
 */
struct tracker_xarray {
	struct xarray xa;
	atomic64_t pages;
	struct xa_node *reserve;
	unsigned int nr_reserve;
	struct list_head idle;
	unsigned int nr_idle;
	bool stuck;
	struct irq_work wake;
	struct work_struct work;
};

bool xarray_lock(struct tracker_xarray *set, unsigned long *flags, bool wait);
void xarray_unlock(struct tracker_xarray *set, unsigned long flags);
void xarray_note_idle(struct tracker_xarray *set, struct xa_node *node);

#endif /* TDX_RESET_TRACKER_XARRAY_H */
