/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interp: $NAME and ${NAME...} in a text. Called for every scalar of a stack file and for values of env files; where
 * variables come from is the caller's business.
 */
#ifndef STACK_INTERP_H
#define STACK_INTERP_H

#include "mstack/base.h"

#define INTERP_MAX (1u << 20)	/* bytes of one result: as much as a scalar may have that nothing is replaced in */
#define INTERP_DEPTH_MAX 32	/* variables in the arguments of variables */

struct interp_source {
	const char *(*get)(void *arg, const char *name, size_t len);	/* NULL: not set */
	void (*unset)(void *arg, const char *name, size_t len);		/* becomes "" without a default */
	void *arg;
};

/* Appends the result to out. 0, or -1 with the reason in why. */
int interp_expand(const struct interp_source *src, const char *text, size_t len, struct buf *out, struct buf *why);

/* One variable as it stands in a text; `end` is the brace behind it, or where its name ends. */
struct interp_reference {
	const char *name, *arg, *end;
	size_t len;		/* of the name */
	char op;		/* - ? + or 0 */
	bool or_empty;		/* with a colon: an empty value counts as unset */
};

/*
 * Names all variables of a text, outer ones first, also those in arguments that would not be needed. What is no variable is
 * passed over: interp_expand complains about it where it matters.
 */
void interp_walk(const char *text, size_t len, void (*seen)(void *arg, const struct interp_reference *ref), void *arg);

#endif
