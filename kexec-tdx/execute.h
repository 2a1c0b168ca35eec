/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaving the running kernel: -e, -f, and a kernel without an action. */
#ifndef KEXEC_TDX_EXECUTE_H
#define KEXEC_TDX_EXECUTE_H

#include "options.h"
#include "tool.h"

/* May this process execute at all?  Return: 0, or an exit status, printed. */
int execute_check(struct tool *t);

/**
 * execute_loaded() - sync, interfaces down, reboot into the loaded kernel
 * @t: context
 * @o: no_sync, no_ifdown
 * @just_loaded: this process has just loaded it; do not ask whether there is one
 *
 * Return: an exit status after an error was printed; interfaces that were
 * taken down are up again.  0 in a dry run only.
 */
int execute_loaded(struct tool *t, const struct options *o, bool just_loaded);

/*
 * Where shutdown(8) is, found before anything is loaded.  NULL after an error
 * was printed.
 */
const char *shutdown_program(struct tool *t);

/* Become shutdown(8), which ends in the loaded kernel.  Return: exit status. */
int execute_by_shutdown(struct tool *t, const char *program);

#endif
