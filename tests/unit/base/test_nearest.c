/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nearest: a slip of the pen is understood, another word is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "mstack/base.h"
#include <cmocka.h>

static const char *const names[] = {
	"image",   "command",	   "environment", "ports", "networks",
	"volumes", "volumes_from", "healthcheck", "cpus",  "up",
};

static const char *nearest(const char *s)
{
	return nearest_name(s, names, ARRAY_LEN(names));
}

static void test_found(void **state)
{
	static const struct {
		const char *typed, *meant;
	} cases[] = {
		{ "image", "image" },
		{ "imge", "image" },
		{ "iamge", "image" },
		{ "images", "image" },
		{ "comand", "command" },
		{ "enviroment", "environment" },
		{ "environmnet", "environment" },
		{ "port", "ports" },
		{ "prots", "ports" },
		{ "network", "networks" },
		{ "volume", "volumes" },
		{ "health_check", "healthcheck" },
		{ "healtcheck", "healthcheck" },
		{ "up", "up" },
		{ "volumes_form", "volumes_from" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *found = nearest(cases[i].typed);

		if (!found || strcmp(found, cases[i].meant))
			fail_msg("'%s' gave '%s'", cases[i].typed, found ? found : "nothing");
	}
}

static void test_not_found(void **state)
{
	static const char *const cases[] = {
		"", "u", "xx", "zebra", "img", "commander-in-chief", "pu",
	};
	char longest[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (nearest(cases[i]))
			fail_msg("'%s' gave '%s'", cases[i], nearest(cases[i]));
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_null(nearest(longest));
	assert_null(nearest_name("image", NULL, 0));
}

static void test_long_names(void **state)
{
	char a[64], b[64];
	const char *const list[] = { a };

	(void)state;
	memset(a, 'a', 63);
	memset(b, 'a', 63);
	a[63] = b[63] = '\0';
	memset(b, 'b', 21);
	assert_ptr_equal(nearest_name(b, list, 1), a);
	b[21] = 'b';
	assert_null(nearest_name(b, list, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
