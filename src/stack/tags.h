/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tags: what `!!int`, `!reset` and the like make of a node. Called by yaml. */
#ifndef STACK_TAGS_H
#define STACK_TAGS_H

#include "stack/node.h"

/*
 * Sets the kind and the tag of a node; the kind of a list or a map is there already, `plain` is a scalar without quotes. Tag
 * NULL: it has none. NULL, or why the tag cannot stand here.
 */
const char *tags_apply(struct node *n, const char *tag, bool plain);
/* `!!int` for the long name of one of YAML's own tags; valid as long as scratch. */
const char *tags_show(const char *tag, struct buf *scratch);

#endif
