// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/tdx_reset/: one value a file.
 * Described in Documentation/ABI/testing/sysfs-kernel-tdx_reset.
 */
#include <linux/io.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "coverage.h"
#include "tdx_reset.h"

static struct kobject *tdx_reset_kobj;

#define SHOW(name)						\
static ssize_t name##_show(struct kobject *kobj,		\
			   struct kobj_attribute *attr, char *buf)

SHOW(mode)
{
	return sysfs_emit(buf, "%s\n", platform.host ? "watch" :
			  platform.own ? "own" : "none");
}

SHOW(erratum)
{
	return sysfs_emit(buf, "%d\n", platform.erratum);
}

SHOW(coverage)
{
	watch_account();
	if (!platform.host && !platform.own)
		return sysfs_emit(buf, "none\n");
	return sysfs_emit(buf, "%s\n", coverage_complete() ? "complete" : "partial");
}

SHOW(coverage_reason)
{
	watch_account();
	return sysfs_emit(buf, "%s\n", platform.host || platform.own ?
			  coverage_reason() : "no TDX host here");
}

SHOW(unlock)
{
	return sysfs_emit(buf, "%d\n", unlock_wanted());
}

SHOW(pinned)
{
	return sysfs_emit(buf, "%s\n", pin_reason());
}

SHOW(tracker)
{
	return sysfs_emit(buf, "%s\n", tracker_name());
}

SHOW(private_pages)
{
	return sysfs_emit(buf, "%llu\n", core_ready() ? tracker_count(&tracker) : 0);
}

SHOW(sys_disable)
{
	search_metadata();
	if (!platform.sys_disable_known)
		return sysfs_emit(buf, "unknown\n");
	return sysfs_emit(buf, "%s\n", platform.sys_disable ? "enumerated" : "absent");
}

SHOW(tdx)
{
	static const char * const names[] = {
		[TDX_OFF] = "off",
		[TDX_INITIALIZED] = "initialized",
		[TDX_DISABLED] = "disabled",
	};

	return sysfs_emit(buf, "%s\n", names[READ_ONCE(tdx_state)]);
}

SHOW(map)
{
	return sysfs_emit(buf, "0x%llx\n",
			  core_ready() ? (u64)virt_to_phys(tracker.map) : 0);
}

#define FILE_ATTR(name, mode) \
static struct kobj_attribute name##_attr = __ATTR(name, mode, name##_show, NULL)

FILE_ATTR(mode, 0444);
FILE_ATTR(erratum, 0444);
FILE_ATTR(coverage, 0444);
FILE_ATTR(coverage_reason, 0444);
FILE_ATTR(pinned, 0444);
FILE_ATTR(tracker, 0444);
FILE_ATTR(private_pages, 0444);
FILE_ATTR(sys_disable, 0444);
FILE_ATTR(tdx, 0444);
FILE_ATTR(unlock, 0444);
FILE_ATTR(map, 0400);	/* a physical address */

static struct attribute *tdx_reset_attrs[] = {
	&mode_attr.attr,
	&erratum_attr.attr,
	&coverage_attr.attr,
	&coverage_reason_attr.attr,
	&pinned_attr.attr,
	&tracker_attr.attr,
	&private_pages_attr.attr,
	&sys_disable_attr.attr,
	&tdx_attr.attr,
	&unlock_attr.attr,
	&map_attr.attr,
	NULL
};

static const struct attribute_group tdx_reset_group = {
	.attrs = tdx_reset_attrs,
};

/**
 * sysfs_start - create /sys/kernel/tdx_reset
 *
 * Context: process, may sleep.
 * Return: 0 or a negative error.
 */
int sysfs_start(void)
{
	int ret;

	tdx_reset_kobj = kobject_create_and_add("tdx_reset", kernel_kobj);
	if (!tdx_reset_kobj)
		return -ENOMEM;
	ret = sysfs_create_group(tdx_reset_kobj, &tdx_reset_group);
	if (ret)
		kobject_put(tdx_reset_kobj);
	return ret;
}

/**
 * sysfs_stop - remove /sys/kernel/tdx_reset
 *
 * Context: process, may sleep.
 */
void sysfs_stop(void)
{
	kobject_put(tdx_reset_kobj);
}
