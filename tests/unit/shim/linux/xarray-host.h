/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What include/linux/xarray.h and lib/xarray.c of the kernel's source need to be
 * compiled in userspace.  They are taken from the kernel source that configure
 * was told of, unchanged; all that they include is here or in headers that
 * include this one.
 */
#ifndef SHIM_LINUX_XARRAY_HOST_H
#define SHIM_LINUX_XARRAY_HOST_H

#include <errno.h>
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/types.h>

/* --- compiler */
#define __rcu
#define __must_check
#define __force
#define __maybe_unused __attribute__((__unused__))
#define EXPORT_SYMBOL(symbol)
#define EXPORT_SYMBOL_GPL(symbol)
#define IS_ENABLED(option) SHIM_IS(option)
#define SHIM_IS(value) SHIM_IS_(SHIM_FLAG_##value)
#define SHIM_IS_(flag) SHIM_SECOND(flag 1, 0)
#define SHIM_SECOND(ignored, value, ...) value
#define SHIM_FLAG_1 0,
#define unlikely(x) __builtin_expect(!!(x), 0)
#define likely(x) __builtin_expect(!!(x), 1)
#define fallthrough __attribute__((__fallthrough__))
#define __acquires(lock)
#define __releases(lock)
#define __must_hold(lock)
#define __acquire(lock) ((void)0)
#define __release(lock) ((void)0)
#define BUG_ON(condition) do { if (condition) abort(); } while (0)
#define WARN_ON(condition) ({ if (condition) abort(); 0; })
#define WARN_ON_ONCE(condition) WARN_ON(condition)
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)
#define pr_cont(...) ((void)0)
#define pr_info(...) ((void)0)
#define pr_cont_pfn(...) ((void)0)

/* --- errors in pointers */
#define MAX_ERRNO 4095
#define ERR_PTR(error) ((void *)(long)(error))
#define PTR_ERR(pointer) ((long)(pointer))
#define IS_ERR(pointer) ((unsigned long)(pointer) >= (unsigned long)-MAX_ERRNO)

/* --- RCU: what is freed is freed at once; no test reads what it freed */
struct rcu_head {
	void *next;
	void (*func)(struct rcu_head *head);
};

#define rcu_dereference_raw(p) ({ SHIM_STEP_READ(&(p)); __atomic_load_n(SHIM_SEEN(&(p)), __ATOMIC_CONSUME); })
#define rcu_dereference_check(p, condition) rcu_dereference_raw(p)
#define rcu_dereference_protected(p, condition) __atomic_load_n(&(p), __ATOMIC_RELAXED)
#define rcu_assign_pointer(p, value) \
	({ SHIM_STEP_SLOT(&(p)); SHIM_STEP(&(p)); __atomic_store_n(&(p), (__typeof__(p))(value), __ATOMIC_RELEASE); })
#define RCU_INIT_POINTER(p, value) \
	__atomic_store_n(&(p), (__typeof__(p))(value), __ATOMIC_RELAXED)
#define rcu_read_lock() ((void)0)
#define rcu_read_unlock() ((void)0)
#define call_rcu(head, function) shim_call_rcu(head, function)
void shim_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));

/* --- locks; interrupts there are none */
typedef struct {
	int held;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(name) { 0 }
#define lockdep_is_held(lock) ((void)(lock), 1)
#define spin_lock_init(lock) ((lock)->held = 0)

static inline int spin_trylock(spinlock_t *lock)
{
	SHIM_STEP(lock);
	if (!__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) || SHIM_NO_LOCK)
		return 1;
	SHIM_BLOCKED(&lock->held);
	return 0;
}

static inline void spin_unlock(spinlock_t *lock)
{
	SHIM_STEP(lock);
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

static inline void spin_lock(spinlock_t *lock)
{
	while (!spin_trylock(lock))
		;
}

#define spin_lock_bh spin_lock
#define spin_unlock_bh spin_unlock
#define spin_lock_irq spin_lock
#define spin_unlock_irq spin_unlock
#define spin_lock_irqsave(lock, flags) ((flags) = 0, spin_lock(lock))
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), spin_unlock(lock))
#define spin_lock_nested(lock, class) spin_lock(lock)
#define spin_lock_bh_nested spin_lock_nested
#define spin_lock_irq_nested spin_lock_nested
#define spin_lock_irqsave_nested(lock, flags, class) spin_lock_irqsave(lock, flags)
#define local_irq_save(flags) ((flags) = 0)
#define local_irq_restore(flags) ((void)(flags))
#define cpu_relax() __builtin_ia32_pause()
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define might_alloc(gfp) ((void)(gfp))
#define cmpxchg(pointer, old, new_) ({				\
	__typeof__(*(pointer)) shim_old = (old);			\
	SHIM_STEP(pointer);						\
	__atomic_compare_exchange_n(pointer, &shim_old, new_, 0,	\
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	shim_old; })

/* --- memory; shim_nodes_until_failure as in gfp.h, by the test */
typedef unsigned int gfp_t;
#define __GFP_BITS_SHIFT 27
#define __GFP_NOWARN 0u
#define __GFP_ACCOUNT 0u
#define GFP_NOWAIT 1u
#define gfpflags_allow_blocking(gfp) ((gfp) != GFP_NOWAIT)
#define PAGE_SIZE SHIM_PAGE_SIZE

struct list_lru;
struct kmem_cache;
extern struct kmem_cache *radix_tree_node_cachep;
struct xa_node *shim_alloc_node(gfp_t gfp);
#define kmem_cache_alloc_lru(cache, lru, gfp) ((void)(lru), shim_alloc_node(gfp))
void radix_tree_node_rcu_free(struct rcu_head *head);

/* --- bitmaps of one word, which is all that a node's marks are */
#define BITS_TO_LONGS(bits) (((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]
#define test_bit(bit, map) (*(map) >> (bit) & 1)
#define __set_bit(bit, map) ((void)(*(map) |= 1UL << (bit)))
#define __clear_bit(bit, map) ((void)(*(map) &= ~(1UL << (bit))))
#define __test_and_set_bit(bit, map) \
	({ bool shim_was = test_bit(bit, map); __set_bit(bit, map); shim_was; })
#define __test_and_clear_bit(bit, map) \
	({ bool shim_was = test_bit(bit, map); __clear_bit(bit, map); shim_was; })
#define bitmap_empty(map, bits) (!*(map))
#define bitmap_fill(map, bits) ((void)(*(map) = ~0UL))
#define bitmap_clear(map, start, nr) \
	((void)(*(map) &= ~((~0UL >> (BITS_PER_LONG - (nr))) << (start))))
#define __ffs(word) ((unsigned long)__builtin_ctzl(word))
#define roundup_pow_of_two(n) ((n) < 2 ? 1UL : 1UL << (64 - __builtin_clzl((n) - 1)))
#define round_down(x, y) ((x) & ~((__typeof__(x))(y) - 1))
#define roundup(x, y) ((((x) + (y) - 1) / (y)) * (y))

#endif /* SHIM_LINUX_XARRAY_HOST_H */
