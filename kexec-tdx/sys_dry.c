// SPDX-License-Identifier: GPL-2.0-or-later
/* The calls that would change the machine, printed instead (--dry-run). */
#include "config.h"

#include "sys_ops.h"

/* As a C string, so that the end of an argument and its spaces are visible. */
static void print_quoted(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\%03o", c);
		else
			putc(c, f);
	}
	putc('"', f);
}

static void print_fd(FILE *f, int fd, const char *name)
{
	if (fd < 0) {
		fputs("-1", f);
		return;
	}
	fprintf(f, "%d<", fd);
	print_quoted(f, name);
	putc('>', f);
}

static int dry_kexec_file_load(struct tool *t, const struct load_call *c)
{
	fputs("kexec_file_load(", t->out);
	print_fd(t->out, c->kernel_fd, c->kernel);
	fputs(", ", t->out);
	print_fd(t->out, c->initrd_fd, c->initrd);
	fprintf(t->out, ", %lu, ", c->cmdline_len);
	if (c->cmdline)
		print_quoted(t->out, c->cmdline);
	else
		fputs("NULL", t->out);
	fprintf(t->out, ", 0x%lx)\n", c->flags);
	return 0;
}

static int dry_reboot_kexec(struct tool *t)
{
	fputs("reboot(LINUX_REBOOT_CMD_KEXEC)\n", t->out);
	return 0;
}

static int dry_link_set(struct tool *t, const char *ifname, bool up)
{
	fputs("ioctl(SIOCSIFFLAGS, ", t->out);
	print_quoted(t->out, ifname);
	fprintf(t->out, ", %s)\n", up ? "up" : "down");
	return 0;
}

static void dry_sync(struct tool *t)
{
	fputs("sync()\n", t->out);
}

static int dry_exec(struct tool *t, char *const argv[])
{
	fputs("execv(", t->out);
	print_quoted(t->out, argv[0]);
	fputs(", [", t->out);
	for (int i = 0; argv[i]; i++) {
		if (i)
			fputs(", ", t->out);
		print_quoted(t->out, argv[i]);
	}
	fputs("])\n", t->out);
	return 0;
}

/* Nothing will be done, so nobody needs to be allowed to do it. */
static bool dry_may_reboot(struct tool *t)
{
	(void)t;
	return true;
}

static bool dry_in_container(struct tool *t)
{
	(void)t;
	return false;
}

const struct sys_ops sys_dry = {
	.kexec_file_load = dry_kexec_file_load,
	.reboot_kexec = dry_reboot_kexec,
	.link_set = dry_link_set,
	.sync = dry_sync,
	.exec = dry_exec,
	.may_reboot = dry_may_reboot,
	.in_container = dry_in_container,
};
