/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * substitute: walks a tree and replaces ${NAME} in its texts in place. Called by load, first for
 * `name`, on which one of the variables depends, then for the whole tree. The place of a node stays
 * that of the file.
 */
#include "stack/substitute.h"

/* Below `include`, or `extends` of a service. */
static bool names_a_file(const struct where *w)
{
	for (; w; w = w->up) {
		if (!w->up)
			return w->key && !strcmp(w->key, "include");
		if (w->key && !strcmp(w->key, "extends") && w->up->up && !w->up->up->up)
			return true;
	}
	return false;
}

static void substitute_text(struct reader *r, struct vars *v, const struct where *w, struct node *n)
{
	static const struct envset *const none[] = { NULL };
	_cleanup_(buf_fini) struct buf why = { 0 };
	const char *text;

	if ((n->kind & (NODE_LIST | NODE_MAP | NODE_NULL)) || !strchr(n->text, '$'))
		return;
	text = vars_expand(v, NULL, n->pos, n->text, strlen(n->text), &n->uses, &n->n_uses, &why);
	/* Files that are merged must be found, also where all else stays as it is. */
	if (text && v->common->literal && names_a_file(w))
		text = vars_expand(v, none, n->pos, n->text, strlen(n->text), &n->uses, &n->n_uses,
				   &why);
	if (!text) {
		reader_error(r, w, n->pos, NULL, "%s", buf_str(&why));
		return;
	}
	/* Left as it is, a variable may still become a number or a truth value: let it pass for one. */
	n->substituted = n->n_uses || v->common->literal;
	n->text = text;
	if (n->n_uses)
		diags_set_uses(r->diags, n->pos, n->uses, n->n_uses);
}

/*
 * Keys are not interpolated, but `config` doubles their dollars like all others, as compose does; so that it reads its own
 * output again as it was, two are one here.
 */
static void undouble_key(struct reader *r, const struct where *w, const struct node *map,
			 struct node_pair *pair)
{
	char *key = arena_strdup(r->arena, pair->key), *to = key;

	for (const char *s = pair->key; *s; s++) {
		s += s[0] == '$' && s[1] == '$';
		*to++ = *s;
	}
	*to = '\0';
	if (node_find(map, key))
		reader_error(r, w, pair->pos, NULL, "key '%.80s' stands twice in this map", key);
	pair->key = key;
}

void substitute(struct reader *r, struct vars *v, const struct where *w, struct node *n)
{
	if (n->visited)
		return;
	n->visited = true;
	for (size_t i = 0; i < n->n; i++) {
		bool map = n->kind == NODE_MAP;
		struct where here = { .up = w, .index = i };

		if (map && !v->common->literal && strstr(n->pairs[i].key, "$$"))
			undouble_key(r, w, n, &n->pairs[i]);
		if (map) {
			here.key = n->pairs[i].key;
			here.at = n->pairs[i].pos;
		}
		substitute(r, v, &here, map ? n->pairs[i].value : n->items[i]);
	}
	substitute_text(r, v, w, n);
}
