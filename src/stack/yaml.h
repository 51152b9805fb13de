/* SPDX-License-Identifier: GPL-2.0-or-later */
/* yaml: from the text of one file to a tree of nodes. Called by load; the only file that knows libyaml. */
#ifndef STACK_YAML_H
#define STACK_YAML_H

#include "stack/node.h"

#define YAML_FILE_MAX (10u << 20)
#define YAML_SCALAR_MAX (1u << 20)
#define YAML_TEXT_MAX (3u << 20)	/* bytes of all keys and scalars: each is kept up to four times until all is printed */
#define YAML_DEPTH_MAX 64
#define YAML_NODES_MAX 110000	/* nodes once the aliases are expanded; and twice as many events */
#define YAML_TAG_LINES_MAX 16	/* `%TAG` lines: libyaml compares each with all others */

/*
 * The documents, in the arena, appended to `docs`; a document without content (a comment, `---` alone) is left out, and a
 * text that has none at all is an error. False: there is at least one error in diags; docs may have been appended all the same,
 * when it is one that the rest can be read with (a key that stands twice). `file` is the text's number in diags.
 * Nodes carry the tags !reset (the node is then NODE_NULL: its own value means nothing) and !override.
 */
bool yaml_parse(struct arena *arena, struct stack_diags *diags, uint32_t file, const char *text, size_t len,
		struct node_items *docs);

#endif
