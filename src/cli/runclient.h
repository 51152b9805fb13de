/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * runclient: the client's side of a one-off container (CTL_RUN): asks for it, stays with it as exec does with its command, and knows
 * what it ended with.
 */
#ifndef CLI_RUNCLIENT_H
#define CLI_RUNCLIENT_H

#include "cli/attached.h"
#include "cli/option.h"

struct cli_oneoff {
	const struct cli_options *o;
	const char *service;
	bool alone;	 /* in a project of its own */
	int sock;	 /* to the supervisor */
	int document;	 /* for one that runs already; -1: it knows the stack */
	int in, out, err_out;
	char *name;	/* of the container */
	bool oom, left; /* as it was told */
	bool failed;	/* it could not be run, or not to its end, and why */
	struct err failure;
	struct cli_console console;
	struct detachkeys keys;
};

void cli_oneoff_init(struct cli_oneoff *r, const struct cli_options *o);
void cli_oneoff_fini(struct cli_oneoff *r);
/* Are we at a terminal, and is it to be the container's too? */
bool cli_oneoff_wants_terminal(const struct cli_options *o);
/* Asks for it on `sock`. A supervisor that is not born yet finds the request when it is. */
int cli_oneoff_ask(struct cli_oneoff *r, struct err *err);
/* Nobody has heard it: another one may be asked. */
void cli_oneoff_take_back(struct cli_oneoff *r);
/* From the request to the end. The container's exit code, or -1. */
int cli_oneoff(struct cli_oneoff *r, struct err *err);

#endif
