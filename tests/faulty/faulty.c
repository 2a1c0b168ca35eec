// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: makes the mistakes that a kernel with checkers reports, each once,
 * at load.  So a test that finds no report is known to have looked.
 *
 * RCU comes first, then locks: the lock checker switches itself off after a
 * report of its own, and the kernel does after most others.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#define OBJECT_SIZE	120
#define LOST_OBJECTS	512

static DEFINE_MUTEX(one);
static DEFINE_MUTEX(two);
static void __rcu *shared;

static void lock_in_both_orders(void)
{
	mutex_lock(&one);
	mutex_lock(&two);
	mutex_unlock(&two);
	mutex_unlock(&one);

	mutex_lock(&two);
	mutex_lock(&one);
	mutex_unlock(&one);
	mutex_unlock(&two);
}

static void read_without_rcu(void)
{
	if (rcu_dereference(shared))
		pr_info("never\n");
}

static void sleep_in_atomic(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

static void read_behind_object(void)
{
	char *object = kmalloc(OBJECT_SIZE, GFP_KERNEL);
	size_t behind = OBJECT_SIZE;

	if (!object)
		return;
	OPTIMIZER_HIDE_VAR(behind);
	pr_info("byte behind the object: %d\n", READ_ONCE(object[behind]));
	kfree(object);
}

static void corrupt_list(void)
{
	struct list_head head, entry, another;

	INIT_LIST_HEAD(&head);
	list_add(&entry, &head);
	entry.prev = &entry;
	list_add(&another, &head);
}

/* Many: the allocator's own arrays still point to the latest ones. */
static void lose_memory(void)
{
	void *object;
	int i;

	for (i = 0; i < LOST_OBJECTS; i++) {
		object = kmalloc(OBJECT_SIZE, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(object);
	}
}

static const struct {
	const char *what;
	void (*run)(void);
} mistakes[] = {
	{ "RCU read without a lock",	read_without_rcu },
	{ "locks taken in both orders",	lock_in_both_orders },
	{ "sleep in atomic context",	sleep_in_atomic },
	{ "read behind an object",	read_behind_object },
	{ "corrupt list",		corrupt_list },
	{ "lost memory",		lose_memory },
};

static int __init faulty_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		pr_info("%s\n", mistakes[i].what);
		mistakes[i].run();
	}
	return 0;
}

static void __exit faulty_exit(void)
{
}

module_init(faulty_init);
module_exit(faulty_exit);

MODULE_DESCRIPTION("Test only: mistakes that checkers must report");
MODULE_AUTHOR("The kexec-tdx developers");
MODULE_LICENSE("GPL");
