// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error.h"
#include "hand_on.h"
#include "status.h"
#include "sys_ops.h"
#include "sysroot.h"

/*
 * This program may itself be installed as kexec: never hand on to ourselves.
 * A second name for it is the same file; a copy is not, so a mark in the
 * environment ends that loop.
 */
#define MARK	"KEXEC_TDX_HANDED_ON"

static bool is_this_program(struct tool *t, const char *path)
{
	struct stat self, other;
	char *full = sysroot_path(t, path);
	bool same = full && stat(full, &other) == 0 && stat("/proc/self/exe", &self) == 0 &&
		    self.st_dev == other.st_dev && self.st_ino == other.st_ino;

	free(full);
	return same;
}

/* Caller frees.  NULL: there is none. */
static char *kexec_of_kexec_tools(struct tool *t)
{
	char *places = strdup(KEXEC_TOOLS_PATHS);
	char *rest = places, *place, *found = NULL;

	while (rest && !found && (place = strsep(&rest, ":")))
		if (*place && sysroot_executable(t, place) && !is_this_program(t, place))
			found = strdup(place);
	free(places);
	return found;
}

/* Does kexec-tools load or execute a kernel then?  One of its options does that alone. */
static bool loads_or_executes(const struct options *o)
{
	for (int i = 1; i < o->nr_words; i++)
		if (strcmp(o->words[i], "--exec-live-update") == 0)
			return true;
	switch (o->action) {
	case ACTION_LOAD:
	case ACTION_EXEC:
		return true;
	case ACTION_NONE:
		return o->kernel != NULL;
	default:
		return false;
	}
}

int hand_on(struct tool *t, struct options *o, const char *because)
{
	char *program;
	int err;

	program = getenv(MARK) ? NULL : kexec_of_kexec_tools(t);
	if (!program)
		return fail(t, EXIT_BAD_INPUT, "%s: this is for the kexec of kexec-tools, which is not there; install kexec-tools",
			    because);
	debug(t, "%s: handing on to %s", because, program);
	if (loads_or_executes(o))
		status_warn(t, o->crash);
	if (setenv(MARK, "1", 1) < 0) {
		err = -errno;
	} else {
		o->words[0] = program;
		err = t->sys->exec(t, o->words);
		o->words[0] = NULL;
		unsetenv(MARK);
	}
	if (err)
		fail(t, EXIT_KERNEL, "%s: cannot run: %s; install kexec-tools again", program, strerror(-err));
	free(program);
	return err ? EXIT_KERNEL : 0;
}
