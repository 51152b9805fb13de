/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of commands that are executed in a running container.
 */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/child.h"
#include "box/sys.h"
#include "unit/box/rig.h"

static struct box_slot *running(struct rig *r, uid_t uid)
{
	const char *const argv[] = { "sleep", "60", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct box_slot *s = rig_slot(r, "web-1");

	spec.uid = uid;
	spec.cwd = "/tmp";
	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	return s;
}

static const struct box_event *execute(struct rig *r, struct box_slot *s, const char *const *argv)
{
	struct box_exec_spec spec = { .token = 42, .argv = argv };
	const struct box_event *ev;
	struct err err;

	if (box_exec(s, &spec, &err) < 0)
		fail_msg("%s", err.text);
	ev = rig_wait(r, BOX_EXEC_DONE);
	assert_int_equal(ev->token, 42);
	return ev;
}

static const struct box_event *shell(struct rig *r, struct box_slot *s, const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	return execute(r, s, argv);
}

static void test_output_and_status(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, 1000);

	assert_int_equal(shell(r, s, "pwd; id -u; echo $COLOUR >&2; hostname; exit 4")->status,
			 W_EXITCODE(4, 0));
	assert_string_equal(r->exec_output, "/tmp\n1000\ngreen\nweb-1\n");
	assert_int_equal(shell(r, s, "kill -9 $$")->status, SIGKILL);
	assert_string_equal(r->exec_output, "");
	assert_true(box_pid(s) > 0);
}

/* The same walls as around PID 1. */
static void test_same_walls(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, 0);

	shell(r, s,
	      "grep -E '^(CapBnd|CapInh|NoNewPrivs|Seccomp):' /proc/self/status; ls /proc/self/fd; "
	      "cat /proc/self/cgroup | grep ^0: ; ulimit -Sn; wc -c </proc/kallsyms");
	assert_string_equal(r->exec_output,
			    "CapInh:\t0000000000000000\nCapBnd:\t00000000800405fb\nNoNewPrivs:\t1\n"
			    "Seccomp:\t2\n0\n1\n2\n3\n0::/\n1024\n0\n");
	shell(r, s,
	      "[ $(readlink /proc/1/ns/net) = $(readlink /proc/self/ns/net) ] && "
	      "[ $(readlink /proc/1/ns/ipc) = $(readlink /proc/self/ns/ipc) ] && echo same");
	assert_string_equal(r->exec_output, "same\n");
}

static void test_long_output(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, 0);
	const struct box_event *ev = shell(r, s, "yes | head -c 300000; exit 7");

	assert_int_equal(ev->status, W_EXITCODE(7, 0));
	assert_int_equal(ev->output_len, BOX_OUTPUT_MAX);
	assert_memory_equal(r->exec_output, "y\ny\ny\n", 6);
}

static void test_not_found(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, 0);
	const char *const argv[] = { "nosuch", NULL };
	const char *const folder[] = { "/tmp", NULL };

	assert_int_equal(execute(r, s, argv)->status, W_EXITCODE(127, 0));
	assert_string_equal(r->exec_output,
			    "exec: 'nosuch': not found in the image's PATH (/nowhere:/bin)");
	assert_int_equal(execute(r, s, folder)->status, W_EXITCODE(126, 0));
}

static void test_cancel(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, 0);
	const char *const argv[] = { "sh", "-c", "sleep 61 & sleep 62", NULL };
	struct box_exec_spec spec = { .token = 1, .argv = argv };

	box_exec_cancel(s);
	assert_int_equal(box_exec(s, &spec, NULL), 0);
	assert_int_equal(box_exec(s, &spec, NULL), -1);
	rig_idle(r, 0.1);
	box_exec_cancel(s);
	assert_int_equal(rig_wait(r, BOX_EXEC_DONE)->status, SIGKILL);
	/* Its child goes along, a moment later. */
	shell(r, s,
	      "left() { grep -l 'sleep) [^Z]' /proc/[0-9]*/stat | wc -l; }; i=0;"
	      "while [ $(left) != 1 ] && [ $((i += 1)) -lt 50 ]; do sleep 0.1; done; left");
	assert_string_equal(r->exec_output, "1\n");
}

static void test_container_ends_before(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, 0);
	const char *const argv[] = { "sleep", "61", NULL };
	struct box_exec_spec spec = { .token = 1, .argv = argv };
	struct err err;
	int seen = 0;

	assert_int_equal(box_exec(s, &spec, NULL), 0);
	rig_idle(r, 0.1);
	box_signal(s, SIGKILL, NULL, NULL);
	for (int i = 0; i < 2; i++)
		seen |= 1 << rig_any(r)->kind;
	assert_int_equal(seen, 1 << BOX_EXEC_DONE | 1 << BOX_EXITED);
	assert_int_equal(box_exec(s, &spec, &err), -1);
	assert_string_equal(err.text, "slot 'web-1' runs no container");
}

static int die_untold(struct child *c)
{
	if (!sys_clone(CLONE_PARENT, -1, NULL))
		for (;;)
			pause();
	(void)c;
	return raise(SIGKILL);
}

/* Stage one is killed when its child is there, and has not told of it. The container can end all the same. */
static void test_killed_before_it_tells(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, 0);
	struct child_step one[16] = { 0 };
	struct child_tables tables = child_tables;
	const char *const argv[] = { "true", NULL };
	size_t n = 0;

	for (; child_tables.exec_one[n].name; n++)
		one[n] = child_tables.exec_one[n];
	assert_string_equal(one[n - 1].name, "clone the command");
	one[n - 1].run = die_untold;
	tables.exec_one = one;
	r->rt->tables = &tables;
	assert_int_equal(execute(r, s, argv)->status, SIGKILL);
	r->rt->tables = &child_tables;
	/* The next one finds all in order, */
	assert_int_equal(shell(r, s, "exit 3")->status, W_EXITCODE(3, 0));
	/* and its end is not waited for in vain. */
	assert_int_equal(box_signal(s, SIGKILL, NULL, NULL), 0);
	rig_wait(r, BOX_EXITED);
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_output_and_status),
		T(test_same_walls),
		T(test_long_output),
		T(test_not_found),
		T(test_cancel),
		T(test_container_ends_before),
		T(test_killed_before_it_tells),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
