/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * project: which stack a command is about: the file, where it is found, and the project's name.
 */
#ifndef CLI_PROJECT_H
#define CLI_PROJECT_H

#include <stdio.h>

#include "cli/scale.h"
#include "cli/term.h"
#include "mstack/stack.h"
#include "mstack/sup_carried.h"

struct cli_project {
	char *name;
	struct stack *stack;	   /* NULL: the name was enough */
	struct stack_diags *diags; /* NULL likewise */
};

/* How a stack is loaded. */
struct cli_load {
	bool for_run;			  /* what cannot be run yet is an error */
	bool no_interpolate;		  /* only merge */
	const struct cli_words *services; /* only these and what they depend on; NULL or none: all */
	bool no_deps;			  /* without what they depend on */
	const struct cli_scales *scales;  /* instead of what the files say; NULL: nothing */
	const struct stack_text *text;	  /* goes over the files; NULL: nothing does */
	const char *alone;		  /* the project of this name is all in text: there are no files; NULL: there are */
	FILE *json;			  /* all problems, warnings too, go there as lines of JSON; NULL: errors as text */
};

/*
 * Loads the stack; `how` may be NULL: to look at it. When it has errors they are printed, and err (-1) has no text and the kind
 * ERR_STACK, or ERR_USAGE if all of them are in `text`. Warnings are left in diags, for the caller to print (but see json).
 */
int cli_project_load(const struct cli_options *o, const struct cli_load *how, struct cli_project *ret, struct err *err);
/* For commands that need no model: a name given by -p or the environment is enough, the file is not even looked for. */
int cli_project_find(const struct cli_options *o, struct cli_project *ret, struct err *err);
/* What a supervisor has that goes on for another program: takes over its stack. All of its problems have been told. */
void cli_project_take(struct cli_project *ret, struct sup_carried *from);
void cli_project_fini(struct cli_project *p);

/* Adds the problems as text that were not told by the last call: planning finds more than loading does. Were there any? */
bool cli_project_diags(struct cli_project *p, const struct cli_term *t, struct buf *out);
/* The same on standard error. */
void cli_project_tell(struct cli_project *p, const struct cli_term *t);
void cli_diags_print(const struct stack_diags *diags, const struct cli_term *t);

#endif
