/* SPDX-License-Identifier: GPL-2.0-or-later */
/* substitute: variables in all values of a tree. Called by load, before anything else looks at the tree. */
#ifndef STACK_SUBSTITUTE_H
#define STACK_SUBSTITUTE_H

#include "stack/reader.h"

/* Values only, never keys. Each node is done once, however often it is shared or asked for. */
void substitute(struct reader *r, struct vars *v, const struct where *w, struct node *n);

#endif
