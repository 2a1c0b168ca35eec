// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The same points (points.h) as the last ones of a kernel: QEMU forks there, and
 * the copy of the machine, stopped between two instructions, crashes or calls
 * the function that jumps to the next kernel.  When that kernel begins, the copy
 * says which lines it inherits and ends.  The machine itself goes on.
 *
 * A copy has only the thread of its CPU: no timer ever fires and nobody serves
 * devices but the CPU itself.  A panic on one CPU needs neither.  A firmware reset
 * waits for a thread that is not there: such a copy counts as one that did not
 * come to the jump, and its console is kept.
 */
#define _GNU_SOURCE
#include "points.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_COPIES	2	/* at a time */
#define COPY_SECONDS	60	/* then it is killed; they need one or two */
#define NR_LEAVES	128
#define MAX_FILES	256
#define MAX_PATH	512
#define STACK_GAP	512	/* below what the interrupted code may use */

/* What a copy says of itself, in memory that it shares with us. */
struct report {
	bool arrived;
	uint64_t owned, poisoned, private_pages;
	uint64_t pending;	/* lines that a cache will make TDX's again */
};

static struct {
	pid_t pid;
	struct point point;
	struct report *report;
	unsigned int number;
} copies[MAX_COPIES];

static struct jump_config config;
static struct report *mine;	/* this is a copy */
static GMutex copies_mutex;	/* copies[], total; before the BQL */
static uint64_t seen[NR_POINT_KINDS];
static uint64_t seen_of[NR_LEAVES][2][2];	/* leaf, after, failed */

static struct {
	uint64_t sent[NR_POINT_KINDS];
	uint64_t clean, dirty, lost;	/* how they ended */
	uint64_t had_lines;		/* points with such lines before */
	uint64_t most_before, most_lines;
	uint64_t leaves;		/* different leaves */
} total;

/* Next to the event log; kept of the first copy and of those that went wrong. */
static const char *log_of(unsigned int number)
{
	static char path[MAX_PATH];

	if (!sim_log_path)
		return "/dev/null";
	snprintf(path, sizeof(path), "%s.copy-%u", sim_log_path, number);
	return path;
}

static uint64_t lines_inside(void)
{
	struct mem_counts c = mem_count(config.start, config.end);

	return c.owned_lines + c.poisoned_lines;
}

/* --- in the copy ------------------------------------------------------------------- */

void jump_arrived(void)
{
	struct mem_counts c;

	if (!mine)
		return;
	c = mem_count(config.start, config.end);
	mine->owned = c.owned_lines;
	mine->poisoned = c.poisoned_lines;
	mine->private_pages = pamt_totals().pages;
	for (uint64_t n = 0, pa; (pa = mem_touched(n)) < mem_end(); n++)
		if (cache_on() && pa >= config.start && pa < config.end)
			mine->pending += cache_pending_lines(pa);
	mine->arrived = true;
	_exit(0);
}

/* Everything that is written to a file, the serial line too, goes to one of ours. */
static void own_files(const char *path)
{
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
	struct stat st;

	for (int fd = 0; fd < MAX_FILES; fd++)
		if (fd != to && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
		    (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
			dup2(to, fd);
}

static void limit_life(void)
{
	sigset_t set;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	signal(SIGALRM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(COPY_SECONDS);
}

/* By the x86-64 calling convention; the function does not return. */
static void call(const struct cpu_ctx *c)
{
	GByteArray *word = g_byte_array_new();
	uint64_t argument = 0;

	if (qemu_plugin_read_memory_vaddr(config.argument, word, sizeof(argument)))
		memcpy(&argument, word->data, sizeof(argument));
	c->regs[R_DI] = argument;
	c->regs[R_SP] = ((c->regs[R_SP] - STACK_GAP) & ~15ULL) - 8;
	qemu_plugin_set_pc(config.function);
}

static void leave(const struct cpu_ctx *c)
{
	if (config.way == JUMP_KEXEC)
		call(c);
	qemu_plugin_set_pc(0);
}

/* --- in the machine itself ------------------------------------------------------------- */

/* QEMU keeps guest memory from copies, which have no use for it elsewhere. */
static void share_memory_with_copies(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char *line = NULL;
	size_t size = 0;

	while (maps && getline(&line, &size, maps) > 0)
		if (sscanf(line, "%lx-%lx rw-p", &start, &end) == 2)
			madvise((void *)start, end - start, MADV_DOFORK);
	free(line);
	if (maps)
		fclose(maps);
}

void jump_configure(const struct jump_config *to)
{
	static bool shared;

	config = *to;
	memset(&total, 0, sizeof(total));
	memset(seen, 0, sizeof(seen));
	memset(seen_of, 0, sizeof(seen_of));
	if (!shared)
		share_memory_with_copies();
	shared = true;
}

static bool wanted(const struct point *p)
{
	uint64_t *of = &seen_of[p->leaf % NR_LEAVES][p->kind == POINT_AFTER][p->failed];

	switch (p->kind) {
	case POINT_BEFORE:
	case POINT_AFTER:
		total.leaves += p->kind == POINT_BEFORE && !*of;
		if ((*of)++ < config.first)
			return true;
		return config.every_call && seen[p->kind]++ % config.every_call == 0;
	case POINT_STORE:
		return config.every_store && seen[p->kind]++ % config.every_store == 0;
	default:
		return false;
	}
}

static void judge(unsigned int i, int status)
{
	const struct report *r = copies[i].report;
	const struct point *p = &copies[i].point;
	uint64_t lines = r->owned + r->poisoned + r->pending;

	if (!r->arrived)
		total.lost++;
	else if (lines)
		total.dirty++;
	else
		total.clean++;
	if (lines > total.most_lines)
		total.most_lines = lines;
	event("\"ev\":\"copy\",\"number\":%u,\"kind\":\"%s\",\"leaf\":\"%s\",\"pa\":\"0x%lx\","
	      "\"arrived\":%s,\"owned_lines\":%lu,\"poisoned_lines\":%lu,\"pending_lines\":%lu,"
	      "\"private_pages\":%lu,\"status\":%d",
	      copies[i].number, point_kind_name[p->kind], tdx_leaf_name(p->leaf), p->pa,
	      r->arrived ? "true" : "false", r->owned, r->poisoned, r->pending,
	      r->private_pages, status);
	if (sim_log_path && r->arrived && !lines && copies[i].number > 1)
		unlink(log_of(copies[i].number));
	copies[i].pid = 0;
}

/* Ended ones; with @wait until there is room for another. */
static void collect(bool wait)
{
	bool room = false;

	do {
		for (unsigned int i = 0; i < MAX_COPIES; i++) {
			int status;

			if (copies[i].pid && waitpid(copies[i].pid, &status, WNOHANG) != 0)
				judge(i, status);
			room |= !copies[i].pid;
		}
		if (wait && !room)
			g_usleep(1000);
	} while (wait && !room);
}

static struct report *new_report(void)
{
	struct report *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (r == MAP_FAILED)
		abort();
	memset(r, 0, sizeof(*r));
	return r;
}

/* With both locks, so that the copy has them in a known state. */
static pid_t fork_machine(void)
{
	bool bql = qemu.bql_locked();
	pid_t pid;

	if (!bql)
		qemu.bql_lock_impl(__FILE__, __LINE__);
	sim_lock();
	pid = fork();
	sim_unlock();
	if (!bql)
		qemu.bql_unlock();
	return pid;
}

void jump_at(const struct point *point, const struct cpu_ctx *c)
{
	static unsigned int number;
	unsigned int i = 0;
	uint64_t lines;

	if (config.way == JUMP_NONE || mine || !wanted(point))
		return;
	g_mutex_lock(&copies_mutex);
	collect(true);
	while (copies[i].pid)
		i++;
	if (!copies[i].report)
		copies[i].report = new_report();
	memset(copies[i].report, 0, sizeof(*copies[i].report));
	lines = lines_inside();
	copies[i].point = *point;
	copies[i].number = ++number;
	copies[i].pid = fork_machine();
	if (copies[i].pid < 0) {
		event("\"ev\":\"no-copy\",\"errno\":%d", errno);
		total.lost++;
		copies[i].pid = 0;
		g_mutex_unlock(&copies_mutex);
		return;
	}
	if (!copies[i].pid) {
		mine = copies[i].report;
		points_on = false;
		own_files(log_of(number));
		limit_life();
		leave(c);
	}
	total.sent[point->kind]++;
	total.had_lines += lines != 0;
	if (lines > total.most_before)
		total.most_before = lines;
	g_mutex_unlock(&copies_mutex);
}

void jump_say(GString *out)
{
	unsigned int running = 0;

	/* Who asks has the BQL: no waiting for who may be waiting for that. */
	if (g_mutex_trylock(&copies_mutex)) {
		collect(false);
		g_mutex_unlock(&copies_mutex);
	}
	for (unsigned int i = 0; i < MAX_COPIES; i++)
		running += copies[i].pid != 0;
	g_string_append_printf(out, "\"sent\":%lu,\"at_before\":%lu,\"at_after\":%lu,\"at_store\":%lu,"
			       "\"clean\":%lu,\"dirty\":%lu,\"lost\":%lu,\"running\":%u,"
			       "\"had_lines\":%lu,\"most_before\":%lu,\"most_lines\":%lu,\"leaves\":%lu",
			       total.sent[POINT_BEFORE] + total.sent[POINT_AFTER] + total.sent[POINT_STORE],
			       total.sent[POINT_BEFORE], total.sent[POINT_AFTER],
			       total.sent[POINT_STORE], total.clean, total.dirty, total.lost, running,
			       total.had_lines, total.most_before, total.most_lines, total.leaves);
}
