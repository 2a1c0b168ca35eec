/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/gfp.h>
#include <linux/xarray-host.h>
