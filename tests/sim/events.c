// SPDX-License-Identifier: GPL-2.0-or-later
/* The event log: one JSON object a line, flushed when somebody may look. */
#include "sim.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static FILE *log_file;
static struct timespec start;

int events_open(const char *path)
{
	clock_gettime(CLOCK_MONOTONIC, &start);
	log_file = fopen(path, "w");
	if (!log_file) {
		perror(path);
		return -1;
	}
	setvbuf(log_file, NULL, _IOLBF, 1 << 16);
	return 0;
}

void events_close(void)
{
	if (log_file && fclose(log_file))
		perror("tdx-sim: event log");
	log_file = NULL;
}

/* Writes {"t":seconds,FMT}.  Any context; the line is atomic. */
void event(const char *fmt, ...)
{
	struct timespec now;
	va_list ap;

	if (!log_file)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	flockfile(log_file);
	fprintf(log_file, "{\"t\":%.6f,", (double)(now.tv_sec - start.tv_sec) +
		(double)(now.tv_nsec - start.tv_nsec) / 1e9);
	va_start(ap, fmt);
	vfprintf(log_file, fmt, ap);
	va_end(ap);
	fputs("}\n", log_file);
	funlockfile(log_file);
}
