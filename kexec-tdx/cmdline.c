// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"

static bool named(const char *param, size_t len, const char *const names[])
{
	/* The kernel also reads "name=a b", quoted as a whole. */
	if (len && *param == '"') {
		param++;
		len--;
	}
	for (; *names; names++) {
		size_t n = strlen(*names);

		if (len >= n && memcmp(param, *names, n) == 0 &&
		    (len == n || param[n] == '=' || param[n] == '"'))
			return true;
	}
	return false;
}

char *cmdline_without(const char *line, const char *const names[])
{
	char *rest = malloc(strlen(line) + 2);
	char *to = rest;

	if (!rest)
		return NULL;
	for (;;) {
		const char *param;
		bool quoted = false;

		while (isspace((unsigned char)*line))
			line++;
		if (!*line)
			break;
		for (param = line; *line && (quoted || !isspace((unsigned char)*line)); line++)
			if (*line == '"')
				quoted = !quoted;
		if (named(param, line - param, names))
			continue;
		if (to != rest)
			*to++ = ' ';
		memcpy(to, param, line - param);
		to += line - param;
	}
	*to = '\0';
	return rest;
}

char *cmdline_join(const char *first, const char *second)
{
	char *line = NULL;

	if (!first)
		first = "";
	if (!second)
		second = "";
	if (asprintf(&line, "%s%s%s", first, *first && *second ? " " : "", second) < 0)
		return NULL;
	return line;
}
