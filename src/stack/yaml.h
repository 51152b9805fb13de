/* SPDX-License-Identifier: GPL-2.0-or-later */
/* yaml: from the text of one file to a tree of nodes. Called by load; the only file that knows libyaml. */
#ifndef STACK_YAML_H
#define STACK_YAML_H

#include "stack/node.h"

#define YAML_FILE_MAX (4u << 20)
#define YAML_SCALAR_MAX (64u << 10)
#define YAML_DEPTH_MAX 64
#define YAML_NODES_MAX 100000	/* events, and nodes once the aliases are expanded */

/*
 * The tree, in the arena, or NULL with at least one error in diags. Also with a tree there may be errors (keys that stand
 * twice). `file` is the text's number in diags. Not empty: a file without a document is an error.
 */
struct node *yaml_parse(struct arena *arena, struct stack_diags *diags, uint32_t file, const char *text, size_t len);

#endif
