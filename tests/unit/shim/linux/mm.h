/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared code needs no more of it than gfp.h and kernel.h have. */
#include <linux/gfp.h>
#include <linux/kernel.h>
