/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Linux offers to create TDs with and a Debian 12 or 13 linux-libc-dev
 * does not declare yet.  Numbers and layouts are ABI; the names are ours, so
 * that nothing clashes with a newer <linux/kvm.h>, against which the layouts
 * are checked at build time where it has them.
 *
 * Linux 6.8: guest_memfd, memory attributes, region2; 6.11: pre-fault;
 * 6.16: KVM_X86_TDX_VM.
 */
#ifndef KVM_TD_UAPI_H
#define KVM_TD_UAPI_H

#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define TD_VM_TYPE		5	/* argument of KVM_CREATE_VM */
#define TD_CAP_VM_TYPES		235	/* bit mask of such types */

#define TD_MEM_GUEST_MEMFD	(1U << 2)
#define TD_MEM_ATTR_PRIVATE	(1ULL << 3)

struct td_region2 {
	uint32_t slot;
	uint32_t flags;
	uint64_t gpa;
	uint64_t size;
	uint64_t userspace_addr;
	uint64_t memfd_offset;
	uint32_t memfd;
	uint32_t pad1;
	uint64_t pad2[14];
};

struct td_mem_attributes {
	uint64_t gpa;
	uint64_t size;
	uint64_t attributes;
	uint64_t flags;
};

struct td_create_memfd {
	uint64_t size;
	uint64_t flags;
	uint64_t reserved[6];
};

struct td_pre_fault {
	uint64_t gpa;
	uint64_t size;
	uint64_t flags;
	uint64_t padding[5];
};

#define TD_SET_REGION2		_IOW(KVMIO, 0x49, struct td_region2)
#define TD_SET_MEM_ATTRIBUTES	_IOW(KVMIO, 0xd2, struct td_mem_attributes)
#define TD_CREATE_MEMFD		_IOWR(KVMIO, 0xd4, struct td_create_memfd)
#define TD_PRE_FAULT		_IOWR(KVMIO, 0xd5, struct td_pre_fault)

/* Sub-commands of KVM_MEMORY_ENCRYPT_OP; .data points to the structures below. */
enum td_cmd_id {
	TD_CMD_CAPABILITIES,
	TD_CMD_INIT_VM,
	TD_CMD_INIT_VCPU,
	TD_CMD_INIT_MEM_REGION,
	TD_CMD_FINALIZE_VM,
};

struct td_cmd {
	uint32_t id;
	uint32_t flags;
	uint64_t data;
	uint64_t hw_error;	/* out: SEAMCALL status; in: must be 0 */
};

struct td_capabilities {
	uint64_t supported_attrs;
	uint64_t supported_xfam;
	uint64_t tdvmcallinfo[4];
	uint64_t reserved[250];
	struct kvm_cpuid2 cpuid;	/* configurable bits */
};

struct td_init_vm {
	uint64_t attributes;
	uint64_t xfam;
	uint64_t mrconfigid[6];
	uint64_t mrowner[6];
	uint64_t mrownerconfig[6];
	uint64_t reserved[12];
	struct kvm_cpuid2 cpuid;
};

#define TD_MEASURE_MEMORY_REGION	(1U << 0)

struct td_init_mem_region {
	uint64_t source_addr;
	uint64_t gpa;
	uint64_t nr_pages;
};

#ifdef KVM_MEM_GUEST_MEMFD
_Static_assert(TD_SET_REGION2 == KVM_SET_USER_MEMORY_REGION2, "region2");
_Static_assert(TD_SET_MEM_ATTRIBUTES == KVM_SET_MEMORY_ATTRIBUTES, "attributes");
_Static_assert(TD_CREATE_MEMFD == KVM_CREATE_GUEST_MEMFD, "guest_memfd");
#endif
#ifdef KVM_PRE_FAULT_MEMORY
_Static_assert(TD_PRE_FAULT == KVM_PRE_FAULT_MEMORY, "pre-fault");
#endif
#ifdef KVM_X86_TDX_VM
_Static_assert(TD_VM_TYPE == KVM_X86_TDX_VM, "VM type");
_Static_assert(TD_CMD_FINALIZE_VM == (int)KVM_TDX_FINALIZE_VM, "commands");
_Static_assert(sizeof(struct td_cmd) == sizeof(struct kvm_tdx_cmd), "command");
_Static_assert(sizeof(struct td_capabilities) == sizeof(struct kvm_tdx_capabilities), "capabilities");
_Static_assert(sizeof(struct td_init_vm) == sizeof(struct kvm_tdx_init_vm), "init");
_Static_assert(sizeof(struct td_init_mem_region) == sizeof(struct kvm_tdx_init_mem_region), "memory");
#endif

#endif
