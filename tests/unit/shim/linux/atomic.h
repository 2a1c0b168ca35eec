/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's atomics by the compiler's, fully ordered as the kernel's are. */
#ifndef SHIM_LINUX_ATOMIC_H
#define SHIM_LINUX_ATOMIC_H

#include <linux/types.h>

/* A test may count, look at, or stop at, every access; see tracker-steps.c. */
#ifdef SHIM_STEPS_H
#include SHIM_STEPS_H
#endif
#ifndef SHIM_STEP_READ
#define SHIM_STEP_READ(address) ((void)(address))
#endif
#ifndef SHIM_STEP
#define SHIM_STEP(address) ((void)(address))
#define SHIM_SEEN(address) (address)
#define SHIM_STEP_SLOT(address) ((void)(address))
#define SHIM_BLOCKED(lock) ((void)(lock))
#define SHIM_NO_LOCK false
#define SHIM_TORN false
#define SHIM_DEFER(value, v) false
#define SHIM_DEFERRED() ((void)0)
#endif

typedef struct {
	s64 counter;
} atomic64_t;

typedef struct {
	int counter;
} atomic_t;

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

static inline int atomic_read(const atomic_t *v)
{
	SHIM_STEP_READ(v);
	return __atomic_load_n(SHIM_SEEN(&v->counter), __ATOMIC_RELAXED);
}

static inline void atomic_add(int value, atomic_t *v)
{
	if (SHIM_DEFER(value, &v->counter))
		return;
	SHIM_STEP(v);
	__atomic_fetch_add(&v->counter, value, __ATOMIC_SEQ_CST);
}

static inline void atomic_sub(int value, atomic_t *v)
{
	SHIM_STEP(v);
	__atomic_fetch_sub(&v->counter, value, __ATOMIC_SEQ_CST);
}

static inline long atomic_long_fetch_or(long mask, atomic_long_t *v)
{
	long old;

	SHIM_STEP(v);
	if (!SHIM_TORN) {
		old = __atomic_fetch_or(&v->counter, mask, __ATOMIC_SEQ_CST);
		SHIM_DEFERRED();
		return old;
	}
	old = v->counter;
	SHIM_STEP(v);
	v->counter = old | mask;
	return old;
}

static inline long atomic_long_fetch_andnot(long mask, atomic_long_t *v)
{
	long old;

	SHIM_STEP(v);
	if (!SHIM_TORN)
		return __atomic_fetch_and(&v->counter, ~mask, __ATOMIC_SEQ_CST);
	old = v->counter;
	SHIM_STEP(v);
	v->counter = old & ~mask;
	return old;
}

#endif /* SHIM_LINUX_ATOMIC_H */
