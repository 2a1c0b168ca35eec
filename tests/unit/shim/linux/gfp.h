/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page allocation by the C library.  shim_pages_until_failure lets a test run
 * out of memory at a chosen allocation; shim_pages_held counts the pages that are
 * not yet freed.  Both are defined by the test that links this.
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

static inline size_t shim_whole_pages(size_t size)
{
	return (size + SHIM_PAGE_SIZE - 1) & ~(SHIM_PAGE_SIZE - 1);
}

static inline void *alloc_pages_exact(size_t size, int flags)
{
	size_t whole = shim_whole_pages(size);
	void *pages;

	(void)flags;
	if (!shim_pages_until_failure)
		return NULL;
	shim_pages_until_failure--;
	pages = SHIM_ALLOC(SHIM_PAGE_SIZE, whole);
	if (!pages)
		abort();
	memset(pages, 0, whole);
	shim_pages_held += whole / SHIM_PAGE_SIZE;
	return pages;
}

static inline void free_pages_exact(void *pages, size_t size)
{
	if (!pages)
		return;
	shim_pages_held -= shim_whole_pages(size) / SHIM_PAGE_SIZE;
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

/* The slab's, not larger than a page: counted as one. */
static inline void *kzalloc(size_t size, int flags)
{
	if (size > SHIM_PAGE_SIZE)
		abort();
	return alloc_pages_exact(size, flags);
}

static inline void kfree(void *object)
{
	free_pages_exact(object, SHIM_PAGE_SIZE);
}

#endif /* SHIM_LINUX_GFP_H */
