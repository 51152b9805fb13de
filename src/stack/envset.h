/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * envset: variables by name, each with the place where it was set; the last one wins, the order is that of the first.
 * Used for the process environment, .env files and the environment of a service. Strings are the caller's (arena).
 */
#ifndef STACK_ENVSET_H
#define STACK_ENVSET_H

#include "mstack/stack.h"
#include "stack/strmap.h"

struct envset {
	struct VEC(struct stack_kv) kvs;
	struct strmap index;
};

void envset_put(struct envset *e, struct stack_kv kv);
/* NULL: not there. A variable may be there with the value NULL. */
const struct stack_kv *envset_get(const struct envset *e, const char *name, size_t len);
void envset_fini(struct envset *e);

#endif
