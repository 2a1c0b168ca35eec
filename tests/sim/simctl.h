/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Client side of the simulator's control socket. */
#ifndef SIMCTL_H
#define SIMCTL_H

#include <stdint.h>
#include <stdio.h>

struct sim_link {
	FILE *in, *out;
	char *line;		/* the last answer, without newline */
	size_t size;
};

/**
 * sim_ask() - one request, one answer
 * @link: an open link
 * @fmt: the request, without newline
 *
 * Return: the answer, valid until the next request, if it says "ok":true;
 * NULL after a message on stderr otherwise.
 */
const char *sim_ask(struct sim_link *link, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * superset() - does a tracker hold every page that is not normal?
 * @link: the simulator
 * @map_pa: physical address of the tracker's struct private_map_header
 *
 * Stops the machine, compares, lets it go on.  Prints one JSON line.
 *
 * Return: 0 if it does, 1 if a page is missing, 2 if the map does not verify
 * or the simulator does not answer.
 */
int superset(struct sim_link *link, uint64_t map_pa);

#endif
