// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Test only: the two system calls of a kexec and nothing else, as somebody makes
 * them who has never heard of kexec-tdx.
 *
 *   raw-kexec -l|-p KERNEL --initrd=FILE --command-line=TEXT   kexec_file_load()
 *   raw-kexec -e                                               reboot(RB_KEXEC)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static int usage(void)
{
	fputs("Usage: raw-kexec -l|-p KERNEL --initrd=FILE --command-line=TEXT\n"
	      "       raw-kexec -e\n", stderr);
	return 2;
}

/* Behind @name= among the arguments; NULL if it is not there. */
static const char *value(char **argv, const char *name)
{
	size_t len = strlen(name);

	for (; *argv; argv++)
		if (!strncmp(*argv, name, len) && (*argv)[len] == '=')
			return *argv + len + 1;
	return NULL;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fprintf(stderr, "raw-kexec: %s: %s\n", path, strerror(errno));
	return fd;
}

static int load(char **argv, unsigned long flags)
{
	const char *initrd = value(argv, "--initrd");
	const char *line = value(argv, "--command-line");
	int kernel_fd, initrd_fd;

	if (!argv[0] || !initrd || !line)
		return usage();
	kernel_fd = open_file(argv[0]);
	initrd_fd = open_file(initrd);
	if (kernel_fd < 0 || initrd_fd < 0)
		return 1;
	if (syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(line) + 1, line, flags)) {
		fprintf(stderr, "raw-kexec: kexec_file_load: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "-e")) {
		reboot(LINUX_REBOOT_CMD_KEXEC);
		fprintf(stderr, "raw-kexec: reboot: %s\n", strerror(errno));
		return 1;
	}
	if (argc > 2 && !strcmp(argv[1], "-l"))
		return load(argv + 2, 0);
	if (argc > 2 && !strcmp(argv[1], "-p"))
		return load(argv + 2, KEXEC_FILE_ON_CRASH);
	return usage();
}
