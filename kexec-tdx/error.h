/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one channel for errors: each is a single line that names the object. */
#ifndef KEXEC_TDX_ERROR_H
#define KEXEC_TDX_ERROR_H

#include "tool.h"

/**
 * fail() - report an error
 * @t: context
 * @status: exit status to return
 * @fmt: object, cause and remedy in one line, without a newline
 *
 * Control characters (a file name may hold a newline) are written as \xNN, so
 * that one error stays one line.
 *
 * Return: @status, so that reporting and returning are one statement.
 */
int fail(struct tool *t, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * warn() - say what goes on although it is dangerous
 * @t: context
 * @fmt: object, cause and remedy in one line, without a newline
 */
void warn(struct tool *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * debug() - say on stderr what is being done, if -d was given
 * @t: context
 * @fmt: one line, without a newline
 */
void debug(struct tool *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
