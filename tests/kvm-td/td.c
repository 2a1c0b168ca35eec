// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The order of ioctls, and what KVM demands of each, follow Linux 7.3:
 * arch/x86/kvm/vmx/tdx.c and virt/kvm/guest_memfd.c.
 */
#define _GNU_SOURCE
#include "td.h"
#include "uapi.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TD_PAGE			4096ULL
#define PUNCH_CHUNK		(64ULL << 10)
#define IOAPIC_PINS		24
#define MEASURED_PAGES		4ULL	/* 16 TDH.MR.EXTEND each */
#define ADDED_PAGES		4ULL
#define MAX_CPUID_CONFIG	128U	/* the most that Linux reads */
#define CPUID1_ECX_X2APIC	(1U << 21)

static int td_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line on standard error.  Always -1, for "return td_error(...)". */
static int td_error(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "kvm-td: %s\n", line);
	return -1;
}

/* A TDX sub-command on a VM or vCPU; the SEAMCALL status goes into the message. */
static int td_command(int fd, enum td_cmd_id id, uint32_t flags, void *data, const char *what)
{
	struct td_cmd cmd = { .id = id, .flags = flags, .data = (uintptr_t)data };
	int err;

	if (!ioctl(fd, KVM_MEMORY_ENCRYPT_OP, &cmd))
		return 0;
	err = errno;
	if (cmd.hw_error)
		return td_error("%s: %s, SEAMCALL status 0x%llx", what, strerror(err),
				(unsigned long long)cmd.hw_error);
	return td_error("%s: %s", what, strerror(err));
}

int td_open_kvm(void)
{
	int types, kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		return td_error("/dev/kvm: %s; is kvm_intel loaded?", strerror(errno));
	types = ioctl(kvm, KVM_CHECK_EXTENSION, TD_CAP_VM_TYPES);
	if (types >= 0 && types & (1 << TD_VM_TYPE))
		return kvm;
	close(kvm);
	return td_error("/dev/kvm: no TDs here; load kvm_intel with tdx=1 on a TDX host and see the kernel log");
}

/*
 * Attributes and XFAM: all that is supported (SEPT_VE_DISABLE is all there is
 * of the former).  CPUID: only the guest's physical address width, 48 bits,
 * which KVM insists on; its entry must not exceed what the module lets us set.
 */
static int init_vm(struct td *td)
{
	size_t entries = MAX_CPUID_CONFIG * sizeof(struct kvm_cpuid_entry2);
	struct td_capabilities *caps = calloc(1, sizeof(*caps) + entries);
	struct td_init_vm *init = calloc(1, sizeof(*init) + sizeof(struct kvm_cpuid_entry2));
	int ret = -1;

	if (!caps || !init) {
		td_error("no memory for TD parameters");
		goto out;
	}
	caps->cpuid.nent = MAX_CPUID_CONFIG;
	if (td_command(td->vm, TD_CMD_CAPABILITIES, 0, caps, "KVM_TDX_CAPABILITIES"))
		goto out;
	init->attributes = caps->supported_attrs;
	init->xfam = caps->supported_xfam;
	init->cpuid.nent = 1;
	init->cpuid.entries[0].function = 0x80000008;
	init->cpuid.entries[0].eax = 48U << 16;
	ret = td_command(td->vm, TD_CMD_INIT_VM, 0, init, "KVM_TDX_INIT_VM");
out:
	free(init);
	free(caps);
	return ret;
}

/*
 * Linux 7.3 flushes a vCPU that changes its CPU (TDH.VP.FLUSH) only once this
 * ioctl is over.  A thread that moves between its TDH.VP.INIT and its TDH.VP.WR
 * makes KVM give up the TD ("WARNING: arch/x86/kvm/vmx/tdx.c", the status is
 * TDX_VCPU_ASSOCIATED): it stays where it is meanwhile.
 */
static int init_vcpu(int fd)
{
	cpu_set_t before, here;
	int cpu = sched_getcpu(), ret;

	if (cpu < 0 || sched_getaffinity(0, sizeof(before), &before))
		return td_error("affinity: %s", strerror(errno));
	CPU_ZERO(&here);
	CPU_SET(cpu, &here);
	if (sched_setaffinity(0, sizeof(here), &here))
		return td_error("affinity to CPU %d: %s", cpu, strerror(errno));
	ret = td_command(fd, TD_CMD_INIT_VCPU, 0, NULL, "KVM_TDX_INIT_VCPU");
	if (sched_setaffinity(0, sizeof(before), &before))
		return td_error("affinity: %s", strerror(errno));
	return ret;
}

static int add_vcpu(struct td *td)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[2];
	} cpuid = {
		.head.nent = 2,
		/* TDX wants x2APIC; KVM checks it against this. */
		.entry[0] = { .function = 1, .ecx = CPUID1_ECX_X2APIC },
		.entry[1] = { .function = 0x80000008, .eax = 48U << 8 | 48U },
	};
	unsigned int id = td->nr_vcpus;
	int fd = ioctl(td->vm, KVM_CREATE_VCPU, (unsigned long)id);

	if (fd < 0)
		return td_error("vCPU %u: %s%s", id, strerror(errno),
				errno == EINVAL ? "; a TD has at most as many as the host has CPUs" : "");
	td->vcpu[td->nr_vcpus++] = fd;
	if (ioctl(fd, KVM_SET_CPUID2, &cpuid))
		return td_error("vCPU %u: KVM_SET_CPUID2: %s", id, strerror(errno));
	return init_vcpu(fd);
}

/* One slot at GPA 0, backed by guest_memfd, all of it private. */
static int add_memory(struct td *td)
{
	struct td_create_memfd create = { .size = td->size };
	struct td_region2 region = { .flags = TD_MEM_GUEST_MEMFD, .size = td->size };
	struct td_mem_attributes attr = { .size = td->size, .attributes = TD_MEM_ATTR_PRIVATE };

	td->memfd = ioctl(td->vm, TD_CREATE_MEMFD, &create);
	if (td->memfd < 0)
		return td_error("guest_memfd of %llu MiB: %s",
				(unsigned long long)td->size >> 20, strerror(errno));
	td->window = mmap(NULL, td->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (td->window == MAP_FAILED) {
		td->window = NULL;
		return td_error("%llu MiB of address space: %s",
				(unsigned long long)td->size >> 20, strerror(errno));
	}
	region.userspace_addr = (uintptr_t)td->window;
	region.memfd = (uint32_t)td->memfd;
	if (ioctl(td->vm, TD_SET_REGION2, &region))
		return td_error("KVM_SET_USER_MEMORY_REGION2: %s", strerror(errno));
	if (ioctl(td->vm, TD_SET_MEM_ATTRIBUTES, &attr))
		return td_error("KVM_SET_MEMORY_ATTRIBUTES: %s", strerror(errno));
	return 0;
}

/* Add @nr pages from @gpa with recognisable contents; KVM advances the range. */
static int add_pages(struct td *td, uint64_t gpa, uint64_t nr, uint32_t flags)
{
	struct td_init_mem_region range = { .gpa = gpa, .nr_pages = nr };
	void *source = NULL;
	int ret;

	if (posix_memalign(&source, TD_PAGE, nr * TD_PAGE))
		return td_error("no memory for %llu source pages", (unsigned long long)nr);
	memset(source, 0x7d, nr * TD_PAGE);
	range.source_addr = (uintptr_t)source;
	ret = td_command(td->vcpu[0], TD_CMD_INIT_MEM_REGION, flags, &range, "KVM_TDX_INIT_MEM_REGION");
	free(source);
	return ret;
}

static int pre_fault(int vcpu, uint64_t gpa, uint64_t size)
{
	struct td_pre_fault range = { .gpa = gpa, .size = size };

	/* 0 with something left: a signal or a race stopped it half-way. */
	while (range.size) {
		if (!ioctl(vcpu, TD_PRE_FAULT, &range) || errno == EINTR || errno == EAGAIN)
			continue;
		return td_error("KVM_PRE_FAULT_MEMORY at GPA 0x%llx: %s",
				(unsigned long long)range.gpa, strerror(errno));
	}
	return 0;
}

int td_fill(struct td *td)
{
	uint64_t pages = td->size / TD_PAGE, start = 0, end;
	unsigned int i;

	for (i = 0; i < td->nr_vcpus; i++, start = end) {
		end = pages * (i + 1) / td->nr_vcpus;
		if (end > start && pre_fault(td->vcpu[i], start * TD_PAGE, (end - start) * TD_PAGE))
			return -1;
	}
	return 0;
}

int td_punch(struct td *td)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	uint64_t at;

	for (at = 0; at < td->size; at += 2 * PUNCH_CHUNK)
		if (fallocate(td->memfd, mode, (off_t)at, PUNCH_CHUNK))
			return td_error("hole at 0x%llx: %s", (unsigned long long)at, strerror(errno));
	return 0;
}

int td_create(struct td *td, int kvm, uint64_t size, unsigned int nr_vcpus)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = IOAPIC_PINS };

	*td = (struct td){ .memfd = -1, .size = size };
	td->vm = ioctl(kvm, KVM_CREATE_VM, (unsigned long)TD_VM_TYPE);
	if (td->vm < 0)
		return td_error("KVM_CREATE_VM: %s", strerror(errno));
	if (ioctl(td->vm, KVM_ENABLE_CAP, &split))
		return td_error("KVM_CAP_SPLIT_IRQCHIP: %s", strerror(errno));
	if (init_vm(td))
		return -1;
	while (td->nr_vcpus < nr_vcpus)
		if (add_vcpu(td))
			return -1;
	if (add_memory(td) ||
	    add_pages(td, 0, MEASURED_PAGES, TD_MEASURE_MEMORY_REGION) ||
	    add_pages(td, MEASURED_PAGES * TD_PAGE, ADDED_PAGES, 0) ||
	    td_command(td->vm, TD_CMD_FINALIZE_VM, 0, NULL, "KVM_TDX_FINALIZE_VM"))
		return -1;
	return td_fill(td);
}

/*
 * The guest_memfd goes first: KVM then removes the pages while the TD still
 * has its KeyID.  The last descriptor of the VM frees the TD itself.
 */
void td_destroy(struct td *td)
{
	if (td->memfd >= 0)
		close(td->memfd);
	while (td->nr_vcpus)
		close(td->vcpu[--td->nr_vcpus]);
	if (td->vm >= 0)
		close(td->vm);
	if (td->window)
		munmap(td->window, td->size);
	*td = (struct td){ .vm = -1, .memfd = -1 };
}
