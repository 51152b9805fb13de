/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * buf: growing bytes, always with a NUL behind them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "mstack/base.h"
#include <cmocka.h>

static void test_empty(void **state)
{
	struct buf b = { 0 };
	char *s;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
	buf_fini(&b);
	buf_fini(NULL);
}

static void test_pieces(void **state)
{
	struct buf b = { 0 };
	char *s;

	(void)state;
	buf_puts(&b, "one");
	buf_putc(&b, ' ');
	buf_add(&b, "two\0three", 9);
	buf_add(&b, NULL, 0);
	assert_int_equal(b.len, 13);
	assert_memory_equal(b.data, "one two\0three", 14);
	s = buf_take(&b);
	assert_memory_equal(s, "one two\0three", 14);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	free(s);
}

/* Every length around the sizes at which the buffer grows. */
static void test_printf_at_every_length(void **state)
{
	(void)state;
	for (int len = 0; len < 300; len++) {
		struct buf b = { 0 };

		buf_printf(&b, "%*s", len, "");
		assert_int_equal(b.len, len);
		assert_int_equal(b.data[len], '\0');
		buf_printf(&b, "%s=%d", "x", 7);
		assert_string_equal(b.data + len, "x=7");
		assert_true(b.len < b.cap);
		buf_fini(&b);
	}
}

static void test_many_bytes(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 100000);
	assert_int_equal(strlen(b.data), 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	buf_fini(&b);
	assert_null(b.data);
}

static void test_cut(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_cut(&b, 0);
	assert_string_equal(buf_str(&b), "");
	buf_puts(&b, "web.environment");
	buf_cut(&b, 100);
	assert_string_equal(buf_str(&b), "web.environment");
	buf_cut(&b, 3);
	assert_string_equal(buf_str(&b), "web");
	assert_int_equal(b.len, 3);
	buf_cut(&b, 0);
	assert_string_equal(buf_str(&b), "");
	assert_true(b.cap > 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_printf_at_every_length),
		cmocka_unit_test(test_many_bytes),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
