/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reup: `up` for a stack that runs already, and its reload.
 */
#ifndef CLI_REUP_H
#define CLI_REUP_H

#include "cli/project.h"
#include "cli/scale.h"

/* Nothing runs: whoever asked starts it. No exit code is this. */
#define CLI_REUP_NONE (-2)
/* No more: who was at work on it, and was waited for, has ended with the stack. */
#define CLI_REUP_GONE (-3)

/* Do the words fit a stack that is there? */
int cli_reup_check(const struct cli_options *o, struct err *err);
/* `until`: as of struct cli_apply. The exit code, -1 with err, CLI_REUP_NONE or CLI_REUP_GONE. */
int cli_reup(const struct cli_options *o, struct cli_project *project, const struct cli_scales *scales, uint64_t until, struct err *err);

/*
 * The supervisor has executed us to read the file again: what `up` would do, but for what was said about the first start alone, and what
 * is gone from the file stays; all that `up` would do when that is who asks. `of`: the value of SUP_RELOAD_VARIABLE. The exit code, or -1 with err.
 */
int cli_reload(const struct cli_options *o, struct cli_project *project, const struct cli_scales *scales, const char *of,
	       struct err *err);

#endif
