/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The private map: how the tracker of private pages lies in physical memory.
 * It can be read from physical memory alone, by a capture kernel, a debugger
 * or a simulator, given the address of the header
 * (/sys/kernel/tdx_reset/map).
 *
 *   header (one page) -> table (nr_sections u64) -> one bitmap page a section
 *
 * A section is 1 << section_shift bytes of physical memory.  Table entry n is
 * the physical address of the bitmap page of section n, or 0: nothing in that
 * section is private.  Bit i (least significant first) of a bitmap page is
 * the 4 KiB page i of its section.  All fields are little endian.
 *
 * A reader must trust nothing: magic, version, checksum, then bounds.
 */
#ifndef TDX_PRIVATE_MAP_H
#define TDX_PRIVATE_MAP_H

#include <linux/types.h>

#define PRIVATE_MAP_MAGIC	0x3150414d50584454ULL	/* "TDXPMAP1" */
#define PRIVATE_MAP_VERSION	1
#define PRIVATE_MAP_BITMAP	1	/* backend */
#define PRIVATE_MAP_SECTION_SHIFT 27	/* 128 MiB: its bitmap is one page */
#define PRIVATE_MAP_PAGE_SHIFT	12
#define PRIVATE_MAP_SECTION_PAGES \
	(1UL << (PRIVATE_MAP_SECTION_SHIFT - PRIVATE_MAP_PAGE_SHIFT))

/**
 * struct private_map_header - the first thing to read
 * @magic: PRIVATE_MAP_MAGIC
 * @version: PRIVATE_MAP_VERSION
 * @header_size: bytes of this structure
 * @section_shift: log2 of the bytes of one section
 * @backend: PRIVATE_MAP_BITMAP
 * @nr_sections: entries of the table
 * @table_pa: physical address of the table
 * @coverage: 0 = the map holds every private page; any bit: it may not
 *	(bits are the component's reasons, see kernel/coverage.h)
 * @checksum: FNV-1a 64 of the bytes before @coverage
 *
 * Constant once published, except @coverage.
 */
struct private_map_header {
	__u64 magic;
	__u32 version;
	__u32 header_size;
	__u32 section_shift;
	__u32 backend;
	__u64 nr_sections;
	__u64 table_pa;
	__u64 coverage;
	__u64 checksum;
};

/**
 * private_map_checksum - FNV-1a 64 over the constant fields
 * @map: the header
 *
 * Context: any.
 * Return: the value that @map->checksum has to have.
 */
static inline __u64 private_map_checksum(const struct private_map_header *map)
{
	const unsigned char *byte = (const unsigned char *)map;
	const unsigned char *end = (const unsigned char *)&map->coverage;
	__u64 hash = 0xcbf29ce484222325ULL;

	while (byte < end) {
		hash ^= *byte++;
		hash *= 0x100000001b3ULL;
	}
	return hash;
}

#endif /* TDX_PRIVATE_MAP_H */
