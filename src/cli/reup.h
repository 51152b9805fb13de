/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reup: `up` for a stack that runs already.
 */
#ifndef CLI_REUP_H
#define CLI_REUP_H

#include "cli/project.h"
#include "cli/scale.h"

/* Nothing runs: whoever asked starts it. No exit code is this. */
#define CLI_REUP_NONE (-2)

/* The exit code, -1 with err, or CLI_REUP_NONE. */
int cli_reup(const struct cli_options *o, const struct cli_project *project, const struct cli_scales *scales, struct err *err);

#endif
