// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The part of tests/fragment that needs a process:
 *
 *   fragment-load cache FILE MIB SEED
 *	reads FILE, a sparse file of MIB MiB, in an order that SEED chooses, and
 *	a few pages at a time, so that the page cache has it in single pages
 *   fragment-load pin FLOOR PERCENT SEED PAGES
 *	fills memory with single pages until FLOOR MiB are free, pins PAGES of
 *	each of PERCENT of its 1 MiB pieces through fragment.ko, gives the rest
 *	back, says "ready" and stays, as a virtual machine with a device does
 *
 * Exit status: 0, or 1 with the reason on standard error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define PAGE	4096UL
#define MIB	(1UL << 20)
#define BLOCK	(2 * MIB)
#define READ	(16 * PAGE)
#define PIECE	MIB		/* single pages come from more blocks than one */

static const char pin_file[] = "/sys/module/fragment/parameters/pin";

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "fragment-load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned long argument(const char *s)
{
	char *end;
	unsigned long v = strtoul(s, &end, 0);

	if (!*s || *end) {
		fprintf(stderr, "fragment-load: %s is no number\n", s);
		exit(1);
	}
	return v;
}

/* Repeatable on every machine; the high bits are good. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005UL + 1442695040888963407UL;
	return *state >> 33;
}

/*
 * Each place once: a step that visits all numbers below the power of two above
 * how many there are.
 */
static void cache(const char *file, unsigned long mib, uint64_t seed)
{
	unsigned long places = mib * (MIB / READ), round = 1, i, at;
	int fd = open(file, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, mib * MIB))
		die(file);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	while (round < places)
		round *= 2;
	at = next_random(&seed) % round;
	for (i = 0; i < round; i++) {
		at = (at * 5 + 12345) % round;
		if (at < places && readahead(fd, at * READ, READ))
			die(file);
	}
	close(fd);
}

static void pin_pages(int fd, const char *address, unsigned long pages)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%lx %lu", (unsigned long)address, pages);

	if (write(fd, text, len) != len)
		die(pin_file);
}

/* Memory of this process, aligned to 2 MiB; all of it is there. */
static char *fill(size_t size, int advice)
{
	char *memory = mmap(NULL, size + BLOCK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	memory += -(uintptr_t)memory & (BLOCK - 1);
	if (madvise(memory, size, advice) || madvise(memory, size, MADV_POPULATE_WRITE))
		die("memory");
	return memory;
}

static void give_back(char *memory, size_t size)
{
	if (size && madvise(memory, size, MADV_DONTNEED))
		die("madvise");
}

/* Pins pages of some pieces and gives the others back. */
static void pin_some(char *memory, size_t size, unsigned int percent, uint64_t *seed,
		     unsigned long pages)
{
	int fd = open(pin_file, O_WRONLY);

	if (fd < 0)
		die(pin_file);
	for (size_t at = 0; at < size; at += PIECE) {
		unsigned long from = 0, nr = 0;

		if (next_random(seed) % 100 < percent) {
			nr = pages;
			from = next_random(seed) % (PIECE / PAGE - pages + 1);
			pin_pages(fd, memory + at + from * PAGE, pages);
		}
		give_back(memory + at, from * PAGE);
		give_back(memory + at + (from + nr) * PAGE, PIECE - (from + nr) * PAGE);
	}
	close(fd);
}

/*
 * The last FLOOR MiB lie in one piece; they are taken as large pages once the
 * kernel has its room in single pages everywhere.
 */
static void pin(unsigned long floor, unsigned int percent, uint64_t seed, unsigned long pages)
{
	size_t last = (floor - floor / 4) * MIB & ~(BLOCK - 1);
	char *memory, *rest;
	struct sysinfo info;
	size_t size;

	if (pages < 1 || pages > PIECE / PAGE || sysinfo(&info))
		die("arguments");
	size = info.freeram * info.mem_unit;
	if (size < floor * MIB + BLOCK)
		die("memory");
	size = (size - floor * MIB) & ~(BLOCK - 1);
	memory = fill(size, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < size; at += 32 * PAGE)
		give_back(memory + at, PAGE);
	rest = fill(last, MADV_HUGEPAGE);
	pin_some(memory, size, percent, &seed, pages);
	pin_some(rest, last, percent, &seed, pages);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "cache")) {
		cache(argv[2], argument(argv[3]), argument(argv[4]));
		return 0;
	}
	if (argc == 6 && !strcmp(argv[1], "pin"))
		pin(argument(argv[2]), argument(argv[3]), argument(argv[4]), argument(argv[5]));
	fprintf(stderr, "usage: fragment-load cache FILE MIB SEED\n"
			"       fragment-load pin FLOOR PERCENT SEED PAGES\n");
	return 1;
}
