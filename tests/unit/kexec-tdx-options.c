// SPDX-License-Identifier: GPL-2.0-or-later
/* The command lines that the callers of kexec(8) build, and the new command line. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"
#include "kexec-tdx-fixture.h"
#include "options.h"

static char *err_text;
static size_t err_size;

static int parse(struct options *o, const char *line)
{
	char *copy = strdup(line), *rest = copy, *word;
	static char *argv[64];
	static char *last;
	struct tool t = { .sysroot = "", .out = stdout };
	int argc = 0, ret;

	/* Strings of the options belong to argv: keep it until the next call. */
	free(last);
	last = copy;
	while ((word = strsep(&rest, " ")))
		argv[argc++] = word;
	argv[argc] = NULL;
	free(err_text);
	err_text = NULL;
	t.err = open_memstream(&err_text, &err_size);
	assert_non_null(t.err);
	ret = options_parse(&t, o, argc, argv);
	fclose(t.err);
	return ret;
}

/* What each caller in the field runs, and what it must mean. */
static void test_callers(void **state)
{
	static const struct {
		const char *line;
		enum action action;
		bool crash;
		const char *kernel, *initrd, *append;
	} cases[] = {
		/* Debian's kdump-config */
		{ "kexec -p --command-line=root=/dev/sda1 --initrd=/i /k", ACTION_LOAD, true, "/k", "/i", "root=/dev/sda1" },
		{ "kexec -p -s --args-linux --command-line=ro --initrd=/i /k", ACTION_LOAD, true, "/k", "/i", "ro" },
		{ "kexec -s -p -u", ACTION_UNLOAD, true, NULL, NULL, NULL },
		{ "kexec -p -u", ACTION_UNLOAD, true, NULL, NULL, NULL },
		/* kdumpctl, with its second -s */
		{ "kexec -s -s -p --command-line=ro --initrd=/i /k", ACTION_LOAD, true, "/k", "/i", "ro" },
		{ "kexec -s -d -p --command-line=ro --initrd=/i /k", ACTION_LOAD, true, "/k", "/i", "ro" },
		/* openSUSE: the kernel before the options, -a last */
		{ "kexec -p /k --append=ro --initrd=/i -a", ACTION_LOAD, true, "/k", "/i", "ro" },
		{ "kexec -a -p -u", ACTION_UNLOAD, true, NULL, NULL, NULL },
		/* systemctl kexec: values as words of their own */
		{ "/usr/sbin/kexec --load /k --append ro --initrd /i", ACTION_LOAD, false, "/k", "/i", "ro" },
		{ "/usr/sbin/kexec --load /k --append ro", ACTION_LOAD, false, "/k", NULL, "ro" },
		/* Debian's kexec-load-kernel, transactional-update, petitboot */
		{ "/sbin/kexec -l /k --initrd=/i --append=ro", ACTION_LOAD, false, "/k", "/i", "ro" },
		{ "kexec -a -l /k --ramdisk=/i --reuse-cmdline", ACTION_LOAD, false, "/k", "/i", NULL },
		{ "kexec -l --debug --initrd= --append= /k", ACTION_LOAD, false, "/k", "", "" },
		/* by hand */
		{ "kexec -lasd /k", ACTION_LOAD, false, "/k", NULL, NULL },
		{ "kexec -e", ACTION_EXEC, false, NULL, NULL, NULL },
		{ "kexec -f /k", ACTION_LOAD, false, "/k", NULL, NULL },
		{ "kexec -e -f /k", ACTION_LOAD, false, "/k", NULL, NULL },
		{ "kexec -f -e", ACTION_EXEC, false, NULL, NULL, NULL },
		{ "kexec -t elf-x86 -t bzImage -l /k", ACTION_LOAD, false, "/k", NULL, NULL },
		{ "kexec /k", ACTION_NONE, false, "/k", NULL, NULL },
		{ "kexec -t bzImage64 -l /k", ACTION_LOAD, false, "/k", NULL, NULL },
		{ "kexec --type=bzImage --hotplug -i -p /k", ACTION_LOAD, true, "/k", NULL, NULL },
		{ "kexec -S", ACTION_STATUS, false, NULL, NULL, NULL },
		{ "kexec -l -S", ACTION_STATUS, false, NULL, NULL, NULL },
		{ "kexec -p -S", ACTION_STATUS, true, NULL, NULL, NULL },
		{ "kexec -u", ACTION_UNLOAD, false, NULL, NULL, NULL },
		{ "kexec -?", ACTION_HELP, false, NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o;

		if (parse(&o, cases[i].line))
			fail_msg("%s: %s", cases[i].line, err_text);
		assert_int_equal(o.action, cases[i].action);
		assert_int_equal(o.crash, cases[i].crash);
		assert_null(o.only_kexec_tools);
#define SAME(field) do { \
		if (cases[i].field) \
			assert_string_equal(o.field, cases[i].field); \
		else \
			assert_null(o.field); \
	} while (0)
		SAME(kernel);
		SAME(initrd);
		SAME(append);
		options_free(&o);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *line;
		const char *says;
	} cases[] = {
		{ "kexec --nonsense /k", "--nonsense" },
		{ "kexec -Z", "-Z" },
		{ "kexec --re", "--re" },
		{ "kexec --load=x", "--load" },
		{ "kexec -l /k --append", "--append" },
		{ "kexec -l /k -t", "-t" },
		{ "kexec -l /k /other", "/other" },
		{ "kexec -l -e", "--force" },
		{ "kexec -p -e", "panic" },
		{ "kexec -p -f /k", "panic" },
		{ "kexec -u -e", "--unload" },
		{ "kexec -u /k", "/k" },
		{ "kexec -e /k", "/k" },
		{ "kexec -f -e /k", "/k" },
		{ "kexec -e -f -l -e", "--force" },
		{ "kexec --json", "--status" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o;

		assert_int_equal(parse(&o, cases[i].line), EXIT_BAD_INPUT);
		assert_int_equal(lines(err_text), 1);
		if (!strstr(err_text, cases[i].says))
			fail_msg("%s: '%s' does not name '%s'", cases[i].line, err_text, cases[i].says);
		options_free(&o);
	}
}

static void test_force_order(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "kexec -f -l /k"), 0);
	assert_false(o.exec_after);
	options_free(&o);
	assert_int_equal(parse(&o, "kexec -l -f /k"), 0);
	assert_true(o.exec_after);
	options_free(&o);
	assert_int_equal(parse(&o, "kexec -e -f /k"), 0);
	assert_true(o.exec_after);
	options_free(&o);
	assert_int_equal(parse(&o, "kexec -e -f -l /k"), 0);
	assert_false(o.exec_after);
	options_free(&o);
}

/* Options of kexec-tools alone: its command line must come out as it went in. */
static void test_words(void **state)
{
	static const struct {
		const char *line, *option, *words;
	} cases[] = {
		{ "kexec -c -p --append ro /k", "kexec-syscall", "--kexec-syscall --load-panic --append=ro /k" },
		{ "kexec -l /k --mem-min 0x1000 --dry-run -d", "mem-min", "--load --mem-min=0x1000 --debug /k" },
		{ "kexec -l -t multiboot-x86 --module=a --module=b /k", "type", "--load --type=multiboot-x86 --module=a --module=b /k" },
		{ "kexec -t bzImage -c -l -t elf-x86 /k", "type", "--type=bzImage --kexec-syscall --load --type=elf-x86 /k" },
		{ "kexec -t elf-x86 -c -l -t bzImage /k", "kexec-syscall", "--type=elf-x86 --kexec-syscall --load --type=bzImage /k" },
		{ "kexec --load-live-update -l --sysroot /x -- -k", "load-live-update", "--load-live-update --load -- -k" },
		{ "kexec --print-ckr-size", "print-ckr-size", "--print-ckr-size" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char words[256] = "";
		struct options o;

		assert_int_equal(parse(&o, cases[i].line), 0);
		assert_string_equal(o.only_kexec_tools, cases[i].option);
		assert_null(o.words[0]);
		assert_null(o.words[o.nr_words]);
		for (int w = 1; w < o.nr_words; w++) {
			strcat(words, w > 1 ? " " : "");
			strcat(words, o.words[w]);
		}
		assert_string_equal(words, cases[i].words);
		options_free(&o);
	}
}

static void test_cmdline_without(void **state)
{
	static const char *const names[] = { "BOOT_IMAGE", "crashkernel", NULL };
	static const struct {
		const char *line, *rest;
	} cases[] = {
		{ "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet", "root=/dev/sda1 ro quiet" },
		{ "root=x crashkernel=1G,high crashkernel=256M,low ro", "root=x ro" },
		{ "ro crashkernel=256M", "ro" },
		{ "xcrashkernel=1 crashkernelx=2 my.crashkernel=3", "xcrashkernel=1 crashkernelx=2 my.crashkernel=3" },
		{ "dyndbg=\"file a crashkernel=1\" ro", "dyndbg=\"file a crashkernel=1\" ro" },
		{ "\"crashkernel=1 2\" ro", "ro" },
		{ "crashkernel=\"1 2\" ro", "ro" },
		{ "  a   b  ", "a b" },
		{ "crashkernel ro", "ro" },
		{ "open=\"quote crashkernel=1", "open=\"quote crashkernel=1" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *rest = cmdline_without(cases[i].line, names);

		assert_string_equal(rest, cases[i].rest);
		free(rest);
	}
}

static void test_cmdline_join(void **state)
{
	static const struct {
		const char *first, *second, *line;
	} cases[] = {
		{ "a", "b", "a b" }, { "", "b", "b" }, { "a", "", "a" },
		{ NULL, "b", "b" }, { "a", NULL, "a" }, { NULL, NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *line = cmdline_join(cases[i].first, cases[i].second);

		assert_string_equal(line, cases[i].line);
		free(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_callers),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_force_order),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_cmdline_without),
		cmocka_unit_test(test_cmdline_join),
	};
	int failed = cmocka_run_group_tests_name("kexec-tdx-options", tests, NULL, NULL);

	free(err_text);
	return failed;
}
