// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "execute.h"
#include "sys_ops.h"
#include "sysroot.h"

/* Interfaces that were up and are not the loopback. */
struct links {
	char (*names)[IFNAMSIZ];
	int nr;
};

static bool link_is_candidate(struct tool *t, const char *name)
{
	unsigned long long flags;
	char path[sizeof("/sys/class/net/") + IFNAMSIZ + sizeof("/flags")];

	if (name[0] == '.' || strlen(name) >= IFNAMSIZ)
		return false;
	snprintf(path, sizeof(path), "/sys/class/net/%s/flags", name);
	return sysroot_number(t, path, &flags) && (flags & IFF_UP) && !(flags & IFF_LOOPBACK);
}

/* False: no memory.  Without /sys there are none to be found. */
static bool links_find(struct tool *t, struct links *links)
{
	char *path = sysroot_path(t, "/sys/class/net");
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;
	bool ok = path != NULL;

	free(path);
	if (!dir) {
		debug(t, "/sys/class/net: cannot be read; network interfaces stay as they are");
		return ok;
	}
	while (ok && (entry = readdir(dir))) {
		char (*more)[IFNAMSIZ];

		if (!link_is_candidate(t, entry->d_name))
			continue;
		more = realloc(links->names, (links->nr + 1) * sizeof(*more));
		if (!more) {
			ok = false;
			break;
		}
		links->names = more;
		strcpy(links->names[links->nr++], entry->d_name);
	}
	closedir(dir);
	return ok;
}

static void links_set(struct tool *t, const struct links *links, bool up)
{
	for (int i = 0; i < links->nr; i++) {
		int err = t->sys->link_set(t, links->names[i], up);

		/* A device that will not stop is no reason to stay. */
		if (err)
			debug(t, "%s: cannot set the interface %s: %s", links->names[i],
			      up ? "up" : "down", strerror(-err));
	}
}

int execute_check(struct tool *t)
{
	if (!t->sys->may_reboot(t))
		return fail(t, EXIT_BAD_INPUT, "cannot execute: not permitted; run as root (CAP_SYS_BOOT)");
	/* Before interfaces go down, which may be the host's. */
	if (t->sys->in_container(t))
		return fail(t, EXIT_BAD_INPUT, "cannot execute: this is a container with a PID namespace of its own, where reboot(2) executes no kernel; run this on the host, or in a container with the host's (--pid=host)");
	return 0;
}

int execute_loaded(struct tool *t, const struct options *o, bool just_loaded)
{
	struct links links = { 0 };
	unsigned long long loaded;
	int ret, err;

	if (!just_loaded && sysroot_kexec(t, "loaded", &loaded) && !loaded)
		return fail(t, EXIT_BAD_INPUT, "no kernel is loaded; load one with kexec-tdx -l KERNEL first");
	ret = execute_check(t);
	if (ret)
		return ret;
	if (!o->no_ifdown && !links_find(t, &links)) {
		ret = fail(t, EXIT_KERNEL, "out of memory");
		goto out;
	}

	if (!o->no_sync)
		t->sys->sync(t);
	links_set(t, &links, false);
	fflush(t->out);
	err = t->sys->reboot_kexec(t);
	if (err) {
		links_set(t, &links, true);
		ret = fail(t, EXIT_KERNEL, "cannot execute the loaded kernel: %s",
			   err == -EINVAL ? "none is loaded, this kernel has no kexec, or this is a container with a PID namespace of its own; load one with kexec-tdx -l KERNEL, execute it on the host" :
			   err == -EBUSY ? "a load is going on; try again" :
			   err == -EPERM ? "not permitted; run as root (CAP_SYS_BOOT), outside of containers" :
			   strerror(-err));
	}
out:
	free(links.names);
	return ret;
}

const char *shutdown_program(struct tool *t)
{
	static const char *const places[] = {
		"/sbin/shutdown", "/usr/sbin/shutdown", "/bin/shutdown", "/etc/shutdown",
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (sysroot_executable(t, places[i]))
			return places[i];
	fail(t, EXIT_BAD_INPUT, "no shutdown(8) found to leave this system with; give -l to load only or -f to execute at once");
	return NULL;
}

int execute_by_shutdown(struct tool *t, const char *program)
{
	char *argv[] = { strdup(program), (char[]){ "-r" }, (char[]){ "now" }, NULL };
	int err = argv[0] ? t->sys->exec(t, argv) : -ENOMEM;

	free(argv[0]);
	if (err)
		return fail(t, EXIT_KERNEL, "%s: cannot run: %s; the kernel is loaded, reboot by hand",
			    program, strerror(-err));
	return 0;
}
