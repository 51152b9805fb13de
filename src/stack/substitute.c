/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * substitute: walks a tree and replaces ${NAME} in its texts in place. Called by load, first for
 * `name`, on which one of the variables depends, then for the whole tree. The place of a node stays
 * that of the file.
 */
#include "stack/substitute.h"

static void substitute_text(struct reader *r, const struct where *w, struct node *n)
{
	_cleanup_(buf_fini) struct buf why = { 0 };
	const char *text;

	if (n->kind != NODE_STRING || !strchr(n->text, '$'))
		return;
	text = vars_expand(&r->vars, NULL, n->pos, n->text, strlen(n->text), &why);
	if (text) {
		n->text = text;
		n->substituted = true;
	} else {
		reader_error(r, w, n->pos, NULL, "%s", buf_str(&why));
	}
}

void substitute(struct reader *r, const struct where *w, struct node *n)
{
	if (n->visited)
		return;
	n->visited = true;
	for (size_t i = 0; i < n->n; i++) {
		bool map = n->kind == NODE_MAP;
		struct where here = { w, map ? n->pairs[i].key : NULL, i };

		substitute(r, &here, map ? n->pairs[i].value : n->items[i]);
	}
	substitute_text(r, w, n);
}
