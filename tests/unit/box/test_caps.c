/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the words for capabilities.
 */
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mstack/box.h"

static const struct {
	const char *name;
	int number;
} names[] = {
	{ "NET_ADMIN", CAP_NET_ADMIN },
	{ "CAP_NET_ADMIN", CAP_NET_ADMIN },
	{ "cap_sys_time", CAP_SYS_TIME },
	{ "Chown", CAP_CHOWN },
	{ "checkpoint_restore", CAP_CHECKPOINT_RESTORE },
	{ "ALL", -1 },
	{ "", -1 },
	{ "CAP_", -1 },
	{ "3", -1 },
	{ "CAP_CAP_CHOWN", -1 },
	{ "NET_ADMIN ", -1 },
	{ "a_name_that_is_much_longer_than_the_one_of_any_capability_there_will_ever_be", -1 },
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (box_cap_number(names[i].name) != names[i].number)
			fail_msg("'%s' is %d", names[i].name, box_cap_number(names[i].name));
}

/* All that the headers know, and each is found again by its name. */
static void test_names_of_numbers(void **state)
{
	(void)state;
	for (int nr = 0; nr <= CAP_LAST_CAP; nr++) {
		assert_non_null(box_cap_name(nr));
		assert_int_equal(box_cap_number(box_cap_name(nr)), nr);
	}
	assert_null(box_cap_name(-1));
	assert_null(box_cap_name(63));
}

static void test_default(void **state)
{
	(void)state;
	assert_true(box_caps_default() == 0x800405fb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_of_numbers),
		cmocka_unit_test(test_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
