/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SEAMCALL ABI as far as this project reads or speaks it: leaf numbers,
 * completion status codes, page types, metadata fields.  Numbers only, no
 * code, so that the kernel component, the tools and the simulated host all
 * take them from here.
 *
 * Sources: Intel TDX Module ABI reference (348551), and what Linux uses:
 * arch/x86/virt/vmx/tdx/tdx.h, arch/x86/include/asm/shared/tdx_errno.h.
 *
 * In: RAX = leaf (bits 15:0) | version << 16, operands RCX RDX R8-R11.
 * Out: RAX = status, RCX RDX R8-R11.  CF = VMfailInvalid, RAX untouched.
 */
#ifndef TDX_ABI_H
#define TDX_ABI_H

#define TDX_LEAF_MASK			0xffffULL
#define TDX_LEAF_VERSION_SHIFT		16
#define TDX_SEAMLDR_BIT			(1ULL << 63)	/* RAX[63]: P-SEAMLDR, not the module */

/* Host-side leaves (TDH.*). */
#define TDH_MNG_ADDCX			1
#define TDH_MEM_PAGE_ADD		2
#define TDH_MEM_SEPT_ADD		3
#define TDH_VP_ADDCX			4
#define TDH_MEM_PAGE_RELOCATE		5
#define TDH_MEM_PAGE_AUG		6
#define TDH_MEM_RANGE_BLOCK		7
#define TDH_MNG_KEY_CONFIG		8
#define TDH_MNG_CREATE			9
#define TDH_VP_CREATE			10
#define TDH_MNG_RD			11
#define TDH_MEM_RD			12
#define TDH_MNG_WR			13
#define TDH_MEM_WR			14
#define TDH_MEM_PAGE_DEMOTE		15
#define TDH_MR_EXTEND			16
#define TDH_MR_FINALIZE			17
#define TDH_VP_FLUSH			18
#define TDH_MNG_VPFLUSHDONE		19
#define TDH_MNG_KEY_FREEID		20
#define TDH_MNG_INIT			21
#define TDH_VP_INIT			22
#define TDH_MEM_PAGE_PROMOTE		23
#define TDH_PHYMEM_PAGE_RDMD		24
#define TDH_MEM_SEPT_RD			25
#define TDH_VP_RD			26
#define TDH_PHYMEM_PAGE_RECLAIM		28
#define TDH_MEM_PAGE_REMOVE		29
#define TDH_MEM_SEPT_REMOVE		30
#define TDH_SYS_KEY_CONFIG		31
#define TDH_SYS_INFO			32
#define TDH_SYS_INIT			33
#define TDH_SYS_RD			34
#define TDH_SYS_LP_INIT			35
#define TDH_SYS_TDMR_INIT		36
#define TDH_MEM_TRACK			38
#define TDH_MEM_RANGE_UNBLOCK		39
#define TDH_PHYMEM_CACHE_WB		40
#define TDH_PHYMEM_PAGE_WBINVD		41
#define TDH_VP_WR			43
#define TDH_SYS_CONFIG			45
#define TDH_SYS_SHUTDOWN		52
#define TDH_SYS_UPDATE			53
#define TDH_SYS_DISABLE			69

/* Completion status, RAX.  Bits 31:0 are details: mask before comparing. */
#define TDX_STATUS_MASK			0xffffffff00000000ULL
#define TDX_STATUS_ERROR		(1ULL << 63)
#define TDX_SUCCESS			0ULL
#define TDX_INTERRUPTED_RESUMABLE	0x8000000300000000ULL
#define TDX_SYS_BUSY			0x8000020200000000ULL
#define TDX_RND_NO_ENTROPY		0x8000020300000000ULL
#define TDX_SYS_INIT_NOT_PENDING	0xc000050000000000ULL
#define TDX_SYS_LP_INIT_DONE		0xc000050300000000ULL
#define TDX_SYS_NOT_READY		0xc000050500000000ULL
#define TDX_SYS_SHUTDOWN		0xc000050600000000ULL
#define TDX_SYS_KEY_CONFIG_NOT_PENDING	0xc000050700000000ULL
#define TDX_SYS_LP_INIT_NOT_PENDING	0xc000050b00000000ULL
#define TDX_SYS_CONFIG_NOT_PENDING	0xc000050c00000000ULL
#define TDX_TDMR_ALREADY_INITIALIZED	0x00000a0300000000ULL
#define TDX_OPERAND_INVALID		0xc000010000000000ULL
#define TDX_OPERAND_OUT_OF_RANGE	0xc000010100000000ULL	/* page is in no TDMR */
#define TDX_OPERAND_BUSY		0x8000020000000000ULL
#define TDX_PAGE_METADATA_INCORRECT	0xc000030000000000ULL
#define TDX_PAGE_ALREADY_FREE		0x0000030100000000ULL
#define TDX_VCPU_NOT_ASSOCIATED		0x8000070200000000ULL
#define TDX_FLUSHVP_NOT_DONE		0x8000082400000000ULL

/* Page types in the PAMT, as TDH.PHYMEM.PAGE.RDMD answers in RCX. */
enum tdx_page_type {
	TDX_PT_NDA	= 0,	/* not given to TDX */
	TDX_PT_RSVD	= 1,	/* reserved: not in a TDMR, or the PAMT itself */
	TDX_PT_REG	= 3,	/* guest memory */
	TDX_PT_TDR	= 4,
	TDX_PT_TDCX	= 5,
	TDX_PT_TDVPR	= 6,
	TDX_PT_EPT	= 8,	/* secure EPT */
};

/* TDH.SYS.RD field ids, bits 33:32 = log2 of the element's bytes. */
#define TDX_MD_MINOR_VERSION		0x0800000100000003ULL
#define TDX_MD_MAJOR_VERSION		0x0800000100000004ULL
#define TDX_MD_UPDATE_VERSION		0x0800000100000005ULL
#define TDX_MD_FEATURES0		0x0A00000300000008ULL
#define TDX_MD_MAX_TDMRS		0x9100000100000008ULL
#define TDX_MD_MAX_RESERVED_PER_TDMR	0x9100000100000009ULL
#define TDX_MD_PAMT_4K_ENTRY_SIZE	0x9100000100000010ULL
#define TDX_MD_PAMT_2M_ENTRY_SIZE	0x9100000100000011ULL
#define TDX_MD_PAMT_1G_ENTRY_SIZE	0x9100000100000012ULL
#define TDX_MD_NUM_CMRS			0x9000000100000000ULL
#define TDX_MD_CMR_BASE			0x9000000300000080ULL	/* + index */
#define TDX_MD_CMR_SIZE			0x9000000300000100ULL	/* + index */
#define TDX_MAX_CMRS			32
#define TDX_FEATURES0_SYS_DISABLE	(1ULL << 53)

/* S-EPT levels in operand bits 2:0 and page sizes in RDMD's R8: 0 = 4 KiB. */
#define TDX_PS_4K			0
#define TDX_PS_2M			1
#define TDX_PS_1G			2

#define TDX_PAGE_SIZE			4096ULL
#define TDX_LINE_SIZE			64ULL

#endif /* TDX_ABI_H */
