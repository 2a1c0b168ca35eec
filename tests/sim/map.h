/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tracker's private map, read from physical memory, of either kind. */
#ifndef SIM_MAP_H
#define SIM_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tdx/private_map.h"

/* Copies physical memory; 0, or -1 if there is none. */
typedef int (*map_read_fn)(void *from, uint64_t pa, void *buf, size_t len);

struct map {
	struct private_map_header hdr;
	uint8_t **bitmap;		/* of each section, NULL = none */
	uint64_t pages;
	const char *fault;		/* why it cannot be read */
};

int map_read(struct map *m, map_read_fn read, void *from, uint64_t pa);
bool map_has(const struct map *m, uint64_t pa);

/* 64 pages of a section at once, the first in bit 0. */
static inline uint64_t map_word(const struct map *m, uint64_t section, unsigned int n)
{
	uint64_t word = 0;

	if (section < m->hdr.nr_sections && m->bitmap[section])
		memcpy(&word, m->bitmap[section] + n * sizeof(word), sizeof(word));
	return word;
}

void map_free(struct map *m);

#endif /* SIM_MAP_H */
