// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket: one request line, one JSON line back.
 *
 * Served by QEMU's main loop, so every command runs on the main thread with
 * the BQL held and may stop the machine.
 */
#define _GNU_SOURCE
#include "sim.h"
#include "points.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_READ	(1 << 20)	/* bytes of one read command */
#define MAX_WORDS	12

static const char *const type_name[16] = {
	[TDX_PT_RSVD] = "PAMT", [TDX_PT_REG] = "REG", [TDX_PT_TDR] = "TDR",
	[TDX_PT_TDCX] = "TDCX", [TDX_PT_TDVPR] = "TDVPR", [TDX_PT_EPT] = "EPT",
};

static void say_counts(GString *out, const struct sim_counts *c)
{
	bool first = true;

	g_string_append_printf(out, "\"epoch\":%lu,\"private_pages\":%lu,\"dirty_pages\":%lu,"
			       "\"owned_lines\":%lu,\"poisoned_lines\":%lu,\"pending_lines\":%lu,"
			       "\"mce\":%lu,\"by_type\":{",
			       c->epoch, c->private.pages, c->dirty_pages, c->lines.owned_lines,
			       c->lines.poisoned_lines, c->cache.pending_lines, c->mce);
	for (int i = 0; i < 16; i++) {
		if (!c->private.by_type[i])
			continue;
		g_string_append_printf(out, "%s\"%s\":%lu", first ? "" : ",",
				       type_name[i] ? type_name[i] : "?", c->private.by_type[i]);
		first = false;
	}
	g_string_append_c(out, '}');
}

/* A command: writes members of the answer, returns an error text or NULL. */
typedef const char *(*command_fn)(char **arg, GString *out);

static bool number(const char *s, uint64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoull(s, &end, 0);
	return *s && !*end && !errno;
}

static const char *cmd_ping(char **arg, GString *out)
{
	(void)arg;
	g_string_append(out, "\"cpus\":");
	g_string_append_printf(out, "%d", qemu_plugin_num_vcpus());
	return NULL;
}

static const char *cmd_counts(char **arg, GString *out)
{
	struct sim_counts c;

	(void)arg;
	sim_lock();
	sim_count(&c);
	sim_unlock();
	say_counts(out, &c);
	return NULL;
}

static const char *cmd_inherited(char **arg, GString *out)
{
	struct sim_counts c;

	(void)arg;
	sim_lock();
	c = *sim_inherited();
	sim_unlock();
	say_counts(out, &c);
	return NULL;
}

static const char *cmd_inherited_inside(char **arg, GString *out)
{
	uint64_t start, end;
	struct mem_counts c;
	uint64_t pending;

	if (!number(arg[0], &start) || !number(arg[1], &end) || start >= end)
		return "inherited-inside START END: two addresses, END above START";
	sim_lock();
	c = sim_inherited_inside(start, end);
	pending = sim_inherited_pending(start, end);
	sim_unlock();
	g_string_append_printf(out, "\"owned_lines\":%lu,\"poisoned_lines\":%lu,\"pending_lines\":%lu",
			       c.owned_lines, c.poisoned_lines, pending);
	return NULL;
}

static const char *cmd_inside(char **arg, GString *out)
{
	uint64_t start, end, private = 0;
	struct mem_counts c;

	if (!number(arg[0], &start) || !number(arg[1], &end) || start >= end)
		return "inside START END: two addresses, END above START";
	sim_lock();
	c = mem_count(start, end);
	for (uint64_t pa = start & ~(SIM_PAGE - 1); pa < end && pa < mem_end(); pa += SIM_PAGE)
		private += pamt_private(pa);
	sim_unlock();
	g_string_append_printf(out, "\"private_pages\":%lu,\"owned_lines\":%lu,\"poisoned_lines\":%lu",
			       private, c.owned_lines, c.poisoned_lines);
	return NULL;
}

static const char *cmd_pages(char **arg, GString *out)
{
	const char *kind = NULL, *now;
	uint64_t start = 0, pa;
	bool first = true;

	(void)arg;
	g_string_append(out, "\"ranges\":[");
	sim_lock();
	for (pa = 0; pa <= mem_end(); pa += SIM_PAGE) {
		now = pa < mem_end() ? sim_page_kind(pa) : NULL;
		if (now == kind)
			continue;
		if (kind) {
			g_string_append_printf(out, "%s[%lu,%lu,\"%s\"]", first ? "" : ",", start,
					       pa, kind);
			first = false;
		}
		start = pa;
		kind = now;
	}
	sim_unlock();
	g_string_append_c(out, ']');
	return NULL;
}

static const char *cmd_stop(char **arg, GString *out)
{
	(void)arg;
	(void)out;
	qemu.vm_stop(SIM_RUN_STATE_PAUSED);
	return NULL;
}

static const char *cmd_cont(char **arg, GString *out)
{
	(void)arg;
	(void)out;
	qemu.vm_start();
	return NULL;
}

static const char *cmd_poison(char **arg, GString *out)
{
	uint64_t pa;

	(void)out;
	if (!number(arg[0], &pa) || !mem_ptr(pa))
		return "poison PA: an address in RAM";
	sim_lock();
	mem_poison(pa);
	sim_unlock();
	poison_arm(pa);
	event("\"ev\":\"poison\",\"pa\":\"0x%lx\"", pa);
	return NULL;
}

static const char *cmd_read(char **arg, GString *out)
{
	uint64_t pa, len;

	if (!number(arg[0], &pa) || !number(arg[1], &len) || !len || len > MAX_READ ||
	    !mem_ptr(pa) || mem_ptr(pa + len - 1) != (char *)mem_ptr(pa) + len - 1)
		return "read PA LEN: an address and up to 1 MiB inside RAM";
	g_string_append(out, "\"hex\":\"");
	for (uint64_t i = 0; i < len; i++)
		g_string_append_printf(out, "%02x", ((uint8_t *)mem_ptr(pa))[i]);
	g_string_append_c(out, '"');
	return NULL;
}

static const char *cmd_cache(char **arg, GString *out)
{
	struct cache_stats s;

	(void)arg;
	sim_lock();
	s = cache_stats();
	sim_unlock();
	g_string_append_printf(out, "\"dirty_pages\":%lu,\"pending_pages\":%lu,\"pending_lines\":%lu,"
			       "\"written_pages\":%lu,\"returned_pages\":%lu,\"returned_lines\":%lu",
			       s.dirty_pages, s.pending_pages, s.pending_lines, s.written_pages,
			       s.returned_pages, s.returned_lines);
	return NULL;
}

static const char *cmd_stats(char **arg, GString *out)
{
	(void)arg;
	g_string_append_printf(out, "\"seamcalls\":%lu,\"movdir64b\":%lu,\"nt_stores\":%lu,"
			       "\"wbinvd\":%lu,\"machine_checks\":%lu,\"overlays\":%lu,\"made_normal\":%lu",
			       sim_stats.seamcalls, sim_stats.movdir64b, sim_stats.nt_stores,
			       sim_stats.wbinvd, sim_stats.machine_checks, sim_stats.overlays,
			       sim_stats.made_normal);
	return NULL;
}

/* Each leaf that was called since the module was loaded. */
static const char *cmd_calls(char **arg, GString *out)
{
	bool first = true;

	(void)arg;
	g_string_append(out, "\"leaves\":[");
	sim_lock();
	for (unsigned int i = 0; i < G_N_ELEMENTS(tdx.calls); i++) {
		if (!tdx.calls[i])
			continue;
		g_string_append_printf(out, "%s{\"nr\":%u,\"leaf\":\"%s\",\"calls\":%lu,\"injected\":%lu}",
				       first ? "" : ",", i, tdx_leaf_name(i), tdx.calls[i],
				       tdx.inject[i].given);
		first = false;
	}
	sim_unlock();
	g_string_append_c(out, ']');
	return NULL;
}

static const char *cmd_instructions(char **arg, GString *out)
{
	int cpus = qemu_plugin_num_vcpus();

	(void)arg;
	if (!count_enabled())
		return "instructions are not counted; start with count=on";
	g_string_append(out, "\"cpus\":[");
	for (int i = 0; i < cpus; i++)
		g_string_append_printf(out, "%s%lu", i ? "," : "", count_of(i));
	g_string_append_c(out, ']');
	return NULL;
}

static const char *cmd_inject(char **arg, GString *out)
{
	uint64_t leaf, status, count, after = 0;

	(void)out;
	if (!number(arg[0], &leaf) || !number(arg[1], &status) || !number(arg[2], &count) ||
	    leaf >= G_N_ELEMENTS(tdx.inject) || (arg[3] && !number(arg[3], &after)))
		return "inject LEAF STATUS COUNT [AFTER]: after AFTER more calls of LEAF, "
			"COUNT calls of it answer STATUS";
	sim_lock();
	tdx.inject[leaf].status = status;
	tdx.inject[leaf].count = count;
	tdx.inject[leaf].after = after;
	sim_unlock();
	return NULL;
}

static const char *cmd_points(char **arg, GString *out)
{
	const char *err = NULL;
	uint64_t map = 0;

	if (arg[0] && !number(arg[0], &map))
		return "points [MAP]: the address of a private map";
	sim_lock();
	if (arg[0])
		err = points_begin(map);
	else
		points_say(out);
	sim_unlock();
	return err;
}

/* jumps: totals.  jumps WAY FUNCTION ARGUMENT START END CALLS STORES FIRST: begin. */
static const char *cmd_jumps(char **arg, GString *out)
{
	struct jump_config c = { 0 };
	uint64_t *const to[] = {
		&c.function, &c.argument, &c.start, &c.end, &c.every_call, &c.every_store,
		&c.first,
	};

	if (!arg[0]) {
		jump_say(out);
		return NULL;
	}
	c.way = !strcmp(arg[0], "crash") ? JUMP_CRASH : !strcmp(arg[0], "kexec") ? JUMP_KEXEC :
		JUMP_NONE;
	for (unsigned int i = 0; i < G_N_ELEMENTS(to); i++)
		if (!arg[i + 1] || !number(arg[i + 1], to[i]))
			c.way = JUMP_NONE;
	if (c.way == JUMP_NONE)
		return "jumps crash|kexec FUNCTION ARGUMENT START END CALLS STORES FIRST";
	jump_configure(&c);
	return NULL;
}

static const char *cmd_plugged(char **arg, GString *out)
{
	uint64_t pa;

	(void)out;
	if (!number(arg[0], &pa) || !sim_plugged(pa))
		return "plugged PA: where RAM begins that was added to the running machine";
	return NULL;
}

static const struct {
	const char *name;
	unsigned int args, optional;
	command_fn fn;
} commands[] = {
	{ "ping", 0, 0, cmd_ping },
	{ "counts", 0, 0, cmd_counts },
	{ "inherited", 0, 0, cmd_inherited },
	{ "inherited-inside", 2, 0, cmd_inherited_inside },
	{ "inside", 2, 0, cmd_inside },
	{ "pages", 0, 0, cmd_pages },
	{ "stop", 0, 0, cmd_stop },
	{ "cont", 0, 0, cmd_cont },
	{ "poison", 1, 0, cmd_poison },
	{ "read", 2, 0, cmd_read },
	{ "stats", 0, 0, cmd_stats },
	{ "cache", 0, 0, cmd_cache },
	{ "calls", 0, 0, cmd_calls },
	{ "instructions", 0, 0, cmd_instructions },
	{ "inject", 3, 1, cmd_inject },
	{ "points", 0, 1, cmd_points },
	{ "jumps", 0, 8, cmd_jumps },
	{ "plugged", 1, 0, cmd_plugged },
};

static const char *run(char *line, GString *out)
{
	char **words = g_strsplit_set(g_strstrip(line), " \t", MAX_WORDS);
	const char *err = "unknown command";
	unsigned int given;

	for (unsigned int i = 0; words[0] && i < G_N_ELEMENTS(commands); i++) {
		if (strcmp(words[0], commands[i].name))
			continue;
		sim_machine_ready();
		given = g_strv_length(words) - 1;
		err = given >= commands[i].args &&
			given <= commands[i].args + commands[i].optional ?
			commands[i].fn(words + 1, out) : "wrong number of arguments";
	}
	g_strfreev(words);
	return err;
}

static void answer(int fd, char *line)
{
	GString *members = g_string_new(NULL), *reply = g_string_new(NULL);
	const char *err = run(line, members);
	size_t done = 0;

	if (err)
		g_string_printf(reply, "{\"ok\":false,\"error\":\"%s\"}\n", err);
	else
		g_string_printf(reply, "{\"ok\":true%s%s}\n", members->len ? "," : "",
				members->str);
	while (done < reply->len) {
		ssize_t n = write(fd, reply->str + done, reply->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;		/* the client went away; it will not read this */
		done += n;
	}
	g_string_free(reply, TRUE);
	g_string_free(members, TRUE);
}

static gboolean on_client(GIOChannel *ch, GIOCondition cond, gpointer u)
{
	GString *line = u;
	char buf[512], *nl;
	ssize_t n = read(g_io_channel_unix_get_fd(ch), buf, sizeof(buf));

	(void)cond;
	if (n <= 0 || line->len > 4096) {
		g_string_free(line, TRUE);
		close(g_io_channel_unix_get_fd(ch));
		return FALSE;
	}
	g_string_append_len(line, buf, n);
	while ((nl = strchr(line->str, '\n')) != NULL) {
		char *one = g_strndup(line->str, nl - line->str);

		g_string_erase(line, 0, nl - line->str + 1);
		answer(g_io_channel_unix_get_fd(ch), one);
		g_free(one);
	}
	return TRUE;
}

static gboolean on_connect(GIOChannel *ch, GIOCondition cond, gpointer u)
{
	int fd = accept4(g_io_channel_unix_get_fd(ch), NULL, NULL, SOCK_CLOEXEC);
	GIOChannel *client;

	(void)cond;
	(void)u;
	if (fd < 0)
		return TRUE;
	client = g_io_channel_unix_new(fd);
	g_io_add_watch(client, G_IO_IN | G_IO_HUP, on_client, g_string_new(NULL));
	g_io_channel_unref(client);
	return TRUE;
}

int control_open(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path)) {
		fprintf(stderr, "tdx-sim: %s: cannot make a socket there: %s\n", path,
			fd < 0 ? strerror(errno) : "path too long");
		return -1;
	}
	strcpy(addr.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4)) {
		fprintf(stderr, "tdx-sim: %s: %s\n", path, strerror(errno));
		close(fd);
		return -1;
	}
	g_io_add_watch(g_io_channel_unix_new(fd), G_IO_IN, on_connect, NULL);
	return 0;
}
