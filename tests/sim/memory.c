// SPDX-License-Identifier: GPL-2.0-or-later
/* Line states of guest memory.  See memory.h for the model. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_RAM_RANGES	8

/*
 * One per page of physical address space up to mem_end().  @generation tells
 * the pattern of this giving-away from those before, so that what an earlier
 * one left behind is never taken for it.
 */
struct page {
	uint64_t owned;		/* given lines; owned only while the pattern stands */
	uint64_t poisoned;
	uint32_t generation;
	bool touched;
};

static struct {
	uint64_t pa, len;
	uint8_t *host;
} ram[MAX_RAM_RANGES];
static int nr_ram;
static struct page *pages;
static uint64_t nr_pages;
static uint64_t *touched, nr_touched, max_touched;	/* page frames, each once */
static uint32_t generation;
static bool no_erratum;

void mem_add_ram(uint64_t pa, uint64_t len, void *host)
{
	uint64_t end = (pa + len) / SIM_PAGE;

	if (nr_ram == MAX_RAM_RANGES)
		abort();
	ram[nr_ram].pa = pa;
	ram[nr_ram].len = len;
	ram[nr_ram++].host = host;
	if (end <= nr_pages)
		return;
	/* calloc first: untouched pages of a big array cost no memory. */
	struct page *bigger = calloc(end, sizeof(*bigger));

	if (!bigger)
		abort();
	if (pages)
		memcpy(bigger, pages, nr_pages * sizeof(*pages));
	free(pages);
	pages = bigger;
	nr_pages = end;
}

uint64_t mem_end(void)
{
	return nr_pages * SIM_PAGE;
}

void *mem_ptr(uint64_t pa)
{
	for (int i = 0; i < nr_ram; i++)
		if (pa - ram[i].pa < ram[i].len)
			return ram[i].host + (pa - ram[i].pa);
	return NULL;
}

void mem_reset(void)
{
	if (pages)
		memset(pages, 0, nr_pages * sizeof(*pages));
	nr_touched = 0;
	wc_reset();
	cache_reset();
}

void mem_set_erratum(bool has)
{
	no_erratum = !has;
}

bool mem_erratum(void)
{
	return !no_erratum;
}

static struct page *page_of(uint64_t pa)
{
	return pa / SIM_PAGE < nr_pages ? &pages[pa / SIM_PAGE] : NULL;
}

static void touch(struct page *page)
{
	if (page->touched)
		return;
	page->touched = true;
	if (nr_touched == max_touched) {
		max_touched = max_touched ? max_touched * 2 : 1024;
		touched = realloc(touched, max_touched * sizeof(*touched));
		if (!touched)
			abort();
	}
	touched[nr_touched++] = page - pages;
}

uint64_t mem_touched(uint64_t n)
{
	return n < nr_touched ? touched[n] * SIM_PAGE : mem_end();
}

bool mem_page_suspect(uint64_t pa)
{
	struct page *page = page_of(pa);

	return page && page->owned | page->poisoned;
}

static unsigned int line_of(uint64_t pa)
{
	return pa % SIM_PAGE / SIM_LINE;
}

/* splitmix64: a different word for each address and each giving-away. */
static uint64_t pattern(uint64_t pa, uint32_t gen)
{
	uint64_t z = pa + ((uint64_t)gen << 48) + 0x9e3779b97f4a7c15ULL * (gen + 1);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static void write_pattern(uint64_t line_pa, uint32_t gen)
{
	uint64_t *p = mem_ptr(line_pa);

	for (unsigned int i = 0; i < SIM_LINE / 8; i++)
		p[i] = pattern(line_pa + i * 8, gen);
}

static bool shows_pattern(uint64_t line_pa, uint32_t gen)
{
	const uint64_t *p = mem_ptr(line_pa);

	for (unsigned int i = 0; i < SIM_LINE / 8; i++)
		if (p[i] != pattern(line_pa + i * 8, gen))
			return false;
	return true;
}

/* The owned lines of a page, those that were written since taken out. */
static uint64_t owned_now(struct page *page, uint64_t page_pa)
{
	for (uint64_t left = page->owned; left; left &= left - 1) {
		unsigned int n = __builtin_ctzll(left);

		/*
		 * A poisoned line keeps its owner: what a store through the
		 * cache read to merge with is the poison.
		 */
		if (page->poisoned >> n & 1)
			continue;
		if (!shows_pattern(page_pa + n * SIM_LINE, page->generation))
			page->owned &= ~(1ULL << n);
	}
	return page->owned;
}

void mem_tdx_write_page(uint64_t pa)
{
	struct page *page = page_of(pa);

	pa &= ~(SIM_PAGE - 1);
	if (!page || !mem_ptr(pa))
		return;
	page->generation = ++generation;
	page->owned = ~0ULL;
	page->poisoned = 0;
	touch(page);
	for (unsigned int i = 0; i < SIM_LINES_PER_PAGE; i++)
		write_pattern(pa + i * SIM_LINE, page->generation);
}

void mem_tdx_release_page(uint64_t pa)
{
	struct page *page = page_of(pa);

	pa &= ~(SIM_PAGE - 1);
	if (!page || !mem_ptr(pa))
		return;
	if (owned_now(page, pa))
		memset(mem_ptr(pa), 0, SIM_PAGE);
	page->owned = 0;
	page->poisoned = 0;
}

void mem_full_line(uint64_t pa)
{
	struct page *page = page_of(pa);

	if (!page)
		return;
	page->owned &= ~(1ULL << line_of(pa));
	page->poisoned &= ~(1ULL << line_of(pa));
}

void mem_poison(uint64_t pa)
{
	struct page *page = page_of(pa);

	if (!page)
		return;
	page->poisoned |= 1ULL << line_of(pa);
	touch(page);
}

uint64_t mem_page_owned(uint64_t pa)
{
	struct page *page = page_of(pa);

	return page && page->owned ? owned_now(page, pa & ~(SIM_PAGE - 1)) : 0;
}

uint64_t mem_page_poisoned(uint64_t pa)
{
	struct page *page = page_of(pa);

	return page ? page->poisoned : 0;
}

/* The other lines of the page cost time: who asks may ask for one after the other. */
bool mem_line_owned(uint64_t pa)
{
	struct page *page = page_of(pa);
	uint64_t line = 1ULL << line_of(pa);

	if (!page || !(page->owned & line))
		return false;
	if (!(page->poisoned & line) && !shows_pattern(pa & ~(SIM_LINE - 1), page->generation))
		page->owned &= ~line;
	return page->owned & line;
}

bool mem_line_poisoned(uint64_t pa)
{
	return mem_page_poisoned(pa) >> line_of(pa) & 1;
}

uint64_t mem_next_page(uint64_t pa)
{
	uint64_t i = (pa + SIM_PAGE - 1) / SIM_PAGE;

	while (i < nr_pages && !pages[i].touched)
		i++;
	return i * SIM_PAGE;
}

struct mem_counts mem_count(uint64_t start, uint64_t end)
{
	struct mem_counts c = { 0 };

	if (end > mem_end())
		end = mem_end();
	for (uint64_t pa = mem_next_page(start); pa < end; pa = mem_next_page(pa + SIM_PAGE)) {
		uint64_t owned = mem_page_owned(pa), poisoned = mem_page_poisoned(pa);

		c.owned_lines += __builtin_popcountll(owned);
		c.poisoned_lines += __builtin_popcountll(poisoned);
		c.owned_pages += owned != 0;
		c.poisoned_pages += poisoned != 0;
	}
	return c;
}
