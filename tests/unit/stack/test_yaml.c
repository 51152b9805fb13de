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

/* `{a:nTEXT ...}`: each scalar with the letter of its kind: z null, b truth, n number, s string; tags as ! and !!. */
static void show(struct buf *b, const struct node *n)
{
	buf_puts(b, n->tag == NODE_RESET ? "!" : n->tag == NODE_OVERRIDE ? "!!" : "");
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

/* The documents, `---` between them, then "LINE:COL text;" of each problem, with hints in brackets when they are asked for. */
static char *parse_with(const char *text, size_t len, bool hints)
{
	struct arena *arena = arena_new();
	struct stack_diags *diags = stack_diags_new();
	uint32_t file = diags_add_file(diags, "f", text, len);
	struct node_items docs = { 0 };
	bool ok = yaml_parse(arena, diags, file, text, len, &docs);
	struct buf out = { 0 };

	assert_int_equal(ok, !stack_diags_errors(diags));
	assert_true(docs.n || !ok);
	for (size_t i = 0; i < docs.n; i++) {
		buf_puts(&out, i ? "---" : "");
		show(&out, docs.v[i]);
	}
	for (size_t i = 0; i < stack_diags_count(diags); i++) {
		const struct stack_diag *d = stack_diags_get(diags, i);

		buf_printf(&out, "%u:%u %s", d->pos.line, d->pos.col, d->text);
		if (hints && d->hint)
			buf_printf(&out, " (%s)", d->hint);
		buf_putc(&out, ';');
	}
	vec_fini(&docs);
	stack_diags_free(diags);
	arena_free(arena);
	return buf_take(&out);
}

static char *parse(const char *text, size_t len)
{
	return parse_with(text, len, false);
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
	expect("- !!str 1\n- 'true'\n- |\n  t\n- >-\n  a\n  b\n", "[s1 strue st\n sa b]");
	expect("hello", "shello");
	expect("\xef\xbb\xbf" "a: b\r\nc: d\r\n", "{a:sb c:sd}");
	expect("1: a\ntrue: b\nnull: c\n~: d\n1.50: e\n", "{1:sa true:sb null:sc ~:sd 1.50:se}");
	expect("? a\n: b\n? |\n  x\n  y\n: c\n'': d\n", "{a:sb x\ny\n:sc :sd}");
	expect("{\"a\": [1,2,], \"b\": {}}", "{a:[n1 n2] b:{}}");
	expect("a: 22:22\nb: 0440\nc: no\nd: 2024-01-01\ne: 1_000\nf: 0o17\n", "{a:s22:22 b:n0440 c:sno d:s2024-01-01 e:n1_000 f:n0o17}");
}

static void test_tags(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "[!!int \"5\", !!int 0x1F, !!float 3, !!bool \"true\", !!null ~, !!str 5, ! 5]",
		  "[n5 n0x1F n3 btrue z~ s5 s5]" },
		{ "a: !!timestamp 2024-01-01\nb: !!map {}\nc: !!seq []\nd: !!set {x}\ne: !!omap [x: 1]\n",
		  "{a:s2024-01-01 b:{} c:[] d:{x:z} e:[{x:n1}]}" },
		{ "!!merge <<: {a: 1}\n!!str b: c\n", "{b:sc a:n1}" },
		{ "a: !reset\nb: !reset null\nc: !reset [1, {x: y}]\nd: !reset {x: &q 1}\ne: *q\n", "{a:!z b:!z c:!z d:!z e:n1}" },
		{ "a: !override 5\nb: !override '5'\nc: !override [1]\nd: !override\n  x: y\ne: !override\n",
		  "{a:!!n5 b:!!s5 c:!![n1] d:!!{x:sy} e:!!z}" },
		{ "a: &x !override [1]\nb: *x\nc: !<!reset> x\n", "{a:!![n1] b:!![n1] c:!z}" },
		{ "a: !reset [1\nb: 2\n", "1:11 not YAML: the '[' that stands here is never closed;" },
		{ "a: !reset {x: 1, x: 2}\n", "{a:!z}1:18 a: key 'x' stands twice in this map, first in line 1;" },
		{ "a: !!int x\n", "1:4 a: tag '!!int': what stands behind it is no whole number;" },
		{ "a: !!int 1.5\n", "1:4 a: tag '!!int': what stands behind it is no whole number;" },
		{ "a: !!float x\n", "1:4 a: tag '!!float': what stands behind it is no number;" },
		{ "a: !!bool yes\n", "1:4 a: tag '!!bool': what stands behind it is neither true nor false;" },
		{ "a: !!null 1\n", "1:4 a: tag '!!null': what stands behind it is not empty;" },
		{ "a: !!binary aGk=\n", "1:4 a: tag '!!binary': there is no binary data in a stack file;" },
		{ "a: !!reset x\n", "1:4 a: tag '!!reset': write it with one exclamation mark;" },
		{ "a: !!str [x]\n", "1:4 a: tag '!!str': it is not for a list;" },
		{ "a: !!seq {}\n", "1:4 a: tag '!!seq': it is not for a map;" },
		{ "a: !!seq x\n", "1:4 a: tag '!!seq': it is not for a single value;" },
		{ "a: !foo 1\n", "1:4 a: tag '!foo': unknown;" },
		{ "a: !foo [1]\n", "1:4 a: tag '!foo': unknown;" },
		{ "a: !!foo {}\n", "1:4 a: tag '!!foo': unknown;" },
		{ "!reset a: 1\n", "1:1 tags !reset and !override belong to a value, not to a key;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect(cases[i].text, cases[i].want);
}

static void test_documents(void **state)
{
	(void)state;
	expect("a: 1\n---\nb: 2\n---\n[c]\n", "{a:n1}---{b:n2}---[sc]");
	expect("---\n# nothing\n---\na: 1\n...\n---\n~\n--- \n", "{a:n1}");
	expect("%YAML 1.2\n---\na: 1\n", "{a:n1}");
	expect("--- !reset\n", "!z");
	expect("a: &x 1\n---\nb: *x\n", "{a:n1}---{b:n1}");	/* as compose takes it */
	expect("a: 1\n---\na: 1\na: 2\n---\nb: 1\n", "{a:n1}---{a:n1}---{b:n1}4:1 key 'a' stands twice in this map, first in line 3;");
	expect("---\n...\n", "1:1 the file is empty: it needs at least `services`;");
	expect("null\n", "1:1 the file is empty: it needs at least `services`;");
	expect("a: 1\n--- ]\n", "2:5 not YAML: this ']' closes nothing;");
}

static void test_anchors(void **state)
{
	(void)state;
	expect("a: &x [1]\nb: *x\n", "{a:[n1] b:[n1]}");
	expect("- &x a\n- &x b\n- *x\n", "[sa sb sb]");
	expect("b: &b {x: 1, y: 1}\nc: {<<: *b, y: 2}\n", "{b:{x:n1 y:n1} c:{y:n2 x:n1}}");
	expect("b: &b {x: 1}\nd: &d {x: 2, z: 2}\nc: {<<: [*b, *d]}\n", "{b:{x:n1} d:{x:n2 z:n2} c:{x:n1 z:n2}}");
	expect("c: {'<<': 1}\n", "{c:{<<:n1}}");
	expect("a: *x\n", "1:4 a: alias '*x': there is no anchor '&x' before it;");
	expect("a: &x [*x]\n", "1:8 a[0]: alias '*x': it stands inside its own anchor, which would never end;");
	expect("a: &x {b: {<<: *x}}\n", "1:16 a.b: alias '*x': it stands inside its own anchor, which would never end;");
	expect("a: {<<: 1}\n", "1:9 a: merge key '<<': it takes a map or a list of maps, not a number;");
	expect("a: {<<: }\n", "1:9 a: merge key '<<': it takes a map or a list of maps, not nothing;");
	expect("x: &x 1\na: {<<: *x}\n", "2:9 a: merge key '<<': it takes a map or a list of maps, not a number;");
	expect("a: {<<: [{b: 1}, [{}]]}\n", "1:9 a: merge key '<<': it takes a map or a list of maps, not a list;");
	expect("x: &x {p: 1, q: 1}\na: {q: 2, <<: *x, r: 3}\n", "{x:{p:n1 q:n1} a:{q:n2 r:n3 p:n1}}");
	expect("x: &x {<<: {p: 1}, q: 2}\na: {<<: *x}\n", "{x:{q:n2 p:n1} a:{q:n2 p:n1}}");
	expect("x: &x {m: {a: 1}}\ny: {<<: *x, m: {b: 2}}\n", "{x:{m:{a:n1}} y:{m:{b:n2}}}");
	expect("a: {<<: []}\n", "{a:{}}");
	expect("&k key: 1\nb: *k\n", "{key:n1 b:skey}");
	expect("a: &x v\n*x : 1\n", "{a:sv v:n1}");
}

static void test_errors(void **state)
{
	(void)state;
	expect("", "1:1 the file is empty: it needs at least `services`;");
	expect("# only\n", "1:1 the file is empty: it needs at least `services`;");
	expect("a: 1\nb: 2\na: 3\na: 4\n",
	       "{a:n1 b:n2}3:1 key 'a' stands twice in this map, first in line 1;4:1 key 'a' stands twice in this map, first in "
	       "line 1;");
	expect("1: a\n\"1\": b\n", "{1:sa}2:1 key '1' stands twice in this map, first in line 1;");
	expect("<<: {a: 1}\n<<: {b: 1}\n", "{a:n1}2:1 key '<<' stands twice in this map: use one with a list;");
	expect("[a]: 1\n", "1:1 a key must be a word, not a list;");
	expect("a: {{ x }}\n", "1:5 a: a key must be a word, not a map;");
	expect("? \n: 1\n", "1:2 there is no key before this ':';");
	expect("a: \"x\\0y\"\n", "1:4 a NUL byte inside of a text;");
}

/* What people get wrong most, with the place of the slip and what to do about it. */
static void test_syntax(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "a:\n\t- b\n", "2:1 YAML does not allow tabs for indentation (use spaces)" },
		{ "a:\n  b: 1\n\t  c: 2\n", "3:1 YAML does not allow tabs for indentation (use spaces)" },
		{ "a: |\n\tb\n", "2:1 YAML does not allow tabs for indentation (use spaces)" },
		{ "a: @b\n", "1:4 no text begins with '@' (put the text in quotes)" },
		{ "a: b: c\n", "1:5 a second ': ' in one line (put the value in quotes)" },
		{ "a b\n  c: d\n",
		  "2:4 no key can stand here: the line before goes on in this one (a ':' lacks in the line before, or this one is "
		  "indented too far)" },
		{ "a:\n  b:\n    c: 1\n   d: 2\n",
		  "4:4 indented as no key before it (the keys of one map, and the '-' of one list, begin in the same column)" },
		{ "a:\n  - x\n - y\n",
		  "3:2 indented as no key before it (the keys of one map, and the '-' of one list, begin in the same column)" },
		{ "a:\n  - b\n  c: d\n",
		  "3:3 the list that began in line 2 goes on without a '-' (indent this line as its entry, or as the key that the "
		  "list belongs to)" },
		{ "a: - b\n", "1:4 no list can begin here (put each '- ' on a line of its own, below the key)" },
		{ "a: \"b\nc: d\n", "1:4 the quote that begins here is never closed" },
		{ "a: 'b\n---\nc: '\n", "1:4 the quote that begins here is never closed" },
		{ "a: 'it's'\n",
		  "1:8 text behind the closing quote (quote all of the value; inside of 'single quotes' a quote is written twice)" },
		{ "a: [x] y\n", "1:8 text behind the end of a value (put the text in quotes)" },
		{ "a: \"x\" y\n",
		  "1:8 text behind the closing quote (quote all of the value; inside of 'single quotes' a quote is written twice)" },
		{ "a: \"\\d\"\n",
		  "1:5 no escape of \"double quotes\" begins so (write \\\\ for a backslash, or use single quotes)" },
		{ "a: [1, 2\nb: 3\n",
		  "1:4 the '[' that stands here is never closed (close it, or put the text in quotes if the bracket belongs to it)" },
		{ "a: {x: 1\nb: 3\n",
		  "1:4 the '{' that stands here is never closed (close it, or put the text in quotes if the bracket belongs to it)" },
		{ "a: [\n  1\n  b: 2,\n]\n", "3:4 no ',' and no ']' here, in the list that began in line 1" },
		{ "a: [", "1:5 the text ends, and a '[' or '{' is not closed" },
		{ "a: ]\n", "1:4 this ']' closes nothing (put the text in quotes)" },
		{ "a: {: c}\n", "1:5 there is no key before this ':'" },
		{ "a: ,b\n", "1:4 a value is missing (put the text in quotes)" },
		{ "a: {b: c}}\n", "1:10 this '}' closes nothing" },
		{ "a: *\n", "1:4 '*' begins an alias, and there is no name behind it (put the text in quotes)" },
		{ "a: & b\n", "1:4 '&' begins an anchor, and there is no name behind it (put the text in quotes)" },
		{ "a: b\nc\nd: e\n",
		  "2:1 no ':' behind this text: neither a key nor an entry of a list (write 'key: value', or '- entry')" },
		{ "a: |b\n", "1:5 text behind '|' or '>' (the text begins on the next line)" },
		{ "a: !x!y z\n", "1:4 an unknown tag: it begins with '!' (put the text in quotes)" },
		{ "a: !<x y\n", "1:4 what begins with '!' is a tag, and this is not a complete one (put the text in quotes)" },
		{ "%FOO x\n",
		  "1:1 a '%' in the first column begins a directive, and of these there are %YAML and %TAG (put the text in quotes)" },
		{ "%YAML 1\n",
		  "1:1 a '%' in the first column begins a directive, and this is not a complete one (put the text in quotes)" },
		{ "%YAML 1.1\n%YAML 1.1\n---\na\n", "2:1 the same directive a second time" },
		{ "%YAML 3.0\n---\na: b\n", "1:1 only YAML 1.1 and 1.2 are read" },
		{ "a: b\nc: \xff\n", "2:4 bytes that are not UTF-8 (save the file as UTF-8)" },
		{ "a: \xc3\xa4\xc3\n", "1:5 bytes that are not UTF-8 (save the file as UTF-8)" },
		{ "a: b\nc: \x01\n", "2:4 a control character" },
		{ "\xef\xbb\xbf" "a: @b\r\n", "1:4 no text begins with '@' (put the text in quotes)" },
		{ "\xc3\xa4: \xc3\xa4\xc3\xa4: b\n", "1:6 a second ': ' in one line (put the value in quotes)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *say = strchr(cases[i].want, ' ') + 1;
		_cleanup_free_ char *got = parse_with(cases[i].text, strlen(cases[i].text), true);
		_cleanup_free_ char *want =
			xasprintf("%.*snot YAML: %s;", (int)(say - cases[i].want), cases[i].want, say);

		if (strcmp(got, want))
			fail_msg("'%s' gives\n'%s', not\n'%s'", cases[i].text, got, want);
	}
}

/* Lines are counted as an editor and the excerpt count them, also where YAML knows more line ends. */
static void test_places(void **state)
{
	(void)state;
	expect("\xc3\xa4: *x\n", "1:4 \xc3\xa4: alias '*x': there is no anchor '&x' before it;");
	expect("a: b\r\nc: *x\r\n", "2:4 c: alias '*x': there is no anchor '&x' before it;");
	expect("a: b\rc: *x\r", "1:9 c: alias '*x': there is no anchor '&x' before it;");
	expect("# \xc2\x85\na: b\nc: *x\n", "3:4 c: alias '*x': there is no anchor '&x' before it;");
	expect("a: \"\xe2\x80\xa8\"\nc: *x\n", "2:4 c: alias '*x': there is no anchor '&x' before it;");
	expect("a: \"\xe2\x80\xa8\"\nc: @\n", "2:4 not YAML: no text begins with '@';");
}

static void test_nul_byte(void **state)
{
	_cleanup_free_ char *got = parse("a: b\nc: \0d\n", 10);
	_cleanup_free_ char *wide = parse("a\0:\0 \0b\0\n\0", 10), *marked = parse("\xfe\xff\0a", 4);

	(void)state;
	assert_string_equal(got, "2:4 a NUL byte: this is not a text file;");
	assert_string_equal(wide, "1:1 UTF-16 text: only UTF-8 is read;");
	assert_string_equal(marked, "1:1 UTF-16 text: only UTF-8 is read;");
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
	expect_quick_error(text.data, text.len, "more than 110000 nodes once its aliases are expanded");
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
	expect_quick_error(text.data, text.len, "more than 110000 nodes once its aliases are expanded");
}

static void test_sizes(void **state)
{
	_cleanup_(buf_fini) struct buf scalar = { 0 }, events = { 0 };

	(void)state;
	buf_puts(&scalar, "a: ");
	repeat(&scalar, "xxxxxxxxxx", 110000);
	expect_quick_error(scalar.data, scalar.len, "1:4 a text of 1100000 bytes: more than 1048576 are not taken");
	repeat(&events, "- x\n", 200000);
	expect_quick_error(events.data, events.len, "too large: more than 110000 nodes");
	scalar.len = 0;
	for (int i = 0; i < 4; i++) {
		buf_puts(&scalar, "- ");
		repeat(&scalar, "xxxxxxxxxx", 100000);
		buf_puts(&scalar, "\n");
	}
	expect_quick_error(scalar.data, scalar.len, "4:3 too large: more than 3 MiB of text");
}

/* Many documents, and many tag lines, which libyaml would compare with each other. */
static void test_many_documents(void **state)
{
	_cleanup_(buf_fini) struct buf docs = { 0 }, tags = { 0 }, shared = { 0 };

	(void)state;
	repeat(&docs, "---\na\n", 90000);
	expect_quick_error(docs.data, docs.len, "too large: more than 220000 YAML events");
	for (int i = 0; i < 50000; i++)
		buf_printf(&tags, "%%TAG !a%d! tag:x,1:\n", i);
	buf_puts(&tags, "---\na: b\n");
	expect_quick_error(tags.data, tags.len, "17:1 more than 16 lines of %TAG");
	buf_puts(&shared, "a: &x [");
	repeat(&shared, "a,", 30000);
	buf_puts(&shared, "]\n");
	repeat(&shared, "---\nb: *x\n", 4);
	expect_quick_error(shared.data, shared.len, "too large: more than 110000 nodes in all documents");
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
		cmocka_unit_test(test_shapes),	   cmocka_unit_test(test_tags),	    cmocka_unit_test(test_documents),
		cmocka_unit_test(test_anchors),	   cmocka_unit_test(test_errors),   cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_places),	   cmocka_unit_test(test_nul_byte), cmocka_unit_test(test_depth),
		cmocka_unit_test(test_alias_bomb), cmocka_unit_test(test_merge_bomb), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_many_documents), cmocka_unit_test(test_many_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
