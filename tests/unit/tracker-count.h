/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hooks of the shim for tracker-bitmap.c: words that are read are counted. */
#ifndef TRACKER_COUNT_H
#define TRACKER_COUNT_H

extern unsigned long shim_words_read;

#define SHIM_STEP_READ(address) ((void)(address), (void)shim_words_read++)

#endif /* TRACKER_COUNT_H */
