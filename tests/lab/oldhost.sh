#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# oldhost.sh SOURCE: makes a kernel source tree with TDX host support behave, as
# far as TDX and kexec go, like the kernels 6.18 to 7.1 on a CPU with the
# partial-write erratum:
#
#   refuse	machine_kexec_prepare() answers -EOPNOTSUPP: no kexec, no kdump
#   disable	TDH.SYS.DISABLE is never called; VMXOFF and WBINVD stay
#   demand	TDX is initialised when kvm_intel is loaded with tdx=1, and not
#		at boot (kernels before 7.1)
#
# Files are replaced, never written to, so that a tree of hard links will do.
# A place that is not found ends it: the tree is then of no use.
set -eu
if [ $# != 1 ] || [ ! -e "$1/Kbuild" ]; then
	echo "usage: oldhost.sh SOURCE" >&2
	exit 2
fi
cd "$1"

host=arch/x86/virt/vmx/tdx/tdx.c
metadata=arch/x86/virt/vmx/tdx/tdx_global_metadata.c
kvm=arch/x86/kvm/vmx/tdx.c

die() { echo "oldhost: $*" >&2; exit 1; }

# lines FILE PATTERN: how many lines of FILE match.
lines() { grep -c -e "$2" "$1" || :; }

# change FILE PATTERN COUNT SCRIPT: the lines that match PATTERN are COUNT in
# number, and the sed SCRIPT changes the file.
change() {
	[ -e "$1" ] || die "$1: no such file in this kernel; oldhost.sh has to be taught where it went"
	_found=$(lines "$1" "$2")
	[ "$_found" = "$3" ] ||
		die "$1: $_found lines match \"$2\", not $3; the kernel has changed there, look and adapt oldhost.sh"
	sed -e "$4" "$1" >"$1.oldhost"
	! cmp -s "$1" "$1.oldhost" || die "$1: the change at \"$2\" did nothing"
	chmod --reference="$1" "$1.oldhost"
	mv "$1.oldhost" "$1"
}

# expect FILE PATTERN COUNT: so it must be afterwards.
expect() {
	_found=$(lines "$1" "$2")
	[ "$_found" = "$3" ] || die "$1: $_found lines match \"$2\" after the changes, not $3"
}

# --- refuse
refusal='\
\
	if (boot_cpu_has_bug(X86_BUG_TDX_PW_MCE)) {\
		pr_info_once("Not allowed on platform with tdx_pw_mce bug\\n");\
		return -EOPNOTSUPP;\
	}'
change arch/x86/kernel/machine_kexec_64.c '^int machine_kexec_prepare(struct kimage \*image)$' 1 \
	"/^int machine_kexec_prepare(/,/^}/ { /^	int result;\$/ a $refusal
	}"
expect arch/x86/kernel/machine_kexec_64.c X86_BUG_TDX_PW_MCE 1
expect arch/x86/kernel/machine_kexec_64.c EOPNOTSUPP 1

# --- disable
change "$host" '^void tdx_sys_disable(void)$' 1 '/^void tdx_sys_disable(void)$/,/^}/ d'
change "$host" '^	tdx_sys_disable();$' 1 '/^	tdx_sys_disable();$/ d'
change arch/x86/kernel/crash.c '^	tdx_sys_disable();$' 1 '/^	tdx_sys_disable();$/ d'
change arch/x86/include/asm/tdx.h 'tdx_sys_disable(void)' 2 '/tdx_sys_disable(void)/ d'
change arch/x86/virt/vmx/tdx/tdx.h 'TDH_SYS_DISABLE' 1 '/TDH_SYS_DISABLE/ d'
! grep -rq --include='*.[chS]' -e tdx_sys_disable -e TDH_SYS_DISABLE arch/x86 ||
	die "TDH.SYS.DISABLE is still called: $(grep -rn --include='*.[chS]' -e tdx_sys_disable -e TDH_SYS_DISABLE arch/x86 | head -n 1)"

# --- demand.  What ran once at boot has to stay in memory, and so has the list
# of memory that it reads.
grep -A 20 '^config INTEL_TDX_HOST$' arch/x86/Kconfig | grep -q 'select ARCH_KEEP_MEMBLOCK' ||
	change arch/x86/Kconfig '^config INTEL_TDX_HOST$' 1 \
		'/^config INTEL_TDX_HOST$/,/^	help$/ s/^	depends on X86_MCE$/&\n	select ARCH_KEEP_MEMBLOCK/'
change "$metadata" '^static __init ' 5 's/^static __init /static /'
change "$host" '^static __init int tdx_enable(void)$' 1 's/^static __init /static /'
expect "$host" '__init.*(' 2	# tdx_init() and the erratum, at boot as before
change "$host" '^static int tdx_enable(void)$' 1 's/^\(static int \)tdx_enable(void)$/\1enable_once(void)/'
on_demand='\
/* May be called by several users; what it did the first time, it answers. */\
int tdx_enable(void)\
{\
	static DEFINE_MUTEX(lock);\
	static bool done;\
	static int result;\
\
	mutex_lock(&lock);\
	if (!done) {\
		result = enable_once();\
		done = true;\
	}\
	mutex_unlock(&lock);\
	return result;\
}\
EXPORT_SYMBOL_FOR_MODULES(tdx_enable, "kvm-intel");'
change "$host" '^subsys_initcall(tdx_enable);$' 1 "/^subsys_initcall(tdx_enable);\$/ c $on_demand"
change arch/x86/include/asm/tdx.h '^int tdx_cpu_enable(void);$' 1 's/^int tdx_cpu_enable(void);$/int tdx_enable(void);\n&/'
change "$kvm" '^	tdx_sysinfo = tdx_get_sysinfo();$' 1 \
	's/^	tdx_sysinfo = tdx_get_sysinfo();$/	if (tdx_enable())\n		return -ENODEV;\n&/'
