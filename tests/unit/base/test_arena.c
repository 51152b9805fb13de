/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arena: everything returned is zeroed, aligned, and stays where it is until the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "mstack/base.h"
#include <cmocka.h>

static bool all_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* Small and big ones in turn; each is filled, so an overlap would show in a later one. */
static void test_zeroed_and_aligned(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 16, 17, 100, 5000, 9000, 33000, 100000 };
	struct arena *a = arena_new();

	(void)state;
	for (int round = 0; round < 200; round++) {
		size_t size = sizes[(size_t)round * 7 % ARRAY_LEN(sizes)];
		char *p = arena_alloc(a, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		assert_true(all_zero(p, size));
		memset(p, 0xff, size);
	}
	arena_free(a);
}

static void test_text(void **state)
{
	struct arena *a = arena_new();
	char *s = arena_strdup(a, "hello"), *part = arena_strndup(a, "hello", 3);
	char *whole = arena_strndup(a, "hi", 99), *made = arena_printf(a, "%s/%d", "web", 12);
	char *empty = arena_printf(a, "%s", "");

	(void)state;
	for (int i = 0; i < 10000; i++)
		arena_strdup(a, "more");
	assert_string_equal(s, "hello");
	assert_string_equal(part, "hel");
	assert_string_equal(whole, "hi");
	assert_string_equal(made, "web/12");
	assert_string_equal(empty, "");
	arena_free(a);
}

static void test_array(void **state)
{
	struct arena *a = arena_new();
	uint64_t *numbers = arena_array(a, uint64_t, 1000);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(numbers[i], 0);
	arena_free(a);
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zeroed_and_aligned),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_array),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
