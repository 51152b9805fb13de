/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shellwords: quotes and backslashes; words are shown in brackets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/shellwords.h"
#include <cmocka.h>

static void test_split(void **state)
{
	static const struct { const char *text, *want; char operator; } cases[] = {
		{ "", "", 0 },
		{ "  \t\n ", "", 0 },
		{ "a b  c", "[a][b][c]", 0 },
		{ "a 'b c' d", "[a][b c][d]", 0 },
		{ "a \"b c\"d", "[a][b cd]", 0 },
		{ "'' \"\"", "[][]", 0 },
		{ "a\\ b", "[a b]", 0 },
		{ "'a\\b'", "[a\\b]", 0 },
		{ "\"a\\\"b\"", "[a\"b]", 0 },
		{ "\"a\\bc\" \\d", "[abc][d]", 0 },
		{ "\"a\\nb\" \\t 'a\\nb'", "[a\nb][\t][a\\nb]", 0 },
		{ "echo $(date \"+%s\") x", "[echo][$(date \"+%s\")][x]", 0 },
		{ "echo `a b;\\`` \"(x)\" '$(a b'", "[echo][`a b;\\``][(x)][$(a b]", 0 },
		{ "echo (a)", NULL, 0 },
		{ "echo )", NULL, 0 },
		{ "echo $(a (b))", NULL, 0 },
		{ "echo $(a", NULL, 0 },
		{ "echo `a", NULL, 0 },
		{ "sh -c 'a && b'", "[sh][-c][a && b]", 0 },
		{ "a && b", "[a][&&][b]", '&' },
		{ "a\\;", "[a;]", 0 },
		{ "a > b", "[a][>][b]", '>' },
		{ "a\\", NULL, 0 },
		{ "$HOME *", "[$HOME][*]", 0 },
		{ "'open", NULL, 0 },
		{ "a \"open", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *arena = arena_new();
		struct shellwords words = { 0 };
		_cleanup_(buf_fini) struct buf got = { 0 };
		char operator;
		int r = shellwords_split(arena, cases[i].text, &words, &operator);

		for (size_t k = 0; k < words.n; k++)
			buf_printf(&got, "[%s]", words.v[k]);
		if ((r == 0) != (cases[i].want != NULL) ||
		    (cases[i].want && (strcmp(buf_str(&got), cases[i].want) || operator!= cases[i].operator)))
			fail_msg("'%s': %d '%s'", cases[i].text, r, buf_str(&got));
		vec_fini(&words);
		arena_free(arena);
	}
}

static void test_many(void **state)
{
	struct arena *arena = arena_new();
	struct shellwords words = { 0 };
	_cleanup_(buf_fini) struct buf text = { 0 };
	char operator;

	(void)state;
	for (int i = 0; i < SHELLWORDS_MAX; i++)
		buf_puts(&text, " a");
	assert_int_equal(shellwords_split(arena, text.data, &words, &operator), 0);
	assert_int_equal(words.n, SHELLWORDS_MAX);
	words.n = 0;
	buf_puts(&text, " b");
	assert_int_equal(shellwords_split(arena, text.data, &words, &operator), -2);
	vec_fini(&words);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
