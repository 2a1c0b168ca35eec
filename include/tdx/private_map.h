/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The private map: how the tracker of private pages lies in physical memory.
 * It can be read from physical memory alone, by a capture kernel, a debugger
 * or a simulator, given the address of the header
 * (/sys/kernel/tdx_reset/map), at any moment, also in the middle of a change.
 *
 * Bitmap:
 *   header (one page) -> table (nr_sections u64) -> one bitmap page a section
 *
 * A section is 1 << section_shift bytes of physical memory.  Table entry n is
 * the physical address of the bitmap page of section n, or 0: nothing in that
 * section is private.  Bit i (least significant first) of a bitmap page is
 * the 4 KiB page i of its section.
 *
 * Xarray:
 *   header -> root word -> node -> node ... -> entry
 *
 * The kernel's own tree, indexed by page frame number.  table_pa is the
 * address of the root word.  A word is an entry of one of the kinds of
 * private_map_entry().  A node's slots, 1 << chunk_shift words at slots_at, each
 * stand for 1 << shift pages, shift being the byte at shift_at; a node below has
 * a smaller shift.  Nodes are named by their address in the kernel's direct
 * map: the physical address is that minus direct_map.
 *
 * All fields are little endian.  A reader must trust nothing: magic, version,
 * checksum, then bounds; a word of an unknown kind makes the map unreadable.
 */
#ifndef TDX_PRIVATE_MAP_H
#define TDX_PRIVATE_MAP_H

#include <linux/types.h>

#define PRIVATE_MAP_MAGIC	0x3150414d50584454ULL	/* "TDXPMAP1" */
#define PRIVATE_MAP_VERSION	2
#define PRIVATE_MAP_BITMAP	1	/* backend */
#define PRIVATE_MAP_XARRAY	2	/* backend */
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
 * @backend: PRIVATE_MAP_BITMAP or PRIVATE_MAP_XARRAY
 * @nr_sections: entries of the table; the end of memory for either backend
 * @table_pa: physical address of the table, or of the root word
 * @direct_map: xarray: where the kernel maps physical address 0
 * @shift_at: xarray: offset of a node's shift, a byte
 * @slots_at: xarray: offset of a node's slots
 * @chunk_shift: xarray: log2 of the slots of a node
 * @unused: 0
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
	__u64 direct_map;
	__u32 shift_at;
	__u32 slots_at;
	__u32 chunk_shift;
	__u32 unused;
	__u64 coverage;
	__u64 checksum;
};

/**
 * enum private_map_kind - what a word of the xarray is
 * @PRIVATE_MAP_ABSENT: no page of this slot is in the map
 * @PRIVATE_MAP_PRESENT: all pages of this slot are
 * @PRIVATE_MAP_NODE: a node below has the slot's pages
 * @PRIVATE_MAP_SIBLING: as the slot with the number word >> 2 of the same node
 * @PRIVATE_MAP_UNKNOWN: nothing that belongs there
 */
enum private_map_kind {
	PRIVATE_MAP_ABSENT,
	PRIVATE_MAP_PRESENT,
	PRIVATE_MAP_NODE,
	PRIVATE_MAP_SIBLING,
	PRIVATE_MAP_UNKNOWN,
};

/**
 * private_map_entry - tell what a word of the xarray is
 * @word: the root word, or a slot
 *
 * An odd word is a value: present.  Other words have 2 in their low bits; below
 * 4096 they are small numbers: a sibling, or 257, a slot kept although empty.
 *
 * Context: any.
 */
static inline enum private_map_kind private_map_entry(__u64 word)
{
	if (!word || word == (257 << 2 | 2))
		return PRIVATE_MAP_ABSENT;
	if (word & 1)
		return PRIVATE_MAP_PRESENT;
	if ((word & 3) != 2)
		return PRIVATE_MAP_UNKNOWN;
	if (word > 4096)
		return PRIVATE_MAP_NODE;
	return word >> 2 < 64 ? PRIVATE_MAP_SIBLING : PRIVATE_MAP_UNKNOWN;
}

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
