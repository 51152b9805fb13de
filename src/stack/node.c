/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node: what a scalar means, and looking into maps. Called by the parser and by all readers of the
 * tree. Pure.
 */
#include <ctype.h>

#include "stack/node.h"

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, words[i]))
			return true;
	return false;
}

static const char *skip_digits(const char *s, const char *digits)
{
	while (*s && strchr(digits, *s))
		s++;
	return s;
}

/*
 * 12, 0x1f, 0o17, 0b11, 0777, 1_000, 1.5, .5, 1e3, with a sign; and YAML's words for the odd
 * floats.
 */
static bool is_number(const char *s)
{
	static const char *const odd[] = { ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN" };
	static const struct {
		char letter;
		const char *digits;
	} bases[] = {
		{ 'x', "0123456789abcdefABCDEF_" },
		{ 'o', "01234567_" },
		{ 'b', "01_" },
	};
	const char *whole, *fraction = NULL;

	s += *s == '-' || *s == '+';
	if (is_one_of(s, odd, ARRAY_LEN(odd)))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(bases); i++)
		if (s[0] == '0' && s[1] == bases[i].letter)
			return s[2] && !*skip_digits(s + 2, bases[i].digits);
	if (!isdigit((unsigned char)s[0]) && !(s[0] == '.' && isdigit((unsigned char)s[1])))
		return false;
	whole = skip_digits(s, "0123456789_");
	if (*whole == '.')
		whole = fraction = skip_digits(whole + 1, "0123456789_");
	if (*whole == 'e' || *whole == 'E') {
		whole += 1 + (whole[1] == '-' || whole[1] == '+');
		return isdigit((unsigned char)*whole) && !*skip_digits(whole, "0123456789");
	}
	return !*whole && (!fraction || fraction > s);
}

enum node_kind node_plain_kind(const char *text)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const truths[] = { "true", "True", "TRUE", "false", "False", "FALSE" };

	/* Most texts are words, and seen to be by their first letter. */
	if (*text && !strchr("~nNtTfF.+-0123456789", *text))
		return NODE_STRING;
	if (is_one_of(text, nulls, ARRAY_LEN(nulls)))
		return NODE_NULL;
	if (is_one_of(text, truths, ARRAY_LEN(truths)))
		return NODE_BOOL;
	return is_number(text) ? NODE_NUMBER : NODE_STRING;
}

const char *node_kind_text(enum node_kind kind)
{
	switch (kind) {
	case NODE_NULL:
		return "empty";
	case NODE_BOOL:
		return "a truth value";
	case NODE_NUMBER:
		return "a number";
	case NODE_STRING:
		return "a string";
	case NODE_LIST:
		return "a list";
	case NODE_MAP:
		return "a map";
	}
	return "nothing";
}

const struct node_pair *node_find(const struct node *map, const char *key)
{
	for (size_t i = 0; map && map->kind == NODE_MAP && i < map->n; i++)
		if (*map->pairs[i].key == *key && !strcmp(map->pairs[i].key, key))
			return &map->pairs[i];
	return NULL;
}

struct node *node_get(const struct node *map, const char *key)
{
	const struct node_pair *pair = node_find(map, key);

	return pair ? pair->value : NULL;
}

bool node_given(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->kind != NODE_NULL;
}

const char *node_text(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && !(n->kind & (NODE_LIST | NODE_MAP | NODE_NULL)) ? n->text : NULL;
}

/* ---- new nodes ------------------------------------------------------------------------------- */

struct node *node_new(struct arena *arena, enum node_kind kind, struct stack_pos pos,
		      const char *text)
{
	struct node *n = arena_alloc(arena, sizeof(*n));

	n->kind = kind;
	n->pos = pos;
	n->text = text ? text : "";
	n->weight = 1;
	return n;
}

struct node *node_copy(struct arena *arena, const struct node *from)
{
	struct node *n = arena_alloc(arena, sizeof(*n));

	*n = *from;
	return n;
}

struct node *node_bool(struct arena *arena, struct stack_pos pos, bool value)
{
	struct node *n = node_new(arena, NODE_BOOL, pos, value ? "true" : "false");

	n->number = value;
	return n;
}

struct node *node_list_done(struct arena *arena, struct stack_pos pos, struct node_items *items)
{
	struct node *n = node_new(arena, NODE_LIST, pos, NULL);

	n->n = items->n;
	n->items = arena_array(arena, struct node *, items->n);
	for (size_t i = 0; i < items->n; i++)
		n->items[i] = items->v[i];
	vec_fini(items);
	return n;
}

struct node *node_map_done(struct arena *arena, struct stack_pos pos, struct node_pairs *pairs)
{
	struct node *n = node_new(arena, NODE_MAP, pos, NULL);

	n->n = pairs->list.n;
	n->pairs = arena_array(arena, struct node_pair, n->n);
	for (size_t i = 0; i < n->n; i++)
		n->pairs[i] = pairs->list.v[i];
	vec_fini(&pairs->list);
	strmap_fini(&pairs->index);
	return n;
}

const struct node_pair *node_pairs_find(const struct node_pairs *pairs, const char *key)
{
	size_t at;

	return strmap_get(&pairs->index, key, strlen(key), &at) ? &pairs->list.v[at] : NULL;
}

void node_pairs_put(struct node_pairs *pairs, const char *key, struct stack_pos pos,
		    struct node *value)
{
	struct node_pair pair = { key, pos, value };
	size_t i;

	if (strmap_put(&pairs->index, key, strlen(key), pairs->list.n, &i))
		vec_push(&pairs->list, pair);
	else
		pairs->list.v[i] = pair;
}

struct node *node_with(struct arena *arena, const struct node *map, const char *key,
		       struct node *value)
{
	const struct node_pair *old = node_find(map, key);
	struct node *out = node_copy(arena, map);
	size_t at = 0;

	out->pairs = arena_array(arena, struct node_pair, map->n + 1);
	for (size_t i = 0; i < map->n; i++)
		out->pairs[i] = map->pairs[i];
	if (old) {
		out->pairs[old - map->pairs].value = value;
		return out;
	}
	while (at < map->n && strcmp(map->pairs[at].key, key) < 0)
		at++;
	for (size_t i = map->n; i > at; i--)
		out->pairs[i] = map->pairs[i - 1];
	out->pairs[at] = (struct node_pair){ key, value->pos, value };
	out->n++;
	return out;
}

size_t node_count(const struct node *n, size_t max)
{
	size_t count = 1;

	for (size_t i = 0; i < n->n && count <= max; i++)
		count += node_count(n->kind == NODE_MAP ? n->pairs[i].value : n->items[i],
				    max - count);
	return count;
}

size_t node_text_bytes(const struct node *n, size_t max)
{
	size_t bytes = strlen(n->text);

	for (size_t i = 0; i < n->n && bytes <= max; i++) {
		if (n->kind == NODE_MAP)
			bytes += strlen(n->pairs[i].key);
		bytes +=
			node_text_bytes(n->kind == NODE_MAP ? n->pairs[i].value : n->items[i], max);
	}
	return bytes;
}

static bool equal_maps(const struct node *a, const struct node *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct node *other = node_get(b, a->pairs[i].key);

		if (!other || !node_equal(a->pairs[i].value, other))
			return false;
	}
	return true;
}

bool node_equal(const struct node *a, const struct node *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind)
		return false;
	/* A scalar that was made out of a map may still have its number of pairs. */
	if (!(a->kind & (NODE_LIST | NODE_MAP)))
		return !strcmp(a->text, b->text);
	if (a->n != b->n)
		return false;
	if (a->kind == NODE_MAP)
		return equal_maps(a, b);
	for (size_t i = 0; i < a->n; i++)
		if (!node_equal(a->items[i], b->items[i]))
			return false;
	return true;
}
