// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysroot.h"

#define FILE_MAX	(1u << 20)	/* /proc/cpuinfo of 448 CPUs is about 800 KiB */

char *sysroot_path(const struct tool *t, const char *path)
{
	char *full = NULL;

	if (asprintf(&full, "%s%s", t->sysroot, path) < 0)
		return NULL;
	return full;
}

char *sysroot_read(const struct tool *t, const char *path)
{
	char *full = sysroot_path(t, path);
	char *text = NULL;
	size_t have = 0, room = 0;
	int fd = -1, err = ENOMEM;

	if (!full)
		goto out;
	err = 0;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err = errno;
		goto out;
	}
	/* sysfs and procfs do not tell a file's size before it is read. */
	while (have < FILE_MAX) {
		ssize_t n;

		if (room - have < 2) {
			char *more = realloc(text, room + 4096);

			if (!more) {
				err = ENOMEM;
				goto out;
			}
			text = more;
			room += 4096;
		}
		n = read(fd, text + have, room - have - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = errno;
			goto out;
		}
		if (n == 0)
			break;
		have += n;
	}
	text[have] = '\0';
	while (have && text[have - 1] == '\n')
		text[--have] = '\0';
out:
	if (fd >= 0)
		close(fd);
	free(full);
	if (err) {
		free(text);
		text = NULL;
		errno = err;
	}
	return text;
}

bool sysroot_number(const struct tool *t, const char *path, unsigned long long *value)
{
	char *text = sysroot_read(t, path);
	char *end = text;
	bool ok;

	if (!text)
		return false;
	errno = 0;
	*value = strtoull(text, &end, 0);
	ok = end != text && *end == '\0' && errno == 0;
	free(text);
	return ok;
}

bool sysroot_kexec(const struct tool *t, const char *name, unsigned long long *value)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/kexec_%s", name);
	if (sysroot_number(t, path, value))
		return true;
	snprintf(path, sizeof(path), "/sys/kernel/kexec/%s", name);
	return sysroot_number(t, path, value);
}

static bool may(const struct tool *t, const char *path, int mode)
{
	char *full = sysroot_path(t, path);
	bool yes = full && access(full, mode) == 0;

	free(full);
	return yes;
}

bool sysroot_exists(const struct tool *t, const char *path)
{
	return may(t, path, F_OK);
}

bool sysroot_executable(const struct tool *t, const char *path)
{
	return may(t, path, X_OK);
}
