/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag: order and print of problems: the line, the caret below its column, what is cut and what is
 * not let through.
 */
#include <locale.h>

#include "stack/diag.h"
#include "unit/stack/fixture.h"

static struct stack_diags *with_file(const char *text)
{
	struct stack_diags *d = stack_diags_new();

	assert_int_equal(diags_add_file(d, "dir/f.yaml", text, strlen(text)), 0);
	return d;
}

static void add(struct stack_diags *d, enum stack_severity severity, uint32_t line, uint32_t col, const char *hint,
		const char *text)
{
	stack_diag_add(d, severity, (struct stack_pos){ 0, line, col }, hint, "%s", text);
}

static void expect_print(struct stack_diags *d, const char *want)
{
	_cleanup_(buf_fini) struct buf out = { 0 };

	stack_diags_print(d, false, &out);
	assert_string_equal(buf_str(&out), want);
	stack_diags_free(d);
}

static void test_order(void **state)
{
	struct stack_diags *d = with_file("one\n  two: x\nthree");

	(void)state;
	add(d, STACK_ERROR, 3, 1, NULL, "last");
	add(d, STACK_WARNING, 2, 3, "try 'tow'", "middle");
	add(d, STACK_ERROR, 2, 3, NULL, "same place");
	add(d, STACK_ERROR, 0, 0, NULL, "no place");
	assert_int_equal(stack_diags_errors(d), 3);
	assert_int_equal(stack_diags_count(d), 4);
	expect_print(d, "error: no place\n"
			"dir/f.yaml:2:3: warning: middle\n    two: x\n    ^\n  hint: try 'tow'\n"
			"dir/f.yaml:2:3: error: same place\n    two: x\n    ^\n"
			"dir/f.yaml:3:1: error: last\n  three\n  ^\n");
}

static void test_odd_lines(void **state)
{
	struct stack_diags *d = with_file("\x1b[31m\ta\xc3\xa4\xc2\x9b" "b\r\n\nx");

	(void)state;
	add(d, STACK_ERROR, 1, 9, "\x1b]0;x\a", "tab,\ttwo\nlines");
	add(d, STACK_ERROR, 2, 1, NULL, "empty line");
	add(d, STACK_ERROR, 9, 1, NULL, "behind the end");
	expect_print(d, "dir/f.yaml:1:9: error: tab, two?lines\n  ?[31m a\xc3\xa4?b\n          ^\n  hint: ?]0;x?\n"
			"dir/f.yaml:2:1: error: empty line\n"
			"dir/f.yaml:9:1: error: behind the end\n");
}

static void test_long_line(void **state)
{
	_cleanup_(buf_fini) struct buf line = { 0 }, out = { 0 };
	struct stack_diags *d;
	const char *excerpt, *caret;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_putc(&line, i == 499 ? 'X' : '.');
	d = with_file(line.data);
	add(d, STACK_ERROR, 1, 500, NULL, "here");
	stack_diags_print(d, false, &out);
	excerpt = strchr(buf_str(&out), '\n') + 1;
	caret = strchr(excerpt, '\n') + 1;
	assert_true(caret - excerpt < 130);
	/* The caret stands below the X. */
	assert_int_equal(strchr(excerpt, 'X') - excerpt, strchr(caret, '^') - caret);
	stack_diags_free(d);
}

static void test_limits(void **state)
{
	struct stack_diags *d = with_file("x");
	_cleanup_(buf_fini) struct buf out = { 0 };

	(void)state;
	for (int i = 0; i < 5000; i++)
		add(d, STACK_ERROR, 1, (unsigned)i + 1, NULL, "again");
	stack_diags_print(d, false, &out);
	assert_int_equal(stack_diags_errors(d), 5000);
	assert_int_equal(stack_diags_count(d), 1000);
	assert_non_null(strstr(out.data, "and 4980 more errors\n"));
	stack_diags_free(d);
}

/* Many steps may look at one text: what is wrong with it is told once. */
static void test_once(void **state)
{
	struct stack_diags *d = with_file("x");

	(void)state;
	for (int i = 0; i < 3; i++) {
		add(d, STACK_ERROR, 1, 1, NULL, "a");
		add(d, STACK_ERROR, 1, 1, NULL, "b");
		add(d, STACK_WARNING, 1, 1, NULL, "a");
		add(d, STACK_ERROR, 1, 2, NULL, "a");
		add(d, STACK_ERROR, 0, 0, NULL, "a");
	}
	assert_int_equal(stack_diags_errors(d), 4);
	assert_int_equal(stack_diags_count(d), 5);
	stack_diags_free(d);
}

static void expect_told(struct stack_diags *d, const char *want)
{
	_cleanup_(buf_fini) struct buf out = { 0 };

	stack_diags_tell(d, false, &out);
	assert_string_equal(buf_str(&out), want);
}

/* What was told stays told, wherever in the file that is which comes later. */
static void test_told(void **state)
{
	struct stack_diags *d = with_file("one\ntwo\nthree\nfour");

	(void)state;
	add(d, STACK_WARNING, 2, 1, NULL, "second");
	add(d, STACK_WARNING, 3, 1, NULL, "third");
	expect_told(d, "dir/f.yaml:2:1: warning: second\n  two\n  ^\n"
		       "dir/f.yaml:3:1: warning: third\n  three\n  ^\n");
	expect_told(d, "");
	add(d, STACK_WARNING, 1, 1, NULL, "first");
	add(d, STACK_WARNING, 2, 1, NULL, "second");
	add(d, STACK_ERROR, 4, 1, NULL, "last");
	expect_told(d, "dir/f.yaml:1:1: warning: first\n  one\n  ^\n"
		       "dir/f.yaml:4:1: error: last\n  four\n  ^\n");
	add(d, STACK_WARNING, 1, 1, NULL, "by somebody else");
	stack_diags_tell(d, false, NULL);
	expect_told(d, "");
	stack_diags_free(d);
}

static void test_colour(void **state)
{
	struct stack_diags *d = with_file("x");
	_cleanup_(buf_fini) struct buf out = { 0 };

	(void)state;
	add(d, STACK_WARNING, 0, 0, NULL, "w");
	stack_diags_print(d, true, &out);
	assert_string_equal(out.data, "\033[1;33mwarning:\033[0m w\n");
	stack_diags_free(d);
}

/* What turns the direction of text, or hides it, is shown; the caret stands where a terminal shows the place. */
static void test_hidden_and_wide(void **state)
{
	struct stack_diags *d = with_file("a\xe2\x80\xae" "b\xff" "c\nx");

	(void)state;
	add(d, STACK_ERROR, 1, 5, NULL, "turn\xe2\x80\xae" "ed \xf3\xa0\x81\x81 \xe2\x80");
	expect_print(d, "dir/f.yaml:1:5: error: turn?ed ? ?\n  a?b?c\n      ^\n");
	d = with_file("\xe4\xb8\xad: x");
	add(d, STACK_ERROR, 1, 4, NULL, "wide");
	if (setlocale(LC_CTYPE, "C.UTF-8"))
		expect_print(d, "dir/f.yaml:1:4: error: wide\n  \xe4\xb8\xad: x\n      ^\n");
	setlocale(LC_CTYPE, "C");
}

/* The variables that stood at a place belong to each problem there, whichever is told first. */
static void test_sources(void **state)
{
	struct stack_diags *d = with_file("one\ntwo\nthree");
	static const struct node_use uses[] = {
		{ "PORT", "80x", { 1, 3, 1 } },
		{ "HOST", NULL, { 0 } },
		{ "LONG", "0123456789012345678901234567890123456789012345678901234567890123456789", { 0 } },
	};

	(void)state;
	assert_int_equal(diags_add_file(d, ".env", "", 0), 1);
	add(d, STACK_ERROR, 1, 1, NULL, "before");
	diags_set_uses(d, (struct stack_pos){ 0, 1, 1 }, uses, 1);
	diags_set_uses(d, (struct stack_pos){ 0, 2, 1 }, uses, 3);
	diags_set_uses(d, (struct stack_pos){ 0, 3, 1 }, uses, 0);
	diags_set_uses(d, (struct stack_pos){ 0, 2, 1 }, uses, 1); /* the first one stays */
	add(d, STACK_ERROR, 2, 1, "do", "after");
	add(d, STACK_ERROR, 3, 1, NULL, "none");
	assert_string_equal(stack_diags_get(d, 0)->source, "PORT is '80x', .env:3");
	assert_null(stack_diags_get(d, 2)->source);
	expect_print(d, "dir/f.yaml:1:1: error: before\n  one\n  ^\n  note: PORT is '80x', .env:3\n"
			"dir/f.yaml:2:1: error: after\n  two\n  ^\n"
			"  note: PORT is '80x', .env:3; HOST is not set; "
			"LONG is '012345678901234567890123456789012345678901234567890123456789...', from the environment\n"
			"  hint: do\n"
			"dir/f.yaml:3:1: error: none\n  three\n  ^\n");
}

static void test_json(void **state)
{
	static const struct node_use use = { "X", "y", { 0 } };
	struct stack_diags *d = with_file("x");
	_cleanup_(buf_fini) struct buf out = { 0 };

	(void)state;
	add(d, STACK_ERROR, 1, 2, "try \"y\"", "bad \xff byte\n$");
	add(d, STACK_WARNING, 0, 0, NULL, "nowhere");
	diags_set_uses(d, (struct stack_pos){ 0, 1, 2 }, &use, 1);
	stack_diags_json(d, &out);
	assert_string_equal(out.data, "{\"severity\":\"warning\",\"message\":\"nowhere\"}\n"
				      "{\"severity\":\"error\",\"file\":\"dir/f.yaml\",\"line\":1,\"column\":2,"
				      "\"message\":\"bad \\ufffd byte\\n$\",\"hint\":\"try \\\"y\\\"\",\"source\":\"X is 'y', from the environment\"}\n");
	stack_diags_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),  cmocka_unit_test(test_odd_lines), cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_once), cmocka_unit_test(test_colour),	 cmocka_unit_test(test_hidden_and_wide),
		cmocka_unit_test(test_sources), cmocka_unit_test(test_json),  cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
