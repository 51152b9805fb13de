/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rlimit: each limit of the kernel has a name, which leads back to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "mstack/base.h"

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < RLIM_NLIMITS; i++)
		assert_int_equal(rlimit_parse(rlimit_name(i)), i);
	assert_int_equal(rlimit_parse("nofile"), RLIMIT_NOFILE);
	assert_string_equal(rlimit_name(RLIMIT_NPROC), "nproc");
	assert_int_equal(rlimit_parse("NOFILE"), -1);
	assert_int_equal(rlimit_parse("?"), -1);
	assert_string_equal(rlimit_name(-1), "?");
	assert_string_equal(rlimit_name(RLIM_NLIMITS), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
