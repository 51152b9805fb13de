/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vars: where the values of ${NAME} come from: the process environment first, then the env files of the project. Keeps
 * who was warned about, and how much was put in altogether. Used by the interpolation of the tree and of env files.
 */
#ifndef STACK_VARS_H
#define STACK_VARS_H

#include "stack/envset.h"

#define VARS_EXPANDED_MAX (32u << 20)	/* bytes of all results: a bound on what variables can blow up to */

struct vars {
	struct arena *arena;
	struct stack_diags *diags;
	struct envset process, files;
	struct strmap warned;
	size_t expanded;
};

void vars_init(struct vars *v, struct arena *arena, struct stack_diags *diags, const char *const *env);
void vars_fini(struct vars *v);
const char *vars_get(const struct vars *v, const char *name, size_t len);	/* NULL: not set */
/*
 * Replaces the variables of a text that stands at pos. `more` is looked at behind the project's own: a list that ends
 * with NULL, or NULL. Returns NULL with the reason in why.
 */
const char *vars_expand(struct vars *v, const struct envset *const *more, struct stack_pos pos, const char *text,
			size_t len, struct buf *why);

#endif
