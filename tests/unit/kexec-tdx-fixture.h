/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of kexec-tdx share: a made-up machine in a scratch folder,
 * bzImages of any shape, and a table of calls that records instead of calling.
 */
#ifndef KEXEC_TDX_FIXTURE_H
#define KEXEC_TDX_FIXTURE_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys_ops.h"
#include "tool.h"

#define CALLS_MAX 4096

struct machine {
	char dir[64];			/* sysroot, removed at the end */
	char calls[CALLS_MAX];		/* what was called, one a line */
	int load_result;		/* what kexec_file_load answers, 0 or -errno */
	int load_result_debug;		/* instead, if FILE_DEBUG is set and this is not 0 */
	unsigned long unknown_flags;	/* EINVAL instead, if one of these is set */
	int reboot_result;
	int exec_result;
	bool privileged;
	bool container;
	/* After run(): */
	int status;
	char *out;
	char *err;
};

struct machine *machine_new(void);
void machine_free(struct machine *m);

/* For cmocka: a machine with a kernel /boot/k and an initrd /boot/i, nothing loaded. */
int machine_setup(void **state);
int machine_teardown(void **state);

/* Write a file below the machine's folder; returns its full path (static). */
const char *machine_file(struct machine *m, const char *path, const void *data, size_t n);
const char *machine_text(struct machine *m, const char *path, const char *text);
const char *machine_path(struct machine *m, const char *path);

/* Run kexec-tdx on the machine with these arguments, NULL-terminated. */
int run(struct machine *m, ...) __attribute__((sentinel));

/* A bzImage that is right in all respects, of BZIMAGE_SIZE bytes. */
#define BZIMAGE_SIZE	(16 * 512 + 4096)
void make_bzimage(uint8_t image[BZIMAGE_SIZE]);

/* How many lines a text has. */
int lines(const char *text);

/* It failed with one line that names @name and @says, and called nothing. */
void assert_refused(struct machine *m, const char *name, const char *says);

#endif
