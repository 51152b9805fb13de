/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where paths lead, in a folder that takes the place of a container's root; and docker's rules for sources and targets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/spot.h"

static char dir[] = "/tmp/mstack-spot-test-XXXXXX";
static int root = -1;

static int make(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || (root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
	    path_mkdirs(root, "etc/conf.d", 0755) < 0 || path_mkdirs(root, "tmp", 0755) < 0 ||
	    file_replace(root, "etc/passwd", "x", 1, 0644) < 0)
		return -1;
	return symlinkat("/etc", root, "abs") || symlinkat("../../../../etc", root, "up") ||
	       symlinkat("passwd", root, "etc/file") || symlinkat("/none/x", root, "dangling") ||
	       symlinkat("/tmp/new", root, "fresh") || symlinkat("loop", root, "loop");
}

static int clean(void **state)
{
	(void)state;
	close(root);
	return path_remove_tree(AT_FDCWD, dir);
}

/* Is `fd` the folder `path` of our root? */
static bool is_folder(int fd, const char *path)
{
	struct stat one, two;
	_cleanup_fd_ int there = path_open_in(root, path, O_PATH, 0);

	return !fstat(fd, &one) && !fstat(there, &two) && one.st_ino == two.st_ino &&
	       one.st_dev == two.st_dev;
}

static void test_find(void **state)
{
	static const struct {
		const char *path;
		bool follow;
		const char *folder, *name;
		mode_t type;
		bool content, slash;
	} t[] = {
		{ "/etc/passwd", false, "/etc", "passwd", S_IFREG, false, false },
		{ "etc/passwd", false, "/etc", "passwd", S_IFREG, false, false },
		{ "/etc/", false, "/", "etc", S_IFDIR, false, true },
		{ "/etc/.", false, "/", "etc", S_IFDIR, true, true },
		{ "/etc/././/", false, "/", "etc", S_IFDIR, true, true },
		{ "/", false, "/", ".", S_IFDIR, true, false },
		{ ".", false, "/", ".", S_IFDIR, true, false },
		{ "..", false, "/", ".", S_IFDIR, true, false },
		{ "/etc/..", false, "/", ".", S_IFDIR, true, false },
		{ "/../../etc/../etc/passwd", false, "/etc", "passwd", S_IFREG, false, false },
		{ "/abs", false, "/", "abs", S_IFLNK, false, false },
		{ "/abs", true, "/", "etc", S_IFDIR, false, false },
		{ "/abs/", false, "/", "etc", S_IFDIR, false, true },
		{ "/up/passwd", false, "/etc", "passwd", S_IFREG, false, false },
		{ "/up", true, "/", "etc", S_IFDIR, false, false },
		{ "/etc/file", false, "/etc", "file", S_IFLNK, false, false },
		{ "/etc/file", true, "/etc", "passwd", S_IFREG, false, false },
		{ "/tmp/new", false, "/tmp", "new", 0, false, false },
		{ "/fresh", true, "/tmp", "new", 0, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct cli_spot s = { .folder = -1 };
		struct err err = { 0 };

		if (cli_spot_find(root, t[i].path, t[i].follow, &s, &err) < 0)
			fail_msg("%s: %s", t[i].path, err.text);
		if (strcmp(s.name, t[i].name) || (s.mode & S_IFMT) != t[i].type ||
		    s.there != (t[i].type != 0) || s.content != t[i].content ||
		    s.slash != t[i].slash || !is_folder(s.folder, t[i].folder))
			fail_msg("%s: found '%s', type %o, content %d, slash %d", t[i].path, s.name,
				 s.mode & S_IFMT, s.content, s.slash);
		cli_spot_fini(&s);
	}
}

static void test_nowhere(void **state)
{
	static const struct {
		const char *path;
		int sys;
	} t[] = {
		{ "", 0 },
		{ "/none/x", ENOENT },
		{ "/etc/passwd/x", ENOTDIR },
		{ "/dangling", ENOENT },
		{ "/loop", ELOOP },
		{ "/loop/x", ELOOP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct cli_spot s = { .folder = -1 };
		struct err err = { 0 };

		assert_int_equal(cli_spot_find(root, t[i].path, true, &s, &err), -1);
		assert_int_equal(err.sys, t[i].sys);
		assert_int_equal(s.folder, -1);
	}
}

static void test_join(void **state)
{
	static const struct {
		const char *from, *to;
		const char *folder, *as; /* NULL: refused */
	} t[] = {
		{ "/etc/passwd", "/tmp", "/tmp", "passwd" },
		{ "/etc/passwd", "/tmp/", "/tmp", "passwd" },
		{ "/etc/passwd", "/tmp/new", "/tmp", "new" },
		{ "/etc/passwd", "/tmp/new/", NULL, NULL },
		{ "/etc/passwd", "/etc/file", "/etc", "passwd" },
		{ "/etc/passwd", "/etc/passwd/", NULL, NULL },
		{ "/etc/passwd/", "/tmp", NULL, NULL },
		{ "/none", "/tmp", NULL, NULL },
		{ "/etc/file", "/tmp", "/tmp", "file" },
		{ "/etc", "/tmp", "/tmp", "etc" },
		{ "/etc/", "/tmp", "/tmp", "etc" },
		{ "/etc/.", "/tmp", "/tmp", "." },
		{ "/", "/tmp", "/tmp", "." },
		{ "/etc", "/tmp/new", "/tmp", "new" },
		{ "/etc/.", "/tmp/new/", "/tmp", "new" },
		{ "/etc", "/etc/passwd", NULL, NULL },
		{ "/etc", "/", "/", "etc" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct cli_spot from = { .folder = -1 }, to = { .folder = -1 };
		const char *as = NULL;
		struct err err = { 0 };
		int own = -1, rc;

		assert_int_equal(cli_spot_find(root, t[i].from, false, &from, &err), 0);
		assert_int_equal(cli_spot_find(root, t[i].to, true, &to, &err), 0);
		rc = cli_spot_join(&from, &to, t[i].from, t[i].to, &own, &as, &err);
		if (rc != (t[i].as ? 0 : -1) || (t[i].as && strcmp(as, t[i].as)) ||
		    (t[i].as && !is_folder(own < 0 ? to.folder : own, t[i].folder)))
			fail_msg("%s to %s: %d, '%s' %s", t[i].from, t[i].to, rc, as ? as : "",
				 err.text);
		cleanup_fd(&own);
		cli_spot_fini(&from);
		cli_spot_fini(&to);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_nowhere),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
