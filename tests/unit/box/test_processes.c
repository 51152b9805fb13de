/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes: who is in a container: all of its group and those below, by pid, with the ids of the container, and names that
 * mean harm; nobody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/running.h"
#include "unit/box/rig.h"

static struct box_running *get(void)
{
	struct err err = { 0 };
	struct box_running *run = box_running_get(getpid(), "web-1", &err);

	if (!run)
		fail_msg("%s", err.text);
	return run;
}

static struct box_slot *start(struct rig *r, const char *script, uid_t uid)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct box_slot *s = rig_slot(r, "web-1");
	struct err err = { 0 };

	spec.uid = spec.gid = uid;
	if (box_start(s, &spec, true, &err) < 0)
		fail_msg("%s", err.text);
	rig_wait(r, BOX_STARTED);
	return s;
}

static bool has(const struct box_processes *all, const char *command)
{
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->v[i].command, command))
			return true;
	return false;
}

/* As soon as there are that many, and this one among them. */
static struct box_processes wait_for(const struct box_running *run, size_t n, const char *command)
{
	struct box_processes all = { 0 };
	struct err err = { 0 };

	for (int tries = 0; tries < 2000; tries++) {
		box_processes_fini(&all);
		if (box_running_processes(run, &all, &err) < 0)
			fail_msg("%s", err.text);
		if (all.n == n && has(&all, command))
			return all;
		usleep(10000);
	}
	fail_msg("%zu processes instead of %zu with '%s'", all.n, n, command);
	return all;
}

static const struct box_process *find(const struct box_processes *all, const char *command)
{
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->v[i].command, command))
			return &all->v[i];
	fail_msg("there is no '%s'", command);
	return NULL;
}

static void stop(struct rig *r, struct box_slot *s)
{
	assert_int_equal(box_kill(s, &(struct err){ 0 }), 0);
	rig_wait(r, BOX_EXITED);
}

static void test_tree(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = start(r, "sleep 61 & while :; do read x; done", 1000);
	struct box_running *run = get();
	struct box_processes all = wait_for(run, 2, "sleep 61");
	uint64_t now = time_wall_ns();

	assert_int_equal(all.v[0].pid, box_pid(s));
	assert_string_equal(all.v[0].command, "sh -c sleep 61 & while :; do read x; done");
	assert_int_equal(all.v[0].ppid, getpid());
	for (size_t i = 0; i < all.n; i++) {
		assert_true(!i || all.v[i].pid > all.v[i - 1].pid);
		assert_int_equal(all.v[i].uid, 1000);
		assert_int_equal(all.v[i].tty, 0);
		/* Within two minutes, by a clock that may be set meanwhile. */
		assert_true(all.v[i].started_wall_ns < now + 1000000000ull &&
			    all.v[i].started_wall_ns + 120000000000ull > now);
	}
	assert_int_equal(find(&all, "sleep 61")->ppid, box_pid(s));
	box_processes_fini(&all);
	assert_null(all.v);
	stop(r, s);
	box_running_free(run);
}

/* Brackets, line ends, numbers that look like fields: a name is one word of the list, and no field moves. */
static void test_odd_names(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = start(
		r,
		"printf 'x) R 1 (' >/proc/self/comm; sh -c 'sleep 63; :' \"$(printf 'a\\nb c')\" & wait",
		0);
	struct box_running *run = get();
	struct box_processes all = wait_for(run, 3, "sleep 63");
	const struct box_process *odd = find(&all, "sh -c sleep 63; : a\nb c");

	assert_int_equal(odd->ppid, box_pid(s));
	assert_int_equal(all.v[0].ppid, getpid());
	assert_int_equal(find(&all, "sleep 63")->ppid, odd->pid);
	box_processes_fini(&all);
	stop(r, s);
	box_running_free(run);
}

/* One that has ended and was not waited for is none any more. */
static void test_zombie(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = start(r, "true & exec sleep 64", 0);
	struct box_running *run = get();
	struct box_processes all = wait_for(run, 1, "sleep 64");

	assert_int_equal(all.v[0].pid, box_pid(s));
	box_processes_fini(&all);
	stop(r, s);
	box_running_free(run);
}

/* The kernel lets go of a group a moment after its last process. */
static void remove_group(const char *path)
{
	for (int tries = 0; tries < 2000 && rmdir(path) && errno == EBUSY; tries++)
		usleep(10000);
	assert_int_equal(faccessat(AT_FDCWD, path, F_OK, 0), -1);
}

/* Groups that one with rights over its own has made belong to it, however deep; what is beside it does not. */
static void test_groups_below(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = start(r, "exec sleep 65", 0);
	struct box_running *run = get();
	const char *group = ((const struct running *)run)->memo->cgroup;
	_cleanup_free_ char *below = xasprintf("%s/x", group);
	_cleanup_free_ char *deeper = xasprintf("%s/x/y", group);
	_cleanup_free_ char *beside = xasprintf("%s-beside", group);
	struct box_processes all;
	pid_t inner, outer;

	assert_int_equal(mkdir(below, 0755), 0);
	assert_int_equal(mkdir(deeper, 0755), 0);
	assert_int_equal(mkdir(beside, 0755), 0);
	inner = rig_resident(deeper);
	outer = rig_resident(beside);
	all = wait_for(run, 2, "sleep 65");
	assert_int_equal(all.v[1].pid, inner);
	/* Of the host: no id of the container's, so it stays what it is. */
	assert_int_equal(all.v[1].uid, 0);
	assert_int_not_equal(all.v[0].pid, outer);
	box_processes_fini(&all);
	for (int i = 0; i < 2; i++) {
		kill(i ? inner : outer, SIGKILL);
		waitpid(i ? inner : outer, NULL, 0);
	}
	remove_group(deeper);
	remove_group(below);
	remove_group(beside);
	stop(r, s);
	box_running_free(run);
}

static void test_ended(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = start(r, "exec sleep 66", 0);
	struct box_running *run = get();
	struct box_processes all = { 0 };
	struct err err = { 0 };

	stop(r, s);
	if (box_running_processes(run, &all, &err) < 0)
		assert_int_equal(err.sys, ENOENT);
	assert_int_equal(all.n, 0);
	box_processes_fini(&all);
	box_running_free(run);
}

#define test_in_rig(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_rig(test_tree),	  test_in_rig(test_odd_names),
		test_in_rig(test_zombie), test_in_rig(test_groups_below),
		test_in_rig(test_ended),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
