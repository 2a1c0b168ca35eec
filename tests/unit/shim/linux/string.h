/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The C library's will do. */
#include <string.h>
