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

/* "KEY=value;" for each variable, then "LINE:COL text" of each error. */
static char *parse(const char *text, size_t len)
{
	struct arena *arena = arena_new();
	struct stack_diags *diags = stack_diags_new();
	struct envset service = { 0 }, into = { 0 };
	struct buf out = { 0 };
	struct vars vars;

	vars_init(&vars, arena, diags, env);
	envset_put(&service, (struct stack_kv){ "SVC", "s", { 0 } });
	dotenv_parse(&vars, &service, 0, text, len, &into);
	for (size_t i = 0; i < into.kvs.n; i++)
		buf_printf(&out, "%s=%s;", into.kvs.v[i].key, into.kvs.v[i].value);
	for (size_t i = 0; i < stack_diags_count(diags); i++) {
		const struct stack_diag *d = stack_diags_get(diags, i);

		buf_printf(&out, "%u:%u %s", d->pos.line, d->pos.col, d->text);
	}
	envset_fini(&service);
	envset_fini(&into);
	vars_fini(&vars);
	stack_diags_free(diags);
	arena_free(arena);
	return buf_take(&out);
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
		{ "K= #1", "K=;" },
		{ "K=#1", "K=#1;" },
		{ "K=a 'b' \"c\"", "K=a 'b' \"c\";" },
		{ "K=a\\nb", "K=a\\nb;" },
		{ "K='$PROC \\n'", "K=$PROC \\n;" },
		{ "K='a\\'b'", "K=a'b;" },
		{ "K='a\nb' # c\nL=1", "K=a\nb;L=1;" },
		{ "K=\"a\nb\"", "K=a\nb;" },
		{ "K=\"\\t\\n\\\\\\\"\\$\\0101\"", "K=\t\n\\\"$A;" },
		{ "K=\"\\q\"", "K=\\q;" },
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
		{ "A B=1", "1:3 not KEY=VALUE: a key is made of letters, digits and _.-[]" },
		{ "=1", "1:1 not KEY=VALUE: a key is made of letters, digits and _.-[]" },
		{ "K!=1", "1:2 not KEY=VALUE: a key is made of letters, digits and _.-[]" },
		{ "K='a'b", "1:6 'K': text behind the closing quote" },
		{ "\nK=${X:?set X}", "2:1 'K': variable 'X' is required but not set: set X" },
		{ "K=\"\\0000\"", "1:8 an escape that stands for no byte, or for NUL" },
		{ "K=$NOPE", "K=;1:1 variable 'NOPE' is not set: it becomes nothing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *got = parse(cases[i].text, strlen(cases[i].text));

		if (strcmp(got, cases[i].want))
			fail_msg("'%s' gives '%s', not '%s'", cases[i].text, got, cases[i].want);
	}
}

static void test_nul(void **state)
{
	_cleanup_free_ char *got = parse("A=\0b", 4);

	(void)state;
	assert_string_equal(got, "1:1 a NUL byte: this is not a text file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
