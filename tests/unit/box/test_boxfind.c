/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * boxfind: the groups of a stack whose ledger was lost are found, with what runs in them, and those
 * of its neighbours are not.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/sys.h"
#include "unit/box/rig.h"

static void forget(struct rig *r)
{
	const struct ledger_item *i;

	while ((i = ledger_next(r->ledger, NULL, NULL)))
		assert_int_equal(ledger_gone(r->ledger, i->id, NULL), 0);
}

static void test_nothing(void **state)
{
	struct rig *r = *state;
	_cleanup_free_ char *other = xasprintf("%s-2", r->project);
	const struct ledger_item *last = NULL;
	struct err err = { 0 };

	for (const struct ledger_item *i = NULL; (i = ledger_next(r->ledger, NULL, i));)
		last = i;
	assert_int_equal(box_find(other, NULL, &err), 0);
	assert_int_equal(box_find(other, r->ledger, &err), 0);
	assert_null(ledger_next(r->ledger, NULL, last));
}

static void test_whole_stack(void **state)
{
	struct rig *r = *state;
	_cleanup_free_ char *path = xstrdup(r->rt->tree.path), *web = xasprintf("%s/web-1", path),
			    *db = xasprintf("%s/db-1", path), *other = xasprintf("%s-2", path);
	struct err err = { 0 };
	int status, rc;
	pid_t pid;

	assert_int_equal(mkdir(web, 0755) | mkdir(db, 0755) | mkdir(other, 0755), 0);
	pid = rig_resident(db);
	forget(r);
	assert_int_equal(box_find(r->project, NULL, &err), 1);
	assert_null(ledger_next(r->ledger, NULL, NULL));
	assert_int_equal(box_find(r->project, r->ledger, &err), 1);
	assert_non_null(ledger_find(r->ledger, "cgroup", path));
	assert_non_null(ledger_find(r->ledger, "cgroup", web));
	assert_non_null(ledger_find(r->ledger, "cgroup", db));
	assert_null(ledger_find(r->ledger, "cgroup", other));
	/* The killed one is ours to bury, and its group is busy until then. */
	do
		rc = ledger_undo(r->ledger, 20, NULL, NULL, &err);
	while (waitpid(pid, &status, WNOHANG | __WALL) == 0);
	if (rc)
		rc = ledger_undo(r->ledger, 5000, NULL, NULL, &err);
	if (rc)
		fail_msg("%s", err.text);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rmdir(other), 0);
	assert_int_equal(box_find(r->project, r->ledger, &err), 0);
	/* The group above was left to `other`, which nobody undoes; further ones may be in it. */
	*strrchr(path, '/') = '\0';
	assert_true(!rmdir(path) || errno == ENOTEMPTY || errno == EBUSY || errno == ENOENT);
}

/* Of a supervisor that lives, whoever looks: only its children in the group tell. */
static void test_supervisor(void **state)
{
	struct rig *r = *state;
	_cleanup_free_ char *web = xasprintf("%s/web-1", r->rt->tree.path);
	int status, ready[2];
	pid_t other;
	char c;

	assert_int_equal(box_supervisor("not-there"), 0);
	assert_int_equal(mkdir(web, 0755), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	other = fork();
	if (!other) {
		prctl(PR_SET_NAME, "mstack");
		rig_resident(web);
		while (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(box_supervisor(r->project), other);
	/* It dies; its child falls to process 1 and is nobody's. */
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(box_supervisor(r->project), 0);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = { T(test_nothing), T(test_whole_stack),
					    T(test_supervisor) };

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
