/* SPDX-License-Identifier: GPL-2.0-or-later */
/* names: what services, containers, networks, volumes and projects may be called. Called by their readers and by load. */
#ifndef STACK_NAMES_H
#define STACK_NAMES_H

#include "stack/reader.h"

#define NAME_LONGEST 63
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* [a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}; false with an error when it is not. */
bool name_check(struct reader *r, const struct where *w, struct stack_pos pos, const char *name);
/*
 * The project's name in the order of its sources; "" with an error when there is none that is right. in_file: the key `name`,
 * or NULL.
 */
const char *name_project(struct reader *r, const struct vars *vars, const char *option, const struct node *in_file,
			 const char *dir);
/* What the name of a folder becomes as a project's name; "" when nothing is left. */
void name_normalise(const char *text, char *ret, size_t size);

#endif
