// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "options.h"

/* What becomes of an option. */
enum option_class {
	OURS,		/* an option of kexec(8) that is done here */
	NEW,		/* an option that kexec(8) has not: never handed on */
	NO_EFFECT,	/* accepted; kexec_file_load(2) needs or knows no such thing */
	HANDED_ON,	/* makes the whole command line go to kexec-tools */
	HIDDEN,		/* as NEW, but only in the manual page */
};

enum option_id {
	OPT_PLAIN,	/* nothing to do but what the class says */
	OPT_LOAD, OPT_LOAD_PANIC, OPT_UNLOAD, OPT_EXEC, OPT_FORCE, OPT_STATUS,
	OPT_HELP, OPT_VERSION, OPT_LIST_OPTIONS,
	OPT_APPEND, OPT_REUSE_CMDLINE, OPT_INITRD, OPT_TYPE,
	OPT_NO_CMA, OPT_NO_IFDOWN, OPT_NO_SYNC,
	OPT_DEBUG, OPT_DRY_RUN, OPT_JSON, OPT_SYSROOT,
};

/* argname: what a value is, for people and the completion; NULL = takes none. */
static const struct option_def {
	const char *name;
	char letter;
	enum option_id id;
	enum option_class class;
	const char *argname;
	const char *help;
} option_defs[] = {
	{ "load", 'l', OPT_LOAD, OURS, NULL, "load KERNEL for the next reboot" },
	{ "load-panic", 'p', OPT_LOAD_PANIC, OURS, NULL, "load KERNEL as crash kernel; with -u or -S: the crash kernel" },
	{ "unload", 'u', OPT_UNLOAD, OURS, NULL, "unload the loaded kernel" },
	{ "exec", 'e', OPT_EXEC, OURS, NULL, "execute the loaded kernel now, without a shutdown" },
	{ "force", 'f', OPT_FORCE, OURS, NULL, "load KERNEL and execute it now, without a shutdown" },
	{ "status", 'S', OPT_STATUS, OURS, NULL, "report the state of TDX and kexec; exit 1 if a crash kernel (with -l: a kernel) is loaded, else 0" },
	{ "json", 0, OPT_JSON, NEW, NULL, "with --status: report in JSON and exit 0" },
	{ "help", 'h', OPT_HELP, OURS, NULL, "print this and exit" },
	{ "version", 'v', OPT_VERSION, OURS, NULL, "print the version and exit" },

	{ "append", 0, OPT_APPEND, OURS, "TEXT", "command line of the new kernel" },
	{ "command-line", 0, OPT_APPEND, OURS, "TEXT", "the same as --append" },
	{ "reuse-cmdline", 0, OPT_REUSE_CMDLINE, OURS, NULL, "begin with the running kernel's command line" },
	{ "initrd", 0, OPT_INITRD, OURS, "FILE", "initial RAM disk of the new kernel" },
	{ "ramdisk", 0, OPT_INITRD, OURS, "FILE", "the same as --initrd" },
	{ "type", 't', OPT_TYPE, OURS, "TYPE", "image type; bzImage and bzImage64 are loaded here" },
	{ "no-cma", 0, OPT_NO_CMA, OURS, NULL, "keep the image out of CMA memory" },
	{ "no-ifdown", 'x', OPT_NO_IFDOWN, OURS, NULL, "leave network interfaces up" },
	{ "no-sync", 'y', OPT_NO_SYNC, OURS, NULL, "do not sync file systems" },
	{ "kexec-file-syscall", 's', OPT_PLAIN, OURS, NULL, "load with kexec_file_load(2); done anyway" },
	{ "debug", 'd', OPT_DEBUG, OURS, NULL, "say what is done; the kernel logs more too" },
	{ "dry-run", 0, OPT_DRY_RUN, NEW, NULL, "check everything, print the exact calls, change nothing" },

	{ "kexec-syscall-auto", 'a', OPT_PLAIN, NO_EFFECT, NULL, NULL },
	{ "hotplug", 0, OPT_PLAIN, NO_EFFECT, NULL, NULL },
	{ "no-checks", 'i', OPT_PLAIN, NO_EFFECT, NULL, NULL },
	{ "args-linux", 0, OPT_PLAIN, NO_EFFECT, NULL, NULL },
	{ "elf32-core-headers", 0, OPT_PLAIN, NO_EFFECT, NULL, NULL },
	{ "elf64-core-headers", 0, OPT_PLAIN, NO_EFFECT, NULL, NULL },

	{ "kexec-syscall", 'c', OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "mem-min", 0, OPT_PLAIN, HANDED_ON, "ADDR", NULL },
	{ "mem-max", 0, OPT_PLAIN, HANDED_ON, "ADDR", NULL },
	{ "reuseinitrd", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "load-preserve-context", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "load-jump-back-helper", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "entry", 0, OPT_PLAIN, HANDED_ON, "ADDR", NULL },
	{ "load-live-update", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "exec-live-update", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "print-ckr-size", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "force-dtb", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "args-elf", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "args-none", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "module", 0, OPT_PLAIN, HANDED_ON, "TEXT", NULL },
	{ "real-mode", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "entry-32bit", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "dtb", 0, OPT_PLAIN, HANDED_ON, "FILE", NULL },
	{ "reset-vga", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "console-vga", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "console-serial", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "serial", 0, OPT_PLAIN, HANDED_ON, "PORT", NULL },
	{ "serial-baud", 0, OPT_PLAIN, HANDED_ON, "RATE", NULL },
	{ "pass-memmap-cmdline", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "noefi", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },
	{ "reuse-video-type", 0, OPT_PLAIN, HANDED_ON, NULL, NULL },

	{ "sysroot", 0, OPT_SYSROOT, HIDDEN, "DIR", NULL },
	{ "list-options", 0, OPT_LIST_OPTIONS, HIDDEN, NULL, NULL },
};

#define NR_OPTIONS	(sizeof(option_defs) / sizeof(option_defs[0]))
#define LONG_VAL	256	/* getopt's val of option_defs[i] is LONG_VAL + i */

/* Image types that kexec_file_load(2) takes; others are for kexec-tools. */
static const char *const own_types[] = { "bzImage", "bzImage64", NULL };

/* Actions, as bits, so that what excludes what can be a table. */
enum {
	ACT_LOAD	= 1 << 0,
	ACT_PANIC	= 1 << 1,
	ACT_UNLOAD	= 1 << 2,
	ACT_EXEC	= 1 << 3,
	ACT_FORCE	= 1 << 4,
	ACT_STATUS	= 1 << 5,
};

static const struct {
	unsigned int both;
	const char *text;
} exclusive[] = {
	{ ACT_LOAD | ACT_EXEC, "--load and --exec exclude each other; --force loads and executes at once" },
	{ ACT_PANIC | ACT_EXEC, "--load-panic and --exec exclude each other; a crash kernel is executed by a panic only" },
	{ ACT_PANIC | ACT_FORCE, "--load-panic and --force exclude each other; a crash kernel is executed by a panic only" },
	{ ACT_LOAD | ACT_UNLOAD, "--load and --unload exclude each other; loading replaces what is loaded" },
	{ ACT_UNLOAD | ACT_EXEC, "--unload and --exec exclude each other; give one of them" },
	{ ACT_UNLOAD | ACT_FORCE, "--unload and --force exclude each other; give one of them" },
	{ ACT_STATUS | ACT_UNLOAD, "--status and --unload exclude each other; give one of them" },
	{ ACT_STATUS | ACT_EXEC, "--status and --exec exclude each other; give one of them" },
	{ ACT_STATUS | ACT_FORCE, "--status and --force exclude each other; give one of them" },
};

static bool is_own_type(const char *type)
{
	for (const char *const *p = own_types; *p; p++)
		if (strcmp(type, *p) == 0)
			return true;
	return false;
}

static const struct option_def *option_by_val(int val)
{
	if (val >= LONG_VAL)
		return &option_defs[val - LONG_VAL];
	for (size_t i = 0; i < NR_OPTIONS; i++)
		if (option_defs[i].letter && option_defs[i].letter == val)
			return &option_defs[i];
	return NULL;
}

/* One word more of the command line that kexec-tools would get. */
static bool add_word(struct options *o, const char *name, const char *value)
{
	char *word = NULL;

	if (asprintf(&word, "%s%s%s", name, value ? "=" : "", value ? value : "") < 0)
		return false;
	o->words[o->nr_words++] = word;
	return true;
}

static bool add_option_word(struct options *o, const struct option_def *d, const char *value)
{
	char name[64];

	snprintf(name, sizeof(name), "--%s", d->name);
	return add_word(o, name, value);
}

static int bad_option(struct tool *t, int got, int val, char **argv)
{
	const char *word = argv[optind - 1];
	const struct option_def *d = option_by_val(val);

	if (got == ':')
		return fail(t, EXIT_BAD_INPUT, "option '%s' needs a value; see kexec-tdx --help", word);
	if (val >= LONG_VAL)
		return fail(t, EXIT_BAD_INPUT, "option '--%s' takes no value; see kexec-tdx --help", d->name);
	if (val)
		return fail(t, EXIT_BAD_INPUT, "unknown option '-%c'; see kexec-tdx --help", val);
	return fail(t, EXIT_BAD_INPUT, "unknown or ambiguous option '%s'; see kexec-tdx --help", word);
}

static void apply(struct options *o, const struct option_def *d, const char *value,
		  unsigned int *acts)
{
	switch (d->id) {
	case OPT_PLAIN:		break;
	/*
	 * The later one counts, as in kexec(8): -l after -f loads only, -f after -l
	 * loads and executes; -f after -e is -f, and -e after -f is -e.
	 */
	case OPT_LOAD:		*acts |= ACT_LOAD; o->exec_after = false; break;
	case OPT_FORCE:
		*acts = (*acts & ~ACT_EXEC) | ACT_FORCE;
		o->exec_after = true;
		break;
	case OPT_LOAD_PANIC:	*acts |= ACT_PANIC; break;
	case OPT_UNLOAD:	*acts |= ACT_UNLOAD; break;
	case OPT_EXEC:		*acts = (*acts & ~ACT_FORCE) | ACT_EXEC; break;
	case OPT_STATUS:	*acts |= ACT_STATUS; break;
	case OPT_HELP:		o->action = ACTION_HELP; break;
	case OPT_VERSION:	o->action = ACTION_VERSION; break;
	case OPT_LIST_OPTIONS:	o->action = ACTION_LIST_OPTIONS; break;
	case OPT_APPEND:	o->append = value; break;
	case OPT_REUSE_CMDLINE:	o->reuse_cmdline = true; break;
	case OPT_INITRD:	o->initrd = value; break;
	case OPT_TYPE:		o->type = value; break;
	case OPT_NO_CMA:	o->no_cma = true; break;
	case OPT_NO_IFDOWN:	o->no_ifdown = true; break;
	case OPT_NO_SYNC:	o->no_sync = true; break;
	case OPT_DEBUG:		o->debug = true; break;
	case OPT_DRY_RUN:	o->dry_run = true; break;
	case OPT_JSON:		o->json = true; break;
	case OPT_SYSROOT:	o->sysroot = value; break;
	}
}

static int resolve_action(struct tool *t, struct options *o, unsigned int acts)
{
	for (size_t i = 0; i < sizeof(exclusive) / sizeof(exclusive[0]); i++)
		if ((acts & exclusive[i].both) == exclusive[i].both)
			return fail(t, EXIT_BAD_INPUT, "%s", exclusive[i].text);

	o->crash = acts & ACT_PANIC;
	o->load_given = acts & ACT_LOAD;
	if (acts & ACT_STATUS)
		o->action = ACTION_STATUS;
	else if (acts & ACT_UNLOAD)
		o->action = ACTION_UNLOAD;
	else if (acts & ACT_EXEC)
		o->action = ACTION_EXEC;
	else if (acts & (ACT_LOAD | ACT_PANIC | ACT_FORCE))
		o->action = ACTION_LOAD;

	if (o->json && o->action != ACTION_STATUS)
		return fail(t, EXIT_BAD_INPUT, "--json says how --status prints; give --status too");
	if (o->kernel && (o->action == ACTION_STATUS || o->action == ACTION_UNLOAD ||
			  o->action == ACTION_EXEC))
		return fail(t, EXIT_BAD_INPUT, "%s: this action takes no kernel; use -l to load one",
			    o->kernel);
	return 0;
}

int options_parse(struct tool *t, struct options *o, int argc, char **argv)
{
	struct option longs[NR_OPTIONS + 1] = { 0 };
	char shorts[2 * NR_OPTIONS + 2] = ":";
	char *s = shorts + 1;
	unsigned int acts = 0;
	size_t letters = 0;
	int val;

	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < NR_OPTIONS; i++) {
		const struct option_def *d = &option_defs[i];

		longs[i].name = d->name;
		longs[i].has_arg = d->argname ? required_argument : no_argument;
		longs[i].val = LONG_VAL + i;
		if (d->letter) {
			*s++ = d->letter;
			if (d->argname)
				*s++ = ':';
		}
	}

	/* [0], one word for each letter of "-abc" at most, "--", the kernel, NULL. */
	for (int i = 0; i < argc; i++)
		letters += strlen(argv[i]) + 1;
	o->words = calloc(letters + 4, sizeof(*o->words));
	if (!o->words)
		return fail(t, EXIT_BAD_INPUT, "out of memory");
	o->nr_words = 1;

	optind = 0;	/* glibc: start anew, also when called a second time */
	opterr = 0;
	while ((val = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_def *d;

		if (val == '?' && optopt == '?') {	/* kexec(8) has -? for help */
			o->action = ACTION_HELP;
			return 0;
		}
		if (val == '?' || val == ':')
			return bad_option(t, val, optopt, argv);
		d = option_by_val(val);
		apply(o, d, optarg, &acts);
		if (o->action == ACTION_HELP || o->action == ACTION_VERSION ||
		    o->action == ACTION_LIST_OPTIONS)
			return 0;
		if (d->class == HANDED_ON && !o->only_kexec_tools)
			o->only_kexec_tools = d->name;
		if (d->class != NEW && d->class != HIDDEN &&
		    !add_option_word(o, d, optarg))
			return fail(t, EXIT_BAD_INPUT, "out of memory");
	}
	/* The last type counts, as in kexec(8). */
	if (o->type && !is_own_type(o->type))
		o->only_kexec_tools = "type";

	if (argc - optind > 1)
		return fail(t, EXIT_BAD_INPUT, "%s: one kernel only, '%s' is given already; quote the value of --append",
			    argv[optind + 1], argv[optind]);
	if (optind < argc) {
		o->kernel = argv[optind];
		if ((*o->kernel == '-' && !add_word(o, "--", NULL)) ||
		    !add_word(o, o->kernel, NULL))
			return fail(t, EXIT_BAD_INPUT, "out of memory");
	}
	return resolve_action(t, o, acts);
}

void options_free(struct options *o)
{
	for (int i = 1; i < o->nr_words; i++)
		free(o->words[i]);
	free(o->words);
	o->words = NULL;
	o->nr_words = 0;
}

static void help_line(FILE *f, const struct option_def *d)
{
	char left[40];
	int n = 0;

	if (d->letter)
		n = snprintf(left, sizeof(left), "-%c, ", d->letter);
	else
		n = snprintf(left, sizeof(left), "    ");
	snprintf(left + n, sizeof(left) - n, "--%s%s%s", d->name,
		 d->argname ? "=" : "", d->argname ? d->argname : "");
	if (d->help)
		fprintf(f, "  %-26s %s\n", left, d->help);
	else
		fprintf(f, "  %s\n", left);
}

void options_help(FILE *f)
{
	static const struct {
		enum option_class class;
		const char *title;
	} sections[] = {
		{ OURS, "Options:" },
		{ NEW, "Options that kexec(8) has not:" },
		{ NO_EFFECT, "Accepted for compatibility, without effect on kexec_file_load(2):" },
		{ HANDED_ON, "Make the command line go to the kexec of kexec-tools as it is:" },
	};

	fputs("Usage: kexec-tdx [OPTION]... [KERNEL]\n"
	      "Load another kernel and execute it, safely on Intel TDX hosts.\n"
	      "Takes the command lines of kexec(8).\n", f);
	for (size_t s = 0; s < sizeof(sections) / sizeof(sections[0]); s++) {
		fprintf(f, "\n%s\n", sections[s].title);
		for (size_t i = 0; i < NR_OPTIONS; i++)
			if (option_defs[i].class == sections[s].class)
				help_line(f, &option_defs[i]);
	}
}

/* One option a line: the word, and what its value is ("FILE", "-" = none). */
void options_list(FILE *f)
{
	for (size_t i = 0; i < NR_OPTIONS; i++) {
		const struct option_def *d = &option_defs[i];

		if (d->letter)
			fprintf(f, "-%c %s\n", d->letter, d->argname ? d->argname : "-");
		fprintf(f, "--%s %s\n", d->name, d->argname ? d->argname : "-");
	}
}
