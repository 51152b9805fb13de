/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge: a later tree over an earlier one, attribute by attribute, as the tables of keys say (compose specification, chapter
 * 13), !reset and !override included. Called for each document of each file, and for a service that extends another.
 */
#ifndef STACK_MERGE_H
#define STACK_MERGE_H

#include "stack/form.h"

/*
 * `base` NULL: nothing yet; the result is then `over` without its tags. Both trees stay as they are. NULL: nothing is left,
 * by !reset; for what cannot be merged there is an error, and `base` comes back.
 */
struct node *merge(struct reader *r, const struct where *w, const struct key *key, struct node *base, struct node *over);
/*
 * `base` without what `over` has a tag at: compose takes tagged places away before it resolves `extends`. NULL stays NULL.
 */
struct node *merge_reset(struct reader *r, struct node *base, const struct node *over);

#endif
