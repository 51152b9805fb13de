/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form: the one walk that enforces the tables of keys. Called by load for the whole file, and by forms for the maps inside
 * of them. It decides nothing about single keys: that is the table's business.
 */
#include "stack/form.h"

const struct key *key_find(const struct key_table *table, const char *name)
{
	/* Most rows are told apart by their first letter, without a call. */
	for (size_t i = 0; i < table->n; i++)
		if (*table->keys[i].name == *name && !strcmp(table->keys[i].name, name))
			return &table->keys[i];
	return table->any;
}

static void unknown_key(struct reader *r, const struct where *w, const struct node_pair *pair,
			const struct key_table *table)
{
	_cleanup_free_ const char **names = xcalloc(table->n, sizeof(*names));

	for (size_t i = 0; i < table->n; i++)
		names[i] = table->keys[i].name;
	reader_error(r, w, pair->pos, reader_suggest(r, pair->key, names, table->n),
		     "unknown key '%.80s'", pair->key);
}

const char *form_suggest(struct reader *r, const char *text, const struct node *map)
{
	size_t n = map ? map->n : 0;
	_cleanup_free_ const char **names = xcalloc(n + 1, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = map->pairs[i].key;
	return reader_suggest(r, text, names, n);
}

/*
 * What is off, empty or zero asks for nothing, so nothing has to be said about it. Seen by the text: what no form has
 * looked at has no number yet.
 */
static bool is_idle(const struct node *n)
{
	if (n->kind & (NODE_LIST | NODE_MAP))
		return !n->n;
	if (n->kind == NODE_BOOL)
		return !strcasecmp(n->text, "false");
	return n->kind == NODE_NULL || !*n->text ||
	       (n->kind == NODE_NUMBER && !n->text[strspn(n->text, "0.")]);
}

struct node *form_value(struct reader *r, const struct where *w, const struct key *key,
			const struct node *n)
{
	struct node *out;

	if (n->kind == NODE_NULL && !(key->kinds & NODE_NULL))
		return NULL;
	if (key->form == form_duration
		    ? !reader_check_kind_or(r, w, n, key->kinds, form_with_unit(r, n))
		    : !reader_check_kind(r, w, n, key->kinds))
		return NULL;
	if (key->form)
		out = key->form(r, w, n);
	else if (key->below && n->kind == NODE_MAP)
		out = form_map(r, w, n, key->below);
	else if (key->below && n->kind == NODE_LIST)
		out = form_maps(r, w, n, key->below);
	else
		out = form_keep(r, w, n);
	if (!out || key->verdict == KEY_DONE || is_idle(out))
		return out;
	if (key->verdict == KEY_WARN)
		reader_warn_once(r, key, w, w->at, "has no effect: %s", key->note);
	else
		reader_refuse(r, w, w->at, key->note, "%s", "");
	return out;
}

static struct node *form_chosen(struct reader *r, const struct where *w, const struct node *map,
				const struct key_table *table)
{
	struct node_pairs out = { 0 };

	for (size_t i = 0; i < map->n; i++) {
		const struct node_pair *pair = &map->pairs[i];
		struct where here = where_key(w, pair->key, pair->pos);
		struct node *value = form_value(r, &here, key_find(table, pair->key), pair->value);

		if (value)
			node_pairs_put(&out, pair->key, pair->pos, value);
	}
	return node_map_done(r->arena, map->pos, &out);
}

struct node *form_map(struct reader *r, const struct where *w, const struct node *map,
		      const struct key_table *table)
{
	_cleanup_free_ struct node_pair *slots = NULL;
	struct node_pairs out = { 0 }, foreign = { 0 };

	if (table->any)
		return form_chosen(r, w, map, table);
	slots = xcalloc(table->n, sizeof(*slots));
	for (size_t i = 0; i < map->n; i++) {
		const struct node_pair *pair = &map->pairs[i];
		const struct key *key = key_find(table, pair->key);
		struct where here = where_key(w, pair->key, pair->pos);

		if (key)
			slots[key - table->keys] =
				(struct node_pair){ key->name, pair->pos,
						    form_value(r, &here, key, pair->value) };
		else if (!strncmp(pair->key, "x-", 2))
			node_pairs_put(&foreign, pair->key, pair->pos, pair->value);
		else
			unknown_key(r, w, pair, table);
	}
	for (size_t i = 0; i < table->n; i++)
		if (slots[i].value)
			node_pairs_put(&out, slots[i].key, slots[i].pos, slots[i].value);
	for (size_t i = 0; i < foreign.list.n; i++)
		node_pairs_put(&out, foreign.list.v[i].key, foreign.list.v[i].pos,
			       foreign.list.v[i].value);
	vec_fini(&foreign.list);
	strmap_fini(&foreign.index);
	return node_map_done(r->arena, map->pos, &out);
}

struct node *form_maps(struct reader *r, const struct where *w, const struct node *list,
		       const struct key_table *table)
{
	struct node_items items = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		struct where here = where_item(w, i);

		if (reader_check_kind(r, &here, list->items[i], NODE_MAP))
			vec_push(&items, form_map(r, &here, list->items[i], table));
	}
	return node_list_done(r->arena, list->pos, &items);
}

bool form_has(struct reader *r, const struct where *w, const struct node *map, const char *name)
{
	const struct node *n = node_get(map, name);

	if (n && n->kind != NODE_NULL)
		return true;
	reader_error(r, w, map->pos, NULL, "'%s' is missing", name);
	return false;
}
