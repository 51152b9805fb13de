/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verb: asking a supervisor for something that takes as long as services take, and telling how it goes on. Used by the commands
 * that start, stop and remove services of a stack that is up.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <jansson.h>

#include "cli/project.h"
#include "mstack/ctl.h"

struct cli_verb {
	const char *name; /* of the command */
	enum ctl_type type;
	int64_t wait_s; /* give up after so long; 0: never */
	json_t *body; /* borrowed; `services` and `timeout` are put in by cli_verb_run */
	/* Each answer that names a slot, before it is told; true: it is not told. NULL: all are. */
	bool (*each)(void *arg, const json_t *answer);
	void *arg;
};

/*
 * The exit code, or -1. *ret_down (may be NULL): there is no supervisor, and with it nothing was done (0); without it that is
 * an error. Names of services are checked.
 */
int cli_verb_run(const struct cli_verb *v, const struct cli_options *o,
		 const struct cli_project *p, bool *ret_down, struct err *err);

#endif
