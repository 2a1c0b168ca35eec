// SPDX-License-Identifier: GPL-2.0-or-later
/* Compare a tracker's private map, read from guest memory, with the simulator. */
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "simctl.h"
#include "tdx/abi.h"

#define READ_CHUNK	4096

static int read_guest(void *from, uint64_t pa, void *buf, size_t len)
{
	struct sim_link *link = from;
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
	struct map m;
	const char *pages;
	int ret = 2;

	if (!sim_ask(link, "stop"))
		return 2;
	if (map_read(&m, read_guest, link, map_pa)) {
		fprintf(stderr, "simctl: private map at %#lx: %s\n", map_pa, m.fault);
	} else {
		pages = sim_ask(link, "pages");
		if (pages)
			ret = compare(&m, pages);
	}
	if (!sim_ask(link, "cont"))
		ret = 2;
	map_free(&m);
	return ret;
}
