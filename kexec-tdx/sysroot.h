/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading /proc and /sys, of this machine or of a recorded one (--sysroot).
 * All of kexec-tdx reads them through here.
 */
#ifndef KEXEC_TDX_SYSROOT_H
#define KEXEC_TDX_SYSROOT_H

#include <stdbool.h>
#include <stddef.h>

#include "tool.h"

/* Path of an absolute @path below the sysroot.  Caller frees; NULL = no memory. */
char *sysroot_path(const struct tool *t, const char *path);

/*
 * The whole of a small file (at most 1 MiB), NUL terminated, without trailing
 * newlines.  Caller frees.  NULL: it cannot be read, errno says why.
 */
char *sysroot_read(const struct tool *t, const char *path);

/* A file that holds one number, in C notation.  False: absent or no number. */
bool sysroot_number(const struct tool *t, const char *path, unsigned long long *value);

/*
 * One of the kernel's kexec attributes: "loaded", "crash_loaded",
 * "crash_size".  Kernels have them at /sys/kernel/kexec_NAME, newer ones at
 * /sys/kernel/kexec/NAME too.
 */
bool sysroot_kexec(const struct tool *t, const char *name, unsigned long long *value);

bool sysroot_exists(const struct tool *t, const char *path);
bool sysroot_executable(const struct tool *t, const char *path);

#endif
