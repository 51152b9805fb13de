/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lost: cleaning up where no ledger says what there is. The rooms below are made-up ones that find nothing: here it is about the
 * run-time folder, the links for `ip netns`, and who must not be touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake/fake.h"
#include "mstack/ctl.h"
#include "mstack/sup.h"

/* /run is one of our own. */
static int enter(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("run", "/run", "tmpfs", 0, NULL) < 0)
		return -1;
	setenv("MSTACK_RUN_DIR", "/run/mstack", 1);
	return 0;
}

static bool there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void clean(const char *project)
{
	struct err err = { 0 };

	if (sup_cleanup(project, NULL, &err) != 0)
		fail_msg("%s", err.text);
}

static void test_nothing(void **state)
{
	(void)state;
	clean("t");
	assert_false(there("/run/mstack"));
}

static void test_folder(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(path_mkdirs(AT_FDCWD, "/run/mstack/t/slots/web-1", 0755), 0);
	assert_int_equal(path_mkdirs(AT_FDCWD, "/run/mstack/other", 0755), 0);
	assert_int_equal(file_replace(AT_FDCWD, "/run/mstack/t/slots/web-1/hosts", "x", 1, 0644),
			 0);
	fd = ctl_listen("/run/mstack/t/control", NULL);
	assert_true(fd >= 0);
	close(fd);
	clean("t");
	assert_false(there("/run/mstack/t"));
	assert_true(there("/run/mstack/other"));
	rmdir("/run/mstack/other");
	rmdir("/run/mstack");
}

/* An `up` that was killed before its first entry. */
static void test_empty_ledger(void **state)
{
	(void)state;
	assert_int_equal(path_mkdirs(AT_FDCWD, "/run/mstack/t/slots", 0755), 0);
	assert_int_equal(close(open("/run/mstack/t/ledger", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)),
			 0);
	clean("t");
	assert_false(there("/run/mstack"));
}

static void test_netns_links(void **state)
{
	_cleanup_free_ char *alive = xasprintf("/proc/%d/ns/net", (int)getpid());

	(void)state;
	assert_int_equal(path_mkdirs(AT_FDCWD, "/run/netns", 0755), 0);
	assert_int_equal(symlink("/proc/4194305/fd/7", "/run/netns/t-web-1"), 0);
	assert_int_equal(symlink("/proc/4194305/fd/7", "/run/netns/tt-web-1"), 0);
	assert_int_equal(symlink("/nowhere", "/run/netns/t-foreign"), 0);
	assert_int_equal(symlink(alive, "/run/netns/t-alive"), 0);
	clean("t");
	assert_false(there("/run/netns/t-web-1"));
	assert_true(there("/run/netns/tt-web-1"));
	assert_true(there("/run/netns/t-foreign"));
	assert_true(there("/run/netns/t-alive"));
	assert_false(there("/run/mstack"));
	path_remove_tree(AT_FDCWD, "/run/netns");
}

/* Who answers lives, ledger or not. */
static void test_living(void **state)
{
	_cleanup_fd_ int fd = -1;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(path_mkdirs(AT_FDCWD, "/run/mstack/t", 0700), 0);
	fd = ctl_listen("/run/mstack/t/control", &err);
	assert_true(fd >= 0);
	assert_int_equal(sup_cleanup("t", NULL, &err), -1);
	assert_int_equal(err.sys, EBUSY);
	assert_non_null(strstr(err.text, "already up, only its ledger"));
	assert_true(there("/run/mstack/t/control"));
	path_remove_tree(AT_FDCWD, "/run/mstack");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),	     cmocka_unit_test(test_folder),
		cmocka_unit_test(test_empty_ledger), cmocka_unit_test(test_netns_links),
		cmocka_unit_test(test_living),
	};

	if (geteuid() != 0) {
		print_message("skipped: needs root to mount a /run of its own\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, enter, NULL);
}
