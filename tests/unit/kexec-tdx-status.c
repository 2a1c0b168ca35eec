// SPDX-License-Identifier: GPL-2.0-or-later
/* --status, and what kexec-tdx warns of, on made-up machines. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kexec-tdx-fixture.h"

/* A kernel on the machine. */
static char k[512];

static void paths(struct machine *m)
{
	snprintf(k, sizeof(k), "%s/boot/k", m->dir);
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
	machine_text(m, "/sys/module/tdx_reset/version", "12.34\n");
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
	assert_non_null(strstr(m->out, "\"version\": \"12.34\""));
	assert_non_null(strstr(m->out, "\"mode\": \"watch\""));
	assert_non_null(strstr(m->out, "\"erratum\": true"));
	assert_non_null(strstr(m->out, "\"coverage_reason\": \"\""));
	assert_non_null(strstr(m->out, "\"pinned\": \"TDX holds private memory\""));
	assert_non_null(strstr(m->out, "\"unlock\": true"));
	assert_non_null(strstr(m->out, "\"private_pages\": 2073"));
	assert_non_null(strstr(m->out, "\"map\": \"0x12345000\""));
	assert_non_null(strstr(m->out, "\"tracker\": null"));

	run(m, "-S", NULL);
	assert_non_null(strstr(m->out, "\n  version                    12.34\n"));
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
	assert_warns(m, "does not know all private memory: the machine");
	machine_text(m, "/sys/kernel/tdx_reset/coverage_reason", "the search goes on\n");
	assert_warns(m, "does not know all private memory (the search goes on): the machine");

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
	machine_text(m, "/sys/kernel/tdx_reset/coverage_reason", "no TDX host here\n");
	assert_warns(m, NULL);
	/* The kernel says that it is one: nothing is hooked, and nothing resets. */
	machine_text(m, "/proc/cpuinfo", bug);
	assert_warns(m, "nothing guards the jump");
	assert_non_null(strstr(m->err, "no TDX host here;"));
	assert_null(strstr(m->err, "firmware"));
	run(m, "-p", k, NULL);
	assert_warned(m, "nothing guards the jump");
	assert_null(strstr(m->err, "firmware"));
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
#define TEST(f) cmocka_unit_test_setup_teardown(f, machine_setup, machine_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_status_exit),
		TEST(test_status_report),
		TEST(test_warning),
		TEST(test_warning_crash),
		TEST(test_warning_hand_on),
	};

	return cmocka_run_group_tests_name("kexec-tdx-status", tests, NULL, NULL);
}
