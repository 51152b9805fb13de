/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of signals to a container.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "unit/box/rig.h"

/* Runs until it has said "up", so that its handlers are there. */
static struct box_slot *running(struct rig *r, const char *script)
{
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());

	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	for (int i = 0; i < 200 && strcmp(rig_output(), "up\n"); i++)
		rig_idle(r, 0.005);
	return s;
}

static void test_handled(void **state)
{
	struct rig *r = *state;
	struct box_slot *s =
		running(r, "trap 'exit 9' TERM; echo up; while :; do sleep 0.01; done");
	bool ignored = true;

	assert_int_equal(box_signal(s, SIGTERM, &ignored, NULL), 0);
	assert_false(ignored);
	assert_int_equal(rig_wait(r, BOX_EXITED)->status, W_EXITCODE(9, 0));
}

static void test_unhandled_and_alone(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, "echo up; exec sleep 60");
	bool ignored = false;

	/* Until the exec is done the shell is there, which handles some. */
	rig_idle(r, 0.05);
	assert_int_equal(box_signal(s, SIGTERM, &ignored, NULL), 0);
	assert_true(ignored);
	assert_int_equal(rig_wait(r, BOX_EXITED)->status, SIGKILL);
}

static void test_told(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, "trap 'exit 9' USR1; echo up; while :; do sleep 0.01; done");
	bool lost = false;

	assert_int_equal(box_tell(s, SIGHUP, &lost, NULL), 0);
	assert_true(lost);
	assert_int_equal(box_tell(s, SIGUSR1, &lost, NULL), 0);
	assert_false(lost);
	assert_int_equal(rig_wait(r, BOX_EXITED)->status, W_EXITCODE(9, 0));
}

static void test_unhandled_with_children(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, "sleep 60 & echo up; wait");
	bool ignored = true;

	assert_int_equal(box_signal(s, SIGTERM, &ignored, NULL), 0);
	assert_false(ignored);
	rig_idle(r, 0.05);
	assert_int_equal(box_signal(s, SIGKILL, NULL, NULL), 0);
	assert_int_equal(rig_wait(r, BOX_EXITED)->status, SIGKILL);
}

static void test_harmless(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, "echo up; exec sleep 60");
	bool ignored = true;

	rig_idle(r, 0.05);
	assert_int_equal(box_signal(s, SIGWINCH, &ignored, NULL), 0);
	assert_false(ignored);
	rig_idle(r, 0.05);
	assert_true(box_pid(s) > 0);
}

static void test_nobody_there(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct err err;

	assert_int_equal(box_signal(s, SIGTERM, NULL, &err), -1);
	assert_string_equal(err.text, "signal 'web-1': no such process");
	assert_int_equal(box_kill(s, &err), 0);
}

/* Stage two is there, and what stage one has said of it is not read yet. */
static void test_while_it_starts(void **state)
{
	static const char *const sleeper[] = { "sleep", "60", NULL };
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(sleeper, rig_pipe());

	assert_int_equal(box_start(s, &spec, false, NULL), 0);
	usleep(300000);
	assert_int_equal(box_kill(s, NULL), 0);
	rig_wait(r, BOX_START_FAILED);
	assert_false(cgroup_populated(s->cgroup.fd));
	/* And it may start again. */
	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_handled),  T(test_unhandled_and_alone), T(test_unhandled_with_children), T(test_told),
		T(test_harmless), T(test_nobody_there),	       T(test_while_it_starts),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
