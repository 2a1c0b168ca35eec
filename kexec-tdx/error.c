// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>

#include "error.h"

static void put_line(FILE *f, const char *fmt, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	fputs("kexec-tdx: ", f);
	for (const char *p = text ? text : "out of memory"; *p; p++) {
		unsigned char c = *p;

		if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\x%02x", c);
		else
			putc(c, f);
	}
	putc('\n', f);
	free(text);
}

int fail(struct tool *t, int status, const char *fmt, ...)
{
	va_list ap;

	/* What was printed before belongs before it, also in a shared log. */
	fflush(t->out);
	va_start(ap, fmt);
	put_line(t->err, fmt, ap);
	va_end(ap);
	return status;
}

void warn(struct tool *t, const char *fmt, ...)
{
	va_list ap;

	fflush(t->out);
	va_start(ap, fmt);
	put_line(t->err, fmt, ap);
	va_end(ap);
}

void debug(struct tool *t, const char *fmt, ...)
{
	va_list ap;

	if (!t->debug)
		return;
	va_start(ap, fmt);
	put_line(t->err, fmt, ap);
	va_end(ap);
}
