/* SPDX-License-Identifier: GPL-2.0-or-later */
/* node: what an unquoted word is: YAML 1.2, with the numbers of YAML 1.1 that compose keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/node.h"
#include <cmocka.h>

static void test_plain_kinds(void **state)
{
	static const struct { const char *text; enum node_kind kind; } cases[] = {
		{ "", NODE_NULL },	{ "~", NODE_NULL },	 { "null", NODE_NULL },	  { "NULL", NODE_NULL },
		{ "nUll", NODE_STRING }, { "true", NODE_BOOL },	 { "False", NODE_BOOL },  { "TRUE", NODE_BOOL },
		{ "tRUE", NODE_STRING }, { "yes", NODE_STRING }, { "no", NODE_STRING },	  { "on", NODE_STRING },
		{ "off", NODE_STRING },	{ "y", NODE_STRING },	 { "0", NODE_NUMBER },	  { "-12", NODE_NUMBER },
		{ "+3", NODE_NUMBER },	{ "0777", NODE_NUMBER }, { "0x1F", NODE_NUMBER }, { "0o17", NODE_NUMBER },
		{ "0b11", NODE_NUMBER }, { "0x", NODE_STRING },	 { "0b2", NODE_STRING },  { "1_000", NODE_NUMBER },
		{ "1.5", NODE_NUMBER },	{ ".5", NODE_NUMBER },	 { "5.", NODE_NUMBER },	  { ".", NODE_STRING },
		{ "1e3", NODE_NUMBER },	{ "1e", NODE_STRING },	 { "1.2.3", NODE_STRING }, { "22:22", NODE_STRING },
		{ "64m", NODE_STRING },	{ "-", NODE_STRING },	 { ".inf", NODE_NUMBER }, { "-.Inf", NODE_NUMBER },
		{ ".nan", NODE_NUMBER }, { "2024-01-01", NODE_STRING }, { "1e-3", NODE_NUMBER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (node_plain_kind(cases[i].text) != cases[i].kind)
			fail_msg("'%s' is %s", cases[i].text, node_kind_text(node_plain_kind(cases[i].text)));
}

static void test_find(void **state)
{
	struct node value = { .kind = NODE_STRING, .text = "v" };
	struct node_pair pairs[] = { { "a", { 0 }, &value }, { "b", { 0 }, NULL } };
	struct node map = { .kind = NODE_MAP, .n = 2, .pairs = pairs };

	(void)state;
	assert_ptr_equal(node_find(&map, "a"), &pairs[0]);
	assert_ptr_equal(node_find(&map, "b"), &pairs[1]);
	assert_null(node_find(&map, "c"));
	assert_null(node_find(&value, "a"));
	assert_null(node_find(NULL, "a"));
}

static void test_get(void **state)
{
	struct node text = { .kind = NODE_NUMBER, .text = "5" }, none = { .kind = NODE_NULL, .text = "" };
	struct node list = { .kind = NODE_LIST, .text = "" };
	struct node_pair pairs[] = { { "a", { 0 }, &text }, { "b", { 0 }, &none }, { "c", { 0 }, &list } };
	struct node map = { .kind = NODE_MAP, .n = 3, .pairs = pairs };

	(void)state;
	assert_ptr_equal(node_get(&map, "a"), &text);
	assert_null(node_get(&map, "d"));
	assert_null(node_get(NULL, "a"));
	assert_null(node_get(&text, "a"));
	assert_string_equal(node_text(&map, "a"), "5");
	assert_null(node_text(&map, "b"));
	assert_null(node_text(&map, "c"));
	assert_null(node_text(&map, "d"));
}

static void test_new(void **state)
{
	struct arena *arena = arena_new();
	struct stack_pos pos = { 1, 2, 3 };
	const struct node *yes = node_bool(arena, pos, true), *number = node_new(arena, NODE_NUMBER, pos, "-7");
	struct node *text = node_new(arena, NODE_STRING, pos, "t"), *copy = node_copy(arena, text);

	(void)state;
	assert_string_equal(yes->text, "true");
	assert_int_equal(yes->number, 1);
	assert_string_equal(node_bool(arena, pos, false)->text, "false");
	assert_string_equal(number->text, "-7");
	assert_int_equal(number->kind, NODE_NUMBER);
	assert_string_equal(node_new(arena, NODE_MAP, pos, NULL)->text, "");
	copy->text = "u";
	assert_string_equal(text->text, "t");
	assert_int_equal(copy->pos.line, 2);
	assert_int_equal(copy->weight, 1);
	arena_free(arena);
}

static void test_building(void **state)
{
	struct arena *arena = arena_new();
	struct stack_pos first = { 0, 1, 1 }, later = { 0, 2, 1 };
	struct node *a = node_new(arena, NODE_NUMBER, first, "1"), *b = node_new(arena, NODE_NUMBER, later, "2");
	struct node_items items = { 0 };
	struct node_pairs pairs = { 0 };
	struct node *list, *map;

	(void)state;
	vec_push(&items, a);
	vec_push(&items, b);
	list = node_list_done(arena, first, &items);
	assert_int_equal(list->n, 2);
	assert_ptr_equal(list->items[1], b);
	assert_null(items.v);
	node_pairs_put(&pairs, "x", first, a);
	node_pairs_put(&pairs, "y", first, a);
	node_pairs_put(&pairs, "x", later, b);
	map = node_map_done(arena, first, &pairs);
	assert_int_equal(map->n, 2);
	assert_string_equal(map->pairs[0].key, "x");	/* in its old place, with the new value */
	assert_ptr_equal(map->pairs[0].value, b);
	assert_int_equal(map->pairs[0].pos.line, 2);
	assert_int_equal(node_list_done(arena, first, &items)->n, 0);
	assert_int_equal(node_map_done(arena, first, &pairs)->n, 0);
	arena_free(arena);
}

/* Of the keys and values: a map {x: a, y: b}. */
static struct node *pair_of(struct arena *arena, const char *x, struct node *a, const char *y, struct node *b)
{
	struct node_pairs pairs = { 0 };

	node_pairs_put(&pairs, x, (struct stack_pos){ 0 }, a);
	node_pairs_put(&pairs, y, (struct stack_pos){ 0 }, b);
	return node_map_done(arena, (struct stack_pos){ 0 }, &pairs);
}

static void test_equal(void **state)
{
	struct arena *arena = arena_new();
	struct stack_pos pos = { 0 };
	struct node *one = node_new(arena, NODE_NUMBER, pos, "1"), *uno = node_new(arena, NODE_NUMBER, (struct stack_pos){ 1, 1, 1 }, "1");
	struct node *text = node_new(arena, NODE_STRING, pos, "1"), *two = node_new(arena, NODE_NUMBER, pos, "2");
	struct node_items items = { 0 }, others = { 0 };
	struct node *list, *other;

	(void)state;
	assert_true(node_equal(one, uno));
	assert_false(node_equal(one, text));	/* 1 and "1" */
	assert_false(node_equal(one, two));
	assert_true(node_equal(pair_of(arena, "x", one, "y", two), pair_of(arena, "y", two, "x", uno)));
	assert_false(node_equal(pair_of(arena, "x", one, "y", two), pair_of(arena, "x", two, "y", one)));
	assert_false(node_equal(pair_of(arena, "x", one, "y", two), pair_of(arena, "x", one, "z", two)));
	vec_push(&items, one);
	vec_push(&items, two);
	vec_push(&others, two);
	vec_push(&others, one);
	list = node_list_done(arena, pos, &items);
	other = node_list_done(arena, pos, &others);
	assert_true(node_equal(list, node_copy(arena, list)));
	assert_false(node_equal(list, other));
	arena_free(arena);
}

/* What is shared counts in each place, and counting ends when it is enough. */
static void test_counts(void **state)
{
	struct arena *arena = arena_new();
	struct stack_pos pos = { 0 };
	struct node *text = node_new(arena, NODE_STRING, pos, "12345");
	struct node *map = pair_of(arena, "ab", text, "c", text), *top = pair_of(arena, "d", map, "e", map);

	(void)state;
	assert_int_equal(node_count(text, 100), 1);
	assert_int_equal(node_count(top, 100), 7);
	assert_true(node_count(top, 3) > 3);
	assert_int_equal(node_text_bytes(text, 100), 5);
	assert_int_equal(node_text_bytes(top, 100), 2 * 13 + 2);
	assert_true(node_text_bytes(top, 10) > 10);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_kinds),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_building),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
