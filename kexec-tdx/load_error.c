// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load_error.h"
#include "sys_ops.h"
#include "sysroot.h"

static const char no_room_crash[] =
	"no room in the memory reserved for crash kernels; reserve more with crashkernel=";
static const char no_room[] =
	"no free memory range is large enough for it; free memory or use a smaller initrd";

static const struct {
	int err;
	const char *text;
} causes[] = {
	{ EOPNOTSUPP, "this kernel refuses kexec here, as Linux 6.18 to 7.1 does on CPUs with the TDX partial-write erratum; load tdx_reset with unlock=1 (if it is loaded without, remove it first; while TDX holds private memory only a reboot does); its coverage must be complete; or switch TDX off in the firmware setup" },
	{ ENOSYS, "this kernel has no kexec_file_load(2); use one with CONFIG_KEXEC_FILE, or give -c to go through kexec-tools" },
	{ EBUSY, "another load or a memory hotplug is going on; try again" },
	{ ENOMEM, "not enough free memory; free some or use a smaller initrd" },
	{ ENOEXEC, "the running kernel does not take this image (5-level paging, 32-bit EFI, or an image type it lacks); the kernel log has the reason" },
	{ EINVAL, "the running kernel found an argument invalid; the kernel log has the reason (-d makes it say more)" },
	{ EKEYREJECTED, "its signature is missing or not by a key this kernel trusts; use a kernel signed by your distribution" },
	{ ENOKEY, "it is signed by a key this kernel does not know; use a kernel signed by your distribution" },
	{ ENODATA, "it is not signed and this kernel takes signed ones only; use a kernel signed by your distribution" },
	{ EBADMSG, "its signature is damaged; install the kernel again" },
	{ ELIBBAD, "its signature or PE header is damaged; install the kernel again" },
	{ EACCES, "a security module (IMA, SELinux) forbids it; see the audit log" },
	{ ETXTBSY, "a file is open for writing; wait until it is written" },
	{ EFBIG, "a file is larger than this kernel reads; use a smaller initrd" },
	{ EIO, "a file could not be read; see the kernel log for disk errors" },
};

/* EPERM has many fathers: the first of these files that says so is it. */
static const struct {
	const char *path;
	int crash;		/* 1, 0 = for that image only, -1 = both */
	const char *value;	/* the whole content, or "[word]" inside it */
	const char *text;
	const char *unload_text;	/* NULL = no cause of this */
} eperm_causes[] = {
	{ "/proc/sys/kernel/kexec_load_disabled", -1, "1",
	  "loading is switched off until the next boot (sysctl kernel.kexec_load_disabled=1); load before it is set",
	  "loading and unloading are switched off until the next boot (sysctl kernel.kexec_load_disabled=1); it stays loaded until then" },
	{ "/proc/sys/kernel/kexec_load_limit_panic", 1, "0",
	  "the limit of crash loads is used up (sysctl kernel.kexec_load_limit_panic=0); it is given anew at the next boot",
	  "the limit of crash loads is used up, and unloading counts as one (sysctl kernel.kexec_load_limit_panic=0); it stays loaded until the next boot" },
	{ "/proc/sys/kernel/kexec_load_limit_reboot", 0, "0",
	  "the limit of loads is used up (sysctl kernel.kexec_load_limit_reboot=0); it is given anew at the next boot",
	  "the limit of loads is used up, and unloading counts as one (sysctl kernel.kexec_load_limit_reboot=0); it stays loaded until the next boot" },
	{ "/sys/kernel/security/lockdown", -1, "[integrity]",
	  "kernel lockdown takes signed kernels only; use one signed by your distribution", NULL },
	{ "/sys/kernel/security/lockdown", -1, "[confidentiality]",
	  "kernel lockdown takes signed kernels only; use one signed by your distribution", NULL },
};

static bool file_says(struct tool *t, const char *path, const char *value)
{
	char *text = sysroot_read(t, path);
	bool yes;

	if (!text)
		return false;
	yes = *value == '[' ? strstr(text, value) != NULL : strcmp(text, value) == 0;
	free(text);
	return yes;
}

static const char *eperm_text(struct tool *t, bool crash, bool unload)
{
	if (!t->sys->may_reboot(t))
		return "not permitted; run as root (CAP_SYS_BOOT)";
	for (size_t i = 0; i < sizeof(eperm_causes) / sizeof(eperm_causes[0]); i++) {
		const char *text = unload ? eperm_causes[i].unload_text : eperm_causes[i].text;

		if (text && (eperm_causes[i].crash < 0 || eperm_causes[i].crash == crash) &&
		    file_says(t, eperm_causes[i].path, eperm_causes[i].value))
			return text;
	}
	return "not permitted, by a security module or a container; see the kernel and audit logs";
}

const char *load_error_text(struct tool *t, int err, bool crash, bool unload)
{
	if (err == EPERM)
		return eperm_text(t, crash, unload);
	if (err == EADDRNOTAVAIL)
		return crash ? no_room_crash : no_room;
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].err == err)
			return causes[i].text;
	return strerror(err);
}
