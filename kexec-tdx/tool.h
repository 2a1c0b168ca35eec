/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one context of a run, passed to everything: where it reads, where it
 * writes, and how it acts on the machine.  There are no globals besides it.
 */
#ifndef KEXEC_TDX_TOOL_H
#define KEXEC_TDX_TOOL_H

#include <stdbool.h>
#include <stdio.h>

struct sys_ops;

struct tool {
	const char *sysroot;		/* prefix of /proc and /sys, "" = this machine */
	FILE *out;
	FILE *err;
	const struct sys_ops *sys;	/* the only way to change the machine */
	bool debug;
};

/*
 * Exit statuses.  They are those of kexec(8) where it has one, because its
 * callers test them: 255 = the kernel said no; -S has its own (status.h).
 */
enum {
	EXIT_BAD_INPUT	= 1,
	EXIT_KERNEL	= 255,
};

/**
 * tool_run() - do what a command line asks for
 * @t: context; @t->sys is replaced by &sys_dry for --dry-run and --sysroot
 * @argc: as in main()
 * @argv: as in main(); getopt may reorder it
 *
 * Return: the exit status.
 */
int tool_run(struct tool *t, int argc, char **argv);

#endif
