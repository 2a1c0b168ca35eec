// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "image.h"

/* Offsets of the x86 boot protocol's setup header in the file. */
enum {
	HDR_SETUP_SECTS		= 0x1f1,	/* u8, 512-byte sectors after the first */
	HDR_SYSSIZE		= 0x1f4,	/* u32, 16-byte units after the setup */
	HDR_BOOT_FLAG		= 0x1fe,	/* u16, 0xaa55 */
	HDR_JUMP_LENGTH		= 0x201,	/* u8, header ends this far after 0x202 */
	HDR_MAGIC		= 0x202,	/* "HdrS" */
	HDR_VERSION		= 0x206,	/* u16 */
	HDR_LOADFLAGS		= 0x211,	/* u8 */
	HDR_XLOADFLAGS		= 0x236,	/* u16, protocol 2.12 */
	HDR_CMDLINE_SIZE	= 0x238,	/* u32, protocol 2.06 */
	HDR_PAYLOAD_OFFSET	= 0x248,	/* u32, from the end of the setup */
	HDR_PAYLOAD_LENGTH	= 0x24c,	/* u32 */
	HDR_END_2_12		= 0x268,	/* first byte after the 2.12 header */
	SECTOR			= 512,
};

#define LOADFLAG_HIGH		0x01
#define XLF_KERNEL_64		0x01
#define XLF_ABOVE_4G		0x02
#define PROTOCOL_MIN		0x020c

static uint16_t get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static enum image_kind bad(struct image *image, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static enum image_kind bad(struct image *image, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(image->why, sizeof(image->why), fmt, ap);
	va_end(ap);
	return image->kind = IMAGE_BAD;
}

static enum image_kind probe_bzimage(const uint8_t *head, size_t have,
				     uint64_t file_size, struct image *image)
{
	uint64_t setup, body, payload_end;

	image->format = "bzImage";
	if (have < HDR_END_2_12 || have < (size_t)HDR_MAGIC + head[HDR_JUMP_LENGTH])
		return bad(image, "truncated bzImage: it ends inside its own header at byte %zu; copy it again",
			   have);
	if (get16(head + HDR_BOOT_FLAG) != 0xaa55)
		return bad(image, "damaged bzImage: no boot sector signature; copy it again");

	image->protocol = get16(head + HDR_VERSION);
	if (image->protocol < PROTOCOL_MIN)
		return bad(image, "boot protocol %u.%02u is too old, 2.12 is needed; use a 64-bit kernel of 3.8 or later",
			   image->protocol >> 8, image->protocol & 0xff);
	if (!(head[HDR_LOADFLAGS] & LOADFLAG_HIGH))
		return bad(image, "a zImage, not a bzImage; use a 64-bit bzImage");
	if (!(get16(head + HDR_XLOADFLAGS) & XLF_KERNEL_64))
		return bad(image, "a 32-bit kernel; use a 64-bit bzImage");
	if (!(get16(head + HDR_XLOADFLAGS) & XLF_ABOVE_4G))
		return bad(image, "this kernel cannot be loaded above 4 GiB; use one built with CONFIG_RELOCATABLE");

	/* A header that says 0 sectors means 4, since the first boot loaders. */
	setup = ((head[HDR_SETUP_SECTS] ? head[HDR_SETUP_SECTS] : 4u) + 1) * SECTOR;
	body = (uint64_t)get32(head + HDR_SYSSIZE) * 16;
	if (body == 0)
		return bad(image, "damaged bzImage: its header gives it no code; copy it again");
	if (setup + body > file_size)
		return bad(image, "truncated bzImage: its header asks for %llu bytes, the file has %llu; copy it again",
			   (unsigned long long)(setup + body),
			   (unsigned long long)file_size);
	payload_end = (uint64_t)get32(head + HDR_PAYLOAD_OFFSET) +
		      get32(head + HDR_PAYLOAD_LENGTH);
	if (payload_end > body)
		return bad(image, "damaged bzImage: its payload ends at byte %llu of %llu; copy it again",
			   (unsigned long long)payload_end, (unsigned long long)body);

	image->cmdline_max = get32(head + HDR_CMDLINE_SIZE);
	return image->kind = IMAGE_BZIMAGE;
}

static bool is_elf(const uint8_t *head, size_t have)
{
	/* e_ident, e_type, e_machine are at the same place in both classes. */
	if (have < 52 || memcmp(head, "\177ELF", 4) != 0)
		return false;
	return (head[4] == 1 && get16(head + 18) == 3) ||	/* EM_386 */
	       (head[4] == 2 && get16(head + 18) == 62);	/* EM_X86_64 */
}

/* A unified kernel image: PE, but no boot sector of its own. */
static bool is_pe(const uint8_t *head, size_t have)
{
	uint32_t pe;

	if (have < 0x40 || memcmp(head, "MZ", 2) != 0)
		return false;
	pe = get32(head + 0x3c);
	return pe <= have - 4 && memcmp(head + pe, "PE\0\0", 4) == 0;
}

static bool starts(const uint8_t *head, size_t have, const char *magic, size_t n)
{
	return have >= n && memcmp(head, magic, n) == 0;
}

static bool is_compressed(const uint8_t *head, size_t have)
{
	return starts(head, have, "\x1f\x8b\x08", 3) ||		/* gzip */
	       starts(head, have, "\x28\xb5\x2f\xfd", 4) ||	/* zstd */
	       starts(head, have, "\xfd" "7zXZ", 6) ||		/* xz, with its NUL */
	       starts(head, have, "\x5d\0\0", 3);		/* lzma */
}

/* What kexec-tools loads and kexec_file_load(2) does not, by first bytes. */
static const struct {
	const char *format;
	bool (*is)(const uint8_t *head, size_t have);
} foreign_formats[] = {
	{ "ELF", is_elf },
	{ "unified kernel image", is_pe },
	{ "compressed kernel", is_compressed },
};

enum image_kind image_probe(const uint8_t *head, size_t have, uint64_t file_size,
			    struct image *image)
{
	memset(image, 0, sizeof(*image));
	if (have > IMAGE_HEAD_BYTES)
		have = IMAGE_HEAD_BYTES;
	if (have > file_size)
		have = file_size;

	if (file_size == 0)
		return bad(image, "the file is empty; give a kernel (bzImage)");
	if (have >= HDR_MAGIC + 4 && memcmp(head + HDR_MAGIC, "HdrS", 4) == 0)
		return probe_bzimage(head, have, file_size, image);
	for (size_t i = 0; i < sizeof(foreign_formats) / sizeof(foreign_formats[0]); i++) {
		if (foreign_formats[i].is(head, have)) {
			image->format = foreign_formats[i].format;
			return image->kind = IMAGE_FOREIGN;
		}
	}
	if (file_size < 2 * SECTOR)
		return bad(image, "not a kernel: only %llu bytes and no known signature; give a bzImage",
			   (unsigned long long)file_size);
	return bad(image, "not a kernel: neither bzImage nor ELF, UKI or a compressed one; give a bzImage");
}
