// SPDX-License-Identifier: GPL-2.0-or-later
/* Whole runs of kexec-tdx on made-up machines: which calls it makes, and what it says. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kexec-tdx-fixture.h"

/* Paths on the machine; two at a time are needed. */
static char k[512], i[512];

static void paths(struct machine *m)
{
	snprintf(k, sizeof(k), "%s/boot/k", m->dir);
	snprintf(i, sizeof(i), "%s/boot/i", m->dir);
}

static void test_load(void **state)
{
	struct machine *m = *state;

	paths(m);
	assert_int_equal(run(m, "-l", k, "--initrd", i, "--append=ro quiet", NULL), 0);
	assert_string_equal(m->calls, "load kernel=k initrd=i cmdline=ro quiet flags=0\n");
	assert_string_equal(m->err, "");
	assert_string_equal(m->out, "");

	assert_int_equal(run(m, k, "-l", NULL), 0);
	assert_string_equal(m->calls, "load kernel=k initrd=- cmdline= flags=0x4\n");

	assert_int_equal(run(m, "-p", k, "--reuse-cmdline", "--command-line=nr_cpus=1", "-s", "-s", NULL), 0);
	assert_string_equal(m->calls, "load kernel=k initrd=- cmdline=root=/dev/sda1 ro nr_cpus=1 flags=0x6\n");

	assert_int_equal(run(m, "-l", k, "--reuse-cmdline", "--ramdisk", i, "--no-cma", NULL), 0);
	assert_string_equal(m->calls, "load kernel=k initrd=i cmdline=root=/dev/sda1 crashkernel=256M ro flags=0x10\n");
}

static void test_unload(void **state)
{
	struct machine *m = *state;

	assert_int_equal(run(m, "-u", NULL), 0);
	assert_string_equal(m->calls, "load kernel=- initrd=- cmdline=- flags=0x1\n");
	assert_int_equal(run(m, "-s", "-p", "-u", NULL), 0);
	assert_string_equal(m->calls, "load kernel=- initrd=- cmdline=- flags=0x3\n");
	m->load_result = -EBUSY;
	assert_int_equal(run(m, "-u", NULL), 255);
	assert_int_equal(lines(m->err), 1);
}

/* Flags that an older kernel does not know are left out, other errors stay. */
static void test_newer_flags(void **state)
{
	struct machine *m = *state;

	paths(m);
	m->unknown_flags = FILE_DEBUG | FILE_NO_CMA;
	assert_int_equal(run(m, "-d", "-l", k, NULL), 0);
	assert_string_equal(m->calls, "load kernel=k initrd=- cmdline= flags=0xc\n"
				      "load kernel=k initrd=- cmdline= flags=0x4\n");
	assert_int_equal(run(m, "--no-cma", "-l", k, NULL), 0);
	assert_string_equal(m->calls, "load kernel=k initrd=- cmdline= flags=0x14\n"
				      "load kernel=k initrd=- cmdline= flags=0x4\n");
	assert_string_equal(m->err, "");
	assert_int_equal(run(m, "-d", "--no-cma", "-l", k, NULL), 0);
	assert_string_equal(m->calls, "load kernel=k initrd=- cmdline= flags=0x1c\n"
				      "load kernel=k initrd=- cmdline= flags=0xc\n"
				      "load kernel=k initrd=- cmdline= flags=0x4\n");
	/* Linux 6.8 to 6.16: the log is still asked for. */
	m->unknown_flags = FILE_NO_CMA;
	assert_int_equal(run(m, "-d", "--no-cma", "-l", k, NULL), 0);
	assert_string_equal(m->calls, "load kernel=k initrd=- cmdline= flags=0x1c\n"
				      "load kernel=k initrd=- cmdline= flags=0xc\n");
	m->unknown_flags = 0;
	m->load_result = -EINVAL;
	assert_int_equal(run(m, "--no-cma", "-l", k, NULL), 255);
	assert_non_null(strstr(m->err, "kernel log"));
	m->load_result = 0;
	m->load_result_debug = -ENOMEM;
	assert_int_equal(run(m, "-d", "-l", k, NULL), 255);
	assert_int_equal(lines(m->calls), 1);
}

static void test_bad_kernel(void **state)
{
	struct machine *m = *state;
	uint8_t bz[BZIMAGE_SIZE];
	char path[512];

	make_bzimage(bz);
	snprintf(path, sizeof(path), "%s/boot/bad", m->dir);

	run(m, "-l", path, NULL);
	assert_refused(m, path, "no such file");
	run(m, "-l", machine_path(m, "/boot"), NULL);
	assert_refused(m, "/boot:", "directory");
	machine_text(m, "/boot/bad", "");
	run(m, "-l", path, NULL);
	assert_refused(m, path, "empty");
	machine_text(m, "/boot/bad", "#!/bin/sh\n");
	run(m, "-l", path, NULL);
	assert_refused(m, path, "not a kernel");
	machine_file(m, "/boot/bad", bz, sizeof(bz) - 1);
	run(m, "-p", path, "-s", NULL);
	assert_refused(m, path, "truncated");
	run(m, "-l", "/dev/null", NULL);
	assert_refused(m, "/dev/null", "regular");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	run(m, "-l", path, NULL);
	assert_refused(m, path, "regular");
	/* A name with a newline still gives one line. */
	run(m, "-l", "/no\nsuch\nkernel", NULL);
	assert_refused(m, "/no\\x0asuch", "no such file");
	run(m, "-l", "", NULL);
	assert_refused(m, "kernel", "empty");
}

static void test_bad_initrd(void **state)
{
	struct machine *m = *state;
	char path[512];

	paths(m);
	snprintf(path, sizeof(path), "%s/boot/none", m->dir);
	run(m, "-l", k, "--initrd", path, NULL);
	assert_refused(m, path, "no such file");
	run(m, "-l", k, "--initrd", m->dir, NULL);
	assert_refused(m, m->dir, "directory");
	machine_text(m, "/boot/none", "");
	run(m, "-l", k, "--initrd", path, NULL);
	assert_refused(m, path, "empty");
	run(m, "-l", k, "--initrd=", NULL);
	assert_refused(m, "initrd", "empty");
}

/* The kernel wants room for elfcorehdr=: 2047 bytes at most give 2016. */
static void test_long_cmdline(void **state)
{
	struct machine *m = *state;
	char text[3000];

	paths(m);
	memset(text, 'x', sizeof(text));
	text[2016] = '\0';
	assert_int_equal(run(m, "-l", k, "--append", text, NULL), 0);
	text[2016] = 'x', text[2017] = '\0';
	run(m, "-l", k, "--append", text, NULL);
	assert_refused(m, k, "2016");
}

static void test_no_reservation(void **state)
{
	struct machine *m = *state;

	paths(m);
	machine_text(m, "/sys/kernel/kexec_crash_size", "0\n");
	run(m, "-p", k, NULL);
	assert_refused(m, k, "crashkernel=");
	assert_int_equal(run(m, "-l", k, NULL), 0);
	/* A kernel that does not tell is asked by trying. */
	unlink(machine_path(m, "/sys/kernel/kexec_crash_size"));
	assert_int_equal(run(m, "-p", k, NULL), 0);
}

static void test_kernel_says_no(void **state)
{
	static const struct {
		int err;
		const char *option, *says;
	} cases[] = {
		{ EOPNOTSUPP, "-l", "erratum" },
		{ EOPNOTSUPP, "-p", "unlock=1" },
		{ ENOSYS, "-l", "-c" },
		{ EBUSY, "-l", "again" },
		{ ENOMEM, "-l", "memory" },
		{ EADDRNOTAVAIL, "-l", "memory range" },
		{ EADDRNOTAVAIL, "-p", "crashkernel=" },
		{ ENOEXEC, "-l", "kernel log" },
		{ EINVAL, "-l", "kernel log" },
		{ EKEYREJECTED, "-l", "sign" },
		{ ENODATA, "-l", "sign" },
		{ ETXTBSY, "-l", "writing" },
		{ EPERM, "-l", "not permitted" },
		{ EXDEV, "-l", "" },
	};
	struct machine *m = *state;

	paths(m);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		m->load_result = -cases[n].err;
		assert_int_equal(run(m, cases[n].option, k, NULL), 255);
		assert_int_equal(lines(m->calls), 1);
		assert_int_equal(lines(m->err), 1);
		assert_non_null(strstr(m->err, k));
		if (!strstr(m->err, cases[n].says))
			fail_msg("%s: '%s' does not say '%s'", strerror(cases[n].err), m->err, cases[n].says);
	}
}

static void test_eperm(void **state)
{
	struct machine *m = *state;

	paths(m);
	m->load_result = -EPERM;
	machine_text(m, "/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	run(m, "-l", k, NULL);
	assert_null(strstr(m->err, "lockdown"));
	machine_text(m, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	run(m, "-l", k, NULL);
	assert_non_null(strstr(m->err, "lockdown"));
	machine_text(m, "/proc/sys/kernel/kexec_load_limit_panic", "0\n");
	run(m, "-l", k, NULL);
	assert_null(strstr(m->err, "limit_panic"));
	run(m, "-p", k, NULL);
	assert_non_null(strstr(m->err, "limit_panic"));
	machine_text(m, "/proc/sys/kernel/kexec_load_disabled", "1\n");
	run(m, "-p", k, NULL);
	assert_non_null(strstr(m->err, "kexec_load_disabled"));
	run(m, "-u", NULL);
	assert_non_null(strstr(m->err, "unloading are switched off"));
	assert_null(strstr(m->err, "load before"));
	machine_text(m, "/proc/sys/kernel/kexec_load_disabled", "0\n");
	run(m, "-p", "-u", NULL);
	assert_non_null(strstr(m->err, "unloading counts"));
	/* It is no matter of signatures what may be unloaded. */
	run(m, "-u", NULL);
	assert_null(strstr(m->err, "signed"));
	m->privileged = false;
	run(m, "-l", k, NULL);
	assert_non_null(strstr(m->err, "root"));
}

static void test_execute(void **state)
{
	struct machine *m = *state;

	paths(m);
	machine_text(m, "/sys/class/net/lo/flags", "0x9\n");
	machine_text(m, "/sys/class/net/eth0/flags", "0x1003\n");
	machine_text(m, "/sys/class/net/eth1/flags", "0x1002\n");

	run(m, "-e", NULL);
	assert_refused(m, "no kernel is loaded", "-l");
	machine_text(m, "/sys/kernel/kexec_loaded", "1\n");
	m->privileged = false;
	run(m, "-e", NULL);
	assert_refused(m, "not permitted", "root");
	run(m, "-f", k, NULL);
	assert_refused(m, "not permitted", "root");
	m->privileged = true;
	/* The kernel would refuse, but only when the host's interfaces are down. */
	m->container = true;
	run(m, "-e", NULL);
	assert_refused(m, "PID namespace", "on the host");
	run(m, "-f", k, NULL);
	assert_refused(m, "PID namespace", "on the host");
	assert_int_equal(run(m, "--dry-run", "-e", NULL), 0);
	assert_int_equal(run(m, "-l", k, NULL), 0);
	m->container = false;

	assert_int_equal(run(m, "-e", NULL), 0);
	assert_string_equal(m->calls, "sync\nlink eth0 down\nreboot\n");
	assert_int_equal(run(m, "-x", "-e", "-y", NULL), 0);
	assert_string_equal(m->calls, "reboot\n");

	/* The kernel refuses: the machine is as it was. */
	m->reboot_result = -EINVAL;
	assert_int_equal(run(m, "-e", NULL), 255);
	assert_string_equal(m->calls, "sync\nlink eth0 down\nreboot\nlink eth0 up\n");
	assert_int_equal(lines(m->err), 1);
	m->reboot_result = 0;

	/* -f: nothing is loaded before, and nothing executed if loading fails. */
	machine_text(m, "/sys/kernel/kexec_loaded", "0\n");
	assert_int_equal(run(m, "-f", k, NULL), 0);
	assert_string_equal(m->calls, "load kernel=k initrd=- cmdline= flags=0x4\n"
				      "sync\nlink eth0 down\nreboot\n");
	/* Never what was loaded before, if -f comes last. */
	machine_text(m, "/sys/kernel/kexec_loaded", "1\n");
	assert_int_equal(run(m, "-e", "-f", NULL), 255);
	assert_string_equal(m->calls, "");
	m->load_result = -EOPNOTSUPP;
	assert_int_equal(run(m, "-f", k, NULL), 255);
	assert_int_equal(lines(m->calls), 1);
}

static void test_shutdown(void **state)
{
	struct machine *m = *state;

	paths(m);
	run(m, k, NULL);
	assert_refused(m, "shutdown", "-l");
	chmod(machine_text(m, "/usr/sbin/shutdown", ""), 0755);
	assert_int_equal(run(m, k, NULL), 0);
	assert_string_equal(m->calls, "load kernel=k initrd=- cmdline= flags=0x4\n"
				      "exec /usr/sbin/shutdown -r now\n");
	m->load_result = -ENOMEM;
	assert_int_equal(run(m, k, NULL), 255);
	assert_int_equal(lines(m->calls), 1);
	assert_int_equal(run(m, NULL), 255);
	assert_string_equal(m->calls, "");
	assert_int_equal(run(m, "-l", NULL), 255);
	assert_string_equal(m->calls, "");
}

static void test_hand_on(void **state)
{
	struct machine *m = *state;
	uint8_t elf[64] = "\177ELF\2\1\1";
	char path[512], expect[1200];

	paths(m);
	elf[18] = 62;
	machine_file(m, "/boot/elf", elf, sizeof(elf));
	snprintf(path, sizeof(path), "%s/boot/elf", m->dir);

	run(m, "-c", "-l", k, NULL);
	assert_refused(m, "--kexec-syscall", "install kexec-tools");
	run(m, "-l", path, NULL);
	assert_refused(m, path, "install kexec-tools");

	chmod(machine_text(m, "/usr/sbin/kexec", ""), 0755);
	assert_int_equal(run(m, "-c", "-l", k, NULL), 0);
	snprintf(expect, sizeof(expect), "exec /usr/sbin/kexec --kexec-syscall --load %s\n", k);
	assert_string_equal(m->calls, expect);
	assert_int_equal(run(m, "-p", "--args-linux", path, "--append=ro", NULL), 0);
	snprintf(expect, sizeof(expect), "exec /usr/sbin/kexec --load-panic --args-linux --append=ro %s\n", path);
	assert_string_equal(m->calls, expect);

	m->exec_result = -ENOEXEC;
	assert_int_equal(run(m, "-c", "-u", NULL), 255);
	assert_int_equal(lines(m->err), 1);
	/* We have been handed on to, by ourselves under another name. */
	setenv("KEXEC_TDX_HANDED_ON", "1", 1);
	run(m, "-c", "-l", k, NULL);
	assert_refused(m, "--kexec-syscall", "kexec-tools");
	unsetenv("KEXEC_TDX_HANDED_ON");
}

static void test_dry_run(void **state)
{
	struct machine *m = *state;
	char expect[1200];

	paths(m);
	m->privileged = false;
	assert_int_equal(run(m, "--dry-run", "-l", k, "--initrd", i, "--append", "a=\"b c\"", NULL), 0);
	assert_string_equal(m->calls, "");
	snprintf(expect, sizeof(expect), "<\"%s\">, ", k);
	assert_non_null(strstr(m->out, expect));
	assert_non_null(strstr(m->out, ", 8, \"a=\\\"b c\\\"\", 0x0)\n"));
	assert_int_equal(lines(m->out), 1);

	assert_int_equal(run(m, "--dry-run", "-p", "-u", NULL), 0);
	assert_string_equal(m->out, "kexec_file_load(-1, -1, 0, NULL, 0x3)\n");
	assert_int_equal(run(m, "--dry-run", "-f", "-x", k, NULL), 0);
	assert_int_equal(lines(m->out), 3);
	assert_non_null(strstr(m->out, "\nsync()\nreboot(LINUX_REBOOT_CMD_KEXEC)\n"));
	assert_string_equal(m->calls, "");
	/* The same refusals as without it. */
	run(m, "--dry-run", "-e", NULL);
	assert_refused(m, "no kernel is loaded", "");
	/* A recorded machine never acts on this one. */
	assert_int_equal(run(m, "--sysroot", m->dir, "-u", NULL), 0);
	assert_string_equal(m->calls, "");
	assert_int_equal(lines(m->out), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, machine_setup, machine_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_load),
		TEST(test_unload),
		TEST(test_newer_flags),
		TEST(test_bad_kernel),
		TEST(test_bad_initrd),
		TEST(test_long_cmdline),
		TEST(test_no_reservation),
		TEST(test_kernel_says_no),
		TEST(test_eperm),
		TEST(test_execute),
		TEST(test_shutdown),
		TEST(test_hand_on),
		TEST(test_dry_run),
	};

	return cmocka_run_group_tests_name("kexec-tdx-run", tests, NULL, NULL);
}
