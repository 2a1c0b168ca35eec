/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters that say in the log what they allow.
 */
#ifndef TDX_RESET_PARAMS_H
#define TDX_RESET_PARAMS_H

#include <linux/moduleparam.h>

/**
 * struct params_choice - a parameter that is one of some words
 * @words: all that are allowed
 * @nr: how many
 * @chosen: index of the one
 */
struct params_choice {
	const char * const *words;
	unsigned int nr;
	unsigned int chosen;
};

extern const struct kernel_param_ops params_bool_ops;
extern const struct kernel_param_ops params_uint_ops;
extern const struct kernel_param_ops params_choice_ops;	/* of a struct params_choice */

#endif /* TDX_RESET_PARAMS_H */
