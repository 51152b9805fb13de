/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interp: $NAME and ${NAME...} in a text. Called for every scalar of a stack file and for values of env files; where
 * variables come from is the caller's business.
 */
#ifndef STACK_INTERP_H
#define STACK_INTERP_H

#include "mstack/base.h"

#define INTERP_MAX (128u << 10)	/* bytes of one result: what the kernel takes as one string of an environment */

struct interp_source {
	const char *(*get)(void *arg, const char *name, size_t len);	/* NULL: not set */
	void (*unset)(void *arg, const char *name, size_t len);		/* becomes "" without a default */
	void *arg;
};

/* Appends the result to out. 0, or -1 with the reason in why. */
int interp_expand(const struct interp_source *src, const char *text, size_t len, struct buf *out, struct buf *why);

#endif
