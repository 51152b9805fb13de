/* SPDX-License-Identifier: GPL-2.0-or-later */
/* utf8: what is a character, and which ones are not shown. */
#include "stack/utf8.h"
#include "unit/stack/fixture.h"

static void test_decode(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		uint32_t c;
	} cases[] = {
		{ "a", 1, 'a' },
		{ "\x7f", 1, 0x7f },
		{ "\xc3\xa4", 2, 0xe4 },
		{ "\xe2\x80\xae", 3, 0x202e },
		{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
		/* Cut short, longer than needed, a surrogate, beyond the last one, no beginning. */
		{ "\xc3", 0, 0 },
		{ "\xe2\x80", 0, 0 },
		{ "\xc0\x80", 0, 0 },
		{ "\xe0\x9f\xbf", 0, 0 },
		{ "\xed\xa0\x80", 0, 0 },
		{ "\xf4\x90\x80\x80", 0, 0 },
		{ "\x80", 0, 0 },
		{ "\xff", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t c = 0;

		assert_int_equal(utf8_decode(cases[i].text, &c), cases[i].len);
		assert_int_equal(c, cases[i].c);
	}
}

static void test_hidden(void **state)
{
	static const uint32_t hidden[] = { 0,	   '\n',   0x1b,   0x7f,   0x85,   0x9f,   0xad,
					   0x200b, 0x200e, 0x2028, 0x202e, 0x2066, 0x2069, 0xfeff,
					   0xffff, 0xe0041 };
	static const uint32_t shown[] = { ' ',	'~',	0xa0,	0xe4,	 0x3b1,	  0x2027,
					  0x20ac, 0x4e2d, 0xfffd, 0x1f600, 0x10ffff };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		assert_true(utf8_is_hidden(hidden[i]));
	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		assert_false(utf8_is_hidden(shown[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
