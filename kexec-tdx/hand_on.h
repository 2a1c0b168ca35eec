/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is not done here goes, unchanged, to the kexec of kexec-tools. */
#ifndef KEXEC_TDX_HAND_ON_H
#define KEXEC_TDX_HAND_ON_H

#include "options.h"
#include "tool.h"

/**
 * hand_on() - become the kexec of kexec-tools, after the warning of status_warn()
 * @t: context
 * @o: the command line, in @o->words
 * @because: the option or file that is not for us, for messages
 *
 * Return: an exit status after an error was printed; 0 in a dry run only.
 */
int hand_on(struct tool *t, struct options *o, const char *because);

#endif
