/* SPDX-License-Identifier: GPL-2.0-or-later */
/* envfile: one variable of env files, whatever else is wrong with them. */
#include "unit/stack/fixture.h"

static char *value_of(const char *one, const char *two, const char *first, const char *second)
{
	const char *paths[] = { one, two }, *names[] = { first, second, NULL };

	return stack_env_value(paths, two ? 2 : 1, fixture_env, names);
}

static void expect(char *got, const char *want)
{
	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
	free(got);
}

static void test_values(void **state)
{
	static const char a[] = "# files\nCOMPOSE_FILE=\"a.yaml:${TAG}.yaml\"\nOURS=mine\nEMPTY=\nNONE\n", b[] = "OURS=later\n",
			  bad[] = "OURS=good\nbad line here\n";

	(void)state;
	fixture_write("a.env", a, strlen(a));
	fixture_write("b.env", b, strlen(b));
	fixture_write("bad.env", bad, strlen(bad));
	expect(value_of("a.env", NULL, "COMPOSE_FILE", NULL), "a.yaml:1.2.yaml");
	/* The first name that is set to something. */
	expect(value_of("a.env", NULL, "OURS", "COMPOSE_FILE"), "mine");
	expect(value_of("a.env", NULL, "EMPTY", "OURS"), "mine");
	expect(value_of("a.env", NULL, "ABSENT", "NONE"), NULL);
	/* The last file wins; what is wrong is told by who loads the project. */
	expect(value_of("a.env", "b.env", "OURS", NULL), "later");
	expect(value_of("absent.env", "a.env", "OURS", NULL), "mine");
	expect(value_of("bad.env", NULL, "OURS", NULL), "good");
	expect(value_of("absent.env", NULL, "OURS", NULL), NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
