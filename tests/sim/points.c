// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The superset proof: at each point (points.h) every page that is private or
 * dirty has to be in the tracker's private map, as it lies in guest memory then.
 *
 * The machine has one CPU, which is in a callback here, so nothing changes
 * meanwhile.  Each point compares all pages:
 *
 *   suspects	a bit for each page that may be private or dirty: made anew at each
 *		SEAMCALL, the only thing that adds pages.  Between two SEAMCALLs pages
 *		only leave, so it may hold pages that are normal by now.
 *   missing	suspects that the map lacks; each is looked at line by line
 *
 * A page into which a full line was stored counts as dirty up to the next fence,
 * whatever the model of lines says: the store may still be on its way.
 */
#include "points.h"

#include <stdlib.h>

#include "map.h"

#define NR_LEAVES	128
#define MAX_EVENTS	16	/* violations that are told one by one */
#define MAX_CLOSE	64	/* missing pages that are counted at a point */
#define SECTION_WORDS	(PRIVATE_MAP_SECTION_PAGES / 64)

const char *const point_kind_name[NR_POINT_KINDS] = {
	"before", "after", "store", "fence",
};

bool points_on;
static uint64_t map_pa;
static uint64_t *suspects, *stored;	/* a bit for each page */
static uint64_t nr_words;
static bool any_stored;
static unsigned int last_leaf;

static struct {
	uint64_t points[NR_POINT_KINDS];
	uint64_t bad;			/* points with a page missing */
	uint64_t unreadable;		/* points with no map to be read */
	uint64_t partial;		/* points where the map calls itself partial */
	uint64_t most_over;		/* pages in the map that are normal, at most */
	uint64_t most_missing;		/* not counted beyond MAX_CLOSE by much */
	uint64_t least, most;		/* pages private or dirty */
	uint64_t large;			/* pages of 2 MiB given to TDs */
	uint64_t calls[NR_LEAVES], failed[NR_LEAVES];
} total;

static int read_ram(void *from, uint64_t pa, void *buf, size_t len)
{
	char *first = mem_ptr(pa);

	(void)from;
	if (!len || !first || mem_ptr(pa + len - 1) != first + len - 1)
		return -1;
	memcpy(buf, first, len);
	return 0;
}

static void set_bit(uint64_t *words, uint64_t pa)
{
	if (pa / SIM_PAGE / 64 < nr_words)
		words[pa / SIM_PAGE / 64] |= 1ULL << pa / SIM_PAGE % 64;
}

/* TDX wrote every page that it has: so those that were ever given are enough. */
static void find_suspects(void)
{
	uint64_t pa;

	memset(suspects, 0, nr_words * sizeof(*suspects));
	for (uint64_t n = 0; (pa = mem_touched(n)) < mem_end(); n++)
		if (mem_page_suspect(pa) || pamt_private(pa) || (cache_on() && cache_pending_lines(pa)))
			set_bit(suspects, pa);
}

static const char *state_of(uint64_t pa)
{
	const char *kind = sim_page_kind(pa);

	if (kind)
		return kind;
	return stored[pa / SIM_PAGE / 64] >> pa / SIM_PAGE % 64 & 1 ? "before its fence" : NULL;
}

/* Of 64 pages, those that are missing in truth. */
static unsigned int look_closely(uint64_t word, uint64_t missing, const struct point *point)
{
	unsigned int found = 0;

	for (; missing; missing &= missing - 1) {
		unsigned int bit = __builtin_ctzll(missing);
		uint64_t pa = (word * 64 + bit) * SIM_PAGE;
		const char *state = state_of(pa);

		if (!state) {
			suspects[word] &= ~(1ULL << bit);
			continue;
		}
		if (!found++ && total.bad < MAX_EVENTS)
			event("\"ev\":\"missing\",\"point\":\"%s\",\"leaf\":\"%s\",\"pa\":\"0x%lx\",\"page\":\"%s\"",
			      point_kind_name[point->kind], tdx_leaf_name(point->leaf), pa, state);
	}
	return found;
}

static void compare(const struct map *m, const struct point *point)
{
	uint64_t missing = 0, over = 0, pages = 0;

	for (uint64_t w = 0; w < nr_words; w++) {
		uint64_t have = map_word(m, w / SECTION_WORDS, w % SECTION_WORDS);
		uint64_t need = suspects[w] | stored[w];

		if (need & ~have && missing < MAX_CLOSE)
			missing += look_closely(w, need & ~have, point);
		if (have & ~need)
			over += __builtin_popcountll(have & ~need);
		if (need)
			pages += __builtin_popcountll(need);
	}
	total.bad += missing != 0;
	total.partial += m->hdr.coverage != 0;
	if (missing > total.most_missing)
		total.most_missing = missing;
	if (over > total.most_over)
		total.most_over = over;
	if (pages > total.most)
		total.most = pages;
	if (pages < total.least)
		total.least = pages;
}

static void read_and_compare(const struct point *point)
{
	struct map m;

	if (!map_read(&m, read_ram, NULL, map_pa))
		compare(&m, point);
	else if (!total.unreadable++)
		event("\"ev\":\"map-unreadable\",\"why\":\"%s\"", m.fault);
	map_free(&m);
}

static void fenced(void)
{
	if (any_stored)
		memset(stored, 0, nr_words * sizeof(*stored));
	any_stored = false;
}

void points_at(const struct point *point, const struct cpu_ctx *c)
{
	struct point here = *point;

	sim_lock();
	if (here.kind <= POINT_AFTER) {
		last_leaf = here.leaf;
		find_suspects();
	}
	here.leaf = last_leaf;
	total.points[here.kind]++;
	if (here.kind == POINT_AFTER) {
		total.calls[here.leaf % NR_LEAVES]++;
		total.failed[here.leaf % NR_LEAVES] += here.failed;
		total.large += here.leaf == TDH_MEM_PAGE_AUG && here.large && !here.failed;
	}
	if (map_pa)
		read_and_compare(&here);
	if (here.kind == POINT_FENCE)
		fenced();
	sim_unlock();
	if (c)
		jump_at(&here, c);
}

void points_storing(uint64_t pa)
{
	if (!mem_page_suspect(pa))
		return;
	set_bit(stored, pa);
	any_stored = true;
}

const char *points_begin(uint64_t pa)
{
	if (qemu_plugin_num_vcpus() != 1)
		return "points need a machine with one CPU, which stands still there";
	nr_words = mem_end() / SIM_PAGE / 64;
	suspects = calloc(nr_words, sizeof(*suspects));
	stored = calloc(nr_words, sizeof(*stored));
	if (!suspects || !stored)
		return "no memory";
	memset(&total, 0, sizeof(total));
	total.least = UINT64_MAX;
	map_pa = pa;
	find_suspects();
	__atomic_store_n(&points_on, true, __ATOMIC_RELEASE);
	return NULL;
}

void points_say(GString *out)
{
	bool first = true;

	for (int i = 0; i < NR_POINT_KINDS; i++)
		g_string_append_printf(out, "\"%s\":%lu,", point_kind_name[i], total.points[i]);
	g_string_append_printf(out, "\"bad\":%lu,\"unreadable\":%lu,\"partial\":%lu,"
			       "\"most_over\":%lu,\"most_missing\":%lu,\"least\":%lu,\"most\":%lu,"
			       "\"large\":%lu,\"leaves\":[", total.bad, total.unreadable, total.partial,
			       total.most_over, total.most_missing, total.least, total.most,
			       total.large);
	for (unsigned int i = 0; i < NR_LEAVES; i++) {
		if (!total.calls[i])
			continue;
		g_string_append_printf(out, "%s{\"leaf\":\"%s\",\"seen\":%lu,\"failed\":%lu}",
				       first ? "" : ",", tdx_leaf_name(i), total.calls[i],
				       total.failed[i]);
		first = false;
	}
	g_string_append_c(out, ']');
}
