// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmdline.h"
#include "error.h"
#include "image.h"
#include "load.h"
#include "load_error.h"
#include "sys_ops.h"
#include "sysroot.h"

/*
 * The kernel's loader keeps room for " elfcorehdr=0x<64-bit>" behind every
 * command line (MAX_ELFCOREHDR_STR_LEN in arch/x86/kernel/kexec-bzimage64.c).
 */
#define ELFCOREHDR_ROOM		30

static const char *open_error_text(int err)
{
	static const struct {
		int err;
		const char *text;
	} causes[] = {
		{ ENOENT, "no such file; check the path" },
		{ ENOTDIR, "a part of the path is no directory; check the path" },
		{ EACCES, "may not be read; run as root or check its permissions" },
		{ EPERM, "may not be read; run as root or check its permissions" },
		{ ELOOP, "too many symbolic links; check the path" },
		{ EIO, "cannot be read; see the kernel log for disk errors" },
	};

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].err == err)
			return causes[i].text;
	return strerror(err);
}

/*
 * Open an input file that must be a non-empty regular file.  @role is "kernel"
 * or "initrd", for messages.  Return: fd, or -1 after an error was printed.
 */
static int open_input(struct tool *t, const char *path, const char *role, uint64_t *size)
{
	struct stat st;
	int fd = -1;

	if (!*path)
		return fail(t, -1, "the name of the %s is empty; give its path", role);
	/*
	 * First by name: opening a device or a FIFO can do or wait for
	 * something.  Then by fd: the name may mean another file by now.
	 */
	if (stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	else if (stat(path, &st) == 0)
		return fail(t, -1, "%s: the %s is not a regular file; give the file itself", path, role);
	if (fd < 0 || fstat(fd, &st) < 0) {
		fail(t, -1, "%s: cannot open the %s: %s", path, role, open_error_text(errno));
	} else if (S_ISDIR(st.st_mode)) {
		fail(t, -1, "%s: the %s is a directory; give the file inside it", path, role);
	} else if (!S_ISREG(st.st_mode)) {
		fail(t, -1, "%s: the %s is not a regular file; give the file itself", path, role);
	} else if (st.st_size == 0) {
		fail(t, -1, "%s: the %s is an empty file; install it again", path, role);
	} else {
		*size = st.st_size;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static int probe_file(struct tool *t, const char *path, int fd, uint64_t size,
		      struct image *image)
{
	uint8_t *head = malloc(IMAGE_HEAD_BYTES);
	size_t have = 0;
	ssize_t n = 0;

	if (!head)
		return fail(t, EXIT_KERNEL, "%s: out of memory", path);
	while (have < IMAGE_HEAD_BYTES) {
		n = pread(fd, head + have, IMAGE_HEAD_BYTES - have, have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += n;
	}
	if (n >= 0)
		image_probe(head, have, size, image);
	free(head);
	if (n < 0)
		return fail(t, EXIT_BAD_INPUT, "%s: the kernel %s", path, open_error_text(errno));
	if (image->kind == IMAGE_BAD)
		return fail(t, EXIT_BAD_INPUT, "%s: %s", path, image->why);
	debug(t, "%s: %s, %llu bytes", path, image->format, (unsigned long long)size);
	return 0;
}

/* A crash kernel needs its reservation; no file = let the kernel decide. */
static int check_reservation(struct tool *t, const struct options *o)
{
	unsigned long long size;

	if (!o->crash || !sysroot_kexec(t, "crash_size", &size) || size)
		return 0;
	return fail(t, EXIT_BAD_INPUT, "%s: no memory is reserved for a crash kernel; boot with crashkernel=SIZE, 512M for example",
		    o->kernel);
}

/* The new command line in *@line, which the caller frees. */
static int make_cmdline(struct tool *t, const struct options *o,
			const struct image *image, char **line)
{
	/* The boot loader's own word, and what only the first kernel shall reserve. */
	static const char *const drop[] = { "BOOT_IMAGE", NULL };
	static const char *const drop_crash[] = { "BOOT_IMAGE", "crashkernel", NULL };
	char *running = NULL, *base = NULL;
	int ret = 0;

	*line = NULL;
	if (o->reuse_cmdline) {
		running = sysroot_read(t, "/proc/cmdline");
		if (!running)
			return fail(t, EXIT_BAD_INPUT, "/proc/cmdline: cannot be read for --reuse-cmdline: %s; mount /proc or use --append",
				    strerror(errno));
		base = cmdline_without(running, o->crash ? drop_crash : drop);
	}
	if (!o->reuse_cmdline || base)
		*line = cmdline_join(base, o->append);
	if (!*line)
		ret = fail(t, EXIT_KERNEL, "%s: out of memory", o->kernel);
	else if (strlen(*line) + 1 + ELFCOREHDR_ROOM > image->cmdline_max)
		ret = fail(t, EXIT_BAD_INPUT, "%s: the command line has %zu bytes, this kernel takes %d; shorten --append",
			   o->kernel, strlen(*line),
			   image->cmdline_max > ELFCOREHDR_ROOM + 1 ?
			   (int)(image->cmdline_max - ELFCOREHDR_ROOM - 1) : 0);
	free(base);
	free(running);
	return ret;
}

/* Flags that not every kernel knows, the newest first. */
static const struct {
	unsigned long flag;
	const char *name;
} newer_flags[] = {
	{ FILE_NO_CMA, "the flag of --no-cma (Linux 6.17)" },
	{ FILE_DEBUG, "the debug flag (Linux 6.8)" },
};

/* The call itself.  Return: 0 or -errno. */
static int file_load(struct tool *t, struct load_call *call)
{
	int err = t->sys->kexec_file_load(t, call);

	/*
	 * A kernel that does not know a flag answers EINVAL.  One that does not
	 * know FILE_NO_CMA never takes CMA memory for the image.
	 */
	for (size_t i = 0; i < sizeof(newer_flags) / sizeof(newer_flags[0]); i++) {
		if (err != -EINVAL || !(call->flags & newer_flags[i].flag))
			continue;
		debug(t, "kexec_file_load: invalid argument; trying without %s", newer_flags[i].name);
		call->flags &= ~newer_flags[i].flag;
		err = t->sys->kexec_file_load(t, call);
	}
	return err;
}

static unsigned long load_flags(const struct options *o)
{
	return (o->crash ? FILE_ON_CRASH : 0) |
	       (o->initrd ? 0 : FILE_NO_INITRAMFS) |
	       (o->debug ? FILE_DEBUG : 0) |
	       (o->no_cma ? FILE_NO_CMA : 0);
}

int load_kernel(struct tool *t, const struct options *o)
{
	int kernel_fd = -1, initrd_fd = -1, ret = EXIT_BAD_INPUT, err;
	uint64_t kernel_size, initrd_size;
	struct image image;
	struct load_call call;
	char *cmdline = NULL;

	kernel_fd = open_input(t, o->kernel, "kernel", &kernel_size);
	if (kernel_fd < 0)
		goto out;
	ret = probe_file(t, o->kernel, kernel_fd, kernel_size, &image);
	if (ret)
		goto out;
	if (o->initrd) {
		initrd_fd = open_input(t, o->initrd, "initrd", &initrd_size);
		if (initrd_fd < 0) {
			ret = EXIT_BAD_INPUT;
			goto out;
		}
	}
	ret = check_reservation(t, o);
	if (ret)
		goto out;
	if (image.kind == IMAGE_FOREIGN) {
		ret = LOAD_FOREIGN;
		goto out;
	}
	ret = make_cmdline(t, o, &image, &cmdline);
	if (ret)
		goto out;

	call = (struct load_call) {
		.kernel_fd = kernel_fd, .kernel = o->kernel,
		.initrd_fd = initrd_fd, .initrd = o->initrd,
		.cmdline = cmdline, .cmdline_len = strlen(cmdline) + 1,
		.flags = load_flags(o),
	};
	debug(t, "command line: %s", cmdline);
	err = file_load(t, &call);
	if (err)
		ret = fail(t, EXIT_KERNEL, "%s: cannot load: %s", o->kernel,
			   load_error_text(t, -err, o->crash, false));
out:
	free(cmdline);
	if (initrd_fd >= 0)
		close(initrd_fd);
	if (kernel_fd >= 0)
		close(kernel_fd);
	return ret;
}

int unload_kernel(struct tool *t, const struct options *o)
{
	const struct load_call call = {
		.kernel_fd = -1, .initrd_fd = -1,
		.flags = FILE_UNLOAD | (o->crash ? FILE_ON_CRASH : 0),
	};
	int err = t->sys->kexec_file_load(t, &call);

	if (err)
		return fail(t, EXIT_KERNEL, "cannot unload the %s kernel: %s",
			    o->crash ? "crash" : "loaded",
			    load_error_text(t, -err, o->crash, true));
	return 0;
}
