/* SPDX-License-Identifier: GPL-2.0-or-later */
/* adopt: `up` of a stack that went on when its supervisor died (`x-on-supervisor-death: keep`). */
#ifndef CLI_ADOPT_H
#define CLI_ADOPT_H

#include "cli/project.h"

enum cli_adopted { CLI_ADOPT_GO_ON = -2 };

/*
 * Comes back twice when there is something to take up, as cli_background. CLI_ADOPT_GO_ON: in the command itself; if anything was kept it has a
 * supervisor now, which runs what it ran. Else an exit code or -1, with which all there is to do is to return.
 */
int cli_adopt(const struct cli_options *o, struct cli_project *project, struct err *err);
/* Nobody supervises it, and it can be taken up. */
bool cli_adoptable(const char *project);
/* For who is to supervise it himself: sup_adopt, but 0 as well when somebody else was quicker, who answers then. */
struct sup_hooks;
int cli_adopt_here(const struct cli_options *o, const char *project, const struct sup_hooks *hooks, struct sup_carried *ret,
		   struct err *err);

#endif
