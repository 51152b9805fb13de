/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unsupervised: a stack whose supervisor died and that goes on (`x-on-supervisor-death: keep`), for commands. Who only looks asks the guard that keeps it;
 * who changes anything has it adopted first, and talks to a supervisor as ever.
 */
#ifndef CLI_UNSUPERVISED_H
#define CLI_UNSUPERVISED_H

#include "cli/option.h"

/* Does it go on without a supervisor now? */
bool cli_kept(const char *project);
/* Says once that it does, or that nobody is left even of those who would remove it. */
void cli_unsupervised_tell(const struct cli_options *o, const char *project);
/* Then it gets one, in the background, with the words that the last one was called with. 0: there may be one now; -1: it cannot be adopted. */
int cli_kept_adopt(const char *project, struct err *err);
/* The same before cli_connect, for what nobody but a supervisor can do. */
int cli_command(const char *project, unsigned ms, int *ret_fd, struct err *err);

/* What `up` is told that is executed for that: the project. */
#define CLI_ADOPT_VARIABLE "MSTACK_ADOPT"

#endif
