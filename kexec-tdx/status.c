// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "status.h"
#include "sysroot.h"

/* How a value is written in JSON; absent ones are null. */
enum kind {
	TEXT,
	NUMBER,
	BOOLEAN,	/* 0/1 or N/Y */
};

/* The value of a line "@name : value" of the first CPU in /proc/cpuinfo. */
static char *cpuinfo(struct tool *t, const char *name)
{
	char *text = sysroot_read(t, "/proc/cpuinfo");
	char *rest = text, *line, *value = NULL;
	size_t n = strlen(name);

	while (!value && (line = strsep(&rest, "\n")) && *line) {
		char *colon = strchr(line, ':');

		if (colon && strncmp(line, name, n) == 0 &&
		    line + n + strspn(line + n, " \t") == colon)
			value = strdup(colon + 1 + strspn(colon + 1, " \t"));
	}
	free(text);
	return value;
}

/* "0" or "1": is @word one of the words of that line? */
static char *cpuinfo_has(struct tool *t, const char *name, const char *word)
{
	char *words = cpuinfo(t, name);
	char *rest = words, *w;
	bool has = false;

	if (!words)
		return NULL;
	while (!has && (w = strsep(&rest, " ")))
		has = strcmp(w, word) == 0;
	free(words);
	return strdup(has ? "1" : "0");
}

static char *get_model_name(struct tool *t)
{
	return cpuinfo(t, "model name");
}

static char *get_signature(struct tool *t)
{
	char *family = cpuinfo(t, "cpu family"), *model = cpuinfo(t, "model");
	char *stepping = cpuinfo(t, "stepping"), *text = NULL;

	if (family && model && stepping &&
	    asprintf(&text, "%s/%s/%s", family, model, stepping) < 0)
		text = NULL;
	free(family);
	free(model);
	free(stepping);
	return text;
}

static char *get_tdx_platform(struct tool *t)
{
	return cpuinfo_has(t, "flags", "tdx_host_platform");
}

static char *get_erratum_bug(struct tool *t)
{
	return cpuinfo_has(t, "bugs", "tdx_pw_mce");
}

static char *get_loaded(struct tool *t, const char *name)
{
	unsigned long long value;
	char *text = NULL;

	if (sysroot_kexec(t, name, &value) && asprintf(&text, "%llu", value) < 0)
		text = NULL;
	return text;
}

static char *get_kexec_loaded(struct tool *t) { return get_loaded(t, "loaded"); }
static char *get_crash_loaded(struct tool *t) { return get_loaded(t, "crash_loaded"); }
static char *get_crash_size(struct tool *t) { return get_loaded(t, "crash_size"); }

/* "none [integrity] confidentiality" -> "integrity" */
static char *get_lockdown(struct tool *t)
{
	char *text = sysroot_read(t, "/sys/kernel/security/lockdown");
	char *open = text ? strchr(text, '[') : NULL;
	char *close = open ? strchr(open, ']') : NULL;
	char *word = close ? strndup(open + 1, close - open - 1) : NULL;

	free(text);
	return word;
}

static char *get_component(struct tool *t)
{
	return strdup(sysroot_exists(t, "/sys/kernel/tdx_reset") ? "1" : "0");
}

/* One row of the report: a file that is the value, or a function that makes it. */
static const struct column {
	const char *key;
	const char *label;
	enum kind kind;
	const char *path;
	char *(*get)(struct tool *t);	/* caller frees; NULL = not known */
} columns[] = {
	{ "kernel",		"running kernel",		TEXT,	"/proc/sys/kernel/osrelease", NULL },
	{ "cpu",		"CPU",				TEXT,	NULL, get_model_name },
	{ "cpu_signature",	"CPU family/model/stepping",	TEXT,	NULL, get_signature },
	{ "tdx_platform",	"TDX host platform",		BOOLEAN, NULL, get_tdx_platform },
	{ "tdx_pw_mce",		"kernel says erratum",		BOOLEAN, NULL, get_erratum_bug },
	{ "kvm_tdx",		"KVM runs TDs",			BOOLEAN, "/sys/module/kvm_intel/parameters/tdx", NULL },

	{ "kexec_loaded",	"kernel loaded",		BOOLEAN, NULL, get_kexec_loaded },
	{ "crash_loaded",	"crash kernel loaded",		BOOLEAN, NULL, get_crash_loaded },
	{ "crash_size",		"crash reservation, bytes",	NUMBER,	NULL, get_crash_size },
	{ "load_disabled",	"loading switched off",		BOOLEAN, "/proc/sys/kernel/kexec_load_disabled", NULL },
	{ "lockdown",		"kernel lockdown",		TEXT,	NULL, get_lockdown },

	{ "tdx_reset",		"tdx_reset present",		BOOLEAN, NULL, get_component },
	{ "version",		"  version",			TEXT,	"/sys/module/tdx_reset/version", NULL },
	{ "mode",		"  mode",			TEXT,	"/sys/kernel/tdx_reset/mode", NULL },
	{ "tdx",		"  TDX",			TEXT,	"/sys/kernel/tdx_reset/tdx", NULL },
	{ "erratum",		"  CPU has the erratum",	BOOLEAN, "/sys/kernel/tdx_reset/erratum", NULL },
	{ "sys_disable",	"  TDH.SYS.DISABLE",		TEXT,	"/sys/kernel/tdx_reset/sys_disable", NULL },
	{ "coverage",		"  coverage",			TEXT,	"/sys/kernel/tdx_reset/coverage", NULL },
	{ "coverage_reason",	"  coverage, why",		TEXT,	"/sys/kernel/tdx_reset/coverage_reason", NULL },
	{ "pinned",		"  cannot be removed, why",	TEXT,	"/sys/kernel/tdx_reset/pinned", NULL },
	{ "unlock",		"  unlock=1",			BOOLEAN, "/sys/kernel/tdx_reset/unlock", NULL },
	{ "tracker",		"  tracker",			TEXT,	"/sys/kernel/tdx_reset/tracker", NULL },
	{ "private_pages",	"  private pages",		NUMBER,	"/sys/kernel/tdx_reset/private_pages", NULL },
	{ "map",		"  private map at",		TEXT,	"/sys/kernel/tdx_reset/map", NULL },
};

static void print_json_string(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(f, "\\u%04x", c);
		else
			putc(c, f);
	}
	putc('"', f);
}

static const char *boolean_of(const char *value)
{
	if (strcmp(value, "1") == 0 || strcmp(value, "Y") == 0)
		return "yes";
	if (strcmp(value, "0") == 0 || strcmp(value, "N") == 0)
		return "no";
	return NULL;
}

static bool is_decimal(const char *value)
{
	/* JSON has no leading zeros. */
	return *value && value[strspn(value, "0123456789")] == '\0' &&
	       (value[0] != '0' || value[1] == '\0');
}

static void print_json_value(FILE *f, const struct column *c, const char *value)
{
	const char *yes_no = value && c->kind == BOOLEAN ? boolean_of(value) : NULL;

	if (!value)
		fputs("null", f);
	else if (yes_no)
		fputs(*yes_no == 'y' ? "true" : "false", f);
	else if (c->kind == NUMBER && is_decimal(value))
		fputs(value, f);
	else
		print_json_string(f, value);
}

static void print_plain_value(FILE *f, const struct column *c, const char *value)
{
	const char *yes_no = value && c->kind == BOOLEAN ? boolean_of(value) : NULL;

	fprintf(f, "%-28s %s\n", c->label,
		!value ? "unknown" : yes_no ? yes_no : *value ? value : "-");
}

static void print_report(struct tool *t, bool json)
{
	if (json)
		fputs("{", t->out);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const struct column *c = &columns[i];
		char *value = c->get ? c->get(t) : sysroot_read(t, c->path);

		if (json) {
			fprintf(t->out, "%s\n  \"%s\": ", i ? "," : "", c->key);
			print_json_value(t->out, c, value);
		} else {
			print_plain_value(t->out, c, value);
		}
		free(value);
	}
	if (json)
		fputs("\n}\n", t->out);
}

int status_report(struct tool *t, const struct options *o)
{
	unsigned long long loaded;
	bool crash = o->crash || !o->load_given;

	print_report(t, o->json);
	if (o->json)
		return 0;
	if (!sysroot_kexec(t, crash ? "crash_loaded" : "loaded", &loaded))
		return EXIT_KERNEL;
	return loaded != 0;
}

/* Frees @value. */
static bool is(char *value, const char *expected)
{
	bool yes = value && strcmp(value, expected) == 0;

	free(value);
	return yes;
}

/*
 * A kernel without TDX host support has no bug bit.  tdx_reset goes by the model
 * of the CPU, so it tells there; but without a TDX host nothing is private.
 */
static bool host_with_erratum(struct tool *t)
{
	return is(get_erratum_bug(t), "1") ||
	       (is(sysroot_read(t, "/sys/kernel/tdx_reset/erratum"), "1") &&
		!is(sysroot_read(t, "/sys/kernel/tdx_reset/mode"), "none"));
}

/*
 * A crash kernel runs in memory that TDX never gets, if it is a reservation and
 * tdx_reset knows where: then what else is private does not matter.
 */
static const char partial[] =
	"the machine will be reset through firmware instead of jumping, unless TDH.SYS.DISABLE makes up for it";
static const char partial_crash[] =
	"a crash starts the crash kernel all the same; but with crashkernel=SIZE,cma, where TDX was in use by an earlier kernel, or where tdx_reset could not find the crash kernel's memory, it resets the machine through firmware, without a dump, unless TDH.SYS.DISABLE makes up for it";

void status_warn(struct tool *t, bool crash)
{
	char *coverage, *why = NULL;
	bool known;

	if (!host_with_erratum(t))
		return;
	coverage = sysroot_read(t, "/sys/kernel/tdx_reset/coverage");
	if (coverage)
		why = sysroot_read(t, "/sys/kernel/tdx_reset/coverage_reason");
	known = why && *why;
	if (!coverage)
		warn(t, "warning: TDX host with the partial-write erratum, and tdx_reset is not loaded: the next kernel may inherit private memory and die of a machine check; load tdx_reset");
	else if (strcmp(coverage, "none") == 0)
		warn(t, "warning: CPU with the partial-write erratum, and nothing guards the jump: tdx_reset is loaded, but does nothing here%s%s; the kernel log says more (tdx_reset:, virt/tdx:)",
		     known ? ": " : "", known ? why : "");
	else if (strcmp(coverage, "complete"))
		warn(t, "warning: tdx_reset does not know all private memory%s%s%s: %s; tdx_reset.md has the remedy (Why coverage is partial)",
		     known ? " (" : "", known ? why : "", known ? ")" : "",
		     crash ? partial_crash : partial);
	free(why);
	free(coverage);
}
