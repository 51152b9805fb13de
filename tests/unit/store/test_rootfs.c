/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rootfs: once per content, whatever the unpacker does. It is played by scripts here; what the real one does with
 * archives is tested in program/.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

static void play(const struct scratch *s, const char *script)
{
	_cleanup_free_ char *text = xasprintf("#!/bin/sh\n%s\n", script);
	_cleanup_free_ char *path = scratch_file(s, "unpacker", text, strlen(text));

	assert_int_equal(chmod(path, 0755), 0);
	setenv("MSTACK_STORE_BIN", path, 1);
}

static int get(struct scratch *s, const char *archive, struct buf *lines, char **ret,
	       struct err *err)
{
	struct store_teller t = { lines ? collect_line : NULL, lines, NULL, 0 };
	_cleanup_free_ char *path = scratch_path(s, archive);

	return store_rootfs_get(s->store, path, &t, ret, err);
}

static void test_once(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *a = NULL, *b = NULL, *c = NULL, *runs = scratch_path(s, "runs"),
			    *inside = NULL;
	_cleanup_free_ char *script =
		xasprintf("echo run >>%s; cat >content; echo 'note: x'; echo 'ok: done'", runs);
	struct buf lines = { 0 }, text = { 0 };
	struct err err = { 0 };

	play(s, script);
	scratch_text(s, "a.tar", "archive one");
	scratch_text(s, "copy.tar", "archive one");
	assert_int_equal(get(s, "a.tar", &lines, &a, &err), 0);
	assert_non_null(strstr(buf_str(&lines), "unpacking '"));
	assert_non_null(strstr(buf_str(&lines), "note: x\nok: done\n"));
	assert_int_equal(get(s, "a.tar", NULL, &b, &err), 0);
	assert_int_equal(get(s, "copy.tar", NULL, &c, &err), 0);
	assert_string_equal(a, b);
	assert_string_equal(a, c);
	assert_int_equal(file_read(AT_FDCWD, runs, 100, &text), 0);
	assert_string_equal(buf_str(&text), "run\n");
	buf_fini(&text);
	inside = xasprintf("%s/content", a);
	assert_int_equal(file_read(AT_FDCWD, inside, 100, &text), 0);
	assert_string_equal(buf_str(&text), "archive one");
	assert_int_equal(images_like(s, "tar-"), 1);
	buf_fini(&text);
	buf_fini(&lines);
}

/* Whatever goes wrong, no image is there afterwards, and why stands in the error. */
static void test_failures(void **state)
{
	static const struct {
		const char *script, *text;
	} cases[] = {
		{ "touch half; echo 'error: no good'; exit 1", "no good" },
		{ "touch half; kill -9 $$", "was ended by SIGKILL" },
		{ "echo 'ok: lies'; exit 3", "ended with status 3" },
		{ "echo nothing to say", "ended with status 0" },
		{ "echo oops >&2; exit 1", "status 1: oops" },
		{ "echo 'ok: done'; echo 'error: no'; exit 1", ": no" },
	};
	struct scratch *s = *state;
	struct err err = { 0 };
	char *path;

	scratch_text(s, "a.tar", "archive");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		play(s, cases[i].script);
		assert_int_equal(get(s, "a.tar", NULL, &path, &err), -1);
		if (!strstr(err.text, cases[i].text) || !strstr(err.text, "a.tar"))
			fail_msg("'%s' instead of '%s'", err.text, cases[i].text);
		assert_int_equal(images_like(s, "tar-"), 0);
		assert_int_equal(images_like(s, ".making-"), 0);
	}
	setenv("MSTACK_STORE_BIN", "/nonexistent/mstack-store", 1);
	assert_int_equal(get(s, "a.tar", NULL, &path, &err), -1);
	assert_int_equal(err.sys, ENOENT);
}

/* The archive is another one than the one whose digest was taken. */
static void test_changed_meanwhile(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *script = xasprintf("echo more >>%s/a.tar; echo 'ok: done'", s->dir);
	struct err err = { 0 };
	char *path;

	play(s, script);
	scratch_text(s, "a.tar", "archive");
	assert_int_equal(get(s, "a.tar", NULL, &path, &err), -1);
	assert_non_null(strstr(err.text, "was changed while"));
	assert_int_equal(images_like(s, "tar-"), 0);
}

static void test_talk(void **state)
{
	struct scratch *s = *state;
	struct buf lines = { 0 };
	struct err err = { 0 };
	_cleanup_free_ char *path = NULL;

	/* Escapes are neutralised, endless lines cut, a last line without its end is one. */
	play(s,
	     "printf 'note: a\\033[31mb\\n'; head -c 100000 /dev/zero | tr '\\0' x; echo; printf 'ok: done'");
	scratch_text(s, "a.tar", "archive");
	assert_int_equal(get(s, "a.tar", &lines, &path, &err), 0);
	assert_non_null(strstr(buf_str(&lines), "note: a?[31mb\n"));
	assert_true(lines.len < 1000);
	buf_fini(&lines);
}

static void test_not_an_archive_file(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *fifo = scratch_path(s, "f.tar");
	struct err err = { 0 };
	char *path;

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(get(s, "f.tar", NULL, &path, &err), -1);
	assert_non_null(strstr(err.text, "not a regular file"));
}

/* With the program that was built beside this test. */
static void test_real(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *program = NULL, *path = NULL, *command = NULL, *file = NULL;
	struct store_image img;
	struct buf text = { 0 };
	struct err err = { 0 };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	program = xasprintf("%s/../../mstack-store", dirname(self));
	if (access(program, X_OK) < 0) {
		print_message("skipped: mstack-store is not built\n");
		skip();
	}
	setenv("MSTACK_STORE_BIN", program, 1);
	scratch_text(s, "root/etc/motd", "hello");
	command = xasprintf("tar -C %s/root -czf %s/root.tar.gz .", s->dir, s->dir);
	assert_int_equal(system(command), 0);
	if (store_image_get(s->store, "./root.tar.gz", s->dir, NULL, NULL, &img, &err) < 0)
		fail_msg("%s", err.text);
	assert_false(img.host_root);
	file = xasprintf("%s/etc/motd", img.layers[0]);
	assert_int_equal(file_read(AT_FDCWD, file, 100, &text), 0);
	assert_string_equal(buf_str(&text), "hello");
	store_image_fini(&img);
	buf_fini(&text);
	scratch_text(s, "bad.tar", "this is no archive");
	assert_int_equal(get(s, "bad.tar", NULL, &path, &err), -1);
	print_message("%s\n", err.text);
	assert_int_equal(images_like(s, "tar-"), 1);
	assert_int_equal(images_like(s, ".making-"), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_once),
		TEST(test_failures),
		TEST(test_changed_meanwhile),
		TEST(test_talk),
		TEST(test_not_an_archive_file),
		TEST(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
