/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * err: the text of an error is one line that keeps its why, whatever goes into it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mstack/base.h"

static void test_set_fills_all_fields(void **state)
{
	struct err err;

	(void)state;
	memset(&err, 0x55, sizeof(err));
	assert_int_equal(err_set(&err, "service '%s': no image", "web"), -1);
	assert_string_equal(err.text, "service 'web': no image");
	assert_int_equal(err.sys, 0);
	assert_int_equal(err.kind, ERR_RUN);
	assert_int_equal(err.step, 0);
	assert_int_equal(err.line, 0);
	assert_int_equal(err.col, 0);
}

static void test_sys_text(void **state)
{
	static const struct {
		int sys;
		const char *text;
	} cases[] = {
		{ EINVAL, "open: invalid argument" },
		{ ENOENT, "open: no such file or directory" },
		{ EIO, "open: input/output error" },
		{ ENOSTR, "open: device not a stream" },
		{ ENOTUNIQ, "open: name not unique on network" },
		{ EBADRQC, "open: invalid request code" },
		{ ESRMNT, "open: srmount error" },
		{ EXDEV, "open: invalid cross-device link" },
		{ EDOTDOT, "open: RFS specific error" },
		{ 9999, "open: error 9999" },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(err_sys(&err, cases[i].sys, "open"), -1);
		assert_string_equal(err.text, cases[i].text);
		assert_int_equal(err.sys, cases[i].sys);
	}
}

static void test_long_text_keeps_the_reason(void **state)
{
	static const char why[] = ": no such file or directory";
	char name[2000];
	struct err err;
	size_t len;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	err_sys(&err, ENOENT, "open '%s'", name);
	len = strlen(err.text);
	assert_int_equal(len, sizeof(err.text) - 1);
	assert_string_equal(err.text + len - strlen(why), why);
}

static void test_wrap_keeps_the_rest(void **state)
{
	struct err err;

	(void)state;
	err_kind(&err, ERR_NOEXEC, "exec '/bin/x'");
	err.line = 7;
	err.step = 3;
	assert_int_equal(err_wrap(&err, "service '%s'", "web"), -1);
	assert_string_equal(err.text, "service 'web': exec '/bin/x'");
	assert_int_equal(err.kind, ERR_NOEXEC);
	assert_int_equal(err.line, 7);
	assert_int_equal(err.step, 3);
}

static void test_wrap_of_long_texts(void **state)
{
	char name[2000];
	struct err err;

	(void)state;
	memset(name, 'y', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	err_set(&err, "%s", name);
	err_wrap(&err, "service 'web'");
	assert_int_equal(strncmp(err.text, "service 'web': yyy", 18), 0);
	/* A prefix that fills everything leaves room for the old text. */
	err_set(&err, "old text");
	err_wrap(&err, "%s", name);
	assert_string_equal(err.text + strlen(err.text) - 10, ": old text");
}

static void test_own_text_as_argument(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, "first");
	err_set(&err, "second after %s", err.text);
	assert_string_equal(err.text, "second after first");
}

static void test_control_characters(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, "name '%s'", "a\nb\033[2Jc\x7f");
	assert_string_equal(err.text, "name 'a?b?[2Jc?'");
	err_wrap(&err, "x\ty");
	assert_string_equal(err.text, "x?y: name 'a?b?[2Jc?'");
}

static void test_exit_codes(void **state)
{
	static const int codes[] = { 1, 2, 3, 4, 5, 6, 125, 126, 127 };
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		err_kind(&err, (enum err_kind)i, "x");
		assert_int_equal(err_exit_code(&err), codes[i]);
	}
	err.kind = 4711;
	assert_int_equal(err_exit_code(&err), 1);
}

static void test_without_place_for_it(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, "x"), -1);
	assert_int_equal(err_sys(NULL, EIO, "x"), -1);
	assert_int_equal(err_kind(NULL, ERR_USAGE, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_fills_all_fields),
		cmocka_unit_test(test_sys_text),
		cmocka_unit_test(test_long_text_keeps_the_reason),
		cmocka_unit_test(test_wrap_keeps_the_rest),
		cmocka_unit_test(test_wrap_of_long_texts),
		cmocka_unit_test(test_own_text_as_argument),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_exit_codes),
		cmocka_unit_test(test_without_place_for_it),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
