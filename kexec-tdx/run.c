// SPDX-License-Identifier: GPL-2.0-or-later
/* From a parsed command line to what it asks for. */
#include "config.h"

#include "error.h"
#include "execute.h"
#include "hand_on.h"
#include "load.h"
#include "options.h"
#include "status.h"
#include "sys_ops.h"
#include "tool.h"

/* -l, -p, -f, or a kernel alone. */
static int run_load(struct tool *t, struct options *o)
{
	const char *shutdown = NULL;
	int ret;

	if (!o->kernel)
		return fail(t, EXIT_KERNEL, "no kernel given; name the kernel to load, see kexec-tdx --help");
	if (o->exec_after) {
		ret = execute_check(t);
		if (ret)
			return ret;
	} else if (o->action == ACTION_NONE) {
		shutdown = shutdown_program(t);
		if (!shutdown)
			return EXIT_BAD_INPUT;
	}

	ret = load_kernel(t, o);
	if (ret == LOAD_FOREIGN)
		return hand_on(t, o, o->kernel);
	if (ret)
		return ret;
	status_warn(t, o->crash);
	if (o->exec_after)
		return execute_loaded(t, o, true);
	return shutdown ? execute_by_shutdown(t, shutdown) : 0;
}

static int run_action(struct tool *t, struct options *o)
{
	char because[64];

	switch (o->action) {
	case ACTION_HELP:
		options_help(t->out);
		return 0;
	case ACTION_VERSION:
		fprintf(t->out, "%s %s\n", PACKAGE_NAME, PACKAGE_VERSION);
		return 0;
	case ACTION_LIST_OPTIONS:
		options_list(t->out);
		return 0;
	case ACTION_STATUS:
		return status_report(t, o);
	case ACTION_EXEC:
		if (!o->only_kexec_tools) {
			status_warn(t, false);
			return execute_loaded(t, o, false);
		}
		break;
	case ACTION_UNLOAD:
		if (!o->only_kexec_tools)
			return unload_kernel(t, o);
		break;
	case ACTION_NONE:
	case ACTION_LOAD:
		if (!o->only_kexec_tools)
			return run_load(t, o);
		break;
	}
	snprintf(because, sizeof(because), "--%s", o->only_kexec_tools);
	return hand_on(t, o, because);
}

int tool_run(struct tool *t, int argc, char **argv)
{
	struct options o;
	int ret = options_parse(t, &o, argc, argv);

	if (ret == 0) {
		t->debug = o.debug;
		if (o.sysroot)
			t->sysroot = o.sysroot;
		/* What is read on a recorded machine must not be done to this one. */
		if (o.dry_run || o.sysroot)
			t->sys = &sys_dry;
		ret = run_action(t, &o);
	}
	options_free(&o);
	/* With -S 1 has a meaning: a kernel is loaded. */
	if (fflush(t->out) != 0 || ferror(t->out))
		return fail(t, o.action == ACTION_STATUS ? EXIT_KERNEL : EXIT_BAD_INPUT,
			    "standard output: cannot be written; is the disk full?");
	return ret;
}
