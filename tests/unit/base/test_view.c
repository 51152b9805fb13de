/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view: bytes and texts of what fits, and nothing more behind the first thing that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mstack/base_view.h"

static void test_all(void **state)
{
	static const char bytes[] = "ab\0\0xyz";
	struct view v = { .at = bytes, .left = sizeof(bytes) };
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(view_text(&v, a), "ab");
	assert_string_equal(view_text(&v, a), "");
	assert_ptr_equal(view_take(&v, 1), bytes + 4);
	assert_string_equal(view_text(&v, a), "yz");
	assert_int_equal(v.left, 0);
	assert_non_null(view_take(&v, 0));
	assert_false(v.bad);
	arena_free(a);
}

static void test_too_short(void **state)
{
	struct view text = { .at = "abc", .left = 3 }, size = text, huge = text, over = text;
	struct arena *a = arena_new();

	(void)state;
	assert_null(view_text(&text, a)); /* its NUL is not part of it */
	assert_null(view_take(&size, 4));
	assert_null(view_take(&huge, SIZE_MAX));
	assert_non_null(view_take(&over, 2));
	assert_null(view_take(&over, 2));
	assert_null(view_take(&over, 1)); /* it would fit */
	assert_null(view_text(&over, a));
	assert_true(text.bad && size.bad && huge.bad && over.bad);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_too_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
