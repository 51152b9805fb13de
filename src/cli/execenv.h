/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execenv: the environment of a command that is executed in a container: the container's own, with changes. Pure but for
 * execenv_add, which looks into ours.
 */
#ifndef CLI_EXECENV_H
#define CLI_EXECENV_H

#include "mstack/base.h"

struct execenv {
	struct VEC(char *) list;
};

void execenv_begin(struct execenv *e, const char *const *base);
void execenv_set(struct execenv *e, const char *name, const char *value);
/* As -e: NAME=VALUE, or NAME with the value that it has for us; then one that has none is taken away. */
void execenv_add(struct execenv *e, const char *word);
/* NULL-terminated; valid until the next change. */
const char *const *execenv_list(struct execenv *e);
void execenv_fini(struct execenv *e);

/* The value in such a list, or NULL. */
const char *execenv_value(const char *const *list, const char *name);

#endif
