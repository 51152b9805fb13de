/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of a start from the supervisor's side: its events, exits, restarts, signals, and that nothing is left.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/box/rig.h"

static void test_runs_and_exits(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "sh", "-c", "echo $$ $COLOUR; echo two >&2; exit 3", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	int status;

	assert_string_equal(rig_run(r, s, &spec, &status), "1 green\ntwo\n");
	assert_int_equal(status, W_EXITCODE(3, 0));
	assert_int_equal(box_pid(s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_runs_and_exits, rig_up, rig_down),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
