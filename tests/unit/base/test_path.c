/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path: nothing leads out of the folder that was given, whatever its content is. Each test has a folder below /tmp with
 *
 *	secret	what must never be reached
 *	root/	the folder that is given: links of every hostile kind in it
 *
 * and the tests about mounts run in a mount namespace of their own (skipped where that is not allowed).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/base.h"

struct tree {
	char path[64];
	int outer, root;
};

static void put_file(int dir, const char *name, const char *text)
{
	assert_int_equal(file_replace(dir, name, text, strlen(text), 0600), 0);
}

static int make_tree(void **state)
{
	struct tree *t = xcalloc(1, sizeof(*t));
	char *secret;

	snprintf(t->path, sizeof(t->path), "/tmp/mstack-test-path-XXXXXX");
	assert_non_null(mkdtemp(t->path));
	t->outer = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_file(t->outer, "secret", "secret");
	assert_int_equal(mkdirat(t->outer, "root", 0755), 0);
	t->root = openat(t->outer, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(t->root, "etc", 0755), 0);
	put_file(t->root, "etc/passwd", "inside");
	secret = xasprintf("%s/secret", t->path);
	assert_int_equal(symlinkat(secret, t->root, "absolute"), 0);
	assert_int_equal(symlinkat("../secret", t->root, "up"), 0);
	assert_int_equal(symlinkat("etc/../../../../secret", t->root, "winding"), 0);
	assert_int_equal(symlinkat("/etc/passwd", t->root, "passwd"), 0);
	assert_int_equal(symlinkat("/..", t->root, "above"), 0);
	assert_int_equal(symlinkat("loop", t->root, "loop"), 0);
	assert_int_equal(symlinkat("/proc/self/fd/0", t->root, "magic"), 0);
	assert_int_equal(symlinkat("nowhere", t->root, "dangling"), 0);
	free(secret);
	*state = t;
	return 0;
}

static int remove_tree(void **state)
{
	struct tree *t = *state;
	int r = path_remove_tree(AT_FDCWD, t->path);

	close(t->root);
	close(t->outer);
	free(t);
	return r;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void test_links_stay_inside(void **state)
{
	static const struct {
		const char *path;
		int errnum; /* 0: it is the inner etc/passwd */
	} cases[] = {
		{ "etc/passwd", 0 },
		{ "/etc/passwd", 0 },
		{ "../../../etc/passwd", 0 },
		{ "passwd", 0 },
		{ "above/etc/passwd", 0 },
		{ "above/../above/passwd", 0 },
		{ "absolute", ENOENT },
		{ "up", ENOENT },
		{ "winding", ENOENT },
		{ "../secret", ENOENT },
		{ "above/secret", ENOENT },
		{ "loop", ELOOP },
		{ "loop/x", ELOOP },
		{ "dangling", ENOENT },
		{ "magic", ENOENT },
		{ "passwd/x", ENOTDIR },
		{ "", ENOENT },
	};
	struct tree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = path_open_in(t->root, cases[i].path, O_RDONLY, 0), errnum = errno;
		char text[16] = "";

		if ((fd < 0) != !!cases[i].errnum)
			fail_msg("'%s' gave %d (%s)", cases[i].path, fd, strerror(errnum));
		if (fd < 0) {
			assert_int_equal(errnum, cases[i].errnum);
			continue;
		}
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(read(fd, text, sizeof(text)), 6);
		assert_string_equal(text, "inside");
		close(fd);
	}
}

static void test_magic_links_are_refused(void **state)
{
	_cleanup_fd_ int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(proc >= 0);
	assert_int_equal(path_open_in(proc, "exe", O_RDONLY, 0), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(path_open_in(proc, "root/etc/passwd", O_RDONLY, 0), -1);
	assert_int_equal(errno, ELOOP);
}

static void test_creating_stays_inside(void **state)
{
	struct tree *t = *state;
	_cleanup_fd_ int fd =
		path_open_in(t->root, "../../made", O_WRONLY | O_CREAT | O_EXCL, 0640);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstatat(t->root, "made", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(faccessat(t->outer, "made", F_OK, 0), -1);
	/* A mode without O_CREAT would be EINVAL for the kernel. */
	cleanup_fd(&fd);
	fd = path_open_in(t->root, "made", O_RDONLY, 0640);
	assert_true(fd >= 0);
}

/* ---- making ---------------------------------------------------------------------------------- */

static void check_folder(int dir, const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, mode);
}

static void test_mkdirs(void **state)
{
	struct tree *t = *state;
	mode_t mask = umask(0077);
	char *whole = xasprintf("%s/a/b//c/", t->path);

	assert_int_equal(path_mkdirs(t->root, "x/y/z", 0751), 0);
	assert_int_equal(path_mkdirs(t->root, "x/y/z", 0700), 0);
	check_folder(t->root, "x", 0751);
	check_folder(t->root, "x/y/z", 0751);
	assert_int_equal(path_mkdirs(t->root, "/", 0700), 0);
	assert_int_equal(path_mkdirs(t->root, ".", 0700), 0);
	/* Absolute below a folder is below that folder; with AT_FDCWD it is what it says. */
	assert_int_equal(path_mkdirs(t->root, "/etc/new/../other/", 0755), 0);
	check_folder(t->root, "etc/other", 0755);
	assert_int_equal(path_mkdirs(AT_FDCWD, whole, 0755), 0);
	check_folder(t->outer, "a/b/c", 0755);
	umask(mask);
	free(whole);
}

static void test_resolve(void **state)
{
	static const struct {
		const char *path, *to; /* NULL: wrong */
		int error;
	} t_[] = {
		{ "/", "/", 0 },
		{ "", "/", 0 },
		{ "..//./..", "/", 0 },
		{ "/etc/passwd", "/etc/passwd", 0 },
		{ "etc//./passwd/", "/etc/passwd", 0 },
		{ "/not/there/../here", "/not/here", 0 },
		{ "dangling", "/nowhere", 0 },
		{ "/dangling/x/y", "/nowhere/x/y", 0 },
		{ "/dangling/../etc", "/etc", 0 },
		{ "above/escaped", "/escaped", 0 },
		{ "../../over", "/over", 0 },
		{ "chain/x", "/deep/er/nowhere/x", 0 },
		{ "loop/x", NULL, ELOOP },
		{ "etc/passwd/x", NULL, ENOTDIR },
	};
	struct tree *t = *state;
	char place[PATH_MAX], longest[PATH_MAX + 2];

	assert_int_equal(symlinkat("/deep/link", t->root, "chain"), 0);
	assert_int_equal(path_mkdirs(t->root, "deep/er", 0755), 0);
	assert_int_equal(symlinkat("er/../../deep/er/nowhere", t->root, "deep/link"), 0);
	for (size_t i = 0; i < ARRAY_LEN(t_); i++) {
		int rc = path_resolve_in(t->root, t_[i].path, place);

		assert_int_equal(rc, t_[i].to ? 0 : -1);
		if (t_[i].to)
			assert_string_equal(place, t_[i].to);
		else
			assert_int_equal(errno, t_[i].error);
	}
	memset(longest, 'l', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(path_resolve_in(t->root, longest, place), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void test_mkdirs_by_hostile_links(void **state)
{
	struct tree *t = *state;
	char longest[5000];

	assert_int_equal(path_mkdirs(t->root, "above/escaped", 0755), 0);
	check_folder(t->root, "escaped", 0755);
	assert_int_equal(faccessat(t->outer, "escaped", F_OK, 0), -1);
	assert_int_equal(path_mkdirs(t->root, "../../over", 0755), 0);
	check_folder(t->root, "over", 0755);
	assert_int_equal(path_mkdirs(t->root, "dangling/x", 0755), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(path_mkdirs(t->root, "dangling", 0755), -1);
	assert_int_equal(path_mkdirs(t->root, "loop/x", 0755), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(path_mkdirs(t->root, "etc/passwd/x", 0755), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(path_mkdirs(t->root, "", 0755), -1);
	memset(longest, 'l', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(path_mkdirs(t->root, longest, 0755), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

/* ---- removing -------------------------------------------------------------------------------- */

static void test_remove(void **state)
{
	struct tree *t = *state;

	assert_int_equal(path_remove_tree(t->root, "absent"), 0);
	assert_int_equal(path_remove_tree(t->root, "etc/passwd"), 0);
	assert_int_equal(faccessat(t->root, "etc/passwd", F_OK, 0), -1);
	/* A link goes, what it names stays. */
	assert_int_equal(path_remove_tree(t->root, "up"), 0);
	assert_int_equal(path_remove_tree(t->root, "above"), 0);
	assert_int_equal(symlinkat("..", t->root, "etc/out"), 0);
	assert_int_equal(path_remove_tree(t->outer, "root"), 0);
	assert_int_equal(faccessat(t->outer, "root", F_OK, 0), -1);
	assert_int_equal(faccessat(t->outer, "secret", F_OK, 0), 0);
}

static void test_remove_many(void **state)
{
	struct tree *t = *state;
	char name[32];

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "etc/%d", i);
		if (i % 3)
			put_file(t->root, name, "x");
		else
			assert_int_equal(mkdirat(t->root, name, 0700), 0);
	}
	assert_int_equal(path_remove_tree(t->root, "etc"), 0);
	assert_int_equal(faccessat(t->root, "etc", F_OK, 0), -1);
}

/* Deeper than any path is long, with a file on every level: neither stack nor descriptors may grow with it. */
static void test_remove_deep(void **state)
{
	struct tree *t = *state;
	int dir = dup(t->root);

	for (int i = 0; i < 3000; i++) {
		int next;

		put_file(dir, "f", "x");
		assert_int_equal(mkdirat(dir, "d", 0700), 0);
		next = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(dir);
		dir = next;
	}
	close(dir);
	assert_int_equal(path_remove_tree(t->outer, "root"), 0);
	assert_int_equal(faccessat(t->outer, "root", F_OK, 0), -1);
}

/* In a child with mounts of its own; its exit code is the number of the check that failed. */
static int remove_around_a_mount(const char *path)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	if (chdir(path) < 0 || mkdir("root/etc/m", 0700) < 0 || mkdir("kept", 0700) < 0)
		return 1;
	/* A bind mount of the same file system: the device number does not tell. */
	if (mount("kept", "root/etc/m", NULL, MS_BIND, NULL) < 0)
		return 77;
	if (mkdir("kept/file", 0700) < 0)
		return 2;
	if (path_remove_tree(AT_FDCWD, "root") != -1 || errno != EBUSY)
		return 3;
	if (path_remove_tree(AT_FDCWD, "root/etc/m") != -1 || errno != EBUSY)
		return 4;
	if (access("kept/file", F_OK) < 0)
		return 5;
	if (umount("root/etc/m") < 0 || path_remove_tree(AT_FDCWD, "root") < 0)
		return 6;
	return access("root", F_OK) < 0 && access("kept/file", F_OK) == 0 ? 0 : 7;
}

static void test_remove_crosses_no_mount(void **state)
{
	struct tree *t = *state;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(remove_around_a_mount(t->path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("no right to mount\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- folders --------------------------------------------------------------------------------- */

static void test_folders(void **state)
{
	(void)state;
	unsetenv("MSTACK_RUN_DIR");
	assert_string_equal(path_run_dir(), "/run/mstack");
	setenv("MSTACK_DATA_DIR", "", 1);
	assert_string_equal(path_data_dir(), "/var/lib/mstack");
	setenv("MSTACK_RUN_DIR", "/tmp/r", 1);
	setenv("MSTACK_DATA_DIR", "/tmp/d", 1);
	assert_string_equal(path_run_dir(), "/tmp/r");
	assert_string_equal(path_data_dir(), "/tmp/d");
}

/* The variable is for copies only, which this program is not. */
static void test_self(void **state)
{
	_cleanup_free_ char *self = NULL;

	(void)state;
	setenv(PATH_SELF_VARIABLE, "/bin/sh", 1);
	self = path_self();
	assert_non_null(self);
	assert_string_equal(strrchr(self, '/'), "/test_path");
	assert_int_equal(access(self, X_OK), 0);
	unsetenv(PATH_SELF_VARIABLE);
}

#define FOLDER "/run/mstack"

static void test_within(void **state)
{
	static const struct {
		const char *path;
		bool within;
	} t[] = {
		{ FOLDER, true },	 { FOLDER "/", true },	 { FOLDER "/a/b", true },
		{ FOLDER "2", false },	 { "/run", false },	 { "/", false },
		{ "/run/mstac", false }, { "/x" FOLDER, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(path_is_within(t[i].path, FOLDER), t[i].within);
}

#define test_in_tree(f) cmocka_unit_test_setup_teardown(f, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_tree(test_links_stay_inside),
		cmocka_unit_test(test_magic_links_are_refused),
		test_in_tree(test_creating_stays_inside),
		test_in_tree(test_mkdirs),
		test_in_tree(test_resolve),
		test_in_tree(test_mkdirs_by_hostile_links),
		test_in_tree(test_remove),
		test_in_tree(test_remove_many),
		test_in_tree(test_remove_deep),
		test_in_tree(test_remove_crosses_no_mount),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_within),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
