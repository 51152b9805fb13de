/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vars: where the values of ${NAME} come from: the process environment first, then the env files of the project. Keeps
 * who was warned about, and how much was put in altogether. Used by the interpolation of the tree and of env files.
 */
#ifndef STACK_VARS_H
#define STACK_VARS_H

#include "stack/envset.h"
#include "stack/node.h"

#define VARS_EXPANDED_MAX (8u << 20)	/* bytes of all results and of what is kept beside them, see vars_charge */

/* What all contexts of one load share. */
struct vars_common {
	struct arena *arena;
	struct stack_diags *diags;
	struct envset process;		/* the environment of the process, COMPOSE_PROJECT_NAME put in */
	struct strmap warned;
	size_t expanded;
	bool literal;			/* --no-interpolate: texts stay as they are, uses are collected */
	struct VEC(struct stack_variable) asked;	/* each variable once, in the order of the first use */
	struct strmap asked_index;
};

/* One project's variables; those of an included project look into its parent's first. */
struct vars {
	struct vars_common *common;
	const struct vars *parent;	/* NULL: the project itself */
	struct envset files;
};

void vars_common_init(struct vars_common *c, struct arena *arena, struct stack_diags *diags, const char *const *env);
void vars_common_fini(struct vars_common *c);
void vars_fini(struct vars *v);
/*
 * Some inputs need far more memory than they are long: a variable in many places, an env file of all services, a command of
 * many words. What they need is counted here. False: it is too much for one load.
 */
bool vars_charge(struct vars_common *c, size_t bytes);
/* The process environment, the files of the parents, the own ones. NULL: not set. */
const char *vars_get(const struct vars *v, const char *name, size_t len);
/*
 * Replaces the variables of a text that stands at pos. Returns NULL with the reason in why. `more`: the text is one of an env
 * file; these sets, a list that ends with NULL, are looked at behind the project's own. NULL: it is one of a stack file, whose
 * variables go into `asked`, also those in branches that are not needed, and which `literal` leaves as it is.
 * *ret_uses (may be NULL): the variables that the result depends on, in the arena, each once; those in branches that were not
 * needed are not among them.
 */
const char *vars_expand(struct vars *v, const struct envset *const *more, struct stack_pos pos, const char *text,
			size_t len, const struct node_use **ret_uses, uint32_t *ret_n_uses, struct buf *why);

#endif
