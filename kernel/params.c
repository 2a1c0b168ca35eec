// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters that say in the log what they allow, where the kernel's own
 * say "invalid" only.  Choices of words have theirs where they are used.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/limits.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>

#include "params.h"

static int set_bool(const char *value, const struct kernel_param *kp)
{
	int ret = param_set_bool(value, kp);

	if (ret)
		pr_err("%s=%s: allowed: 1, 0\n", kp->name, value);
	return ret;
}

const struct kernel_param_ops params_bool_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_bool,
	.get = param_get_bool,
};

static int set_uint(const char *value, const struct kernel_param *kp)
{
	int ret = param_set_uint(value, kp);

	if (ret)
		pr_err("%s=%s: allowed: 0 to %u\n", kp->name, value, UINT_MAX);
	return ret;
}

const struct kernel_param_ops params_uint_ops = {
	.set = set_uint,
	.get = param_get_uint,
};
