/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading and unloading, through kexec_file_load(2). */
#ifndef KEXEC_TDX_LOAD_H
#define KEXEC_TDX_LOAD_H

#include "options.h"
#include "tool.h"

/*
 * What load_kernel() returns besides exit statuses: the kernel is of a format
 * that kexec-tools loads and kexec_file_load(2) does not.
 */
#define LOAD_FOREIGN	(-1)

/**
 * load_kernel() - check the input and load it
 * @t: context
 * @o: kernel, initrd, command line, which image
 *
 * Everything is checked before the one system call, because the kernel drops
 * a loaded crash image before it looks at the new one.
 *
 * Return: 0, LOAD_FOREIGN (nothing was done or printed), or an exit status
 * after an error was printed.
 */
int load_kernel(struct tool *t, const struct options *o);

/* Unload the crash image or the other one.  Return: as load_kernel(). */
int unload_kernel(struct tool *t, const struct options *o);

#endif
