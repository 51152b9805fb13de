/* SPDX-License-Identifier: GPL-2.0-or-later */
/* descend: the way of an ordinary user's command into namespaces in which that user is root. */
#ifndef CLI_DESCEND_H
#define CLI_DESCEND_H

#include "cli/command.h"

/* Before a command with COMMAND_ROOT begins, outside. 0: here it is root; -1. */
int cli_descend(const struct cli_options *o, const struct cli_command *c, struct err *err);
/* What dead stacks left running, before somebody descends to remove the rest. What cannot be ended is found there again. */
void cli_end_dead(void);

#endif
