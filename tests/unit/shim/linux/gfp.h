/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page allocation by the C library.  shim_pages_until_failure lets a test run
 * out of memory at a chosen allocation; shim_pages_held counts what is not yet
 * freed.  Both are defined by the test that links this.
 */
#ifndef SHIM_LINUX_GFP_H
#define SHIM_LINUX_GFP_H

#include <linux/atomic.h>
#include <stdlib.h>
#include <string.h>

#define GFP_KERNEL	0
#define __GFP_ZERO	0
#define SHIM_PAGE_SIZE	4096UL

#ifndef SHIM_ALLOC
#define SHIM_ALLOC(align, size) aligned_alloc(align, size)
#define SHIM_FREE(memory) free(memory)
#endif

extern long shim_pages_until_failure;	/* negative: never */
extern long shim_pages_held;

static inline void *alloc_pages_exact(size_t size, int flags)
{
	size_t whole = (size + SHIM_PAGE_SIZE - 1) & ~(SHIM_PAGE_SIZE - 1);
	void *pages;

	(void)flags;
	if (!shim_pages_until_failure)
		return NULL;
	shim_pages_until_failure--;
	pages = SHIM_ALLOC(SHIM_PAGE_SIZE, whole);
	if (!pages)
		abort();
	memset(pages, 0, whole);
	shim_pages_held++;
	return pages;
}

static inline void free_pages_exact(void *pages, size_t size)
{
	(void)size;
	if (!pages)
		return;
	shim_pages_held--;
	SHIM_FREE(pages);
}

static inline unsigned long get_zeroed_page(int flags)
{
	return (unsigned long)alloc_pages_exact(SHIM_PAGE_SIZE, flags);
}

static inline void free_page(unsigned long page)
{
	free_pages_exact((void *)page, SHIM_PAGE_SIZE);
}

/* The slab's: counted with the pages. */
static inline void *kzalloc(size_t size, int flags)
{
	return alloc_pages_exact(size, flags);
}

static inline void kfree(void *object)
{
	free_pages_exact(object, 0);
}

#endif /* SHIM_LINUX_GFP_H */
