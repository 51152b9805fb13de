/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crosscheck: the rules between parts of a stack, which no single key can know. Called by load on the canonical tree. */
#ifndef STACK_CROSSCHECK_H
#define STACK_CROSSCHECK_H

#include "stack/reader.h"

/* `tree` is what the forms were given: what stands there is declared, also when something is wrong with it. */
void crosscheck(struct reader *r, const struct node *root, const struct node *tree);

#endif
