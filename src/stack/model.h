/* SPDX-License-Identifier: GPL-2.0-or-later */
/* model: the structs of the public header, out of the canonical tree. Called by load when there is no error. */
#ifndef STACK_MODEL_H
#define STACK_MODEL_H

#include "stack/reader.h"

void model_make(struct reader *r, const struct node *root);

#endif
