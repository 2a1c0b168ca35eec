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
 * Not modelled: a store through the cache counts as written back at once; a
 * store that happens to write the very bytes of the pattern; DMA counts as
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

#endif
