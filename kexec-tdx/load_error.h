/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an errno of kexec_file_load(2) means, and what to do about it. */
#ifndef KEXEC_TDX_LOAD_ERROR_H
#define KEXEC_TDX_LOAD_ERROR_H

#include <stdbool.h>

#include "tool.h"

/**
 * load_error_text() - cause and remedy
 * @t: context; /proc and /sys are asked which of several causes it was
 * @err: errno, positive
 * @crash: was it about the crash image?
 * @unload: was it to be unloaded?
 *
 * Return: text without a newline; never NULL, not to be freed.
 */
const char *load_error_text(struct tool *t, int err, bool crash, bool unload);

#endif
