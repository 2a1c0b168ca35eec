/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a TDX host, per 64-byte line.
 *
 *   owned     the TD-owner bit of the line is set: TDX wrote it last
 *   poisoned  reading it is a machine check
 *   private   (of a page) TDX holds the page now; the PAMT knows
 *   dirty     (of a page) taken back, but lines of it are still owned
 *   normal    none of these
 *
 * What TDX writes is ciphertext to the host: each line of a page that is given
 * to TDX is filled with a pattern that nothing else writes.  A line is owned as
 * long as it still shows that pattern, so ordinary stores, which go through the
 * cache and make the line normal when it is written back, cost nothing: they
 * are seen by what they left.  Real hardware answers a host read of an owned
 * line with zeros instead (module specification, chapter 16); no kernel reads
 * memory it has given away.
 *
 * Not modelled: a store of the host through the cache counts as written back at
 * once; a store that happens to write the very bytes of the pattern; DMA counts as
 * stores through the cache.
 *
 * Locking: the caller holds sim_lock(), except where said.
 */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_PAGE	4096ULL
#define SIM_LINE	64ULL
#define SIM_LINES_PER_PAGE (SIM_PAGE / SIM_LINE)

struct mem_counts {
	uint64_t owned_lines;
	uint64_t poisoned_lines;
	uint64_t owned_pages;		/* pages with an owned line */
	uint64_t poisoned_pages;
};

/**
 * mem_add_ram() - a range of guest RAM and where it is in this process
 * @pa: physical address, page aligned
 * @len: bytes, page aligned
 * @host: first byte
 */
void mem_add_ram(uint64_t pa, uint64_t len, void *host);

/* End of RAM: first physical address behind the last range. */
uint64_t mem_end(void);

/**
 * mem_ptr() - host address of a physical address
 * Context: any; no lock.  Return: NULL where there is no RAM.
 */
void *mem_ptr(uint64_t pa);

/* Power on or platform reset: every line normal. */
void mem_reset(void);

/*
 * The CPU has the partial-write erratum (default: yes).  Without it a partial
 * write to an owned line is a write like any other: the line becomes normal.
 */
void mem_set_erratum(bool has);
bool mem_erratum(void);

/* TDX writes a whole page under a private KeyID. */
void mem_tdx_write_page(uint64_t pa);

/* TDX itself makes a page normal (TDH.SYS.DISABLE). */
void mem_tdx_release_page(uint64_t pa);

/* A full line written with one transaction, MOVDIR64B: normal, no poison. */
void mem_full_line(uint64_t pa);

/* Poison a line whoever owns it, as a memory error would. */
void mem_poison(uint64_t pa);

bool mem_line_owned(uint64_t pa);
bool mem_line_poisoned(uint64_t pa);

/* Bit n = line n of the page is owned / poisoned. */
uint64_t mem_page_owned(uint64_t pa);
uint64_t mem_page_poisoned(uint64_t pa);

/**
 * mem_next_page() - next page that was ever given to TDX or poisoned
 * @pa: where to start
 * Return: its address, or mem_end().
 */
uint64_t mem_next_page(uint64_t pa);

/**
 * mem_touched() - the same pages, in no order, for who looks often
 * @n: from 0
 * Return: the address of the nth, or mem_end().
 */
uint64_t mem_touched(uint64_t n);

/* May a line of the page be not normal?  Quick; never wrong when it says no. */
bool mem_page_suspect(uint64_t pa);

/* Count the lines that are not normal in [start, end). */
struct mem_counts mem_count(uint64_t start, uint64_t end);

/* --- write-combining buffers (wc.c) -------------------------------------- */

/**
 * wc_store() - a non-temporal store of a CPU
 * @cpu: index
 * @pa: physical address
 * @len: bytes; may reach into the next line, not the next page
 * @poisoned: called for each line that this poisons, with the lock held
 *
 * Buffers fill up and leave when they are full (one full-line write), when
 * another line needs the buffer, or at wc_flush(): partial lines then reach
 * memory as partial writes.
 */
void wc_store(unsigned int cpu, uint64_t pa, unsigned int len,
	      void (*poisoned)(uint64_t pa));

/* SFENCE, MFENCE, a serialising instruction, a context switch... */
void wc_flush(unsigned int cpu, void (*poisoned)(uint64_t pa));

void wc_reset(void);

/* --- caches (cache.c) ------------------------------------------------------ */

/*
 * Off unless configured.  When on, each page that TDX writes stays dirty in
 * the cache of the CPU that made the call, under its private KeyID, until that
 * CPU executes WBINVD or WBNOINVD, or the TDX module writes it back; CLFLUSH
 * of the host does not reach it.  Else it comes back to memory on its own: half
 * of the pages within max_ms, the others not before another kernel runs and
 * then within max_ms.  It comes back over whatever is there: lines that were
 * made normal meanwhile are TDX's again, and their contents are lost.
 *
 * Times are milliseconds of the caller's clock.
 */
struct cache_config {
	bool on;
	uint64_t seed, max_ms;
};

struct cache_stats {
	uint64_t dirty_pages;		/* in all caches now */
	uint64_t pending_pages, pending_lines;	/* of these: not TDX's in memory now */
	uint64_t written_pages;		/* came to memory so far */
	uint64_t returned_pages, returned_lines;	/* of these: became TDX's again */
};

void cache_configure(const struct cache_config *c);
bool cache_on(void);
void cache_reset(void);

/* TDX, on @cpu, wrote this page under @hkid. */
void cache_note_write(unsigned int cpu, uint64_t pa, uint16_t hkid, uint64_t now);

/* What is due comes back. */
void cache_tick(uint64_t now);

/* WBINVD or WBNOINVD on @cpu. */
void cache_wbinvd(unsigned int cpu);

/* TDH.PHYMEM.CACHE.WB, and TDH.SYS.DISABLE: the caches of all CPUs. */
void cache_write_back_all(void);

/* TDH.PHYMEM.PAGE.WBINVD: one page under one KeyID, in every cache. */
void cache_flush_page(uint64_t pa, uint16_t hkid);

/* From now on nothing stays for ever. */
void cache_kernel_jump(uint64_t now);

/* Lines of this page that a cache will make TDX's again. */
unsigned int cache_pending_lines(uint64_t pa);

struct cache_stats cache_stats(void);

#endif
