// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lib/xarray.c of the kernel source that configure was told of, compiled in
 * userspace; and where its nodes come from.
 */
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include <linux/xarray.h>

#include "linux-xarray.h"

struct kmem_cache *radix_tree_node_cachep;
long shim_nodes_held;
bool shim_atomic_context;
long shim_rule_breaks;

struct xa_node *shim_alloc_node(gfp_t gfp)
{
	struct xa_node *node;

	/* What no update from a probe may do. */
	if (gfp == GFP_NOWAIT && shim_atomic_context)
		shim_rule_breaks++;
	node = SHIM_ALLOC(64, (sizeof(*node) + 63) & ~63UL);
	if (!node)
		abort();
	memset(node, 0, sizeof(*node));
	INIT_LIST_HEAD(&node->private_list);
	__atomic_fetch_add(&shim_nodes_held, 1, __ATOMIC_RELAXED);
	return node;
}

void radix_tree_node_rcu_free(struct rcu_head *head)
{
	__atomic_fetch_sub(&shim_nodes_held, 1, __ATOMIC_RELAXED);
	SHIM_FREE(container_of(head, struct xa_node, rcu_head));
}

/* Freed at the end of the grace period, which a test calls when it wants. */
static pthread_mutex_t waiting_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rcu_head *waiting;

void shim_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *))
{
	if (shim_atomic_context)
		shim_rule_breaks++;
	pthread_mutex_lock(&waiting_lock);
	head->func = func;
	head->next = waiting;
	waiting = head;
	pthread_mutex_unlock(&waiting_lock);
}

void shim_grace_period(void)
{
	struct rcu_head *head, *next;

	pthread_mutex_lock(&waiting_lock);
	head = waiting;
	waiting = NULL;
	pthread_mutex_unlock(&waiting_lock);
	for (; head; head = next) {
		next = head->next;
		head->func(head);
	}
}

#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wshadow"
#include LINUX_XARRAY_C
