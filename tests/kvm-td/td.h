/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One TD, as a VMM makes it through KVM.  No vCPU is ever run. */
#ifndef KVM_TD_TD_H
#define KVM_TD_TD_H

#include <stddef.h>
#include <stdint.h>

#define TD_MAX_VCPUS	64

struct td {
	int vm;
	int memfd;
	int vcpu[TD_MAX_VCPUS];
	unsigned int nr_vcpus;
	uint64_t size;		/* bytes of private memory, from GPA 0 */
	void *window;		/* address space of the slot; never touched */
};

/**
 * td_open_kvm - open /dev/kvm and see that it can create TDs
 *
 * Return: file descriptor, or -1 with the reason on standard error.
 */
int td_open_kvm(void);

/**
 * td_create - make a TD whose memory is all private
 * @td: filled in; td_destroy() takes it in any state, also after a failure
 * @kvm: from td_open_kvm()
 * @size: bytes, a multiple of 1 MiB
 * @nr_vcpus: 1 to TD_MAX_VCPUS, at most the host's CPUs
 *
 * The first pages are added and measured, the next added, the TD finalized,
 * and the rest pre-faulted, so that the module sees TDH.MEM.PAGE.ADD,
 * TDH.MR.EXTEND and TDH.MEM.PAGE.AUG.
 *
 * Return: 0, or -1 with the reason on standard error.
 */
int td_create(struct td *td, int kvm, uint64_t size, unsigned int nr_vcpus);

/**
 * td_punch - take every other 64 KiB back from a TD
 * @td: from td_create()
 *
 * Return: 0, or -1 with the reason on standard error.
 */
int td_punch(struct td *td);

/**
 * td_fill - pre-fault whatever of a TD's memory is not mapped
 * @td: from td_create()
 *
 * The vCPUs do it in turn, each its slice, so that each gets associated
 * with the CPU it is done on.
 *
 * Return: 0, or -1 with the reason on standard error.
 */
int td_fill(struct td *td);

/**
 * td_destroy - close everything; KVM gives all pages back
 * @td: from td_create(), or what a failed td_create() left
 */
void td_destroy(struct td *td);

#endif
