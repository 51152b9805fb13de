/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * emitter: a tree of nodes written as JSON or as block YAML. Used by the canonical form, its explanation, and whoever needs a
 * JSON string.
 */
#ifndef STACK_EMITTER_H
#define STACK_EMITTER_H

#include "stack/node.h"

/* Below so many levels YAML goes on as JSON in one line: indents of thousands of levels would be larger than the tree. */
#define EMIT_BLOCK_DEPTH (64 + 16)

enum emit_form { EMIT_YAML, EMIT_JSON, EMIT_COMPACT };

struct emitter {
	struct buf *out;
	enum emit_form form;
	bool literal;	/* dollars as they are; else doubled, so that what is written can be read again */
	/* EMIT_YAML: called where the line of a scalar or of an empty list or map ends; or NULL. Adds text without line ends. */
	void (*note)(void *arg, const struct node *n, struct buf *out);
	void *arg;
};

/* The whole, with a line end behind it (EMIT_COMPACT: without). */
void emit_tree(const struct emitter *e, const struct node *root);
/* A string with its quotes; valid JSON and valid YAML whatever its bytes are. */
void emit_string(struct buf *out, const char *s, bool double_dollars);

#endif
