/* SPDX-License-Identifier: GPL-2.0-or-later */
/* encoding: what is a text, and where in it a byte or a character stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/encoding.h"
#include <cmocka.h>

static void test_text(void **state)
{
	static const struct { const char *text; size_t len; const char *say; unsigned line, col; } cases[] = {
		{ "", 0, NULL, 0, 0 },
		{ "a", 1, NULL, 0, 0 },
		{ "\xef\xbb\xbf", 3, NULL, 0, 0 },
		{ "a: b\r\n", 6, NULL, 0, 0 },
		{ "\xff\xfe" "a\0", 4, "UTF-16", 1, 1 },
		{ "\xfe\xff\0a", 4, "UTF-16", 1, 1 },
		{ "a\0b\0", 4, "UTF-16", 1, 1 },
		{ "\0a\0b", 4, "UTF-16", 1, 1 },
		{ "ab\n\xc3\xa4\0", 6, "NUL byte", 2, 2 },
		{ "\0\0", 2, "NUL byte", 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stack_diags *diags = stack_diags_new();
		size_t len = cases[i].len;
		const char *text = encoding_text(diags, 0, cases[i].text, &len);

		assert_int_equal(!text, cases[i].say != NULL);
		assert_int_equal(stack_diags_count(diags), cases[i].say != NULL);
		if (cases[i].say) {
			const struct stack_diag *d = stack_diags_get(diags, 0);

			assert_non_null(strstr(d->text, cases[i].say));
			assert_int_equal(d->pos.line, cases[i].line);
			assert_int_equal(d->pos.col, cases[i].col);
		} else {
			assert_ptr_equal(text + len, cases[i].text + cases[i].len);
			assert_true(len < 3 || (unsigned char)*text != 0xef);
		}
		stack_diags_free(diags);
	}
}

static void expect(struct stack_pos pos, unsigned line, unsigned col)
{
	assert_int_equal(pos.file, 4);
	assert_int_equal(pos.line, line);
	assert_int_equal(pos.col, col);
}

static void test_places(void **state)
{
	static const char text[] = "a\xc3\xa4" "b\r\n\ncd";
	struct encoding_cursor c = { .text = text, .len = sizeof(text) - 1, .file = 4 };

	(void)state;
	expect(encoding_place(4, text, 0), 1, 1);
	expect(encoding_place(4, text, 3), 1, 3);
	expect(encoding_place(4, text, 6), 2, 1);
	expect(encoding_place(4, text, 8), 3, 2);
	expect(encoding_find(&c, 0), 1, 1);
	expect(encoding_find(&c, 2), 1, 3);
	expect(encoding_find(&c, 5), 2, 1);
	expect(encoding_find(&c, 7), 3, 2);
	assert_int_equal(c.offset, 8);
	expect(encoding_find(&c, 1), 1, 2);	/* backwards, too */
	assert_int_equal(c.offset, 1);
	expect(encoding_find(&c, 1000), 3, 3);
	assert_int_equal(c.offset, c.len);
}

static void test_line_ends(void **state)
{
	static const struct { const char *text; bool plain; } cases[] = {
		{ "", true },		 { "a\nb\r\n", true },	      { "a\rb", false },	{ "a\r", false },
		{ "a\r\r\n", false },	 { "a\xc2\x85", false },	      { "\xe2\x80\xa8", false }, { "\xe2\x80\xa9", false },
		{ "\xe2\x80\xa7", true }, { "\xc3\x85\xc2", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (encoding_plain_lines(cases[i].text, strlen(cases[i].text)) != cases[i].plain)
			fail_msg("case %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_line_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
