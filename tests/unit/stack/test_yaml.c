/* SPDX-License-Identifier: GPL-2.0-or-later */
/* yaml: shapes, places, anchors and merge keys; and that no input takes long or much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/diag.h"
#include "stack/yaml.h"
#include "unit/cputime.h"
#include <cmocka.h>

/* As `{a: "text"@1:4, ...}` with each scalar's kind letter: z null, b truth, n number, s string. */
static void show(struct buf *b, const struct node *n)
{
	if (n->kind == NODE_LIST || n->kind == NODE_MAP) {
		buf_putc(b, n->kind == NODE_LIST ? '[' : '{');
		for (size_t i = 0; i < n->n; i++) {
			if (i)
				buf_putc(b, ' ');
			if (n->kind == NODE_MAP)
				buf_printf(b, "%s:", n->pairs[i].key);
			show(b, n->kind == NODE_MAP ? n->pairs[i].value : n->items[i]);
		}
		buf_putc(b, n->kind == NODE_LIST ? ']' : '}');
		return;
	}
	buf_printf(b, "%c%s", n->kind == NODE_NULL ? 'z' : n->kind == NODE_BOOL ? 'b' : n->kind == NODE_NUMBER ? 'n' : 's',
		   n->text);
}

/* The tree, then "LINE:COL text;" of each problem. */
static char *parse(const char *text, size_t len)
{
	struct arena *arena = arena_new();
	struct stack_diags *diags = stack_diags_new();
	uint32_t file = diags_add_file(diags, "f", text, len);
	struct node *root = yaml_parse(arena, diags, file, text, len);
	struct buf out = { 0 };

	assert_true(root || stack_diags_errors(diags));
	if (root)
		show(&out, root);
	for (size_t i = 0; i < stack_diags_count(diags); i++) {
		const struct stack_diag *d = stack_diags_get(diags, i);

		buf_printf(&out, "%u:%u %s;", d->pos.line, d->pos.col, d->text);
	}
	stack_diags_free(diags);
	arena_free(arena);
	return buf_take(&out);
}

static void expect(const char *text, const char *want)
{
	_cleanup_free_ char *got = parse(text, strlen(text));

	assert_string_equal(got, want);
}

static void test_shapes(void **state)
{
	(void)state;
	expect("a: 1\nb: [x, \"1\", ~, true]\nc: {d: }\n", "{a:n1 b:[sx s1 z~ btrue] c:{d:z}}");
	expect("- !!str 1\n- !!int x\n- 'true'\n- |\n  t\n", "[s1 nx strue st\n]");
	expect("hello", "shello");
	expect("\xef\xbb\xbf" "a: b\r\nc: d\r\n", "{a:sb c:sd}");
	expect("1: a\ntrue: b\n", "{1:sa true:sb}");
}

static void test_anchors(void **state)
{
	(void)state;
	expect("a: &x [1]\nb: *x\n", "{a:[n1] b:[n1]}");
	expect("- &x a\n- &x b\n- *x\n", "[sa sb sb]");
	expect("b: &b {x: 1, y: 1}\nc: {<<: *b, y: 2}\n", "{b:{x:n1 y:n1} c:{y:n2 x:n1}}");
	expect("b: &b {x: 1}\nd: &d {x: 2, z: 2}\nc: {<<: [*b, *d]}\n", "{b:{x:n1} d:{x:n2 z:n2} c:{x:n1 z:n2}}");
	expect("c: {'<<': 1}\n", "{c:{<<:n1}}");
	expect("a: *x\n", "1:4 alias '*x': there is no anchor '&x' before it;");
	expect("a: &x [*x]\n", "1:8 alias '*x': it stands inside its own anchor, which would never end;");
	expect("a: &x {b: {<<: *x}}\n", "1:16 alias '*x': it stands inside its own anchor, which would never end;");
	expect("a: {<<: 1}\n", "1:9 merge key '<<': it takes a map or a list of maps, not a number;");
}

static void test_errors(void **state)
{
	(void)state;
	expect("", "1:1 the file is empty: it needs at least `services`;");
	expect("# only\n", "1:1 the file is empty: it needs at least `services`;");
	expect("a: 1\nb: 2\na: 3\na: 4\n",
	       "{a:n1 b:n2}3:1 key 'a' stands twice in this map, first in line 1;4:1 key 'a' stands twice in this map, first in "
	       "line 1;");
	expect("<<: {a: 1}\n<<: {b: 1}\n", "{a:n1}2:1 key '<<' stands twice in this map: use one with a list;");
	expect("a: 1\n---\nb: 2\n", "{a:n1}2:1 several documents in one file: not supported yet;");
	expect("[a]: 1\n", "1:1 a key must be a word, not a list;");
	expect("a: !reset []\n", "1:4 tag '!reset': not supported yet;");
	expect("a: !foo 1\n", "1:4 tag '!foo': unknown;");
	expect("a: \"x\\0y\"\n", "1:4 a NUL byte inside of a text;");
	expect("a: [1\nb: 2\n", "2:2 not YAML: did not find expected ',' or ']' (while parsing a flow sequence that began in line 1);");
	expect("a:\n\t- b\n", "2:1 not YAML: found character that cannot start any token (while scanning for the next token that "
	       "began in line 2);");
	expect("a: b\nc: \xff\n", "2:4 not YAML: invalid leading UTF-8 octet;");
	expect("a: b\nc: \x01\n", "2:4 not YAML: control characters are not allowed;");
}

static void test_nul_byte(void **state)
{
	_cleanup_free_ char *got = parse("a: b\nc: \0d\n", 10);

	(void)state;
	assert_string_equal(got, "2:4 a NUL byte: this is not a text file;");
}

/*
 * ---- limits: each ends with one clear error, in much less than a second -----------------------
 */

static void expect_quick_error(const char *text, size_t len, const char *part)
{
	uint64_t start = cputime_ms();
	_cleanup_free_ char *got = parse(text, len);

	if (!strstr(got, part))
		fail_msg("'%.200s' lacks '%s'", got, part);
	assert_true(cputime_ms() - start < 1000);
}

static void repeat(struct buf *b, const char *s, size_t times)
{
	while (times--)
		buf_puts(b, s);
}

static void test_depth(void **state)
{
	static const char *const opens[] = { "[", "{a: ", "- ", "? " };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(opens); i++) {
		_cleanup_(buf_fini) struct buf text = { 0 };

		repeat(&text, opens[i], 100000);
		expect_quick_error(text.data, text.len, "nested too deeply: more than 64 levels");
	}
}

static void test_alias_bomb(void **state)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	(void)state;
	buf_puts(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++) {
		buf_printf(&text, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			buf_printf(&text, "*a%d, ", i - 1);
		buf_puts(&text, "]\n");
	}
	expect_quick_error(text.data, text.len, "more than 100000 nodes once its aliases are expanded");
}

static void test_merge_bomb(void **state)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	(void)state;
	buf_puts(&text, "a: &a {");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "k%d: , ", i);
	buf_puts(&text, "}\nb:\n");
	for (int i = 0; i < 1000; i++)
		buf_puts(&text, "- <<: *a\n");
	expect_quick_error(text.data, text.len, "more than 100000 nodes once its aliases are expanded");
}

static void test_sizes(void **state)
{
	_cleanup_(buf_fini) struct buf scalar = { 0 }, events = { 0 };

	(void)state;
	buf_puts(&scalar, "a: ");
	repeat(&scalar, "xxxxxxxxxx", 7000);
	expect_quick_error(scalar.data, scalar.len, "1:4 a text of 70000 bytes: more than 65536 are not taken");
	repeat(&events, "- x\n", 200000);
	expect_quick_error(events.data, events.len, "too large: more than 100000");
}

/* Many keys are quick, and so is finding out that one stands twice. */
static void test_many_keys(void **state)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	(void)state;
	for (int i = 0; i < 45000; i++)
		buf_printf(&text, "k%d: 1\n", i);
	buf_puts(&text, "k44999: 1\n");
	expect_quick_error(text.data, text.len, "45001:1 key 'k44999' stands twice in this map, first in line 45000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),	   cmocka_unit_test(test_anchors),    cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nul_byte),   cmocka_unit_test(test_depth),      cmocka_unit_test(test_alias_bomb),
		cmocka_unit_test(test_merge_bomb), cmocka_unit_test(test_sizes),      cmocka_unit_test(test_many_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
