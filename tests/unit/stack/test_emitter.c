/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * emitter: one tree as JSON and as YAML; texts come back from our own parser as they were, and what is
 * written is UTF-8 whatever went in.
 */
#include <stdio.h>

#include "stack/diag.h"
#include "stack/emitter.h"
#include "stack/yaml.h"
#include "unit/stack/fixture.h"

/* The first document of a text; fails the test when there is none. */
static const struct node *parse(struct arena *arena, const char *text, size_t len)
{
	struct stack_diags *diags = stack_diags_new();
	struct node_items docs = { 0 };
	const struct node *root;

	diags_add_file(diags, "f", text, len);
	if (!yaml_parse(arena, diags, 0, text, len, &docs)) {
		_cleanup_(buf_fini) struct buf out = { 0 };

		stack_diags_print(diags, false, &out);
		fail_msg("%s in:\n%s", buf_str(&out), text);
	}
	root = docs.n ? docs.v[0] : NULL;
	vec_fini(&docs);
	stack_diags_free(diags);
	return root;
}

static void expect(const char *yaml, enum emit_form form, bool literal, const char *want)
{
	struct arena *arena = arena_new();
	_cleanup_(buf_fini) struct buf out = { 0 };
	const struct emitter e = { .out = &out, .form = form, .literal = literal };

	emit_tree(&e, parse(arena, yaml, strlen(yaml)));
	assert_string_equal(buf_str(&out), want);
	arena_free(arena);
}

static void test_forms(void **state)
{
	static const char sample[] = "s: a$b\nm: {'k $': null, l: [-1, {t: True, n: .5}, [], [x, [y]]]}\nempty: {}\n";

	(void)state;
	expect(sample, EMIT_JSON, false,
	       "{\n  \"s\": \"a$$b\",\n  \"m\": {\n    \"k $$\": null,\n    \"l\": [\n      -1,\n      {\n"
	       "        \"t\": true,\n        \"n\": 0.5\n      },\n      [],\n      [\n        \"x\",\n        [\n"
	       "          \"y\"\n        ]\n      ]\n    ]\n  },\n  \"empty\": {}\n}\n");
	expect(sample, EMIT_COMPACT, true,
	       "{\"s\":\"a$b\",\"m\":{\"k $\":null,\"l\":[-1,{\"t\":true,\"n\":0.5},[],[\"x\",[\"y\"]]]},\"empty\":{}}");
	expect(sample, EMIT_YAML, false,
	       "s: a$$b\nm:\n  k $: null\n  l:\n    - -1\n    - t: true\n      \"n\": 0.5\n    - []\n    - - x\n"
	       "      - - \"y\"\nempty: {}\n");
	expect("{}", EMIT_YAML, false, "{}\n");
	/* Two dollars of a key are one when it is read again. */
	expect("{a$b: 1, a$$b: 2}", EMIT_YAML, false, "a$b: 1\na$$$$b: 2\n");
	expect("{a$b: 1, a$$b: 2}", EMIT_YAML, true, "a$b: 1\na$$b: 2\n");
}

static void test_lines(void **state)
{
	(void)state;
	expect("a:\n  b: \"one $X\\n  two\\n\\nthree\\n\"\n  c: [\"x\\ny\"]\n", EMIT_YAML, false,
	       "a:\n  b: |\n    one $$X\n      two\n\n    three\n  c:\n    - |-\n      x\n      y\n");
	expect("a: \"one\\ntwo\"\n", EMIT_JSON, false, "{\n  \"a\": \"one\\ntwo\"\n}\n");
}

static void note(void *arg, const struct node *n, struct buf *out)
{
	buf_printf(out, " # %s%u", (const char *)arg, n->pos.line);
}

static void test_notes(void **state)
{
	static const char text[] = "a:\n  b: c\n  d: [1]\n  e: []\n  f: \"x\\ny\"\n";
	struct arena *arena = arena_new();
	_cleanup_(buf_fini) struct buf out = { 0 };
	const struct emitter e = { .out = &out, .form = EMIT_YAML, .note = note, .arg = (void *)"L" };

	(void)state;
	emit_tree(&e, parse(arena, text, strlen(text)));
	assert_string_equal(out.data, "a:\n  b: c # L2\n  d:\n    - 1 # L3\n  e: [] # L4\n  f: |- # L5\n    x\n    y\n");
	arena_free(arena);
}

static const char *const texts[] = {
	"", " ", "a", "yes", "No", "true", "null", "~", "12", "0x1f", "1.5", ".inf", "a b", "a: b", "a:b", "a:", "#x", "a #x", "30s",
	"- a", "-a", "--", "*x", "&x", "!x", "%x", "@x", "`x", "{a}", "[a]", "a,b", "'", "\"", "\\", "\n", "\t\r\b\a\x1b\x7f", "a'b\"c",
	"\xc3\xa4", "\xc2\x85\xc2\x80", "\xe2\x80\xa8", "\xef\xbb\xbfx", "\xf0\x9f\x98\x80", "2024-01-01", "22:22", "/a/b", "a\xe2\x80\xae",
	"a@b", "-", "--x", "?", "<<", "=", "a\nb", "a\nb\n", "a\n\n", "\na", " a\nb", "a \nb", "a\n\n\n  b\n\tc\n", "#a\n#b\n", "- a\n- b",
	"---\n...", "a\n---\nb\n", "\xc2\xa0x", "x\xc2\xa0", "$x$", "a\r\nb",
};

static void expect_text_back(const char *text, enum emit_form form)
{
	struct arena *arena = arena_new();
	struct node *list = node_new(arena, NODE_LIST, (struct stack_pos){ 0 }, NULL);
	struct node *map = node_new(arena, NODE_MAP, (struct stack_pos){ 0 }, NULL);
	struct node *value = node_new(arena, NODE_STRING, (struct stack_pos){ 0 }, text);
	_cleanup_(buf_fini) struct buf out = { 0 };
	const struct emitter e = { .out = &out, .form = form, .literal = true };
	const struct node *root;

	list->n = map->n = 1;
	list->items = &value;
	map->pairs = &(struct node_pair){ .key = text, .value = list };
	emit_tree(&e, map);
	root = parse(arena, out.data, out.len);
	assert_string_equal(root->pairs[0].key, text);
	assert_int_equal(root->pairs[0].value->kind, NODE_LIST);
	assert_int_equal(root->pairs[0].value->items[0]->kind, NODE_STRING);
	assert_string_equal(root->pairs[0].value->items[0]->text, text);
	arena_free(arena);
}

static void test_strings_come_back(void **state)
{
	char key[3000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		expect_text_back(texts[i], EMIT_YAML);
		expect_text_back(texts[i], EMIT_JSON);
		expect_text_back(texts[i], EMIT_COMPACT);
	}
	/* Longer than a key may be without `?`. */
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	expect_text_back(key, EMIT_YAML);
	key[200] = '\n';
	key[500] = '\0';
	expect_text_back(key, EMIT_YAML);
}

static void test_no_utf8(void **state)
{
	static const char *const bad[] = { "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\x80" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_(buf_fini) struct buf out = { 0 };

		emit_string(&out, bad[i], false);
		assert_int_equal(strncmp(out.data, "\"\\ufffd", 7), 0);
		for (size_t k = 0; k < out.len; k++)
			assert_true((unsigned char)out.data[k] < 0x80);
	}
}

/* A terminal must not be turned around or cleared by what a file says. */
static void test_nothing_hidden(void **state)
{
	_cleanup_(buf_fini) struct buf out = { 0 };

	(void)state;
	emit_string(&out, "\x1b[2J\xe2\x80\xae\xc2\x9b", false);
	assert_string_equal(out.data, "\"\\u001b[2J\\u202e\\u009b\"");
}

/* Aliases make trees deeper than any text is; they come out, and come back. */
static void test_deep(void **state)
{
	enum { DEPTH = 3000 };
	struct arena *arena = arena_new();
	struct node *n = node_new(arena, NODE_STRING, (struct stack_pos){ 0 }, "x");
	_cleanup_(buf_fini) struct buf yaml = { 0 }, json = { 0 };
	struct emitter e = { .out = &yaml, .form = EMIT_YAML };

	(void)state;
	for (int i = 0; i < DEPTH; i++) {
		struct node *outer = node_new(arena, i % 2 ? NODE_MAP : NODE_LIST, (struct stack_pos){ 0 }, NULL);

		outer->n = 1;
		outer->items = arena_array(arena, struct node *, 1);
		outer->pairs = arena_array(arena, struct node_pair, 1);
		outer->items[0] = n;
		outer->pairs[0] = (struct node_pair){ .key = "k", .value = n };
		n = outer;
	}
	emit_tree(&e, n);
	assert_true(yaml.len < 100000);
	e = (struct emitter){ .out = &json, .form = EMIT_JSON };
	emit_tree(&e, n);
	assert_true(json.len < 100000);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_strings_come_back),
		cmocka_unit_test(test_no_utf8),
		cmocka_unit_test(test_nothing_hidden),
		cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
