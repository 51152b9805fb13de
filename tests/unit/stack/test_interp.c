/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interp: the grammar of variables, and its limits. SET=v, EMPTY= and nothing else is set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/interp.h"
#include <cmocka.h>

static const char *get(void *arg, const char *name, size_t len)
{
	(void)arg;
	if (len == 3 && !memcmp(name, "SET", 3))
		return "v";
	if (len == 6 && !memcmp(name, "DOLLAR", 6))
		return "$SET";
	return len == 5 && !memcmp(name, "EMPTY", 5) ? "" : NULL;
}

static void unset(void *arg, const char *name, size_t len)
{
	(void)name;
	(void)len;
	(*(int *)arg)++;
}

struct expectation {
	const char *text, *out;	/* out NULL: an error whose reason holds `why` */
	const char *why;
	int unset;
};

static void check(const struct expectation *c)
{
	int warned = 0;
	struct interp_source src = { get, unset, &warned };
	_cleanup_(buf_fini) struct buf out = { 0 }, why = { 0 };
	int r = interp_expand(&src, c->text, strlen(c->text), &out, &why);

	if ((r == 0) != (c->out != NULL) || (c->out && strcmp(buf_str(&out), c->out)) ||
	    (c->why && !strstr(buf_str(&why), c->why)) || warned != c->unset)
		fail_msg("'%s': %d '%s' (%s), %d unset", c->text, r, buf_str(&out), buf_str(&why), warned);
}

static void test_grammar(void **state)
{
	static const struct expectation cases[] = {
		{ "", "", NULL, 0 },
		{ "plain", "plain", NULL, 0 },
		{ "$SET", "v", NULL, 0 },
		{ "${SET}", "v", NULL, 0 },
		{ "a$SET.b", "av.b", NULL, 0 },
		{ "$SETX", "", NULL, 1 },
		{ "${NOPE}", "", NULL, 1 },
		{ "$EMPTY", "", NULL, 0 },
		{ "$5 a$ $- $", "$5 a$ $- $", NULL, 0 },
		{ "$$", "$", NULL, 0 },
		{ "$$SET", "$SET", NULL, 0 },
		{ "$$$SET", "$v", NULL, 0 },
		{ "$$$$", "$$", NULL, 0 },
		{ "$DOLLAR", "$SET", NULL, 0 },	/* a value is not scanned again */
		{ "${NOPE:-d}", "d", NULL, 0 },
		{ "${EMPTY:-d}", "d", NULL, 0 },
		{ "${EMPTY-d}", "", NULL, 0 },
		{ "${NOPE-d}", "d", NULL, 0 },
		{ "${SET:-d}", "v", NULL, 0 },
		{ "${SET:+d}", "d", NULL, 0 },
		{ "${EMPTY:+d}", "", NULL, 0 },
		{ "${EMPTY+d}", "d", NULL, 0 },
		{ "${NOPE+d}", "", NULL, 0 },
		{ "${NOPE:-}", "", NULL, 0 },
		{ "${NOPE:-reg:5000/a}", "reg:5000/a", NULL, 0 },
		{ "${NOPE:-a?b}", "a?b", NULL, 0 },
		{ "${NOPE:-{a}}", "{a}", NULL, 0 },
		{ "${SET:-a}}", "v}", NULL, 0 },
		{ "${NOPE:-${SET}}", "v", NULL, 0 },
		{ "${NOPE:-${EMPTY:-${NOPE-x}}}", "x", NULL, 0 },
		{ "${NOPE:-$$}", "$", NULL, 0 },
		{ "${SET:-${NOPE:?no}}", "v", NULL, 0 },	/* what is not used is not looked at */
		{ "${SET:?m}", "v", NULL, 0 },
		{ "${NOPE:?m}", NULL, "'NOPE' is required but not set: m", 0 },
		{ "${NOPE?}", NULL, "'NOPE' is required but not set", 0 },
		{ "${NOPE:?say $SET}", NULL, "say v", 0 },
		{ "${EMPTY:?m}", NULL, "EMPTY", 0 },
		{ "${EMPTY?m}", "", NULL, 0 },
		{ "${}", NULL, "is no variable", 0 },
		{ "${1A}", NULL, "is no variable", 0 },
		{ "${A/b/c}", NULL, "is no variable", 0 },
		{ "${A :-b}", NULL, "is no variable", 0 },
		{ "${A:}", NULL, "is no variable", 0 },
		{ "${A", NULL, "no closing brace", 0 },
		{ "${A:-{}", NULL, "no closing brace", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(&cases[i]);
}

static void test_limits(void **state)
{
	struct expectation deep = { NULL, NULL, "levels deep", 0 }, large = { NULL, NULL, "longer than", 0 };
	_cleanup_(buf_fini) struct buf text = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_puts(&text, "${A:-");
	for (int i = 0; i < 1000; i++)
		buf_putc(&text, '}');
	deep.text = buf_str(&text);
	check(&deep);
	text.len = 0;
	for (unsigned i = 0; i <= INTERP_MAX; i++)
		buf_putc(&text, 'x');
	large.text = buf_str(&text);
	check(&large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
