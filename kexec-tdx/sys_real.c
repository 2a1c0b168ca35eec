// SPDX-License-Identifier: GPL-2.0-or-later
/* The calls that change the machine, made. */
#include "config.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/reboot.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys_ops.h"

static int real_kexec_file_load(struct tool *t, const struct load_call *c)
{
	(void)t;
	if (syscall(SYS_kexec_file_load, c->kernel_fd, c->initrd_fd,
		    c->cmdline_len, c->cmdline, c->flags) == 0)
		return 0;
	return -errno;
}

static int real_reboot_kexec(struct tool *t)
{
	(void)t;
	if (syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		    LINUX_REBOOT_CMD_KEXEC, NULL) == 0)
		return 0;
	return -errno;
}

static int real_link_set(struct tool *t, const char *ifname, bool up)
{
	struct ifreq ifr = { 0 };
	int fd, ret = 0;

	(void)t;
	if (strlen(ifname) >= sizeof(ifr.ifr_name))
		return -EINVAL;
	strcpy(ifr.ifr_name, ifname);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0) {
		ret = -errno;
	} else {
		if (up)
			ifr.ifr_flags |= IFF_UP;
		else
			ifr.ifr_flags &= ~IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
			ret = -errno;
	}
	close(fd);
	return ret;
}

static void real_sync(struct tool *t)
{
	(void)t;
	sync();
}

static int real_exec(struct tool *t, char *const argv[])
{
	fflush(t->out);
	fflush(t->err);
	execv(argv[0], argv);
	return -errno;
}

static bool real_may_reboot(struct tool *t)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	(void)t;
	if (syscall(SYS_capget, &head, data) != 0)
		return geteuid() == 0;
	return data[CAP_TO_INDEX(CAP_SYS_BOOT)].effective & CAP_TO_MASK(CAP_SYS_BOOT);
}

const struct sys_ops sys_real = {
	.kexec_file_load = real_kexec_file_load,
	.reboot_kexec = real_reboot_kexec,
	.link_set = real_link_set,
	.sync = real_sync,
	.exec = real_exec,
	.may_reboot = real_may_reboot,
};
