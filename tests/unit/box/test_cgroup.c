/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of cgroups: the stack's sub-tree, limits, what is missing, what a crash left, and the
 * ledger's kinds.
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
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/sys.h"
#include "unit/box/rig.h"

static const struct ledger_kind *kind(const char *name)
{
	for (size_t i = 0; box_ledger_kinds[i]; i++)
		if (!strcmp(box_ledger_kinds[i]->name, name))
			return box_ledger_kinds[i];
	fail_msg("no kind '%s'", name);
	return NULL;
}

static void test_limits(void **state)
{
	struct rig *r = *state;
	struct box_slot_spec spec = { .name = "web-1",
				      .limits = { .memory_max = 64 << 20,
						  .cpu_milli = 1500,
						  .pids_max = 100,
						  .wanted = BOX_WANT_MEMORY | BOX_WANT_CPU |
							    BOX_WANT_PIDS } };
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct box_slot *s;

	if ((r->rt->tree.have & 7) != 7) {
		print_message("skipped: cgroup v2 has not all of memory, cpu and pids here\n");
		skip();
	}
	s = box_slot_open(r->rt, &spec, NULL);
	rig_wait(r, BOX_SLOT_READY);
	file_read(s->cgroup.fd, "memory.max", 100, &text);
	assert_string_equal(buf_str(&text), "67108864\n");
	file_read(s->cgroup.fd, "cpu.max", 100, &text);
	assert_string_equal(buf_str(&text), "150000 100000\n");
	file_read(s->cgroup.fd, "pids.max", 100, &text);
	assert_string_equal(buf_str(&text), "100\n");
}

static void test_missing_controllers(void **state)
{
	static const unsigned all[] = { BOX_WANT_MEMORY, BOX_WANT_CPU, BOX_WANT_PIDS, BOX_WANT_IO,
					BOX_WANT_CPUSET };
	struct rig *r = *state;
	char begin[96];

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct box_slot_spec spec = {
			.name = "web-1", .limits = { .wanted = all[i], .lines = { 9, 9, 9, 9, 9 } }
		};
		struct err err = { 0 };

		r->rt->tree.have = 0;
		assert_null(box_slot_open(r->rt, &spec, &err));
		snprintf(begin, sizeof(begin), "controller '%s' is not on cgroup v2 here (",
			 cgroup_controller_name(all[i]));
		assert_memory_equal(err.text, begin, strlen(begin));
		assert_int_equal(err.line, 9);
		assert_null(r->rt->slots);
	}
}

static void test_left_out(void **state)
{
	struct rig *r = *state;
	unsigned have = r->rt->tree.have;
	_cleanup_(buf_fini) struct buf line = { 0 }, ours = { 0 }, asked = { 0 };

	box_left_out(r->rt, 0, &line);
	if ((have & 7) == 7)
		assert_string_equal(buf_str(&line), "");
	else
		assert_non_null(strstr(buf_str(&line), "left out: "));
	/* Where limits of processes stand in it matters only to who asked for one that is not the same then. */
	r->rt->tree.nested = true;
	r->rt->tree.have = 0;
	box_left_out(r->rt, BOX_WANT_CPU | BOX_WANT_PIDS, &ours);
	assert_string_equal(buf_str(&ours), "");
	box_left_out(r->rt, BOX_WANT_MEMORY, &asked);
	assert_ptr_equal(strstr(buf_str(&asked), "limits of memory hold for each process"),
			 buf_str(&asked));
	r->rt->tree.nested = false;
	r->rt->tree.have = have;
}

/* What is missing in user@1000.service is not missing by the doing of a unit below it. */
static void test_missing_in_a_users_manager(void **state)
{
	char folder[] = "/tmp/cgroup-XXXXXX";
	_cleanup_free_ char *manager = NULL, *file = NULL, *stack = NULL;
	struct cgroup_tree tree = { .delegated = true, .nested = true };

	(void)state;
	assert_non_null(mkdtemp(folder));
	manager = xasprintf("%s/user@1000.service", folder);
	file = xasprintf("%s/cgroup.controllers", manager);
	stack = xasprintf("%s/app.slice/x.scope/mstack/t", manager);
	assert_return_code(mkdir(manager, 0755), errno);
	assert_return_code(file_replace(AT_FDCWD, file, "memory pids\n", 12, 0644), errno);
	tree.path = stack;
	assert_int_equal(cgroup_place_of(&tree, BOX_WANT_CPU), CGROUP_OF_USER);
	assert_int_equal(cgroup_place_of(&tree, BOX_WANT_MEMORY), CGROUP_DELEGATED);
	tree.path = manager;
	assert_int_equal(cgroup_place_of(&tree, BOX_WANT_CPU), CGROUP_OF_USER);
	tree.path = folder;
	assert_int_equal(cgroup_place_of(&tree, BOX_WANT_CPU), CGROUP_DELEGATED);
	tree.path = NULL;
	assert_int_equal(cgroup_place_of(&tree, BOX_WANT_CPU), CGROUP_NOWHERE);
	assert_return_code(path_remove_tree(AT_FDCWD, folder), errno);
}

static void test_bad_names(void **state)
{
	static const char *const names[] = { "", ".", "..", "a/b", ".hidden" };
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct box_slot_spec spec = { .name = names[i] };

		assert_null(box_slot_open(r->rt, &spec, NULL));
	}
}

/* True when the process is in the group with that end of its path. */
static bool is_in(pid_t pid, const char *end)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	_cleanup_free_ char *path = xasprintf("/proc/%d/cgroup", (int)pid);
	_cleanup_free_ char *want = xasprintf("%s\n", end);
	const char *own;

	if (file_read(AT_FDCWD, path, 65536, &text) < 0)
		return false;
	own = strstr(buf_str(&text), "0::");
	return own && strstr(own, want);
}

/* In a process of its own, which lives in a group that carries systemd's mark; the exit code says what is wrong. */
static int live_delegated(const char *group, const char *ledger_path)
{
	static const struct ledger_kind *const *const kinds[] = { box_ledger_kinds, NULL };
	_cleanup_free_ char *procs = xasprintf("%s/cgroup.procs", group);
	struct ledger *l = ledger_open(ledger_path, true, kinds, NULL);
	struct cgroup_tree tree;
	struct err err;
	pid_t guard;

	if (!l || ledger_lock(l, 0, NULL, NULL) != 0 || file_put(AT_FDCWD, procs, "0") < 0)
		return 2;
	guard = fork();
	if (guard == 0)
		for (;;)
			pause();
	if (cgroup_tree_open(&tree, "p", l, &err) < 0)
		return 3;
	if (!is_in(getpid(), "/supervisor") || !is_in(guard, "/supervisor"))
		return 4;
	if (strncmp(tree.path, group, strlen(group)) != 0)
		return 5;
	kill(guard, SIGKILL);
	waitpid(guard, NULL, 0);
	return ledger_undo(l, 1000, NULL, NULL, &err) == 0 ? 0 : 6;
}

static void test_delegated(void **state)
{
	struct rig *r = *state;
	_cleanup_free_ char *group = xasprintf("%s-delegated", r->rt->tree.path);
	_cleanup_free_ char *leaf = xasprintf("%s/supervisor", group);
	_cleanup_free_ char *ledger = xasprintf("/tmp/mstack-test-ledger-%d", (int)getpid());
	int status = 0;
	pid_t pid;

	assert_int_equal(mkdir(group, 0755), 0);
	if (setxattr(group, "user.delegate", "1", 1, 0) < 0) {
		rmdir(group);
		print_message("skipped: no user.* attributes on cgroups here\n");
		skip();
	}
	pid = fork();
	if (pid == 0)
		_exit(live_delegated(group, ledger));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(ledger);
	rmdir(leaf);
	assert_int_equal(rmdir(group), 0);
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

/* A second runtime of the same stack finds it in use, or empty and takes it over. */
static void test_left_by_a_crash(void **state)
{
	struct rig *r = *state;
	_cleanup_free_ char *old = xasprintf("%s/web-1", r->rt->tree.path);
	_cleanup_free_ char *kill_file = xasprintf("%s/cgroup.kill", old);
	struct box_slot_spec spec = { .name = "web-1" };
	struct cgroup_tree second;
	struct err err;
	int status;
	pid_t pid;

	assert_int_equal(mkdir(old, 0755), 0);
	pid = rig_resident(old);
	assert_int_equal(cgroup_tree_open(&second, r->project, r->ledger, &err), -1);
	assert_non_null(strstr(err.text, "holds processes already"));
	assert_null(box_slot_open(r->rt, &spec, &err));
	assert_int_equal(err.sys, EBUSY);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, __WALL), pid);
	/* Killed groups as well: a clone into one would be killed. */
	assert_int_equal(file_put(AT_FDCWD, kill_file, "1"), 0);
	assert_int_equal(cgroup_tree_open(&second, r->project, r->ledger, &err), 0);
	cgroup_tree_fini(&second);
	rig_script(r, rig_slot(r, "web-1"), "true");
}

static void test_kind(void **state)
{
	struct rig *r = *state;
	const struct ledger_kind *k = kind("cgroup");
	_cleanup_free_ char *path = xasprintf("%s/gone", r->rt->tree.path),
			    *below = xasprintf("%s/a/b", path);
	struct ledger_item item = { .state = LEDGER_DONE, .kind = "cgroup", .key = path };
	struct err err = { 0 };
	struct stat st;
	int rc = -1, status;
	pid_t pid;

	assert_int_equal(k->same(&item), -1);
	assert_int_equal(k->destroy(&item, &err), 1);
	assert_int_equal(path_mkdirs(AT_FDCWD, below, 0755), 0);
	assert_int_equal(stat(path, &st), 0);
	item.ident[0] = st.st_ino;
	assert_int_equal(k->same(&item), 1);
	item.ident[0]++;
	assert_int_equal(k->same(&item), 0);
	pid = rig_resident(below);
	for (int i = 0; i < 5000 && rc < 0; i++) {
		rc = k->destroy(&item, &err);
		assert_true(rc >= 0 || err.sys == EBUSY);
		waitpid(pid, &status, WNOHANG | __WALL);
		usleep(2000);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(access(path, F_OK), -1);
}

/* Other stacks may be below it. */
static void test_top_kind(void **state)
{
	struct rig *r = *state;
	_cleanup_free_ char *top = xstrdup(r->rt->tree.path);
	struct ledger_item item = { .state = LEDGER_DONE, .kind = "cgroup-top", .key = top };

	*strrchr(top, '/') = '\0';
	assert_int_equal(kind("cgroup-top")->destroy(&item, NULL), 0);
	assert_int_equal(access(top, F_OK), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_limits),
		T(test_missing_controllers),
		T(test_left_out),
		T(test_bad_names),
		T(test_delegated),
		T(test_left_by_a_crash),
		T(test_kind),
		T(test_top_kind),
		T(test_missing_in_a_users_manager),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
