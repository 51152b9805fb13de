/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_value: single values of the canonical tree as fields of the model. A key that is not there leaves the field empty. Called
 * by the model_*.c files; nothing is checked here, the forms have done so.
 */
#include "stack/model_value.h"

struct stack_str value_str(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n ? (struct stack_str){ n->text, n->pos } : (struct stack_str){ 0 };
}

struct stack_num value_num(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n ? (struct stack_num){ n->number, true, n->pos } : (struct stack_num){ 0 };
}

bool value_bool(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->number;
}

struct stack_strs value_strs(struct reader *r, const struct node *map, const char *key)
{
	return value_strs_of(r, node_get(map, key));
}

struct stack_strs value_strs_of(struct reader *r, const struct node *n)
{
	struct stack_str *v;

	if (!n || n->kind != NODE_LIST)
		return (struct stack_strs){ 0 };
	v = arena_array(r->arena, struct stack_str, n->n);
	for (size_t i = 0; i < n->n; i++)
		v[i] = (struct stack_str){ n->items[i]->text, n->items[i]->pos };
	return (struct stack_strs){ v, n->n, true };
}

/* A name without a value stays unset in the container, which empty would not. */
struct stack_kvs value_kvs(struct reader *r, const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);
	struct stack_kv *v;

	if (!n)
		return (struct stack_kvs){ 0 };
	v = arena_array(r->arena, struct stack_kv, n->n);
	for (size_t i = 0; i < n->n; i++)
		v[i] = (struct stack_kv){ n->pairs[i].key,
					  n->pairs[i].value->kind == NODE_NULL
						  ? NULL
						  : n->pairs[i].value->text,
					  n->pairs[i].pos };
	return (struct stack_kvs){ v, n->n };
}

size_t value_index(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text && !strcmp(text, words[i]))
			return i;
	return 0;
}
