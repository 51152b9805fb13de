/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge: the rules of joining two values. Lists and maps of one attribute are brought to one form first, because a base may
 * use the list and an override the map. Called by assemble and extends. New nodes only: the trees that come in may be shared.
 */
#include "stack/merge.h"
#include "stack/keys.h"

#define MERGED_MAX 300000 /* entries of all maps and lists that are joined */

/* A large base that a thousand services extend would fill the memory. */
static bool is_too_much(struct reader *r, const struct where *w, const struct node *base,
			const struct node *over)
{
	bool before = r->merged > MERGED_MAX;

	r->merged += base->n + over->n;
	if (r->merged > MERGED_MAX && !before)
		reader_error(r, w, over->pos, NULL, "too large: more than %d entries are merged",
			     MERGED_MAX);
	return r->merged > MERGED_MAX;
}

/* As compose has it: a list or a map is never silently lost to something of another kind, a scalar may be. */
static struct node *cannot(struct reader *r, const struct where *w, struct node *base,
			   const struct node *over)
{
	reader_error(r, w, over->pos, NULL, "%s cannot override %s, %s", node_kind_text(over->kind),
		     node_kind_text(base->kind), reader_place(r, base->pos));
	return base;
}

/* ---- tags ------------------------------------------------------------------------------------ */

/*
 * !reset takes the same place of all earlier files away, !override puts its own value there. Once a tree is merged its tags
 * have had their effect: a result never has any.
 */
static bool has_tags(const struct node *n)
{
	bool map = n->kind == NODE_MAP;

	if (n->tag != NODE_MERGE)
		return true;
	for (size_t i = 0; i < n->n; i++)
		if (has_tags(map ? n->pairs[i].value : n->items[i]))
			return true;
	return false;
}

/* The tree without its tags; NULL for what is reset. A tree that has none is not copied. */
static struct node *untag(struct reader *r, struct node *n)
{
	struct node_items items = { 0 };
	struct node_pairs pairs = { 0 };
	struct node *out;

	if (!has_tags(n))
		return n;
	if (n->tag == NODE_RESET)
		return NULL;
	for (size_t i = 0; i < n->n; i++) {
		out = untag(r, n->kind == NODE_MAP ? n->pairs[i].value : n->items[i]);
		if (out && n->kind == NODE_MAP)
			node_pairs_put(&pairs, n->pairs[i].key, n->pairs[i].pos, out);
		else if (out)
			vec_push(&items, out);
	}
	if (n->kind == NODE_MAP)
		return node_map_done(r->arena, n->pos, &pairs);
	if (n->kind == NODE_LIST)
		return node_list_done(r->arena, n->pos, &items);
	out = node_copy(r->arena, n);
	out->tag = NODE_MERGE;
	return out;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Where a single string stands for a list of one. */
static struct node *as_list(struct reader *r, struct node *n)
{
	struct node_items items = { 0 };

	if (n->kind == NODE_LIST)
		return n;
	vec_push(&items, n);
	return node_list_done(r->arena, n->pos, &items);
}

/* Equal entries stay twice: what is equal is known only after ranges and paths are written out, by the forms. */
static struct node *append(struct reader *r, struct node *base, struct node *over)
{
	struct node_items items = { 0 };

	for (size_t i = 0; i < base->n; i++)
		vec_push(&items, base->items[i]);
	for (size_t i = 0; i < over->n; i++)
		vec_push(&items, over->items[i]);
	return node_list_done(r->arena, base->pos, &items);
}

/* By what an entry is known: the text of a word, or what stands in a map. "": it is like no other. */
static const char *entry_name(const struct node *n, const char *by)
{
	const char *text = NULL;

	if (n->kind == NODE_MAP && by)
		text = node_text(n, by);
	else if (n->kind & (NODE_STRING | NODE_NUMBER | NODE_BOOL))
		text = n->text;
	return text ? text : "";
}

/* An entry that is known already is put in the place of the old one, or joined with it. */
static void put_entry(struct reader *r, const struct where *w, const struct key *key,
		      struct node_items *items, struct strmap *seen, struct node *n)
{
	const char *name = entry_name(n, key->by);
	size_t len = key->merge == MERGE_SET ? strcspn(name, "=") : strlen(name);
	size_t i = items->n;
	const struct key map = { .below = key->below };

	if (!*name || strmap_put(seen, name, len, items->n, &i) || i >= items->n)
		vec_push(items, n);
	else if (key->merge == MERGE_JOIN && n->kind == MAP && items->v[i]->kind == MAP)
		items->v[i] = merge(r, w, &map, items->v[i], n);
	else
		items->v[i] = n;
}

static struct node *merge_set(struct reader *r, const struct where *w, const struct key *key,
			      struct node *base, struct node *over)
{
	struct node_items items = { 0 };
	struct strmap seen = { 0 };
	struct node *both;

	if (!reader_check_kind(r, w, over, key->kinds) ||
	    !reader_check_kind(r, w, base, key->kinds))
		return base;
	both = append(r, as_list(r, base), as_list(r, over));
	for (size_t i = 0; i < both->n; i++)
		put_entry(r, w, key, &items, &seen, both->items[i]);
	strmap_fini(&seen);
	return node_list_done(r->arena, base->pos, &items);
}

/* ---- maps ------------------------------------------------------------------------------------ */

/* `x-` keys that are not ours mean nothing to us: what they hold need not fit together. */
static const struct key *key_below(const struct key *key, const char *name)
{
	static const struct key replaced = { .merge = MERGE_REPLACE };
	const struct key *below = key && key->below ? key_find(key->below, name) : NULL;

	if ((key && key->merge == MERGE_VALUES) || (!below && !strncmp(name, "x-", 2)))
		return &replaced;
	return below;
}

/* Of NAME=VALUE the later one counts, also when it is a NAME alone, which asks for the environment. */
static struct node *merge_value(struct reader *r, const struct where *w, const struct key *key,
				struct node *old, const struct node_pair *pair)
{
	struct where here = where_key(w, pair->key, pair->pos);

	if (key && key->merge == MERGE_PAIRS)
		return untag(r, pair->value);
	return merge(r, &here, key_below(key, pair->key), old, pair->value);
}

/* In the order of the base, new keys behind. A key that is reset leaves the map, but may come back in a later file. */
static struct node *merge_keys(struct reader *r, const struct where *w, const struct key *key,
			       struct node *base, struct node *over)
{
	struct node_pairs all = { 0 }, left = { 0 };

	for (size_t i = 0; i < base->n; i++)
		node_pairs_put(&all, base->pairs[i].key, base->pairs[i].pos, base->pairs[i].value);
	for (size_t i = 0; i < over->n; i++) {
		const struct node_pair *pair = &over->pairs[i];
		const struct node_pair *old = node_pairs_find(&all, pair->key);

		node_pairs_put(&all, pair->key, pair->pos,
			       merge_value(r, w, key, old ? old->value : NULL, pair));
	}
	for (size_t i = 0; i < all.list.n; i++)
		if (all.list.v[i].value)
			node_pairs_put(&left, all.list.v[i].key, all.list.v[i].pos,
				       all.list.v[i].value);
	vec_fini(&all.list);
	strmap_fini(&all.index);
	return node_map_done(r->arena, base->pos, &left);
}

static struct node *merge_maps(struct reader *r, const struct where *w, const struct key *key,
			       struct node *base, struct node *over)
{
	if (base->kind != NODE_MAP || over->kind != NODE_MAP)
		return cannot(r, w, base, over);
	return merge_keys(r, w, key, base, over);
}

/* ---- lists that stand for maps --------------------------------------------------------------- */

/* What a name alone means under `depends_on`: it beats a condition of the base, as in compose. */
static struct node *started(struct reader *r, struct stack_pos pos)
{
	struct node_pairs one = { 0 };

	node_pairs_put(&one, "condition", pos,
		       node_new(r->arena, NODE_STRING, pos, "service_started"));
	node_pairs_put(&one, "required", pos, node_bool(r->arena, pos, true));
	return node_map_done(r->arena, pos, &one);
}

/* NAME or NAME=VALUE into the map. */
static void put_name(struct reader *r, enum merge_rule rule, struct node *item,
		     struct node_pairs *pairs)
{
	const char *eq = rule == MERGE_PAIRS ? strchr(item->text, '=') : NULL, *name = item->text;
	struct node *value;

	if (eq) {
		name = arena_strndup(r->arena, name, (size_t)(eq - name));
		value = node_copy(r->arena, item);
		value->kind = NODE_STRING;
		value->text = eq + 1;
	} else if (rule == MERGE_DEPENDS) {
		value = started(r, item->pos);
	} else {
		value = node_new(r->arena, NODE_NULL, item->pos, NULL);
	}
	node_pairs_put(pairs, name, item->pos, value);
}

/* A list of names, or of NAME=VALUE, as the map that it stands for; NULL, with an error: it is neither. */
static struct node *as_map(struct reader *r, const struct where *w, const struct key *key,
			   struct node *n)
{
	unsigned kinds = key->merge == MERGE_PAIRS ? STR | NUM | BOO : STR;
	struct node_pairs pairs = { 0 };

	if (!reader_check_kind(r, w, n, LST | MAP))
		return NULL;
	if (n->kind == NODE_MAP)
		return n;
	for (size_t i = 0; i < n->n; i++) {
		struct where here = where_item(w, i);

		if (reader_check_kind(r, &here, n->items[i], kinds))
			put_name(r, key->merge, n->items[i], &pairs);
	}
	return node_map_done(r->arena, n->pos, &pairs);
}

static struct node *merge_named(struct reader *r, const struct where *w, const struct key *key,
				struct node *base, struct node *over)
{
	struct node *a = as_map(r, w, key, base), *b = as_map(r, w, key, over);

	return a && b ? merge_keys(r, w, key, a, b) : base;
}

/* ---- attributes with a rule of their own ------------------------------------------------------ */

/* {host: address} or {host: [addresses]} as the list host=address. */
static struct node *hosts_list(struct reader *r, struct node *n)
{
	struct node_items items = { 0 };

	if (n->kind != NODE_MAP)
		return as_list(r, n);
	for (size_t i = 0; i < n->n; i++) {
		struct node *values = as_list(r, n->pairs[i].value);

		for (size_t k = 0; k < values->n; k++) {
			struct node *item = node_copy(r->arena, values->items[k]);

			item->kind = NODE_STRING;
			item->text = arena_printf(r->arena, "%s=%s", n->pairs[i].key, item->text);
			vec_push(&items, item);
		}
	}
	return node_list_done(r->arena, n->pos, &items);
}

/* A host may have several addresses, so nothing is replaced. */
static struct node *merge_hosts(struct reader *r, const struct where *w, const struct key *key,
				struct node *base, struct node *over)
{
	if (!reader_check_kind(r, w, over, key->kinds) ||
	    !reader_check_kind(r, w, base, key->kinds))
		return base;
	return append(r, hosts_list(r, base), hosts_list(r, over));
}

/* A path alone is the context. */
static struct node *build_map(struct reader *r, struct node *n)
{
	struct node_pairs pairs = { 0 };

	if (n->kind & (NODE_MAP | NODE_LIST))
		return n;
	node_pairs_put(&pairs, "context", n->pos, n);
	return node_map_done(r->arena, n->pos, &pairs);
}

/* Options of one driver mean nothing to another. */
static struct node *merge_logging(struct reader *r, const struct where *w, const struct key *key,
				  struct node *base, struct node *over)
{
	const char *a = node_text(base, "driver"), *b = node_text(over, "driver");

	return a && b && strcmp(a, b) ? untag(r, over) : merge_maps(r, w, key, base, over);
}

static struct node *merge_plain(struct reader *r, const struct where *w, const struct key *key,
				struct node *base, struct node *over)
{
	if (base->kind == NODE_MAP)
		return merge_maps(r, w, key, base, over);
	if (base->kind != NODE_LIST)
		return untag(r, over);
	return over->kind == NODE_LIST ? append(r, base, over) : cannot(r, w, base, over);
}

static struct node *merge_rule(struct reader *r, const struct where *w, const struct key *key,
			       struct node *base, struct node *over)
{
	/* Entries of lists have no names by which a tag could find the one that it means. */
	if (over->kind == NODE_LIST)
		over = untag(r, over);
	switch (key ? key->merge : MERGE_DEFAULT) {
	case MERGE_SET:
	case MERGE_BY:
	case MERGE_JOIN:
		return merge_set(r, w, key, base, over);
	case MERGE_PAIRS:
	case MERGE_NAMES:
	case MERGE_DEPENDS:
		return merge_named(r, w, key, base, over);
	case MERGE_HOSTS:
		return merge_hosts(r, w, key, base, over);
	case MERGE_BUILD:
		return merge_maps(r, w, key, build_map(r, base), build_map(r, over));
	case MERGE_LOGGING:
		return merge_logging(r, w, key, base, over);
	case MERGE_REPLACE:
	case MERGE_VALUES:
	case MERGE_DEFAULT:
		break;
	}
	return merge_plain(r, w, key, base, over);
}

struct node *merge(struct reader *r, const struct where *w, const struct key *key,
		   struct node *base, struct node *over)
{
	if (over->tag == NODE_RESET)
		return NULL;
	if (!base || base->kind == NODE_NULL || over->tag == NODE_OVERRIDE)
		return untag(r, over);
	/* A key without a value says nothing; who wants it gone writes !reset. */
	if (over->kind == NODE_NULL)
		return base;
	if (key && key->merge == MERGE_REPLACE)
		return untag(r, over);
	if (is_too_much(r, w, base, over))
		return base;
	return merge_rule(r, w, key, base, over);
}

struct node *merge_reset(struct reader *r, struct node *base, const struct node *over)
{
	struct node_pairs left = { 0 };
	struct strmap marks = { 0 };
	size_t at;

	if (!base || base->kind != NODE_MAP || over->kind != NODE_MAP || !has_tags(over))
		return base;
	for (size_t i = 0; i < over->n; i++)
		strmap_put(&marks, over->pairs[i].key, strlen(over->pairs[i].key), i, NULL);
	for (size_t i = 0; i < base->n; i++) {
		const struct node_pair *pair = &base->pairs[i];
		bool marked = strmap_get(&marks, pair->key, strlen(pair->key), &at);

		if (!marked)
			node_pairs_put(&left, pair->key, pair->pos, pair->value);
		else if (over->pairs[at].value->tag == NODE_MERGE)
			node_pairs_put(&left, pair->key, pair->pos,
				       merge_reset(r, pair->value, over->pairs[at].value));
	}
	strmap_fini(&marks);
	return node_map_done(r->arena, base->pos, &left);
}
