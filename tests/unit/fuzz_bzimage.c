// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzer of image_probe(): mutated seeds, each in a buffer of exactly its size
 * so that the sanitizer sees any read beyond.  The same numbers every time.
 *
 *	fuzz_bzimage [ROUNDS [RANDOM-SEED [SEED-FILE...]]]
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

#define SEED_MAX	(8u << 10)	/* the header and more; a whole kernel is not needed */

struct seed {
	uint8_t data[SEED_MAX];
	size_t size;
};

static uint64_t random_state;

/* xorshift64*: the same sequence on every machine, unlike rand(). */
static uint32_t rnd(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * 0x2545f4914f6cdd1dULL) >> 32;
}

static void seed_bzimage(struct seed *s)
{
	static const struct {
		uint16_t at;
		uint8_t bytes[4], n;
	} fields[] = {
		{ 0x1f1, { 3 }, 1 },
		{ 0x1f4, { 0x80, 0x01 }, 2 },
		{ 0x1fe, { 0x55, 0xaa }, 2 },
		{ 0x201, { 0x6a }, 1 },
		{ 0x202, { 'H', 'd', 'r', 'S' }, 4 },
		{ 0x206, { 0x0f, 0x02 }, 2 },
		{ 0x211, { 0x01 }, 1 },
		{ 0x236, { 0x7f }, 1 },
		{ 0x238, { 0xff, 0x07 }, 2 },
		{ 0x248, { 0x00, 0x01 }, 2 },
		{ 0x24c, { 0x00, 0x10 }, 2 },
	};

	memset(s, 0, sizeof(*s));
	s->size = SEED_MAX;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		memcpy(s->data + fields[i].at, fields[i].bytes, fields[i].n);
}

static void seed_pe(struct seed *s)
{
	memset(s, 0, sizeof(*s));
	s->size = 512;
	memcpy(s->data, "MZ", 2);
	s->data[0x3c] = 0x80;
	memcpy(s->data + 0x80, "PE\0\0", 4);
}

static void seed_elf(struct seed *s)
{
	memset(s, 0, sizeof(*s));
	s->size = 64;
	memcpy(s->data, "\177ELF\2\1\1", 7);
	s->data[18] = 62;
}

static void seed_file(struct seed *s, const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f) {
		fprintf(stderr, "fuzz_bzimage: %s: cannot be read\n", path);
		exit(1);
	}
	s->size = fread(s->data, 1, SEED_MAX, f);
	fclose(f);
}

/* Fields that decide something are hit more often than the rest. */
static size_t interesting_offset(size_t size)
{
	static const uint16_t offsets[] = {
		0, 4, 18, 0x3c, 0x3d, 0x3e, 0x3f, 0x1f1, 0x1f4, 0x1f5, 0x1f6, 0x1f7,
		0x1fe, 0x201, 0x202, 0x206, 0x207, 0x211, 0x236, 0x238, 0x239, 0x23a,
		0x23b, 0x248, 0x249, 0x24a, 0x24b, 0x24c, 0x24d, 0x24e, 0x24f,
	};
	size_t at = offsets[rnd() % (sizeof(offsets) / sizeof(offsets[0]))];

	return rnd() % 4 == 0 || at >= size ? rnd() % size : at;
}

static void check(const uint8_t *data, size_t size, uint64_t file_size, unsigned long counts[3])
{
	struct image image;
	enum image_kind kind = image_probe(data, size, file_size, &image);

	/* What it says must hold together. */
	if (kind != image.kind || kind > IMAGE_FOREIGN ||
	    (kind == IMAGE_BAD) != (image.why[0] != '\0') ||
	    strlen(image.why) >= sizeof(image.why) ||
	    (kind != IMAGE_BAD && !image.format) ||
	    (kind == IMAGE_BZIMAGE && image.protocol < 0x20c)) {
		fprintf(stderr, "fuzz_bzimage: the answer for a file of %" PRIu64 " bytes contradicts itself\n",
			file_size);
		abort();
	}
	/* A bzImage cut to half of what its header asks for is never whole. */
	if (kind == IMAGE_BZIMAGE) {
		uint64_t whole = (uint64_t)(data[0x1f4] | data[0x1f5] << 8 |
				 data[0x1f6] << 16 | (uint32_t)data[0x1f7] << 24) * 16;

		if (image_probe(data, size, whole / 2, &image) == IMAGE_BZIMAGE) {
			fprintf(stderr, "fuzz_bzimage: a truncated bzImage was taken\n");
			abort();
		}
	}
	counts[kind]++;
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 200000;
	int nr_seeds = 3 + (argc > 3 ? argc - 3 : 0);
	struct seed *seeds = calloc(nr_seeds, sizeof(*seeds));
	unsigned long counts[3] = { 0 };

	if (!seeds)
		return 1;
	random_state = argc > 2 ? strtoull(argv[2], NULL, 0) : 20260801;
	if (!random_state)
		random_state = 1;
	seed_bzimage(&seeds[0]);
	seed_pe(&seeds[1]);
	seed_elf(&seeds[2]);
	for (int i = 3; i < nr_seeds; i++)
		seed_file(&seeds[i], argv[i]);

	for (unsigned long n = 0; n < rounds; n++) {
		/* Two of three from bzImages: that parser is the deepest. */
		const struct seed *s = &seeds[rnd() % 3 ? 0 : rnd() % nr_seeds];
		size_t size = rnd() % 4 ? s->size : rnd() % (s->size + 1);
		uint64_t file_size = rnd() % 4 ? size : ((uint64_t)rnd() << (rnd() % 32));
		uint8_t *data = malloc(size ? size : 1);

		if (!data)
			return 1;
		memcpy(data, s->data, size);
		for (uint32_t m = rnd() % 5; size && m; m--)
			data[interesting_offset(size)] = rnd() % 3 ? rnd() : (rnd() & 1 ? 0xff : 0);
		check(data, size, file_size, counts);
		free(data);
	}
	free(seeds);
	printf("fuzz_bzimage: %lu rounds: %lu refused, %lu bzImages, %lu foreign\n",
	       rounds, counts[IMAGE_BAD], counts[IMAGE_BZIMAGE], counts[IMAGE_FOREIGN]);
	/* A fuzzer that never gets through the checks tests nothing behind them. */
	return rounds < 1000 || (counts[0] && counts[1] && counts[2]) ? 0 : 1;
}
