// SPDX-License-Identifier: GPL-2.0-or-later
/* Read a private map as a stranger would: nothing in it is believed. */
#include <stdlib.h>

#include "map.h"
#include "tdx/abi.h"

#define MAX_SECTIONS	(1 << 20)	/* 128 TiB */
#define SECTION_BYTES	(PRIVATE_MAP_SECTION_PAGES / 8)
#define MAX_SLOTS	64

struct reader {
	struct map *map;
	map_read_fn read;
	void *from;
};

static int fault(struct reader *r, const char *text)
{
	r->map->fault = text;
	return -1;
}

static const char *header_fault(const struct private_map_header *h)
{
	if (h->magic != PRIVATE_MAP_MAGIC)
		return "wrong magic";
	if (h->version != PRIVATE_MAP_VERSION || h->header_size != sizeof(*h))
		return "unknown version";
	if (h->checksum != private_map_checksum(h))
		return "wrong checksum";
	if (h->section_shift != PRIVATE_MAP_SECTION_SHIFT || h->nr_sections > MAX_SECTIONS)
		return "sections out of bounds";
	if (h->backend == PRIVATE_MAP_BITMAP)
		return NULL;
	if (h->backend != PRIVATE_MAP_XARRAY)
		return "unknown backend";
	if (!h->chunk_shift || 1 << h->chunk_shift > MAX_SLOTS || h->slots_at > TDX_PAGE_SIZE ||
	    h->shift_at > TDX_PAGE_SIZE)
		return "nodes out of bounds";
	return NULL;
}

static int need_bitmap(struct reader *r, uint64_t section)
{
	if (!r->map->bitmap[section])
		r->map->bitmap[section] = calloc(1, SECTION_BYTES);
	return r->map->bitmap[section] ? 0 : fault(r, "no memory");
}

static int read_bitmaps(struct reader *r)
{
	struct map *m = r->map;
	uint64_t nr = m->hdr.nr_sections;
	uint64_t *table = calloc(nr, sizeof(*table));
	int ret = 0;

	if (!table)
		return fault(r, "no memory");
	if (r->read(r->from, m->hdr.table_pa, table, nr * sizeof(*table)))
		ret = fault(r, "no table there");
	for (uint64_t i = 0; !ret && i < nr; i++) {
		if (!table[i])
			continue;
		ret = need_bitmap(r, i);
		if (!ret && r->read(r->from, table[i], m->bitmap[i], SECTION_BYTES))
			ret = fault(r, "no bitmap there");
		for (unsigned int w = 0; !ret && w < PRIVATE_MAP_SECTION_PAGES / 64; w++)
			if (map_word(m, i, w))
				m->pages += __builtin_popcountll(map_word(m, i, w));
	}
	free(table);
	return ret;
}

static int add_pages(struct reader *r, uint64_t pfn, uint64_t nr)
{
	for (uint64_t end = pfn + nr; pfn < end; pfn++) {
		uint64_t section = pfn / PRIVATE_MAP_SECTION_PAGES;
		uint64_t bit = pfn % PRIVATE_MAP_SECTION_PAGES;

		if (section >= r->map->hdr.nr_sections)
			return fault(r, "a page beyond the end");
		if (need_bitmap(r, section))
			return -1;
		r->map->bitmap[section][bit / 8] |= 1 << bit % 8;
		r->map->pages++;
	}
	return 0;
}

/* limit: the shift must be below, so that a circle ends. */
static int read_node(struct reader *r, uint64_t address, uint64_t first, unsigned int limit)
{
	const struct private_map_header *h = &r->map->hdr;
	uint64_t pa = (address & ~3ULL) - h->direct_map, slots[MAX_SLOTS];
	unsigned int nr = 1U << h->chunk_shift;
	uint8_t shift;

	if (r->read(r->from, pa + h->shift_at, &shift, sizeof(shift)) ||
	    r->read(r->from, pa + h->slots_at, slots, nr * sizeof(*slots)))
		return fault(r, "no node there");
	if (shift >= limit)
		return fault(r, "a node in a wrong place");
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t word = slots[i], pfn = first + ((uint64_t)i << shift);

		if (private_map_entry(word) == PRIVATE_MAP_SIBLING && word >> 2 < i)
			word = slots[word >> 2];
		switch (private_map_entry(word)) {
		case PRIVATE_MAP_ABSENT:
			break;
		case PRIVATE_MAP_PRESENT:
			if (add_pages(r, pfn, 1ULL << shift))
				return -1;
			break;
		case PRIVATE_MAP_NODE:
			if (read_node(r, word, pfn, shift))
				return -1;
			break;
		case PRIVATE_MAP_SIBLING:
		case PRIVATE_MAP_UNKNOWN:
			return fault(r, "a slot that is no entry");
		}
	}
	return 0;
}

static int read_xarray(struct reader *r)
{
	uint64_t root;

	if (r->read(r->from, r->map->hdr.table_pa, &root, sizeof(root)))
		return fault(r, "no root there");
	if (private_map_entry(root) != PRIVATE_MAP_NODE)
		return fault(r, "the root is no node");
	return read_node(r, root, 0, 52);
}

/* 0, or -1 with ->fault.  map_free() in either case. */
int map_read(struct map *m, map_read_fn read, void *from, uint64_t pa)
{
	struct reader r = { .map = m, .read = read, .from = from };
	const char *text;

	*m = (struct map){ 0 };
	if (read(from, pa, &m->hdr, sizeof(m->hdr)))
		return fault(&r, "no memory there");
	text = header_fault(&m->hdr);
	if (text) {
		m->hdr.nr_sections = 0;
		return fault(&r, text);
	}
	m->bitmap = calloc(m->hdr.nr_sections, sizeof(*m->bitmap));
	if (!m->bitmap)
		return fault(&r, "no memory");
	return m->hdr.backend == PRIVATE_MAP_BITMAP ? read_bitmaps(&r) : read_xarray(&r);
}

bool map_has(const struct map *m, uint64_t pa)
{
	uint64_t section = pa >> PRIVATE_MAP_SECTION_SHIFT;
	uint64_t bit = pa / TDX_PAGE_SIZE % PRIVATE_MAP_SECTION_PAGES;

	return section < m->hdr.nr_sections && m->bitmap[section] &&
		m->bitmap[section][bit / 8] >> bit % 8 & 1;
}

void map_free(struct map *m)
{
	for (uint64_t i = 0; m->bitmap && i < m->hdr.nr_sections; i++)
		free(m->bitmap[i]);
	free(m->bitmap);
}
