// SPDX-License-Identifier: GPL-2.0-or-later
/* Compare a tracker's private map, read from guest memory, with the simulator. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "simctl.h"
#include "tdx/abi.h"
#include "tdx/private_map.h"

#define MAX_SECTIONS	(1 << 20)	/* 128 TiB */
#define READ_CHUNK	4096

struct map {
	struct private_map_header hdr;
	uint64_t *table;
	uint8_t **bitmap;		/* of each section, NULL = none */
	uint64_t pages;
};

static int read_guest(struct sim_link *link, uint64_t pa, void *buf, size_t len)
{
	uint8_t *to = buf;

	while (len) {
		size_t n = len < READ_CHUNK ? len : READ_CHUNK;
		const char *hex = sim_ask(link, "read %#lx %zu", pa, n);

		hex = hex ? strstr(hex, "\"hex\":\"") : NULL;
		if (!hex)
			return -1;
		hex += strlen("\"hex\":\"");
		for (size_t i = 0; i < n; i++) {
			char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

			to[i] = strtoul(digits, NULL, 16);
		}
		pa += n;
		to += n;
		len -= n;
	}
	return 0;
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
	return NULL;
}

static int read_map(struct sim_link *link, uint64_t pa, struct map *m)
{
	const char *fault;

	if (read_guest(link, pa, &m->hdr, sizeof(m->hdr)))
		return -1;
	fault = header_fault(&m->hdr);
	if (fault) {
		fprintf(stderr, "simctl: private map at %#lx: %s\n", pa, fault);
		return -1;
	}
	m->table = calloc(m->hdr.nr_sections, sizeof(*m->table));
	m->bitmap = calloc(m->hdr.nr_sections, sizeof(*m->bitmap));
	if (!m->table || !m->bitmap ||
	    read_guest(link, m->hdr.table_pa, m->table, m->hdr.nr_sections * sizeof(*m->table)))
		return -1;
	for (uint64_t i = 0; i < m->hdr.nr_sections; i++) {
		if (!m->table[i])
			continue;
		m->bitmap[i] = malloc(TDX_PAGE_SIZE);
		if (!m->bitmap[i] || read_guest(link, m->table[i], m->bitmap[i], TDX_PAGE_SIZE))
			return -1;
		for (unsigned int b = 0; b < TDX_PAGE_SIZE; b++)
			m->pages += __builtin_popcount(m->bitmap[i][b]);
	}
	return 0;
}

static bool map_has(const struct map *m, uint64_t pa)
{
	uint64_t section = pa >> PRIVATE_MAP_SECTION_SHIFT;
	uint64_t bit = pa / TDX_PAGE_SIZE % PRIVATE_MAP_SECTION_PAGES;

	return section < m->hdr.nr_sections && m->bitmap[section] &&
		m->bitmap[section][bit / 8] >> bit % 8 & 1;
}

/* [[start,end,"kind"],...] */
static int compare(const struct map *m, const char *ranges)
{
	uint64_t sim_pages = 0, missing = 0, first = 0, start, end;
	const char *p = strstr(ranges, "\"ranges\":[");

	if (!p)
		return 2;
	for (p = strchr(p, '['); (p = strchr(p + 1, '[')) != NULL;) {
		if (sscanf(p, "[%lu,%lu,", &start, &end) != 2)
			return 2;
		for (uint64_t pa = start; pa < end; pa += TDX_PAGE_SIZE) {
			sim_pages++;
			if (!map_has(m, pa) && !missing++)
				first = pa;
		}
	}
	printf("{\"ok\":%s,\"missing\":%lu,\"first_missing\":\"%#lx\",\"tracker_pages\":%lu,"
	       "\"sim_pages\":%lu,\"coverage\":%llu}\n", missing ? "false" : "true", missing, first,
	       m->pages, sim_pages, (unsigned long long)m->hdr.coverage);
	return missing ? 1 : 0;
}

int superset(struct sim_link *link, uint64_t map_pa)
{
	struct map m = { 0 };
	const char *pages;
	int ret = 2;

	if (!sim_ask(link, "stop"))
		return 2;
	if (!read_map(link, map_pa, &m)) {
		pages = sim_ask(link, "pages");
		if (pages)
			ret = compare(&m, pages);
	}
	if (!sim_ask(link, "cont"))
		ret = 2;
	for (uint64_t i = 0; m.bitmap && i < m.hdr.nr_sections; i++)
		free(m.bitmap[i]);
	free(m.bitmap);
	free(m.table);
	return ret;
}
