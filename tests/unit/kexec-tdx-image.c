// SPDX-License-Identifier: GPL-2.0-or-later
/* image_probe(): what is a kernel, what is not, and where one is cut off. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "kexec-tdx-fixture.h"

static struct image image;

/* Probe the first @have bytes in a buffer of exactly that size. */
static enum image_kind probe(const uint8_t *data, size_t have, uint64_t file_size)
{
	uint8_t *exact = malloc(have ? have : 1);
	enum image_kind kind;

	assert_non_null(exact);
	memcpy(exact, data, have);
	kind = image_probe(exact, have, file_size, &image);
	free(exact);
	return kind;
}

static void test_whole(void **state)
{
	uint8_t bz[BZIMAGE_SIZE];

	(void)state;
	make_bzimage(bz);
	assert_int_equal(probe(bz, sizeof(bz), sizeof(bz)), IMAGE_BZIMAGE);
	assert_int_equal(image.protocol, 0x20f);
	assert_int_equal(image.cmdline_max, 2047);
	/* A signature behind it, as distributions append. */
	assert_int_equal(probe(bz, sizeof(bz), sizeof(bz) + 1472), IMAGE_BZIMAGE);
	/* The header says 0 setup sectors and means 4: the file is longer then. */
	bz[0x1f1] = 0;
	assert_int_equal(probe(bz, sizeof(bz), sizeof(bz)), IMAGE_BZIMAGE);
	assert_int_equal(probe(bz, 2560, 5 * 512 + 4096 - 1), IMAGE_BAD);
}

static void test_every_truncation(void **state)
{
	uint8_t bz[BZIMAGE_SIZE];

	(void)state;
	make_bzimage(bz);
	for (size_t n = 0; n < sizeof(bz); n++) {
		assert_int_equal(probe(bz, n, n), IMAGE_BAD);
		assert_true(*image.why);
		if (n >= 0x206)
			assert_non_null(strstr(image.why, "truncated"));
	}
}

/* One byte of a right header made wrong, and what the message must name. */
static void test_header_fields(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *says;
	} cases[] = {
		{ 0x1fe, 0x54, "boot sector" },
		{ 0x206, 0x0b, "2.11" },
		{ 0x211, 0x00, "zImage" },
		{ 0x236, 0x02, "32-bit" },
		{ 0x236, 0x01, "above 4 GiB" },
		{ 0x1f5, 0x02, "truncated" },	/* syssize */
		{ 0x1f7, 0xff, "truncated" },
		{ 0x1f1, 0xff, "truncated" },
		{ 0x24d, 0x10, "payload" },
		{ 0x24f, 0xff, "payload" },
		{ 0x24b, 0xff, "payload" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bz[BZIMAGE_SIZE];

		make_bzimage(bz);
		bz[cases[i].at] = cases[i].value;
		assert_int_equal(probe(bz, sizeof(bz), sizeof(bz)), IMAGE_BAD);
		if (!strstr(image.why, cases[i].says))
			fail_msg("byte %#zx: '%s' does not say '%s'", cases[i].at,
				 image.why, cases[i].says);
	}
}

static void test_no_code(void **state)
{
	uint8_t bz[BZIMAGE_SIZE];

	(void)state;
	make_bzimage(bz);
	memset(bz + 0x1f4, 0, 4);
	assert_int_equal(probe(bz, sizeof(bz), sizeof(bz)), IMAGE_BAD);
	assert_non_null(strstr(image.why, "no code"));
}

static void test_foreign(void **state)
{
	uint8_t data[2048] = { 0 };

	(void)state;
	memcpy(data, "\177ELF\2\1\1", 7);
	data[18] = 62;
	assert_int_equal(probe(data, sizeof(data), sizeof(data)), IMAGE_FOREIGN);
	assert_string_equal(image.format, "ELF");
	data[18] = 183;		/* aarch64 */
	assert_int_equal(probe(data, sizeof(data), sizeof(data)), IMAGE_BAD);

	memset(data, 0, sizeof(data));
	memcpy(data, "MZ", 2);
	data[0x3c] = 0x80;
	memcpy(data + 0x80, "PE\0\0", 4);
	assert_int_equal(probe(data, sizeof(data), sizeof(data)), IMAGE_FOREIGN);
	/* The offset of the PE header points out of the file. */
	memset(data + 0x3c, 0xff, 4);
	assert_int_equal(probe(data, sizeof(data), sizeof(data)), IMAGE_BAD);
	data[0x3c] = 0xfd, data[0x3d] = 0x07, data[0x3e] = data[0x3f] = 0;
	assert_int_equal(probe(data, sizeof(data), sizeof(data)), IMAGE_BAD);

	memcpy(data, "\x1f\x8b\x08", 3);
	assert_int_equal(probe(data, sizeof(data), sizeof(data)), IMAGE_FOREIGN);
	memcpy(data, "\x28\xb5\x2f\xfd", 4);
	assert_int_equal(probe(data, sizeof(data), sizeof(data)), IMAGE_FOREIGN);
}

static void test_not_a_kernel(void **state)
{
	uint8_t data[4096];

	(void)state;
	srand(1);
	for (int n = 0; n < 1000; n++) {
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = rand();
		data[0] = 'r';
		assert_int_equal(probe(data, sizeof(data), sizeof(data)), IMAGE_BAD);
		assert_non_null(strstr(image.why, "not a kernel"));
	}
	assert_int_equal(probe(data, 0, 0), IMAGE_BAD);
	assert_non_null(strstr(image.why, "empty"));
	assert_int_equal(probe(data, 1, 1), IMAGE_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_header_fields),
		cmocka_unit_test(test_no_code),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_not_a_kernel),
	};

	return cmocka_run_group_tests_name("kexec-tdx-image", tests, NULL, NULL);
}
