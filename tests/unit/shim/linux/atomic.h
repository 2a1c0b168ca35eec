/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's atomics by the compiler's, fully ordered as the kernel's are. */
#ifndef SHIM_LINUX_ATOMIC_H
#define SHIM_LINUX_ATOMIC_H

#include <linux/types.h>

typedef struct {
	s64 counter;
} atomic64_t;

typedef struct {
	long counter;
} __attribute__((__may_alias__)) atomic_long_t;

static inline void atomic64_set(atomic64_t *v, s64 value)
{
	__atomic_store_n(&v->counter, value, __ATOMIC_RELAXED);
}

static inline s64 atomic64_read(const atomic64_t *v)
{
	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);
}

static inline void atomic64_add(s64 value, atomic64_t *v)
{
	__atomic_fetch_add(&v->counter, value, __ATOMIC_SEQ_CST);
}

static inline void atomic64_sub(s64 value, atomic64_t *v)
{
	__atomic_fetch_sub(&v->counter, value, __ATOMIC_SEQ_CST);
}

static inline long atomic_long_fetch_or(long mask, atomic_long_t *v)
{
	return __atomic_fetch_or(&v->counter, mask, __ATOMIC_SEQ_CST);
}

static inline long atomic_long_fetch_andnot(long mask, atomic_long_t *v)
{
	return __atomic_fetch_and(&v->counter, ~mask, __ATOMIC_SEQ_CST);
}

#endif /* SHIM_LINUX_ATOMIC_H */
