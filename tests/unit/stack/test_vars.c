/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vars: who wins, what is told about, and what is remembered for `config --variables` and `--explain`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/diag.h"
#include "stack/vars.h"
#include <cmocka.h>

struct fixture {
	struct arena *arena;
	struct stack_diags *diags;
	struct vars_common common;
	struct vars outer, inner;	/* inner: a project that outer includes */
};

static int begin(void **state)
{
	static const char *const env[] = { "P=process", "EMPTY=", "NOVALUE", "=x", "EQ=a=b", NULL };
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->arena = arena_new();
	f->diags = stack_diags_new();
	vars_common_init(&f->common, f->arena, f->diags, env);
	f->outer.common = f->inner.common = &f->common;
	f->inner.parent = &f->outer;
	envset_put(&f->outer.files, (struct stack_kv){ "P", "outer", { 1, 1, 1 } });
	envset_put(&f->outer.files, (struct stack_kv){ "EMPTY", "outer", { 1, 2, 1 } });
	envset_put(&f->outer.files, (struct stack_kv){ "O", "outer", { 1, 3, 1 } });
	envset_put(&f->inner.files, (struct stack_kv){ "O", "inner", { 2, 1, 1 } });
	envset_put(&f->inner.files, (struct stack_kv){ "I", "inner", { 2, 2, 1 } });
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	vars_fini(&f->outer);
	vars_fini(&f->inner);
	vars_common_fini(&f->common);
	stack_diags_free(f->diags);
	arena_free(f->arena);
	free(f);
	return 0;
}

static const char *get(const struct vars *v, const char *name)
{
	const char *value = vars_get(v, name, strlen(name));

	return value ? value : "(unset)";
}

static void test_precedence(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(get(&f->inner, "P"), "process");
	assert_string_equal(get(&f->inner, "EMPTY"), "");	/* an empty one is set */
	assert_string_equal(get(&f->inner, "O"), "outer");	/* an included project has defaults only */
	assert_string_equal(get(&f->inner, "I"), "inner");
	assert_string_equal(get(&f->outer, "I"), "(unset)");
	assert_string_equal(get(&f->outer, "EQ"), "a=b");
	assert_string_equal(get(&f->outer, "NOVALUE"), "(unset)");
	assert_string_equal(get(&f->outer, ""), "(unset)");
}

/* The result, then "NAME=value@file:line " of each use. */
static char *expand(struct vars *v, const struct envset *const *more, const char *text)
{
	const struct node_use *uses = NULL;
	_cleanup_(buf_fini) struct buf why = { 0 };
	struct buf out = { 0 };
	uint32_t n = 0;
	const char *result = vars_expand(v, more, (struct stack_pos){ 0, 7, 3 }, text, strlen(text), &uses, &n, &why);

	buf_printf(&out, "%s|", result ? result : buf_str(&why));
	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%s=%s@%u:%u ", uses[i].name, uses[i].value ? uses[i].value : "(unset)",
			   uses[i].source.file, uses[i].source.line);
	return buf_take(&out);
}

static void expect(struct vars *v, const struct envset *const *more, const char *text, const char *want)
{
	_cleanup_free_ char *got = expand(v, more, text);

	assert_string_equal(got, want);
}

static void test_uses(void **state)
{
	struct fixture *f = *state;

	expect(&f->inner, NULL, "plain $$", "plain $|");
	expect(&f->inner, NULL, "$P-$I-$I", "process-inner-inner|P=process@0:0 I=inner@2:2 ");
	expect(&f->inner, NULL, "${P:-$I}", "process|P=process@0:0 ");
	expect(&f->inner, NULL, "${N:-$I}", "inner|N=(unset)@0:0 I=inner@2:2 ");
	expect(&f->inner, NULL, "${I:+x$O}", "xouter|I=inner@2:2 O=outer@1:3 ");
	expect(&f->inner, NULL, "${N?give it}", "variable 'N' is required but not set: give it|");
	expect(&f->inner, NULL, "${PP:-x}$P", "xprocess|PP=(unset)@0:0 P=process@0:0 ");
}

static void test_more(void **state)
{
	struct fixture *f = *state;
	struct envset first = { 0 }, second = { 0 };
	const struct envset *more[] = { &first, &second, NULL };

	envset_put(&first, (struct stack_kv){ "S", "first", { 3, 1, 1 } });
	envset_put(&first, (struct stack_kv){ "O", "first", { 3, 2, 1 } });
	envset_put(&first, (struct stack_kv){ "NULL", NULL, { 3, 3, 1 } });
	envset_put(&second, (struct stack_kv){ "S", "second", { 4, 1, 1 } });
	envset_put(&second, (struct stack_kv){ "NULL", "second", { 4, 2, 1 } });
	expect(&f->outer, more, "$S $O $NULL", "first outer second|S=first@3:1 O=outer@1:3 NULL=second@4:2 ");
	/* Texts of env files are no part of what the stack file asks for, and are never left as they are. */
	f->common.literal = true;
	expect(&f->outer, more, "$S", "first|S=first@3:1 ");
	assert_int_equal(f->common.asked.n, 0);
	envset_fini(&first);
	envset_fini(&second);
}

static void test_warns_once(void **state)
{
	struct fixture *f = *state;

	expect(&f->outer, NULL, "a$N$N", "a|N=(unset)@0:0 ");
	expect(&f->inner, NULL, "$N", "|N=(unset)@0:0 ");
	assert_int_equal(stack_diags_count(f->diags), 1);
	assert_string_equal(stack_diags_get(f->diags, 0)->text, "variable 'N' is not set: it becomes nothing");
	assert_int_equal(stack_diags_get(f->diags, 0)->pos.line, 7);
	assert_int_equal(stack_diags_get(f->diags, 0)->severity, STACK_WARNING);
}

static void test_asked(void **state)
{
	struct fixture *f = *state;
	const struct stack_variable *v;

	expect(&f->outer, NULL, "${P:-$DEEP}", "process|P=process@0:0 ");
	expect(&f->outer, NULL, "${DEEP:-one}${DEEP-two}${O:+alt}${I?}", "variable 'I' is required but not set|");
	v = f->common.asked.v;
	assert_int_equal(f->common.asked.n, 4);
	assert_string_equal(v[0].name, "P");
	assert_string_equal(v[0].value, "process");
	assert_string_equal(v[0].fallback, "$DEEP");
	assert_int_equal(v[0].pos.line, 7);
	assert_string_equal(v[1].name, "DEEP");
	assert_null(v[1].value);
	assert_string_equal(v[1].fallback, "one");
	assert_false(v[1].required);
	assert_string_equal(v[2].alternate, "alt");
	assert_int_equal(v[2].source.line, 3);
	assert_string_equal(v[3].name, "I");
	assert_true(v[3].required);
	assert_null(v[3].fallback);
}

static void test_literal(void **state)
{
	struct fixture *f = *state;

	f->common.literal = true;
	expect(&f->outer, NULL, "$P ${N?} $$ ${", "$P ${N?} $$ ${|");
	assert_int_equal(f->common.asked.n, 2);
	assert_int_equal(stack_diags_count(f->diags), 0);
}

static void test_limit(void **state)
{
	struct fixture *f = *state;
	_cleanup_(buf_fini) struct buf big = { 0 };

	for (int i = 0; i < 1 << 19; i++)
		buf_putc(&big, 'x');
	envset_put(&f->outer.files, (struct stack_kv){ "BIG", big.data, { 1, 9, 1 } });
	for (int i = 0; i < 15; i++) {
		_cleanup_free_ char *got = expand(&f->outer, NULL, "$BIG");

		assert_int_equal(*got, 'x');
	}
	expect(&f->outer, NULL, "$BIG", "variables make the files larger than 8 MiB|");
	expect(&f->outer, NULL, "x$N", "variables make the files larger than 8 MiB|");
	assert_false(vars_charge(&f->common, 0));
}

/* More different variables than are told about are still put in. */
static void test_many_uses(void **state)
{
	struct fixture *f = *state;
	_cleanup_(buf_fini) struct buf text = { 0 }, why = { 0 };
	const struct node_use *uses;
	uint32_t n;

	for (int i = 0; i < 200; i++)
		buf_printf(&text, "${V%d-x}", i);
	assert_int_equal(strlen(vars_expand(&f->outer, NULL, (struct stack_pos){ 0 }, text.data, text.len, &uses, &n, &why)),
			 200);
	assert_int_equal(n, 64);
	assert_int_equal(f->common.asked.n, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_precedence, begin, end),
		cmocka_unit_test_setup_teardown(test_uses, begin, end),
		cmocka_unit_test_setup_teardown(test_more, begin, end),
		cmocka_unit_test_setup_teardown(test_warns_once, begin, end),
		cmocka_unit_test_setup_teardown(test_asked, begin, end),
		cmocka_unit_test_setup_teardown(test_literal, begin, end),
		cmocka_unit_test_setup_teardown(test_limit, begin, end),
		cmocka_unit_test_setup_teardown(test_many_uses, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
