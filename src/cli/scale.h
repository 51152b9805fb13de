/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scale: SERVICE=COUNT, the words of `up --scale` and of `scale`.
 */
#ifndef CLI_SCALE_H
#define CLI_SCALE_H

#include "cli/option.h"
#include "mstack/stack.h"

struct cli_scales VEC(struct stack_scale);

/* Strings are new; free the list with cli_scales_fini, after an error too. */
int cli_scales_parse(const char *command, const struct cli_words *words, struct cli_scales *ret,
		     struct err *err);
void cli_scales_fini(struct cli_scales *s);

#endif
