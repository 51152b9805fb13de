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
		{ "${EMPTY:?m}", NULL, "'EMPTY' is required but empty: m", 0 },
		{ "${EMPTY?m}", "", NULL, 0 },
		{ "${NOPE:?{a} }", NULL, "not set: {a} ", 0 },
		{ "${NOPE:-{}}", "{}", NULL, 0 },
		{ "${NOPE:-}}", "}", NULL, 0 },
		{ "${NOPE:-a-b+c:?d}", "a-b+c:?d", NULL, 0 },
		{ "${NOPE-:x}", ":x", NULL, 0 },
		{ "${NOPE+$NOPE}", "", NULL, 0 },
		{ "${SET+$NOPE}", "", NULL, 1 },
		{ "${NOPE:-$SET$$$EMPTY}", "v$", NULL, 0 },
		{ "${NOPE:-line\nline}", "line\nline", NULL, 0 },
		{ "$SET$SET${SET}$", "vvv$", NULL, 0 },
		{ "\xc3\xa4$SET\xc3\xa4", "\xc3\xa4v\xc3\xa4", NULL, 0 },
		{ "$(date) $[1]", "$(date) $[1]", NULL, 0 },
		{ "${SET:-${}", NULL, "no closing brace", 0 },
		{ "${SET:-${}}", "v", NULL, 0 },	/* not needed, so not judged */
		{ "${}", NULL, "is no variable", 0 },
		{ "${1A}", NULL, "is no variable", 0 },
		{ "${A/b/c}", NULL, "is no variable: write ${NAME}", 0 },
		{ "${A :-b}", NULL, "no blank may stand behind the name", 0 },
		{ "${A:}", NULL, "a default is written ${A:-default}", 0 },
		{ "${A:8080}", NULL, "a default is written ${A:-default}", 0 },
		{ "${A.B}", NULL, "is no variable", 0 },
		{ "${ A}", NULL, "is no variable", 0 },
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

/* A reason is one that can be shown, also when the text is long and cut inside of a character. */
static void test_reasons(void **state)
{
	struct expectation umlauts = { NULL, NULL, "'${aaaaaaaaaa", 0 };
	_cleanup_(buf_fini) struct buf text = { 0 }, out = { 0 }, why = { 0 };
	struct interp_source src = { get, unset, &(int){ 0 } };

	(void)state;
	buf_puts(&text, "${");
	for (int i = 0; i < 39; i++)
		buf_putc(&text, 'a');
	buf_puts(&text, "\xc3\xa4\xc3\xa4 x}");
	umlauts.text = buf_str(&text);
	check(&umlauts);
	assert_int_equal(interp_expand(&src, text.data, text.len, &out, &why), -1);
	assert_null(memchr(buf_str(&why), '\xc3', why.len));
	/* What stands behind the text does not belong to it. */
	assert_int_equal(interp_expand(&src, "${SET}", 5, &out, &why), -1);
	assert_int_equal(interp_expand(&src, "$SETX", 4, &out, &why), 0);
	assert_string_equal(buf_str(&out), "v");
}

/* "NAME OP argument;" of each variable. */
static void note(void *arg, const struct interp_reference *ref)
{
	struct buf *b = arg;

	buf_add(b, ref->name, ref->len);
	if (ref->op) {
		buf_printf(b, " %s%c ", ref->or_empty ? ":" : "", ref->op);
		buf_add(b, ref->arg, (size_t)(ref->end - ref->arg));
	}
	buf_putc(b, ';');
}

static void test_walk(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "", "" },
		{ "plain $5 $$X $", "" },
		{ "$A${B}$A", "A;B;A;" },
		{ "${A:-x}${B?m}${C+}", "A :- x;B ? m;C + ;" },
		{ "${A:-${B:+${C}}$D}$E", "A :- ${B:+${C}}$D;B :+ ${C};C;D;E;" },
		{ "${A:-$$B}", "A :- $$B;" },
		{ "${A.B}$C", "C;" },
		{ "$A${B", "A;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(buf_fini) struct buf out = { 0 };

		interp_walk(cases[i].text, strlen(cases[i].text), note, &out);
		if (strcmp(buf_str(&out), cases[i].want))
			fail_msg("'%s' names '%s'", cases[i].text, buf_str(&out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
