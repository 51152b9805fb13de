/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * emitter: the same calls give JSON and YAML; strings come back from our own parser as they were.
 */
#include <stdio.h>

#include "stack/diag.h"
#include "stack/emitter.h"
#include "stack/yaml.h"
#include "unit/stack/fixture.h"

static void emit_sample(struct buf *out, enum stack_format format)
{
	struct emitter e;

	emit_begin(&e, out, format);
	emit_string(&e, "s", "a$b");
	emit_open_map(&e, "m");
	emit_null(&e, "k $");
	emit_open_list(&e, "l");
	emit_int(&e, NULL, -1);
	emit_open_map(&e, NULL);
	emit_bool(&e, "t", true);
	emit_number(&e, "n", "0.5");
	emit_close(&e);
	emit_open_list(&e, NULL);
	emit_close(&e);
	emit_close(&e);
	emit_open_map(&e, "empty");
	emit_close(&e);
	emit_close(&e);
	emit_end(&e);
}

static void test_formats(void **state)
{
	_cleanup_(buf_fini) struct buf json = { 0 }, yaml = { 0 };

	(void)state;
	emit_sample(&json, STACK_JSON);
	emit_sample(&yaml, STACK_YAML);
	assert_string_equal(json.data, "{\n  \"s\": \"a$$b\",\n  \"m\": {\n    \"k $\": null,\n    \"l\": [\n      -1,\n      {\n"
			    "        \"t\": true,\n        \"n\": 0.5\n      },\n      []\n    ],\n    \"empty\": {}\n  }\n}\n");
	assert_string_equal(yaml.data, "s: \"a$$b\"\nm:\n  \"k $\": null\n  l:\n    - -1\n    - t: true\n      \"n\": 0.5\n    - []\n"
			    "  empty: {}\n");
}

static void test_strings_come_back(void **state)
{
	static const char *const texts[] = {
		"", " ", "a", "yes", "No", "true", "null", "~", "12", "0x1f", "1.5", ".inf", "a b", "a: b", "a:b", "a:", "#x", "a #x",
		"- a", "*x", "&x", "!x", "%x", "@x", "`x", "{a}", "[a]", "a,b", "'", "\"", "\\", "\n", "\t\r\b\a\x1b\x7f",
		"\xc3\xa4", "\xc2\x85\xc2\x80", "\xe2\x80\xa8", "\xef\xbb\xbfx", "\xf0\x9f\x98\x80", "2024-01-01", "22:22", "/a/b",
		"a@b", "-", "--x", "?", "<<", "=",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts) * 2; i++) {
		const char *text = texts[i / 2];
		struct arena *arena = arena_new();
		struct stack_diags *diags = stack_diags_new();
		_cleanup_(buf_fini) struct buf out = { 0 };
		struct emitter e;
		const struct node *root;

		emit_begin(&e, &out, i % 2 ? STACK_JSON : STACK_YAML);
		emit_string(&e, "k", text);
		emit_end(&e);
		root = yaml_parse(arena, diags, 0, out.data, out.len);
		assert_non_null(root);
		assert_int_equal(root->pairs[0].value->kind, NODE_STRING);
		assert_string_equal(root->pairs[0].value->text, text);
		stack_diags_free(diags);
		arena_free(arena);
	}
}

static void test_no_utf8(void **state)
{
	static const char *const texts[] = { "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\x80" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_(buf_fini) struct buf out = { 0 };
		struct emitter e;

		emit_begin(&e, &out, STACK_JSON);
		emit_string(&e, "k", texts[i]);
		assert_non_null(strstr(out.data, "\"\\ufffd"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_strings_come_back),
		cmocka_unit_test(test_no_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
