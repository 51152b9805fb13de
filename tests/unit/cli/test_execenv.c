/* SPDX-License-Identifier: GPL-2.0-or-later */
/* execenv: what wins, what is handed on, what is taken away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/execenv.h"

static const char *const base[] = { "PATH=/bin", "A=1", "AB=2", "NOTHING", NULL };

static void test_changes(void **state)
{
	struct execenv e = { 0 };
	const char *const *list;
	size_t n = 0;

	(void)state;
	setenv("OURS", "o=1", 1);
	unsetenv("A");
	execenv_begin(&e, base);
	execenv_set(&e, "AB", "3");
	execenv_add(&e, "NEW=x=y");
	execenv_add(&e, "EMPTY=");
	execenv_add(&e, "OURS");
	execenv_add(&e, "A");
	execenv_add(&e, "NEW=z");
	list = execenv_list(&e);
	while (list[n])
		n++;
	assert_int_equal(n, 6);
	assert_string_equal(execenv_value(list, "PATH"), "/bin");
	assert_string_equal(execenv_value(list, "AB"), "3");
	assert_string_equal(execenv_value(list, "NEW"), "z");
	assert_string_equal(execenv_value(list, "EMPTY"), "");
	assert_string_equal(execenv_value(list, "OURS"), "o=1");
	assert_null(execenv_value(list, "A"));
	assert_null(execenv_value(list, "NOTHING"));
	/* Asking twice adds nothing. */
	assert_ptr_equal(execenv_list(&e)[5], list[5]);
	assert_null(execenv_list(&e)[6]);
	execenv_fini(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_changes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
