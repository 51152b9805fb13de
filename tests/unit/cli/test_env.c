/* SPDX-License-Identifier: GPL-2.0-or-later */
/* env: whose name of a variable wins, and that an empty one counts as none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/env.h"

static void test_order(void **state)
{
	(void)state;
	unsetenv("MSTACK_UNIT_TEST");
	unsetenv("COMPOSE_UNIT_TEST");
	assert_null(cli_env("UNIT_TEST"));
	setenv("COMPOSE_UNIT_TEST", "theirs", 1);
	assert_string_equal(cli_env("UNIT_TEST"), "theirs");
	setenv("MSTACK_UNIT_TEST", "ours", 1);
	assert_string_equal(cli_env("UNIT_TEST"), "ours");
	setenv("MSTACK_UNIT_TEST", "", 1);
	assert_string_equal(cli_env("UNIT_TEST"), "theirs");
	setenv("COMPOSE_UNIT_TEST", "", 1);
	assert_null(cli_env("UNIT_TEST"));
	unsetenv("MSTACK_UNIT_TEST");
	unsetenv("COMPOSE_UNIT_TEST");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
