// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hook one function of the kernel with ftrace.
 */
#include <linux/ftrace.h>
#include <linux/string.h>

#include "tdx_reset.h"

/**
 * hook_function - call @ops->func whenever the function begins
 * @ops: what to call and how; never hooked before, since kernels before 6.15 leave
 *	a freed filter in it
 * @function: name of the function
 *
 * Context: process, may sleep.
 * Return: 0, or a negative error: nothing is hooked then.
 */
int hook_function(struct ftrace_ops *ops, const char *function)
{
	char name[32];	/* ftrace takes no const */
	int ret;

	strscpy(name, function);
	ret = ftrace_set_filter(ops, name, strlen(name), 1);
	if (ret == -EINVAL)
		ret = -ENOENT;	/* ftrace knows no such function */
	if (!ret)
		ret = register_ftrace_function(ops);
	if (ret)
		ftrace_free_filter(ops);
	return ret;
}

/**
 * unhook_function - undo hook_function()
 * @ops: hooked
 *
 * Context: process, may sleep.
 */
void unhook_function(struct ftrace_ops *ops)
{
	unregister_ftrace_function(ops);
	ftrace_free_filter(ops);
}
