/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reread: a stack file from standard input that has to be read twice: by who looks which stack it is, and by who goes on, which may be a copy of our program.
 */
#ifndef CLI_REREAD_H
#define CLI_REREAD_H

#include "cli/option.h"

/* When a file is "-": standard input becomes one that can be read from its beginning again. 0, -1. */
int cli_reread_keep(const struct cli_options *o, struct err *err);
/* It has been read once. 0, -1. */
int cli_reread_again(const struct cli_options *o, struct err *err);

#endif
