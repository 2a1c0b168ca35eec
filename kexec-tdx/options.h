/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: one table that getopt, --help and the completion read. */
#ifndef KEXEC_TDX_OPTIONS_H
#define KEXEC_TDX_OPTIONS_H

#include <stdbool.h>

#include "tool.h"

enum action {
	ACTION_NONE,		/* a kernel alone: load it, then shut down into it */
	ACTION_LOAD,
	ACTION_UNLOAD,
	ACTION_EXEC,
	ACTION_STATUS,
	ACTION_HELP,
	ACTION_VERSION,
	ACTION_LIST_OPTIONS,
};

/* A parsed command line.  Strings belong to argv, if not said otherwise. */
struct options {
	enum action action;
	bool crash;		/* the image for a panic, not the one for reboot */
	bool load_given;	/* -l, which -S reads as "the image for reboot" */
	bool exec_after;	/* -f: execute right after loading */
	bool no_ifdown;
	bool no_sync;
	bool debug;
	bool json;
	bool dry_run;
	bool reuse_cmdline;
	bool no_cma;
	const char *append;
	const char *initrd;
	const char *type;
	const char *kernel;
	const char *sysroot;
	/*
	 * An option that only kexec-tools knows, and the whole command line
	 * for it: NULL-terminated, [0] free for the program's path, without
	 * the options that are ours alone.  options_free() frees it.
	 */
	const char *only_kexec_tools;
	char **words;
	int nr_words;
};

/**
 * options_parse() - read the command line
 * @t: context, for errors
 * @o: filled in; options_free() it, also after an error
 * @argc: as in main()
 * @argv: as in main(); reordered
 *
 * Return: 0, or an exit status after an error was printed.
 */
int options_parse(struct tool *t, struct options *o, int argc, char **argv);
void options_free(struct options *o);

/* --help, and --list-options, which the shell completion reads. */
void options_help(FILE *f);
void options_list(FILE *f);

#endif
