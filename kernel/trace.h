/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: /sys/kernel/tracing/events/tdx_reset.  Described for who uses them
 * in Documentation/tdx_reset.md.
 *
 * Where they may be: what a tracer does is its own affair (tp_printk and BPF maps
 * take locks), so a CPU that was stopped for ever may hold its lock.  So none is
 * on the way of a crash, and none in machine_kexec(): the hand-off is told where
 * all CPUs are still alive, in machine_shutdown().  In a kprobe's handler they are
 * allowed: RCU watches there, and nothing in a tracer makes a SEAMCALL.
 *
 * When off, each is a jump that is not taken.
 *
 *   tdx_set	pages entered the tracker: @nr that the SEAMCALL @leaf names (or
 *		that the search found, RDMD), @added of them new
 *   tdx_clear	pages left it: rewritten, or the SEAMCALL failed
 *   tdx_scrub	pages left it: rewritten by one CPU in the parallel pass, in @ns
 *   tdx_handoff	what is left to the last moment of a normal kexec
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tdx_reset

#if !defined(TDX_RESET_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TDX_RESET_TRACE_H

#include <linux/tracepoint.h>

#include "tdx/abi.h"

#define TRACE_LEAF_NAMES						\
	{ TDH_MNG_CREATE,		"TDH.MNG.CREATE" },		\
	{ TDH_MNG_ADDCX,		"TDH.MNG.ADDCX" },		\
	{ TDH_VP_CREATE,		"TDH.VP.CREATE" },		\
	{ TDH_VP_ADDCX,			"TDH.VP.ADDCX" },		\
	{ TDH_MEM_SEPT_ADD,		"TDH.MEM.SEPT.ADD" },		\
	{ TDH_MEM_PAGE_ADD,		"TDH.MEM.PAGE.ADD" },		\
	{ TDH_MEM_PAGE_AUG,		"TDH.MEM.PAGE.AUG" },		\
	{ TDH_MEM_PAGE_RELOCATE,	"TDH.MEM.PAGE.RELOCATE" },	\
	{ TDH_MEM_PAGE_DEMOTE,		"TDH.MEM.PAGE.DEMOTE" },	\
	{ TDH_PHYMEM_PAGE_RDMD,		"TDH.PHYMEM.PAGE.RDMD" },	\
	{ TDH_SYS_CONFIG,		"TDH.SYS.CONFIG" }

TRACE_EVENT(tdx_set,
	TP_PROTO(u64 pfn, u64 nr, u64 added, u64 leaf),
	TP_ARGS(pfn, nr, added, leaf),
	TP_STRUCT__entry(
		__field(u64, pfn)
		__field(u64, nr)
		__field(u64, added)
		__field(u64, leaf)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->nr = nr;
		__entry->added = added;
		__entry->leaf = leaf;
	),
	TP_printk("pfn=%#llx nr=%llu added=%llu leaf=%s", __entry->pfn, __entry->nr,
		  __entry->added, __print_symbolic(__entry->leaf, TRACE_LEAF_NAMES))
);

TRACE_EVENT(tdx_clear,
	TP_PROTO(u64 pfn, u64 nr, u64 cleared, bool failed),
	TP_ARGS(pfn, nr, cleared, failed),
	TP_STRUCT__entry(
		__field(u64, pfn)
		__field(u64, nr)
		__field(u64, cleared)
		__field(bool, failed)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->nr = nr;
		__entry->cleared = cleared;
		__entry->failed = failed;
	),
	TP_printk("pfn=%#llx nr=%llu cleared=%llu why=%s", __entry->pfn, __entry->nr,
		  __entry->cleared, __entry->failed ? "failed" : "rewritten")
);

TRACE_EVENT(tdx_scrub,
	TP_PROTO(u64 pfn, u64 nr, u64 ns),
	TP_ARGS(pfn, nr, ns),
	TP_STRUCT__entry(
		__field(u64, pfn)
		__field(u64, nr)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->nr = nr;
		__entry->ns = ns;
	),
	TP_printk("pfn=%#llx nr=%llu ns=%llu", __entry->pfn, __entry->nr, __entry->ns)
);

TRACE_EVENT(tdx_handoff,
	TP_PROTO(u64 pages, u64 scrubbed, u64 left, const char *refused),
	TP_ARGS(pages, scrubbed, left, refused),
	TP_STRUCT__entry(
		__field(u64, pages)
		__field(u64, scrubbed)
		__field(u64, left)
		__string(refused, refused)
	),
	TP_fast_assign(
		__entry->pages = pages;
		__entry->scrubbed = scrubbed;
		__entry->left = left;
		__assign_str(refused);
	),
	TP_printk("pages=%llu scrubbed=%llu left=%llu refused=\"%s\"", __entry->pages,
		  __entry->scrubbed, __entry->left, __get_str(refused))
);

#endif /* TDX_RESET_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
