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

static int setup(void **state)
{
	struct machine *m = machine_new();
	uint8_t bz[BZIMAGE_SIZE];

	make_bzimage(bz);
	machine_file(m, "/boot/k", bz, sizeof(bz));
	machine_text(m, "/boot/i", "initrd");
	machine_text(m, "/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 crashkernel=256M ro\n");
	machine_text(m, "/sys/kernel/kexec_loaded", "0\n");
	machine_text(m, "/sys/kernel/kexec_crash_loaded", "0\n");
	machine_text(m, "/sys/kernel/kexec_crash_size", "268435456\n");
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	machine_free(*state);
	return 0;
}

/* Paths on the machine; two at a time are needed. */
static char k[512], i[512];

static void paths(struct machine *m)
{
	snprintf(k, sizeof(k), "%s/boot/k", m->dir);
	snprintf(i, sizeof(i), "%s/boot/i", m->dir);
}

/* It failed with one line that names @name and @says, and called nothing. */
static void assert_refused(struct machine *m, const char *name, const char *says)
{
	assert_int_equal(m->status, 1);
	assert_string_equal(m->calls, "");
	assert_string_equal(m->out, "");
	assert_int_equal(lines(m->err), 1);
	assert_int_equal(strncmp(m->err, "kexec-tdx: ", 11), 0);
	if (!strstr(m->err, name) || !strstr(m->err, says))
		fail_msg("'%s' does not name '%s' and '%s'", m->err, name, says);
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

/* A debug flag that an older kernel does not know is left out, other errors stay. */
static void test_debug_flag(void **state)
{
	struct machine *m = *state;

	paths(m);
	m->load_result_debug = -EINVAL;
	assert_int_equal(run(m, "-d", "-l", k, NULL), 0);
	assert_string_equal(m->calls, "load kernel=k initrd=- cmdline= flags=0xc\n"
				      "load kernel=k initrd=- cmdline= flags=0x4\n");
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

static void test_status_exit(void **state)
{
	struct machine *m = *state;

	assert_int_equal(run(m, "-S", NULL), 0);
	assert_int_equal(run(m, "-S", "-l", NULL), 0);
	machine_text(m, "/sys/kernel/kexec_loaded", "1\n");
	assert_int_equal(run(m, "-S", NULL), 0);
	assert_int_equal(run(m, "-S", "-l", NULL), 1);
	machine_text(m, "/sys/kernel/kexec_crash_loaded", "1\n");
	assert_int_equal(run(m, "-S", NULL), 1);
	assert_int_equal(run(m, "-p", "-S", NULL), 1);
	assert_int_equal(run(m, "--status", "--json", NULL), 0);
	unlink(machine_path(m, "/sys/kernel/kexec_crash_loaded"));
	assert_int_equal(run(m, "-S", NULL), 255);
	machine_text(m, "/sys/kernel/kexec/crash_loaded", "1\n");
	assert_int_equal(run(m, "-S", NULL), 1);
	assert_string_equal(m->err, "");
}

static void test_status_report(void **state)
{
	struct machine *m = *state;

	/* Without any of it, every value is unknown and nothing is invented. */
	assert_int_equal(run(m, "-S", "--json", NULL), 0);
	assert_non_null(strstr(m->out, "\"cpu\": null"));
	assert_non_null(strstr(m->out, "\"tdx_pw_mce\": null"));
	assert_non_null(strstr(m->out, "\"tdx_reset\": false"));
	assert_non_null(strstr(m->out, "\"private_pages\": null"));
	assert_non_null(strstr(m->out, "\"pinned\": null"));
	assert_non_null(strstr(m->out, "\"unlock\": null"));

	machine_text(m, "/proc/cpuinfo",
		     "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\n"
		     "model name\t: Big \"Xeon\"\nstepping\t: 8\nflags\t\t: fpu tdx_host_platform\n"
		     "bugs\t\t: spectre_v1 tdx_pw_mce mmio\n\n"
		     "processor\t: 1\nmodel name\t: other\n\n");
	machine_text(m, "/sys/module/kvm_intel/parameters/tdx", "Y\n");
	machine_text(m, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	machine_text(m, "/sys/kernel/tdx_reset/mode", "watch\n");
	machine_text(m, "/sys/kernel/tdx_reset/erratum", "1\n");
	machine_text(m, "/sys/kernel/tdx_reset/coverage", "complete\n");
	machine_text(m, "/sys/kernel/tdx_reset/coverage_reason", "\n");
	machine_text(m, "/sys/kernel/tdx_reset/pinned", "TDX holds private memory\n");
	machine_text(m, "/sys/kernel/tdx_reset/unlock", "1\n");
	machine_text(m, "/sys/kernel/tdx_reset/private_pages", "2073\n");
	machine_text(m, "/sys/kernel/tdx_reset/map", "0x12345000\n");

	run(m, "-S", "--json", NULL);
	assert_non_null(strstr(m->out, "\"cpu\": \"Big \\\"Xeon\\\"\""));
	assert_non_null(strstr(m->out, "\"cpu_signature\": \"6/143/8\""));
	assert_non_null(strstr(m->out, "\"tdx_platform\": true"));
	assert_non_null(strstr(m->out, "\"tdx_pw_mce\": true"));
	assert_non_null(strstr(m->out, "\"kvm_tdx\": true"));
	assert_non_null(strstr(m->out, "\"lockdown\": \"integrity\""));
	assert_non_null(strstr(m->out, "\"crash_size\": 268435456"));
	assert_non_null(strstr(m->out, "\"tdx_reset\": true"));
	assert_non_null(strstr(m->out, "\"mode\": \"watch\""));
	assert_non_null(strstr(m->out, "\"erratum\": true"));
	assert_non_null(strstr(m->out, "\"coverage_reason\": \"\""));
	assert_non_null(strstr(m->out, "\"pinned\": \"TDX holds private memory\""));
	assert_non_null(strstr(m->out, "\"unlock\": true"));
	assert_non_null(strstr(m->out, "\"private_pages\": 2073"));
	assert_non_null(strstr(m->out, "\"map\": \"0x12345000\""));
	assert_non_null(strstr(m->out, "\"tracker\": null"));

	run(m, "-S", NULL);
	assert_non_null(strstr(m->out, "private pages              2073\n"));
	assert_non_null(strstr(m->out, "coverage, why              -\n"));
	assert_non_null(strstr(m->out, "cannot be removed, why     TDX holds private memory\n"));
	assert_non_null(strstr(m->out, "unlock=1                   yes\n"));
	assert_non_null(strstr(m->out, "tracker                    unknown\n"));
}

/* The run said @says in one line, or nothing; it did its one call all the same. */
static void assert_warned(struct machine *m, const char *says)
{
	assert_int_equal(m->status, 0);
	assert_int_equal(lines(m->calls), 1);
	assert_int_equal(lines(m->err), says ? 1 : 0);
	if (says && !strstr(m->err, says))
		fail_msg("'%s' does not say '%s'", m->err, says);
}

static void assert_warns(struct machine *m, const char *says)
{
	run(m, "-l", k, NULL);
	assert_warned(m, says);
}

static void test_warning(void **state)
{
	static const char bug[] = "flags\t\t: fpu\nbugs\t\t: tdx_pw_mce\n\n";
	static const char no_bug[] = "flags\t\t: fpu\nbugs\t\t: mmio\n\n";
	struct machine *m = *state;

	paths(m);
	machine_text(m, "/proc/cpuinfo", no_bug);
	assert_warns(m, NULL);
	machine_text(m, "/proc/cpuinfo", bug);
	assert_warns(m, "tdx_reset is not loaded");

	machine_text(m, "/sys/kernel/tdx_reset/mode", "watch\n");
	machine_text(m, "/sys/kernel/tdx_reset/erratum", "1\n");
	machine_text(m, "/sys/kernel/tdx_reset/coverage", "complete\n");
	assert_warns(m, NULL);
	machine_text(m, "/sys/kernel/tdx_reset/coverage", "partial\n");
	assert_warns(m, "does not know all private memory");

	/* A kernel without TDX host support: only the component knows the erratum. */
	machine_text(m, "/proc/cpuinfo", no_bug);
	machine_text(m, "/sys/kernel/tdx_reset/mode", "own\n");
	assert_warns(m, "does not know all private memory");
	machine_text(m, "/sys/kernel/tdx_reset/erratum", "0\n");
	assert_warns(m, NULL);
	machine_text(m, "/sys/kernel/tdx_reset/erratum", "1\n");
	machine_text(m, "/sys/kernel/tdx_reset/coverage", "complete\n");
	assert_warns(m, NULL);
	/* Such a CPU, but no TDX host. */
	machine_text(m, "/sys/kernel/tdx_reset/mode", "none\n");
	machine_text(m, "/sys/kernel/tdx_reset/coverage", "none\n");
	assert_warns(m, NULL);
}

/* A crash ends in a reset less often than a kexec, and the text says when. */
static void test_warning_crash(void **state)
{
	struct machine *m = *state;

	paths(m);
	machine_text(m, "/proc/cpuinfo", "bugs\t\t: tdx_pw_mce\n\n");
	run(m, "-p", k, NULL);
	assert_warned(m, "tdx_reset is not loaded");
	machine_text(m, "/sys/kernel/tdx_reset/coverage", "complete\n");
	run(m, "-p", k, NULL);
	assert_warned(m, NULL);
	machine_text(m, "/sys/kernel/tdx_reset/coverage", "partial\n");
	run(m, "-p", k, NULL);
	assert_warned(m, "crashkernel=SIZE,cma");
	assert_null(strstr(m->err, "instead of jumping"));
	run(m, "-l", k, NULL);
	assert_warned(m, "instead of jumping");
	assert_null(strstr(m->err, "crashkernel"));
}

/* What is handed on gets the warning too, if it loads or executes. */
static void test_warning_hand_on(void **state)
{
	struct machine *m = *state;
	uint8_t elf[64] = "\177ELF\2\1\1";
	char path[512];

	paths(m);
	elf[18] = 62;
	machine_file(m, "/boot/elf", elf, sizeof(elf));
	snprintf(path, sizeof(path), "%s/boot/elf", m->dir);
	chmod(machine_text(m, "/usr/sbin/kexec", ""), 0755);
	machine_text(m, "/proc/cpuinfo", "bugs\t\t: tdx_pw_mce\n\n");

	run(m, "-c", "-l", k, NULL);
	assert_warned(m, "tdx_reset is not loaded");
	run(m, "-l", path, NULL);
	assert_warned(m, "tdx_reset is not loaded");
	run(m, "-c", "-e", NULL);
	assert_warned(m, "tdx_reset is not loaded");
	run(m, "-c", k, NULL);
	assert_warned(m, "tdx_reset is not loaded");
	run(m, "--exec-live-update", NULL);
	assert_warned(m, "tdx_reset is not loaded");
	run(m, "-c", "-u", NULL);
	assert_warned(m, NULL);
	run(m, "--print-ckr-size", NULL);
	assert_warned(m, NULL);

	machine_text(m, "/sys/kernel/tdx_reset/coverage", "partial\n");
	run(m, "-c", "-l", k, NULL);
	assert_warned(m, "instead of jumping");
	run(m, "-c", "-p", k, NULL);
	assert_warned(m, "crashkernel=SIZE,cma");
	run(m, "-p", path, NULL);
	assert_warned(m, "crashkernel=SIZE,cma");
	machine_text(m, "/sys/kernel/tdx_reset/coverage", "complete\n");
	run(m, "-c", "-l", k, NULL);
	assert_warned(m, NULL);

	/* Nothing is done, so there is nothing to warn of. */
	unlink(machine_path(m, "/sys/kernel/tdx_reset/coverage"));
	unlink(machine_path(m, "/usr/sbin/kexec"));
	run(m, "-c", "-l", k, NULL);
	assert_refused(m, "--kexec-syscall", "install kexec-tools");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_load),
		TEST(test_unload),
		TEST(test_debug_flag),
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
		TEST(test_status_exit),
		TEST(test_status_report),
		TEST(test_warning),
		TEST(test_warning_crash),
		TEST(test_warning_hand_on),
	};

	return cmocka_run_group_tests_name("kexec-tdx-run", tests, NULL, NULL);
}
