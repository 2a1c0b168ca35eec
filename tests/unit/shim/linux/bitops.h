/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Searching bitmaps, a word at a time. */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include <linux/kernel.h>

#define BITS_PER_LONG 64

#define hweight_long(word) ((unsigned long)__builtin_popcountl(word))

static inline unsigned long shim_find_bit(const unsigned long *bitmap,
					  unsigned long size,
					  unsigned long bit, unsigned long want)
{
	while (bit < size) {
		unsigned long word = READ_ONCE(bitmap[bit / BITS_PER_LONG]);

		word = (want ? word : ~word) >> bit % BITS_PER_LONG;
		if (word)
			return min(bit + __builtin_ctzl(word), size);
		bit += BITS_PER_LONG - bit % BITS_PER_LONG;
	}
	return size;
}

#define find_next_bit(bitmap, size, bit) shim_find_bit(bitmap, size, bit, 1)
#define find_next_zero_bit(bitmap, size, bit) shim_find_bit(bitmap, size, bit, 0)

#endif /* SHIM_LINUX_BITOPS_H */
