/* SPDX-License-Identifier: GPL-2.0-or-later */
/* extends: services of a document that are written as a change to another one. Called by assemble before the merge. */
#ifndef STACK_EXTENDS_H
#define STACK_EXTENDS_H

#include "stack/reader.h"

/*
 * The document with each `extends` of its services resolved and gone. A service that the document does not have is looked for
 * in `included`, what it includes; `earlier` files are only for the hint. Both are trees, or NULL.
 */
struct node *extends_apply(struct reader *r, const struct context *c, struct node *doc, const struct node *included,
			   const struct node *earlier);

#endif
