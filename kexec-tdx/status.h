/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --status: what this machine says about TDX, the erratum and kexec. */
#ifndef KEXEC_TDX_STATUS_H
#define KEXEC_TDX_STATUS_H

#include "options.h"
#include "tool.h"

/**
 * status_report() - print the report
 * @t: context
 * @o: json, crash, load_given
 *
 * Return: without --json what kexec(8) -S answers: 1 if the crash kernel (with
 * -l the kernel for reboot) is loaded, 0 if not, 255 if the running kernel
 * does not tell.  With --json, which kexec(8) has not: 0.  tool_run() answers
 * 255 where the report cannot be written.
 */
int status_report(struct tool *t, const struct options *o);

/**
 * status_warn() - warn if nothing makes the next kernel's memory normal
 * @t: context
 * @crash: it is about the crash kernel
 *
 * One line on stderr on a host with the partial-write erratum where the kernel
 * component is missing, does nothing, or does not know all private memory.
 */
void status_warn(struct tool *t, bool crash);

#endif
