// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kexec-tdx-fixture.h"

/* The fake calls get no pointer but the tool's: the machine they belong to. */
static struct machine *current;

static void record(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void record(const char *fmt, ...)
{
	size_t have = strlen(current->calls);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(current->calls + have, CALLS_MAX - have, fmt, ap);
	va_end(ap);
}

static int fake_load(struct tool *t, const struct load_call *c)
{
	struct stat st;

	(void)t;
	/* The descriptors must be open, and the text as long as is said. */
	assert_int_equal(c->kernel_fd >= 0 && fstat(c->kernel_fd, &st) == 0, c->kernel != NULL);
	assert_int_equal(c->initrd_fd >= 0 && fstat(c->initrd_fd, &st) == 0, c->initrd != NULL);
	assert_int_equal(c->cmdline ? strlen(c->cmdline) + 1 : 0, c->cmdline_len);
	record("load kernel=%s initrd=%s cmdline=%s flags=%#lx\n",
	       c->kernel ? strrchr(c->kernel, '/') + 1 : "-",
	       c->initrd ? strrchr(c->initrd, '/') + 1 : "-",
	       c->cmdline ? c->cmdline : "-", c->flags);
	if (c->flags & current->unknown_flags)
		return -EINVAL;
	if ((c->flags & FILE_DEBUG) && current->load_result_debug)
		return current->load_result_debug;
	return current->load_result;
}

static int fake_reboot(struct tool *t)
{
	(void)t;
	record("reboot\n");
	return current->reboot_result;
}

static int fake_link(struct tool *t, const char *name, bool up)
{
	(void)t;
	record("link %s %s\n", name, up ? "up" : "down");
	return 0;
}

static void fake_sync(struct tool *t)
{
	(void)t;
	record("sync\n");
}

static int fake_exec(struct tool *t, char *const argv[])
{
	(void)t;
	record("exec");
	for (int i = 0; argv[i]; i++)
		record(" %s", argv[i]);
	record("\n");
	return current->exec_result;
}

static bool fake_may_reboot(struct tool *t)
{
	(void)t;
	return current->privileged;
}

static bool fake_in_container(struct tool *t)
{
	(void)t;
	return current->container;
}

static const struct sys_ops fake_ops = {
	.kexec_file_load = fake_load,
	.reboot_kexec = fake_reboot,
	.link_set = fake_link,
	.sync = fake_sync,
	.exec = fake_exec,
	.may_reboot = fake_may_reboot,
	.in_container = fake_in_container,
};

struct machine *machine_new(void)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	strcpy(m->dir, "/tmp/kexec-tdx-test.XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	m->privileged = true;
	current = m;
	return m;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void machine_free(struct machine *m)
{
	assert_int_equal(nftw(m->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(m->out);
	free(m->err);
	free(m);
}

const char *machine_path(struct machine *m, const char *path)
{
	static char full[512];

	snprintf(full, sizeof(full), "%s%s", m->dir, path);
	return full;
}

const char *machine_file(struct machine *m, const char *path, const void *data, size_t n)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", m->dir, path);
	for (char *p = full + strlen(m->dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
		*p = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return machine_path(m, path);
}

const char *machine_text(struct machine *m, const char *path, const char *text)
{
	return machine_file(m, path, text, strlen(text));
}

int run(struct machine *m, ...)
{
	char *argv[64] = { strdup("kexec-tdx") };
	char *freed[64];
	size_t out_size, err_size;
	struct tool t = { .sysroot = m->dir, .sys = &fake_ops };
	int argc = 1;
	const char *arg;
	va_list ap;

	va_start(ap, m);
	while ((arg = va_arg(ap, const char *))) {
		assert_true(argc < 63);
		argv[argc++] = strdup(arg);
	}
	va_end(ap);
	memcpy(freed, argv, sizeof(freed));	/* getopt reorders argv */

	free(m->out);
	free(m->err);
	m->calls[0] = '\0';
	t.out = open_memstream(&m->out, &out_size);
	t.err = open_memstream(&m->err, &err_size);
	assert_non_null(t.out);
	assert_non_null(t.err);
	m->status = tool_run(&t, argc, argv);
	fclose(t.out);
	fclose(t.err);
	for (int i = 0; i < argc; i++)
		free(freed[i]);
	return m->status;
}

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = v;
	p[1] = v >> 8;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v & 0xffff);
	put16(p + 2, v >> 16);
}

void make_bzimage(uint8_t image[BZIMAGE_SIZE])
{
	memset(image, 0x90, BZIMAGE_SIZE);
	memcpy(image, "MZ", 2);
	image[0x1f1] = 15;			/* setup: 16 sectors in all */
	put32(image + 0x1f4, 4096 / 16);	/* the rest */
	put16(image + 0x1fe, 0xaa55);
	image[0x200] = 0xeb;
	image[0x201] = 0x6a;
	memcpy(image + 0x202, "HdrS", 4);
	put16(image + 0x206, 0x20f);
	image[0x211] = 1;
	put16(image + 0x236, 0x7f);
	put32(image + 0x238, 2047);
	put32(image + 0x248, 0x100);
	put32(image + 0x24c, 0xe00);
}

int machine_setup(void **state)
{
	struct machine *m = machine_new();
	uint8_t bz[BZIMAGE_SIZE];

	make_bzimage(bz);
	machine_file(m, "/boot/k", bz, sizeof(bz));
	machine_text(m, "/boot/i", "initrd");
	machine_text(m, "/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 crashkernel=256M ro\n");
	machine_text(m, "/sys/kernel/kexec_loaded", "0\n");
	machine_text(m, "/sys/kernel/kexec_crash_loaded", "0\n");
	machine_text(m, "/sys/kernel/kexec_crash_size", "268435456\n");
	*state = m;
	return 0;
}

int machine_teardown(void **state)
{
	machine_free(*state);
	return 0;
}

int lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

void assert_refused(struct machine *m, const char *name, const char *says)
{
	assert_int_equal(m->status, 1);
	assert_string_equal(m->calls, "");
	assert_string_equal(m->out, "");
	assert_int_equal(lines(m->err), 1);
	assert_int_equal(strncmp(m->err, "kexec-tdx: ", 11), 0);
	if (!strstr(m->err, name) || !strstr(m->err, says))
		fail_msg("'%s' does not name '%s' and '%s'", m->err, name, says);
}
