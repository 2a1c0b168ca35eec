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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys_ops.h"

/* From the kernel's uapi (linux/pidfd.h, linux/nsfs.h), which may be older here. */
#ifndef PIDFD_GET_PID_NAMESPACE
#define PIDFD_GET_PID_NAMESPACE	_IO(0xff, 5)
#endif
/* The inode of the first PID namespace, the same on every Linux since 3.8. */
#define INITIAL_PID_NS		0xeffffffcU

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

/*
 * The kernel is asked about this process first (Linux 6.11 and later), because
 * /proc need not be mounted.  Neither there: not known.  A kernel without PID
 * namespaces has neither.
 */
static bool real_in_container(struct tool *t)
{
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	int ns = pidfd >= 0 ? ioctl(pidfd, PIDFD_GET_PID_NAMESPACE, 0) : -1;
	struct stat st;
	bool known;

	(void)t;
	known = ns >= 0 ? fstat(ns, &st) == 0 : stat("/proc/self/ns/pid", &st) == 0;
	if (ns >= 0)
		close(ns);
	if (pidfd >= 0)
		close(pidfd);
	return known && st.st_ino != INITIAL_PID_NS;
}

const struct sys_ops sys_real = {
	.kexec_file_load = real_kexec_file_load,
	.reboot_kexec = real_reboot_kexec,
	.link_set = real_link_set,
	.sync = real_sync,
	.exec = real_exec,
	.may_reboot = real_may_reboot,
	.in_container = real_in_container,
};
