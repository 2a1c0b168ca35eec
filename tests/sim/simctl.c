// SPDX-License-Identifier: GPL-2.0-or-later
/* simctl SOCKET REQUEST... : ask the simulated host, print its answer. */
#include "simctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char usage[] =
	"Usage: simctl SOCKET REQUEST...\n"
	"  ping | counts | inherited | pages | stats | cache | calls | instructions | stop | cont\n"
	"  inside START END       lines that are not normal in [START, END)\n"
	"  inherited-inside START END   the same, at the jump into this kernel\n"
	"  poison PA              poison one line\n"
	"  read PA LEN            guest memory as hex\n"
	"  inject LEAF STATUS N [AFTER]   N calls of LEAF answer STATUS, after AFTER more\n"
	"  points MAPPA           from now on compare the private map at MAPPA before and\n"
	"                         after each SEAMCALL, after each 64-byte store, before\n"
	"                         each fence\n"
	"  points                 what came out\n"
	"  jumps crash|kexec FUNCTION ARGUMENT START END CALLS STORES FIRST\n"
	"                         send copies of the machine to the next kernel: from each\n"
	"                         CALLS-th point at SEAMCALLs, STORES-th at stores, and the\n"
	"                         FIRST of each leaf; lines in [START, END) count\n"
	"  jumps                  what came out\n"
	"  plugged PA             RAM was added there to the running machine\n"
	"  superset MAPPA         stop, compare the private map at MAPPA, continue;\n"
	"                         exit status 1 if a page is missing in it\n";

const char *sim_ask(struct sim_link *link, const char *fmt, ...)
{
	va_list ap;
	ssize_t n;

	va_start(ap, fmt);
	vfprintf(link->out, fmt, ap);
	va_end(ap);
	fputc('\n', link->out);
	if (fflush(link->out)) {
		fprintf(stderr, "simctl: the simulator does not take requests: %s\n",
			strerror(errno));
		return NULL;
	}
	n = getline(&link->line, &link->size, link->in);
	if (n <= 0) {
		fprintf(stderr, "simctl: the simulator closed the connection\n");
		return NULL;
	}
	if (link->line[n - 1] == '\n')
		link->line[n - 1] = '\0';
	if (strncmp(link->line, "{\"ok\":true", 10)) {
		fprintf(stderr, "simctl: %s\n", link->line);
		return NULL;
	}
	return link->line;
}

static int open_link(const char *path, struct sim_link *link)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(addr.sun_path)) {
		fprintf(stderr, "simctl: %s: path too long for a socket\n", path);
		return -1;
	}
	strcpy(addr.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		fprintf(stderr, "simctl: %s: %s; is the simulated machine running?\n", path,
			strerror(errno));
		return -1;
	}
	link->in = fdopen(fd, "r");
	link->out = fdopen(dup(fd), "w");
	return link->in && link->out ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct sim_link link = { 0 };
	char request[512] = "";
	const char *answer;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 3) {
		fputs(usage, stderr);
		return 2;
	}
	if (open_link(argv[1], &link))
		return 2;
	if (!strcmp(argv[2], "superset"))
		return argc == 4 ? superset(&link, strtoull(argv[3], NULL, 0)) :
			(fputs(usage, stderr), 2);
	for (int i = 2; i < argc; i++) {
		size_t used = strlen(request);

		if (used + strlen(argv[i]) + 2 > sizeof(request)) {
			fprintf(stderr, "simctl: request too long\n");
			return 2;
		}
		sprintf(request + used, "%s%s", used ? " " : "", argv[i]);
	}
	answer = sim_ask(&link, "%s", request);
	if (!answer)
		return 2;
	puts(answer);
	return 0;
}
