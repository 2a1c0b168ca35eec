/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that depends on the kernel built against, found by feature and
 * not by version.
 */
#ifndef TDX_RESET_COMPAT_H
#define TDX_RESET_COMPAT_H

#include <linux/fprobe.h>
#include <linux/ftrace.h>
#include <linux/gfp.h>
#include <linux/kexec.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <asm/cpufeature.h>

#if !defined(CONFIG_KPROBES) || (defined(CONFIG_INTEL_TDX_HOST) && !defined(CONFIG_FPROBE))
#error "tdx_reset watches SEAMCALLs: the kernel needs CONFIG_KPROBES and CONFIG_FPROBE"
#endif
/*
 * The mode.  A kernel with TDX host support brings TDX up itself, and exports
 * tdx_enable() or has it inside: watch.  Any other: own; Kbuild takes the files.
 * The kernel has no CPU feature then that tells a TDX host.
 */
#ifdef CONFIG_INTEL_TDX_HOST
#define COMPAT_OWN_MODE 0
#else
#define COMPAT_OWN_MODE 1
#endif

/* What vmlinux exports to modules is not in its headers: Kbuild looks. */
#ifndef COMPAT_ALLOC_CONTIG
#define COMPAT_ALLOC_CONTIG 0	/* alloc_contig_pages() */
#endif
#ifndef COMPAT_ALLOC_CONTIG_RANGE
#define COMPAT_ALLOC_CONTIG_RANGE 0	/* alloc_contig_range() */
#endif
/* Its third argument: a migratetype, flags since. */
#ifdef ACR_FLAGS_NONE
#define COMPAT_CONTIG_KIND ACR_FLAGS_NONE
#else
#define COMPAT_CONTIG_KIND MIGRATE_MOVABLE
#endif
#ifndef COMPAT_CMA
#define COMPAT_CMA 0		/* cma_alloc(), dev_get_cma_area() */
#endif

#ifndef COMPAT_CPUS_HELD
#define COMPAT_CPUS_HELD 0	/* lockdep_assert_cpus_held() */
#endif
#if COMPAT_CPUS_HELD
#define compat_assert_cpus_held() lockdep_assert_cpus_held()
#else
#define compat_assert_cpus_held() do { } while (0)
#endif

#ifndef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
#error "tdx_reset hooks machine_kexec(): the kernel needs CONFIG_DYNAMIC_FTRACE"
#endif
#ifndef CONFIG_KEXEC_CORE
#error "tdx_reset guards kexec: the kernel needs CONFIG_KEXEC or CONFIG_KEXEC_FILE"
#endif

/* The platform bits came with INTEL_TDX_HOST (6.8). */
#ifdef X86_FEATURE_TDX_HOST_PLATFORM
#define compat_tdx_host_platform() boot_cpu_has(X86_FEATURE_TDX_HOST_PLATFORM)
#else
#define compat_tdx_host_platform() false
#endif

#ifdef X86_BUG_TDX_PW_MCE
#define compat_kernel_knows_erratum() boot_cpu_has_bug(X86_BUG_TDX_PW_MCE)
#else
#define compat_kernel_knows_erratum() false
#endif

/* fprobes on top of the function graph tracer (6.14) hand out other registers. */
#ifdef CONFIG_HAVE_FTRACE_GRAPH_FUNC
#define compat_fprobe_regs struct ftrace_regs
#define compat_fprobe_arg(regs, n) ftrace_regs_get_argument(regs, n)
#else
#define compat_fprobe_regs struct pt_regs
#define compat_fprobe_arg(regs, n) regs_get_kernel_argument(regs, n)
#endif

/* A kernel that cannot remove modules does not count who uses them. */
#ifdef CONFIG_MODULE_UNLOAD
#define compat_module_refcount() module_refcount(THIS_MODULE)
#else
#define compat_module_refcount() 0
#endif

/* Segments that kexec_file_load() put into CMA memory, at their place (6.17). */
#ifdef KEXEC_FILE_NO_CMA
static inline bool compat_segment_in_cma(const struct kimage *image, unsigned long i)
{
	return image->segment_cma[i];
}
#else
static inline bool compat_segment_in_cma(const struct kimage *image, unsigned long i)
{
	return false;
}
#endif

/* crashkernel=...,cma (6.17): memory of the capture kernel that is in use. */
#ifdef CRASHKERNEL_CMA_RANGES_MAX
#define COMPAT_CRASH_CMA_MAX CRASHKERNEL_CMA_RANGES_MAX
#else
#define COMPAT_CRASH_CMA_MAX 0
#endif

/* Exported, but declared in a private header only. */
#ifdef CONFIG_RCU_STALL_COMMON
extern int rcu_cpu_stall_suppress;

static inline int compat_rcu_stall_suppress(int suppress)
{
	return xchg(&rcu_cpu_stall_suppress, suppress);
}
#else
static inline int compat_rcu_stall_suppress(int suppress)
{
	return 0;
}
#endif

#endif /* TDX_RESET_COMPAT_H */
