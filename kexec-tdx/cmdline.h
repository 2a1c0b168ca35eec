/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The next kernel's command line, made as kexec(8) makes it. */
#ifndef KEXEC_TDX_CMDLINE_H
#define KEXEC_TDX_CMDLINE_H

/**
 * cmdline_without() - copy a kernel command line, leaving out parameters
 * @line: the line
 * @names: NULL-terminated names; NAME and NAME=VALUE go
 *
 * Parameters end at white space outside double quotes, as the kernel sees it.
 *
 * Return: the rest, one space between parameters; caller frees.  NULL = no
 * memory.
 */
char *cmdline_without(const char *line, const char *const names[]);

/**
 * cmdline_join() - @first, a space, @second; either may be NULL or empty
 *
 * Return: caller frees.  NULL = no memory.
 */
char *cmdline_join(const char *first, const char *second);

#endif
