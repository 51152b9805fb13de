/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * background: a supervisor in a process of its own, and how it tells what it does: to the command that waits for it at first, into
 * its own log from then on. Used by up and run.
 */
#ifndef CLI_BACKGROUND_H
#define CLI_BACKGROUND_H

#include "cli/project.h"

struct cli_background {
	const struct cli_options *o;
	struct cli_project *project;
	int64_t timeout_ms; /* so long `up` is waited for; -1: for ever */
	bool wait_healthy;
	bool turns_round;		 /* as of struct sup_opts */
	bool quiet;			 /* only notes, warnings and errors */
	const struct sup_client *client; /* of `run`; its descriptor goes along. NULL: none */
	bool adopts; /* what goes on without a supervisor (sup_keep.h); when nothing does, all is well as well */
	const struct sup_carried
		*carried; /* a supervisor that is in the background already; NULL: none */
};

/*
 * Comes back twice. In the old process, *ret_old, when the supervisor is up: with its exit code, or -1. In the new one, when
 * it has ended: all that is left to do there is to return with its exit code, or -1.
 */
int cli_background(const struct cli_background *b, bool *ret_old, struct err *err);

#endif
