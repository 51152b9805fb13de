/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command: the table of commands. A row without `run` is a command of the contract that is not supported yet.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <jansson.h>

#include "cli/option.h"

enum {
	COMMAND_NO_FILE = 1,	/* its first word is never taken for a stack file */
	COMMAND_OWN_WORDS = 2,	/* behind its first word that is none all belongs to another command */
	COMMAND_VERB = 8,	/* its first word may be a verb, and a stack file stands behind it as well */
	COMMAND_ACTS = 4,	/* changes something, and cannot say what it would do: --dry-run is refused */
	COMMAND_ROOT = 16,	/* works as root only: an ordinary user gets namespaces first, in which that is so */
	COMMAND_ADOPTS = 32,	/* goes on with a stack that nobody supervises, or builds it anew */
};

struct cli_command {
	const char *name;
	const char *summary; /* one line of `mstack help` */
	const char *args;    /* behind [OPTIONS], "" none */
	size_t max_args;
	unsigned flags;
	const struct cli_option *options; /* ended by a row without a name */
	const char *text;		  /* what else a reader should know, in lines of its own */
	/* The exit code, or -1 with err, which main prints. */
	int (*run)(const struct cli_options *o, struct err *err);
};

/* Ended by a row without a name. */
extern const struct cli_command cli_commands[];

/* NULL, with an error that names the nearest one, when there is no such command. */
const struct cli_command *cli_command_find(const char *name, struct err *err);

int cli_up(const struct cli_options *o, struct err *err);
int cli_down(const struct cli_options *o, struct err *err);
int cli_ps(const struct cli_options *o, struct err *err);
int cli_pull(const struct cli_options *o, struct err *err);
int cli_images(const struct cli_options *o, struct err *err);
int cli_image(const struct cli_options *o, struct err *err);
int cli_volume(const struct cli_options *o, struct err *err);
int cli_volumes(const struct cli_options *o, struct err *err);
int cli_ls(const struct cli_options *o, struct err *err);
int cli_logs(const struct cli_options *o, struct err *err);
/* For who follows logs of what he is about to change, and knows when that is over. */
struct cli_follow {
	const struct stack *stack;		  /* services that may have no log yet */
	int (*begin)(void *arg, struct err *err); /* all that is written from now on will be shown. 0; 1 that was all; -1 */
	bool (*over)(void *arg);		  /* nothing more can come */
	bool (*shows)(void *arg, const char *service);
	void *arg;
};

/* The same; NULL: until the stack is down. */
int cli_logs_until(const struct cli_options *o, const struct cli_follow *until, struct err *err);
int cli_events(const struct cli_options *o, struct err *err);
int cli_why(const struct cli_options *o, struct err *err);
int cli_exec(const struct cli_options *o, struct err *err);
int cli_attach(const struct cli_options *o, struct err *err);
int cli_run(const struct cli_options *o, struct err *err);
int cli_plan(const struct cli_options *o, struct err *err);
int cli_top(const struct cli_options *o, struct err *err);
int cli_start(const struct cli_options *o, struct err *err);
int cli_stop(const struct cli_options *o, struct err *err);
int cli_restart(const struct cli_options *o, struct err *err);
int cli_kill(const struct cli_options *o, struct err *err);
int cli_rm(const struct cli_options *o, struct err *err);
int cli_create(const struct cli_options *o, struct err *err);
int cli_scale(const struct cli_options *o, struct err *err);
int cli_wait(const struct cli_options *o, struct err *err);
int cli_pause(const struct cli_options *o, struct err *err);
int cli_unpause(const struct cli_options *o, struct err *err);
int cli_cp(const struct cli_options *o, struct err *err);
int cli_stats(const struct cli_options *o, struct err *err);
int cli_impair(const struct cli_options *o, struct err *err);
int cli_link(const struct cli_options *o, struct err *err);
int cli_port(const struct cli_options *o, struct err *err);
int cli_capture(const struct cli_options *o, struct err *err);
int cli_graph(const struct cli_options *o, struct err *err);
int cli_config(const struct cli_options *o, struct err *err);
int cli_init(const struct cli_options *o, struct err *err);
/* leftovers.c, for doctor: rows of what is left of stacks. *ret_differ: how many there are (after --fix: still). 0, -1. */
int cli_leftovers(const struct cli_options *o, const json_t *running, json_t *rows, size_t *ret_differ, struct err *err);
/* The same of an ordinary user's stacks that run, asked outside: these are its `running`, NULL for root's. */
int cli_leftovers_inside(json_t *rows, struct err *err);
int cli_doctor(const struct cli_options *o, struct err *err);
int cli_version(const struct cli_options *o, struct err *err);
int cli_help(const struct cli_options *o, struct err *err);

/* The help of one command, or with NULL of the whole, to standard output. */
void cli_help_print(const struct cli_command *command);

#endif
