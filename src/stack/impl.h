/* SPDX-License-Identifier: GPL-2.0-or-later */
/* impl: what a loaded stack keeps beside its public structs: for printing it, and for freeing it. */
#ifndef STACK_IMPL_H
#define STACK_IMPL_H

#include "stack/node.h"

struct stack_impl {
	struct arena *arena;		/* all of the stack, this included */
	const struct node *root;	/* the canonical tree; with no_interpolate the merged one */
	bool literal;			/* no_interpolate: a dollar is printed as it is */
	const struct stack_variable *variables;	/* by name */
	size_t n_variables;
	struct stack_kvs environment;	/* by name */
	struct stack_strs profiles;	/* by name */
	struct stack_strs inactive;	/* names of services, as in the file */
};

#endif
