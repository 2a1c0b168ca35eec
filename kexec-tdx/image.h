/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel file is, told from its first bytes, with every read inside
 * bounds.  Pure: no file, no allocation, so that a fuzzer can drive it.
 */
#ifndef KEXEC_TDX_IMAGE_H
#define KEXEC_TDX_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_HEAD_BYTES	(64u << 10)	/* enough of the file for image_probe() */

enum image_kind {
	IMAGE_BAD,		/* nothing that could be loaded; @why says why */
	IMAGE_BZIMAGE,		/* 64-bit bzImage, whole: kexec_file_load takes it */
	IMAGE_FOREIGN,		/* a format that kexec-tools loads, not kexec_file_load */
};

struct image {
	enum image_kind kind;
	const char *format;	/* for people: "bzImage", "ELF", ... */
	unsigned int protocol;	/* boot protocol, 0x20f = 2.15; bzImage only */
	uint32_t cmdline_max;	/* longest command line, without NUL; bzImage only */
	char why[160];		/* IMAGE_BAD: what is wrong and what to do */
};

/**
 * image_probe() - classify a kernel file and check a bzImage's bounds
 * @head: the first bytes of the file
 * @have: how many there are, at most IMAGE_HEAD_BYTES are looked at
 * @file_size: size of the whole file, bytes
 * @image: filled in completely
 *
 * Field offsets and rules: Documentation/arch/x86/boot.rst of the kernel, and
 * what its bzImage64 loader refuses (arch/x86/kernel/kexec-bzimage64.c).
 *
 * Return: @image->kind.
 */
enum image_kind image_probe(const uint8_t *head, size_t have, uint64_t file_size,
			    struct image *image);

#endif
