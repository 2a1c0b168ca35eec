/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that depends on the kernel built against, found by feature and
 * not by version.
 */
#ifndef TDX_RESET_COMPAT_H
#define TDX_RESET_COMPAT_H

#include <linux/fprobe.h>
#include <linux/ftrace.h>
#include <linux/kexec.h>
#include <linux/kprobes.h>
#include <asm/cpufeature.h>

#if !defined(CONFIG_KPROBES) || !defined(CONFIG_FPROBE)
#error "tdx_reset watches SEAMCALLs: the kernel needs CONFIG_KPROBES and CONFIG_FPROBE"
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
typedef struct ftrace_regs compat_fprobe_regs;
#define compat_fprobe_arg(regs, n) ftrace_regs_get_argument(regs, n)
#else
typedef struct pt_regs compat_fprobe_regs;
#define compat_fprobe_arg(regs, n) regs_get_kernel_argument(regs, n)
#endif

/* crashkernel=...,cma (6.17): memory of the capture kernel that is in use. */
#ifdef CRASHKERNEL_CMA_RANGES_MAX
#define COMPAT_CRASH_CMA_MAX CRASHKERNEL_CMA_RANGES_MAX
#else
#define COMPAT_CRASH_CMA_MAX 0
#endif

#endif /* TDX_RESET_COMPAT_H */
