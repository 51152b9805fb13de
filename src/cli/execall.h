/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execall: `exec --all`: one command in many containers at the same time.
 */
#ifndef CLI_EXECALL_H
#define CLI_EXECALL_H

#include "cli/project.h"

/*
 * In all containers of the project that run, or in those of the services o->only. Their lines are printed behind the name of
 * the container, to where the command wrote them. The exit code: 0 when all had that, else that of the first in the order
 * of services and numbers that had another; what keeps one command from running is told and counts as in `exec`.
 */
int execall(const struct cli_options *o, const struct cli_project *p, struct err *err);

#endif
