/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hash: the values of the FNV-1a reference; they must be the same for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "mstack/base.h"
#include <cmocka.h>

static void test_reference_values(void **state)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} cases[] = {
		{ "", 0xcbf29ce484222325 },
		{ "a", 0xaf63dc4c8601ec8c },
		{ "foobar", 0x85944171f73967e8 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(hash64_str(cases[i].text) == cases[i].hash);
		assert_true(hash64(cases[i].text, strlen(cases[i].text)) == cases[i].hash);
	}
}

static void test_every_byte_counts(void **state)
{
	(void)state;
	assert_true(hash64("\0", 1) != hash64("", 0));
	assert_true(hash64("ab", 2) != hash64("ba", 2));
	assert_true(hash64("a\0b", 3) != hash64("a\0c", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_values),
		cmocka_unit_test(test_every_byte_counts),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
