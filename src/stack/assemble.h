/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * assemble: documents become one tree: variables, include, extends, merge, in this order for each. Called by load; included
 * projects are assembled in the same way.
 */
#ifndef STACK_ASSEMBLE_H
#define STACK_ASSEMBLE_H

#include "stack/form.h"

/* NULL: there is an error in the diagnostics. */
struct node *assemble(struct reader *r, const struct context *c, const struct node_items *docs);

#endif
