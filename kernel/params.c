// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters that say in the log what they allow, where the kernel's own
 * say "invalid" only.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/limits.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/sysfs.h>

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

static int set_choice(const char *value, const struct kernel_param *kp)
{
	struct params_choice *choice = kp->arg;
	int i = __sysfs_match_string(choice->words, choice->nr, value);
	char allowed[64];
	unsigned int word;
	size_t len = 0;

	if (i >= 0) {
		choice->chosen = i;
		return 0;
	}
	for (word = 0; word < choice->nr; word++)
		len += scnprintf(allowed + len, sizeof(allowed) - len, "%s%s",
				 word ? ", " : "", choice->words[word]);
	pr_err("%s=%s: allowed: %s\n", kp->name, value, allowed);
	return -EINVAL;
}

static int get_choice(char *buffer, const struct kernel_param *kp)
{
	const struct params_choice *choice = kp->arg;

	return sysfs_emit(buffer, "%s\n", choice->words[choice->chosen]);
}

const struct kernel_param_ops params_choice_ops = {
	.set = set_choice,
	.get = get_choice,
};
