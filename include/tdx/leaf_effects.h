/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each SEAMCALL leaf does to the ownership of memory.  One table, read
 * by the kernel component, the simulator's tests and the documentation.
 *
 * Whoever wants the rows defines TDX_LEAF(name, page operand, size, version,
 * effect) and includes this file, as often as needed:
 *
 * page operand	RCX or R8: holds the physical address of the page
 *		NONE: no operand names it
 * size		4K: always 4 KiB
 *		LEVEL: RCX[2:0] is the level, 0 = 4 KiB, 1 = 2 MiB, 2 = 1 GiB
 *		R8_OUT: 4 KiB, or the level that R8 holds after success
 * version	the highest whose effect this row describes; a later one may name
 *		more pages (TDH.MEM.SEPT.ADD 1: the S-EPT of nested VMs in R9-R11)
 * effect	NONE: no page changes hands
 *		TAKES: on success the page is private
 *		RETURNS: on success the page is dirty: no longer TDX's, but
 *			not normal before it is rewritten by MOVDIR64B
 *		MOVES: TAKES the operand's page and RETURNS another one
 *		CONFIGURES: takes memory that no operand names (the PAMT)
 *		UPDATES: on success another TDX module takes over what is
 *			private, and the table may not be true of it
 *		ALL_NORMAL: on success every private page is normal
 *
 * A leaf or a version that is not in the table is unknown: whoever reads this
 * table has to assume the worst of it.
 *
 * Sources: Intel TDX Module ABI reference (348551); Linux arch/x86/virt/vmx/tdx
 * for the operands that Linux passes.  TDH.SYS.DISABLE: Linux 7.2 and later.
 */
#ifndef TDX_LEAF_EFFECTS_H
#define TDX_LEAF_EFFECTS_H

#include "tdx/abi.h"

/* Leaves of the table that nothing else in this project speaks. */
#define TDH_VP_ENTER			0
#define TDH_MNG_KEY_RECLAIMID		27
#define TDH_SYS_RDALL			37
#define TDH_SYS_LP_SHUTDOWN		44

enum tdx_effect {
	TDX_EFFECT_UNKNOWN,	/* 0, so that gaps in an array mean "not in the table" */
	TDX_EFFECT_NONE,
	TDX_EFFECT_TAKES,
	TDX_EFFECT_RETURNS,
	TDX_EFFECT_MOVES,
	TDX_EFFECT_CONFIGURES,
	TDX_EFFECT_UPDATES,
	TDX_EFFECT_ALL_NORMAL,
};

enum tdx_page_operand {
	TDX_OPERAND_NONE,
	TDX_OPERAND_RCX,
	TDX_OPERAND_R8,
};

enum tdx_page_size_source {
	TDX_SIZE_4K,
	TDX_SIZE_LEVEL,
	TDX_SIZE_R8_OUT,
};

#endif /* TDX_LEAF_EFFECTS_H */

#ifdef TDX_LEAF

/* control pages of a TD and of its vCPUs */
TDX_LEAF(TDH_MNG_CREATE,	RCX,  4K,     0, TAKES)
TDX_LEAF(TDH_MNG_ADDCX,		RCX,  4K,     0, TAKES)
TDX_LEAF(TDH_VP_CREATE,		RCX,  4K,     0, TAKES)
TDX_LEAF(TDH_VP_ADDCX,		RCX,  4K,     0, TAKES)

/* guest memory and secure EPT */
TDX_LEAF(TDH_MEM_SEPT_ADD,	R8,   4K,     0, TAKES)
TDX_LEAF(TDH_MEM_PAGE_ADD,	R8,   4K,     0, TAKES)
TDX_LEAF(TDH_MEM_PAGE_AUG,	R8,   LEVEL,  0, TAKES)
TDX_LEAF(TDH_MEM_PAGE_RELOCATE,	R8,   LEVEL,  0, MOVES)
TDX_LEAF(TDH_MEM_PAGE_DEMOTE,	R8,   4K,     0, TAKES)
TDX_LEAF(TDH_MEM_PAGE_PROMOTE,	NONE, 4K,     0, RETURNS)
TDX_LEAF(TDH_MEM_PAGE_REMOVE,	NONE, LEVEL,  0, RETURNS)
TDX_LEAF(TDH_MEM_SEPT_REMOVE,	NONE, 4K,     0, RETURNS)
TDX_LEAF(TDH_PHYMEM_PAGE_RECLAIM, RCX, R8_OUT, 0, RETURNS)

/* the whole platform */
TDX_LEAF(TDH_SYS_CONFIG,	NONE, 4K,     0, CONFIGURES)
TDX_LEAF(TDH_SYS_TDMR_INIT,	NONE, 4K,     0, CONFIGURES)
TDX_LEAF(TDH_SYS_DISABLE,	NONE, 4K,     0, ALL_NORMAL)

/* no page changes hands */
TDX_LEAF(TDH_VP_ENTER,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MEM_RANGE_BLOCK,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MNG_KEY_CONFIG,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MNG_RD,		NONE, 4K,     1, NONE)
TDX_LEAF(TDH_MEM_RD,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MNG_WR,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MEM_WR,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MR_EXTEND,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MR_FINALIZE,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_VP_FLUSH,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MNG_VPFLUSHDONE,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MNG_KEY_FREEID,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MNG_INIT,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_VP_INIT,		NONE, 4K,     1, NONE)
TDX_LEAF(TDH_PHYMEM_PAGE_RDMD,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MEM_SEPT_RD,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_VP_RD,		NONE, 4K,     1, NONE)
TDX_LEAF(TDH_MNG_KEY_RECLAIMID,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_SYS_KEY_CONFIG,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_SYS_INFO,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_SYS_INIT,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_SYS_RD,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_SYS_LP_INIT,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_SYS_RDALL,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MEM_TRACK,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_MEM_RANGE_UNBLOCK,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_PHYMEM_CACHE_WB,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_PHYMEM_PAGE_WBINVD, NONE, 4K,    0, NONE)
TDX_LEAF(TDH_VP_WR,		NONE, 4K,     0, NONE)
TDX_LEAF(TDH_SYS_LP_SHUTDOWN,	NONE, 4K,     0, NONE)
TDX_LEAF(TDH_SYS_SHUTDOWN,	NONE, 4K,     0, UPDATES)
TDX_LEAF(TDH_SYS_UPDATE,	NONE, 4K,     0, UPDATES)

#undef TDX_LEAF
#endif /* TDX_LEAF */
