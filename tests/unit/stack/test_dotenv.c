/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dotenv: the grammar of env files, and the places of what is wrong in them. PROC=p is the process
 * environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/diag.h"
#include "stack/dotenv.h"
#include <cmocka.h>

static const char *const env[] = { "PROC=p", "A=outer", NULL };

/* "KEY=value;" for each variable, then "LINE:COL text" of each problem. */
static char *parse_as(bool raw, const char *text, size_t len)
{
	struct arena *arena = arena_new();
	struct stack_diags *diags = stack_diags_new();
	struct envset service = { 0 }, into = { 0 };
	struct buf out = { 0 };
	struct vars_common common;
	struct vars vars = { .common = &common };

	vars_common_init(&common, arena, diags, env);
	envset_put(&service, (struct stack_kv){ "SVC", "s", { 0 } });
	if (raw)
		dotenv_parse_raw(&vars, 0, text, len, &into);
	else
		dotenv_parse(&vars, &service, 0, text, len, &into);
	for (size_t i = 0; i < into.kvs.n; i++)
		buf_printf(&out, "%s=%s;", into.kvs.v[i].key, into.kvs.v[i].value);
	for (size_t i = 0; i < stack_diags_count(diags); i++) {
		const struct stack_diag *d = stack_diags_get(diags, i);

		buf_printf(&out, "%u:%u %s", d->pos.line, d->pos.col, d->text);
	}
	envset_fini(&service);
	envset_fini(&into);
	vars_common_fini(&common);
	stack_diags_free(diags);
	arena_free(arena);
	return buf_take(&out);
}

static char *parse(const char *text, size_t len)
{
	return parse_as(false, text, len);
}

static void test_values(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "", "" },
		{ "# only a comment\n\n  \t\n", "" },
		{ "K=v", "K=v;" },
		{ "K=v\nL=w\n", "K=v;L=w;" },
		{ "export K=v", "K=v;" },
		{ "exported=v", "exported=v;" },
		{ "  K = v  \n", "K=v;" },
		{ "K: v", "K=v;" },
		{ "a.b-c[0]_=v", "a.b-c[0]_=v;" },
		{ "K=v#1", "K=v#1;" },
		{ "K=v #1", "K=v;" },
		{ "K=v\t# no comment", "K=v\t# no comment;" },	/* only a space makes it one */
		{ "K=a # b # c", "K=a;" },
		{ "K=", "K=;" },
		{ "K= ", "K=;" },
		{ "K=\nL=", "K=;L=;" },
		{ "K=#1", "K=#1;" },
		{ "K=a 'b' \"c\"", "K=a 'b' \"c\";" },
		{ "K=a\\nb", "K=a\\nb;" },
		{ "K='$PROC \\n'", "K=$PROC \\n;" },
		{ "K='a\\'b'", "K=a'b;" },
		{ "K='a\nb' # c\nL=1", "K=a\nb;L=1;" },
		{ "K=\"a\nb\"", "K=a\nb;" },
		{ "K=\"\\t\\n\\\\\\\"\\$\\0101\"", "K=\t\n\\\"$A;" },
		{ "K=\"\\q\"", "K=\\q;" },
		{ "K=\"\\c\\e\\x41\\u0041\"", "K=\\c\\e\\x41\\u0041;" },
		{ "K=\"\\0351\\0012\"", "K=\xc3\xa9\n;" },
		{ "K=\"\\01 \\0899 \\0777\"", "K=\\01 \\0899 \\0777;" },
		{ "K=\"a\\\\\" # c", "K=a\\;" },
		{ "K=\"it's\"", "K=it's;" },
		{ "K='say \"x\"'", "K=say \"x\";" },
		{ "K='a\\\\'\nL=1", "K=a\\\\;L=1;" },
		{ "K='a\\nb'", "K=a\\nb;" },
		{ "K=\"# no comment\"", "K=# no comment;" },
		{ "K='' # c", "K=;" },
		{ "K=\"$$PROC \\$PROC $PROC\"", "K=$PROC $PROC p;" },
		{ "K='$$ $PROC'", "K=$$ $PROC;" },
		{ "K=\"a\\\nb\"", "K=a\\\nb;" },
		{ "K=a\\\nL=b", "K=a\\;L=b;" },
		{ "export\tK=v", "K=v;" },
		{ "export=v", "export=v;" },
		{ "export PROC", "PROC=p;" },
		{ "PROC # c\nL=1", "PROC=p;L=1;" },
		{ "K='x'\v\nL:w", "K=x;L=w;" },
		{ "\xc3\x84=1", "\xc3\x84=1;" },
		{ "1=2", "1=2;" },
		{ "K=a=b:c", "K=a=b:c;" },
		{ "K=[a, b]", "K=[a, b];" },
		{ "K={\"a\": \"#b\"}", "K={\"a\": \"#b\"};" },
		{ "B=$C\nC=1", "B=;C=1;1:1 variable 'C' is not set: it becomes nothing" },
		{ "K=\"x\" # c", "K=x;" },
		{ "K=\"${PROC}\"", "K=p;" },
		{ "K=$$ ${NOPE:-d}", "K=$ d;" },
		{ "K=$SVC", "K=s;" },
		{ "A=inner\nK=$A", "A=inner;K=outer;" },	/* the process wins in references */
		{ "B=1\nK=$B", "B=1;K=1;" },
		{ "K=1\nK=2", "K=2;" },
		{ "PROC", "PROC=p;" },
		{ "NOPE", "" },
		{ "K=", "K=;" },
		{ "\xef\xbb\xbfK=v\r\nL=w\r\n", "K=v;L=w;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *got = parse(cases[i].text, strlen(cases[i].text));

		if (strcmp(got, cases[i].want))
			fail_msg("'%s' gives '%s', not '%s'", cases[i].text, got, cases[i].want);
	}
}

static void test_errors(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "A=1\nB=\"open\nC=2\n", "A=1;2:3 'B': the double quote that begins here is never closed" },
		{ "B='open", "1:3 'B': the single quote that begins here is never closed" },
		{ "A B=1", "1:3 'A': a key cannot hold a blank, and a value needs '='" },
		{ "a: b\nhello world\n", "a=b;2:7 'hello': a key cannot hold a blank, and a value needs '='" },
		{ "A=1\nB='\n\n x\nC=\"1\"\n", "A=1;2:3 'B': the single quote that begins here is never closed" },
		{ "A=\"\n\"\n\n\n K!=1", "A=\n;5:3 not KEY=VALUE: a key is made of letters, digits and _.-[]" },
		{ "K= #1", "K=#1;1:4 'K': the value begins with this '#', it is no comment" },
		{ "{\"a\": 1}", "1:1 not KEY=VALUE: a key is made of letters, digits and _.-[]" },
		{ "- A=1", "1:3 '-': a key cannot hold a blank, and a value needs '='" },
		{ "K=\"\xc3\xa4\"x", "1:6 'K': text behind the closing quote" },
		{ "=1", "1:1 not KEY=VALUE: a key is made of letters, digits and _.-[]" },
		{ "K!=1", "1:2 not KEY=VALUE: a key is made of letters, digits and _.-[]" },
		{ "K='a'b", "1:6 'K': text behind the closing quote" },
		{ "\nK=${X:?set X}", "2:1 'K': variable 'X' is required but not set: set X" },
		{ "K=\"\\0000\"", "1:4 an escape that stands for NUL: no variable can hold that" },
		{ "K=$NOPE", "K=;1:1 variable 'NOPE' is not set: it becomes nothing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *got = parse(cases[i].text, strlen(cases[i].text));

		if (strcmp(got, cases[i].want))
			fail_msg("'%s' gives '%s', not '%s'", cases[i].text, got, cases[i].want);
	}
}

static void test_raw(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "", "" },
		{ "K='v' # \"x\" $PROC ${ \\n", "K='v' # \"x\" $PROC ${ \\n;" },
		{ "K= v \nL=", "K= v ;L=;" },
		{ "# c\n\n  K=a=b\r\n", "K=a=b;" },
		{ "\xef\xbb\xbfK=1\nK=2", "K=2;" },
		{ "PROC\nNOPE\n", "PROC=p;" },
		{ "a!b/c=1", "a!b/c=1;" },
		{ "A=1\nexport B=1", "A=1;2:1 'export B': a name cannot hold a blank" },
		{ "K =1", "1:1 'K ': a name cannot hold a blank" },
		{ "A=1\n =x", "A=1;2:2 no name before the '='" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *got = parse_as(true, cases[i].text, strlen(cases[i].text));

		if (strcmp(got, cases[i].want))
			fail_msg("'%s' gives '%s', not '%s'", cases[i].text, got, cases[i].want);
	}
}

/* A project's own file sees what stands above, and what the process has; an included one its parent's first. */
static void test_into_project(void **state)
{
	static const char text[] = "B=1\nC=$B\nPROC=file\nD=$PROC\nB=2\n";
	struct arena *arena = arena_new();
	struct stack_diags *diags = stack_diags_new();
	struct vars_common common;
	struct vars outer = { .common = &common }, inner = { .common = &common, .parent = &outer };

	(void)state;
	vars_common_init(&common, arena, diags, env);
	dotenv_parse(&outer, NULL, 1, text, strlen(text), &outer.files);
	dotenv_parse(&inner, NULL, 2, "B=3\nE=$B", 8, &inner.files);
	assert_string_equal(vars_get(&outer, "B", 1), "2");
	assert_string_equal(vars_get(&outer, "C", 1), "1");
	assert_string_equal(vars_get(&outer, "D", 1), "p");
	assert_string_equal(vars_get(&outer, "PROC", 4), "p");
	assert_string_equal(vars_get(&inner, "E", 1), "2");
	assert_int_equal(envset_get(&outer.files, "B", 1)->pos.line, 5);
	assert_int_equal(stack_diags_count(diags), 0);
	vars_fini(&outer);
	vars_fini(&inner);
	vars_common_fini(&common);
	stack_diags_free(diags);
	arena_free(arena);
}

/* Short lines need much more memory than they are long. */
static void test_large(void **state)
{

	(void)state;
	for (int i = 0; i < 4; i++) {
		_cleanup_(buf_fini) struct buf text = { 0 };
		_cleanup_free_ char *got;

		for (int k = 0; k < 100000; k++)
			buf_printf(&text, "K%d%s\n", k, i < 2 ? "=v" : "");
		got = parse_as(i % 2, text.data, text.len);
		assert_non_null(strstr(got, ":1 env files and variables need more than 8 MiB"));
	}
}

static void test_nul(void **state)
{
	_cleanup_free_ char *got = parse("A=\0b", 4);
	_cleanup_free_ char *wide = parse("\xff\xfe" "A\0=\0", 6);

	(void)state;
	assert_string_equal(got, "1:3 a NUL byte: this is not a text file");
	assert_string_equal(wide, "1:1 UTF-16 text: only UTF-8 is read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_into_project),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
