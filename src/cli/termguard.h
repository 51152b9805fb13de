/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * termguard: a small process that puts the user's terminal back when we are killed, and are not there to do it.
 */
#ifndef CLI_TERMGUARD_H
#define CLI_TERMGUARD_H

#include "mstack/base.h"

struct cli_termguard {
	int fd; /* -1: there is none */
	pid_t pid;
};

/* Remembers how the terminal is now; fd -1: there is nothing to guard. */
int cli_termguard_begin(struct cli_termguard *ret, int fd, struct err *err);
/* From here on it is left as it is. */
void cli_termguard_end(struct cli_termguard *g);

#endif
