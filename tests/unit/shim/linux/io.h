/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In a test the physical address of a page is its address. */
#ifndef SHIM_LINUX_IO_H
#define SHIM_LINUX_IO_H

#include <linux/types.h>

static inline u64 virt_to_phys(const void *address)
{
	return (u64)(uintptr_t)address;
}

static inline void *phys_to_virt(u64 pa)
{
	return (void *)(uintptr_t)pa;
}

#endif /* SHIM_LINUX_IO_H */
