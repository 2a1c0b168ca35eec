/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters that say in the log what they allow.
 */
#ifndef TDX_RESET_PARAMS_H
#define TDX_RESET_PARAMS_H

#include <linux/moduleparam.h>

extern const struct kernel_param_ops params_bool_ops;
extern const struct kernel_param_ops params_uint_ops;

#endif /* TDX_RESET_PARAMS_H */
