/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own header; its path is given by configure. */
#include <linux/xarray-host.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include LINUX_XARRAY_H
#pragma GCC diagnostic pop
