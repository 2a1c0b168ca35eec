// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kvm-td: makes TDs hold private memory, without running any.  A stand-in for
 * a VMM in the VM tests, static, so that it runs in an initramfs.
 */
#define _GNU_SOURCE
#include "td.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FAILED_PAUSE	10000	/* us: TDs may fail again at once, for ever */

struct options {
	unsigned long tds;
	unsigned long mib;
	unsigned long vcpus;
	unsigned long cycles;	/* 0: until the time is up */
	unsigned long seconds;	/* 0: no limit */
	bool hold;
	bool punch;
	bool keep_going;
};

static volatile sig_atomic_t stop_requested;

static void on_signal(int sig)
{
	(void)sig;
	stop_requested = 1;
}

static void usage(FILE *to)
{
	fprintf(to,
		"usage: kvm-td [--tds N] [--mib M] [--vcpus V] [--punch] [--cycles C] [--seconds S] [--hold] [--keep-going]\n"
		"  --tds N       TDs that exist at a time (1)\n"
		"  --mib M       private memory of each, MiB (8)\n"
		"  --vcpus V     vCPUs of each (1)\n"
		"  --punch       take half of the memory back and fault it in again, in each cycle\n"
		"  --cycles C    create and destroy all of them C times (1)\n"
		"  --seconds S   or for S seconds, whichever ends first\n"
		"  --hold        keep the last cycle's TDs until SIGTERM or SIGINT\n"
		"  --keep-going  a TD that fails ends its cycle only\n");
}

static int number(const char *opt, const char *text, unsigned long min, unsigned long max, unsigned long *to)
{
	char *end;

	errno = 0;
	*to = strtoul(text, &end, 10);
	if (errno || end == text || *end || strchr(text, '-') || *to < min || *to > max) {
		fprintf(stderr, "kvm-td: --%s %s: must be a number from %lu to %lu\n", opt, text, min, max);
		return -1;
	}
	return 0;
}

/* Return: 0 go on, 1 done (help), -1 wrong, and said so. */
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longopts[] = {
		{ "tds", required_argument, NULL, 't' },
		{ "mib", required_argument, NULL, 'm' },
		{ "vcpus", required_argument, NULL, 'v' },
		{ "cycles", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "hold", no_argument, NULL, 'H' },
		{ "punch", no_argument, NULL, 'p' },
		{ "keep-going", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int opt, bad = 0;

	*o = (struct options){ .tds = 1, .mib = 8, .vcpus = 1 };
	while (!bad && (opt = getopt_long(argc, argv, "h", longopts, NULL)) != -1) {
		switch (opt) {
		case 't':
			bad = number("tds", optarg, 1, 64, &o->tds);
			break;
		case 'm':
			bad = number("mib", optarg, 1, 1UL << 20, &o->mib);
			break;
		case 'v':
			bad = number("vcpus", optarg, 1, TD_MAX_VCPUS, &o->vcpus);
			break;
		case 'c':
			bad = number("cycles", optarg, 1, 1UL << 30, &o->cycles);
			break;
		case 's':
			bad = number("seconds", optarg, 1, 86400, &o->seconds);
			break;
		case 'H':
			o->hold = true;
			break;
		case 'p':
			o->punch = true;
			break;
		case 'k':
			o->keep_going = true;
			break;
		case 'h':
			usage(stdout);
			return 1;
		default:
			return -1;
		}
	}
	if (!bad && optind < argc) {
		fprintf(stderr, "kvm-td: %s: unknown argument\n", argv[optind]);
		bad = -1;
	}
	if (!o->cycles && !o->seconds)
		o->cycles = 1;
	return bad;
}

static unsigned long now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long)ts.tv_sec;
}

static void destroy_all(struct td *tds, unsigned long nr)
{
	while (nr)
		td_destroy(&tds[--nr]);
}

static int create_all(struct td *tds, int kvm, const struct options *o)
{
	unsigned long i;

	for (i = 0; i < o->tds; i++) {
		struct td *td = &tds[i];

		if (td_create(td, kvm, (uint64_t)o->mib << 20, (unsigned int)o->vcpus) ||
		    (o->punch && (td_punch(td) || td_fill(td)))) {
			destroy_all(tds, i + 1);
			return -1;
		}
	}
	return 0;
}

/* Until a signal; it stays blocked except while waiting, so none gets lost. */
static void hold(const sigset_t *waitmask, const struct options *o)
{
	printf("kvm-td: holding %lu TDs, %lu MiB\n", o->tds, o->tds * o->mib);
	while (!stop_requested)
		sigsuspend(waitmask);
}

static int run(int kvm, struct td *tds, const sigset_t *waitmask, const struct options *o)
{
	unsigned long start = now_seconds(), cycle = 0, failed = 0;
	sigset_t pending;
	bool last, made;

	do {
		made = !create_all(tds, kvm, o);
		if (!made && !o->keep_going)
			return -1;
		if (!made) {
			failed++;
			usleep(FAILED_PAUSE);
		}
		cycle++;
		sigpending(&pending);
		last = cycle == o->cycles || (o->seconds && now_seconds() - start >= o->seconds) ||
		       sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT);
		if (last && o->hold && made)
			hold(waitmask, o);
		if (last)
			printf("kvm-td: destroying %lu TDs\n", o->tds);
		if (made)
			destroy_all(tds, o->tds);
	} while (!last);
	if (o->keep_going)
		printf("kvm-td: %lu of %lu cycles failed\n", failed, cycle);
	printf("kvm-td: %lu cycles of %lu TDs, %lu MiB each, done\n", cycle, o->tds, o->mib);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block, waitmask;
	struct options o;
	struct td *tds;
	int kvm, ret;

	ret = parse(argc, argv, &o);
	if (ret)
		return ret < 0;
	/* Whoever reads our lines from a pipe or a file wants them at once. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigprocmask(SIG_BLOCK, &block, &waitmask);

	kvm = td_open_kvm();
	if (kvm < 0)
		return 1;
	tds = calloc(o.tds, sizeof(*tds));
	if (!tds) {
		fprintf(stderr, "kvm-td: no memory for %lu TDs\n", o.tds);
		close(kvm);
		return 1;
	}
	ret = run(kvm, tds, &waitmask, &o);
	free(tds);
	close(kvm);
	return ret ? 1 : 0;
}
