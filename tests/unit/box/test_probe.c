/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the questions that doctor asks. On the machine of the tests all but the controllers must
 * be there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/box/rig.h"

static void test_probe(void **state)
{
	struct box_probe probes[64];
	size_t n = box_probe(probes, ARRAY_LEN(probes));

	(void)state;
	assert_true(n > 10 && n < ARRAY_LEN(probes));
	for (size_t i = 0; i < n; i++) {
		assert_non_null(probes[i].cure);
		if (!probes[i].ok)
			assert_true(probes[i].why[0]);
		if (!probes[i].ok && strncmp(probes[i].what, "controller", 10))
			fail_msg("%s: %s", probes[i].what, probes[i].why);
	}
	assert_int_equal(box_probe(probes, 2), 2);
}

static void test_without_rights(void **state)
{
	struct box_probe probes[64];
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		size_t n = setresuid(1000, 1000, 1000) ? 0 : box_probe(probes, ARRAY_LEN(probes)),
		       bad = 0;

		for (size_t i = 0; i < n; i++)
			bad += !probes[i].ok;
		_exit(n && !probes[0].ok && bad > 5 && !strcmp(probes[0].why, "user id is 1000")
			      ? 0
			      : 1);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_without_rights),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
