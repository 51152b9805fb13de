/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage: numbers of a container out of files of a cgroup. Here the group is a folder of plain files in the words of the
 * kernel's Documentation/admin-guide/cgroup-v2.rst, so all controllers can be there or not; and at the end a real container.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/running.h"
#include "box/sys.h"
#include "unit/box/rig.h"

#define ALL (BOX_WANT_MEMORY | BOX_WANT_PIDS | BOX_WANT_IO)

/* A process that lives as the one of a container would, and a folder that is its group. */
struct made {
	struct running r;
	struct memo memo;
	char group[64];
};

static void make(struct made *m, const char *name)
{
	snprintf(m->group, sizeof(m->group), "%.60s", rig_path(name));
	mkdir(m->group, 0755);
	m->memo = (struct memo){ .slot = "web-1", .cgroup = m->group };
	m->r = (struct running){ .memo = &m->memo };
	m->r.shown.pid = m->memo.pid = fork();
	if (!m->r.shown.pid) {
		pause();
		_exit(0);
	}
	m->r.shown.pidfd = sys_pidfd_open(m->r.shown.pid);
	assert_true(m->r.shown.pidfd >= 0);
}

static void finish(struct made *m)
{
	kill(m->r.shown.pid, SIGKILL);
	waitpid(m->r.shown.pid, NULL, 0);
	cleanup_fd(&m->r.shown.pidfd);
}

static void put(const struct made *m, const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", m->group, name);

	assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), 0644), 0);
}

static struct box_usage usage_of(const struct made *m)
{
	struct box_usage u = { 0 };
	struct err err = { 0 };

	if (box_running_usage(&m->r.shown, &u, &err) < 0)
		fail_msg("%s", err.text);
	return u;
}

static uint64_t host_memory(void)
{
	struct sysinfo si;

	assert_int_equal(sysinfo(&si), 0);
	return (uint64_t)si.totalram * si.mem_unit;
}

static void test_nothing_counted(void **state)
{
	struct made m;
	struct box_usage u;

	(void)state;
	make(&m, "bare");
	put(&m, "cpu.stat", "usage_usec 7\nuser_usec 3\nsystem_usec 4\n");
	u = usage_of(&m);
	assert_int_equal(u.missing, ALL);
	assert_int_equal(u.cpu_us, 7);
	assert_int_equal(u.memory + u.memory_max + u.tasks + u.read + u.written, 0);
	/* It has our network, so its interfaces are not the container's. */
	assert_false(u.net);
	assert_int_equal(u.received + u.sent, 0);
	finish(&m);
}

static void test_all_counted(void **state)
{
	struct made m;
	struct box_usage u;

	(void)state;
	make(&m, "full");
	put(&m, "cpu.stat", "usage_usec 123456789\nnr_throttled 2\n");
	put(&m, "memory.current", "104857600\n");
	put(&m, "memory.stat", "anon 5\ninactive_file 4857600\nactive_file 9\n");
	put(&m, "memory.max", "33554432\n");
	put(&m, "pids.current", "17\n");
	put(&m, "io.stat",
	    "8:0 rbytes=100 wbytes=20 rios=3 wios=4 dbytes=5 dios=6\n"
	    "253:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n"
	    "7:1 \n");
	u = usage_of(&m);
	assert_int_equal(u.missing, 0);
	assert_int_equal(u.cpu_us, 123456789);
	assert_int_equal(u.memory, 100000000);
	assert_int_equal(u.memory_max, 33554432);
	assert_int_equal(u.tasks, 17);
	assert_int_equal(u.read, 101);
	assert_int_equal(u.written, 22);
	finish(&m);
}

/* Without a limit, or with one that the host could not fulfil, it is the host's memory; what is idle is never more than all. */
static void test_memory_bounds(void **state)
{
	static const char *const limits[] = { "max\n", "9000000000000000\n" };
	struct made m;

	(void)state;
	make(&m, "bounds");
	put(&m, "memory.current", "4096\n");
	put(&m, "memory.stat", "inactive_file 8192\n");
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct box_usage u;

		put(&m, "memory.max", limits[i]);
		u = usage_of(&m);
		assert_int_equal(u.memory, 0);
		assert_true(u.memory_max == host_memory());
		assert_int_equal(u.missing, ALL & ~(unsigned)BOX_WANT_MEMORY);
	}
	finish(&m);
}

static void test_frozen(void **state)
{
	static const struct {
		const char *asked, *is;
		int frozen;
	} t[] = {
		{ "0\n", "populated 1\nfrozen 0\n", 0 },
		{ "0\n", "populated 1\nfrozen 1\n", 0 }, /* it is on its way out of it */
		{ "1\n", "populated 1\nfrozen 0\n", 2 },
		{ "1\n", "populated 1\nfrozen 1\n", 1 },
	};
	struct made m;

	(void)state;
	make(&m, "ice");
	assert_int_equal(box_running_frozen(&m.r.shown), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		put(&m, "cgroup.freeze", t[i].asked);
		put(&m, "cgroup.events", t[i].is);
		assert_int_equal(box_running_frozen(&m.r.shown), t[i].frozen);
	}
	finish(&m);
}

/* Whose numbers would they be? */
static void test_ended(void **state)
{
	struct box_usage u = { .tasks = 99 };
	struct err err = { 0 };
	struct made m;

	(void)state;
	make(&m, "ending");
	kill(m.r.shown.pid, SIGKILL);
	waitpid(m.r.shown.pid, NULL, 0);
	assert_int_equal(box_running_usage(&m.r.shown, &u, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_non_null(strstr(err.text, "has just ended"));
	assert_int_equal(u.tasks, 99);
	m.memo.cgroup = "/no/such/group";
	assert_int_equal(box_running_usage(&m.r.shown, &u, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(box_running_frozen(&m.r.shown), 0);
	cleanup_fd(&m.r.shown.pidfd);
}

static void test_missing_says_why(void **state)
{
	char why[160] = "";

	(void)state;
	assert_string_equal(box_controller_name(BOX_WANT_MEMORY), "memory");
	assert_string_equal(box_controller_name(BOX_WANT_PIDS), "pids");
	assert_string_equal(box_controller_name(BOX_WANT_IO), "io");
	box_controller_missing(BOX_WANT_MEMORY, why, sizeof(why));
	assert_true(*why && strlen(why) < sizeof(why));
}

/* A container's own: time goes by, its `lo` is nobody's traffic, and it can be seen standing still. */
static void test_container(void **state)
{
	static const char *const argv[] = { "sh", "-c", "while :; do :; done", NULL };
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct box_running *run;
	struct box_usage u = { 0 };
	struct err err = { 0 };

	assert_int_equal(box_start(s, &spec, true, &err), 0);
	rig_wait(r, BOX_STARTED);
	run = box_running_get(getpid(), "web-1", &err);
	if (!run)
		fail_msg("%s", err.text);
	do
		assert_int_equal(box_running_usage(run, &u, &err), 0);
	while (!u.cpu_us);
	assert_true(u.net);
	assert_int_equal(u.received + u.sent, 0);
	assert_int_equal(box_running_frozen(run), 0);
	assert_int_equal(box_freeze(s, true, &err), 0);
	while (box_running_frozen(run) != 1)
		sched_yield();
	assert_int_equal(box_freeze(s, false, &err), 0);
	assert_int_equal(box_running_frozen(run), 0);
	assert_int_equal(box_kill(s, &err), 0);
	rig_wait(r, BOX_EXITED);
	box_running_free(run);
}

#define test_in_rig(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_rig(test_nothing_counted), test_in_rig(test_all_counted),
		test_in_rig(test_memory_bounds),   test_in_rig(test_frozen),
		test_in_rig(test_ended),	   test_in_rig(test_missing_says_why),
		test_in_rig(test_container),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
