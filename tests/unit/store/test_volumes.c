/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * volumes: made once, found again, removed with their data; names and links lead nowhere else.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

static void test_life(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *path = NULL, *again = NULL,
			    *want = scratch_path(s, "data/volumes/db/_data");
	struct err err = { 0 };
	struct stat st;
	mode_t mask = umask(0077);

	assert_int_equal(store_volume(s->store, "db", false, &path, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(store_volume(s->store, "db", true, &path, &err), 1);
	umask(mask);
	assert_string_equal(path, want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	scratch_text(s, "data/volumes/db/_data/deep/file", "data");
	assert_int_equal(store_volume(s->store, "db", true, &again, &err), 0);
	assert_string_equal(again, want);
	assert_int_equal(store_volume_remove(s->store, "db", &err), 0);
	assert_false(is_there(path));
	assert_int_equal(store_volume_remove(s->store, "db", &err), 0);
}

static void test_names(void **state)
{
	static const char *const bad[] = { "", "..", "../x", "a/b", ".", "/etc" };
	struct scratch *s = *state;
	struct err err = { 0 };
	char *path;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(store_volume(s->store, bad[i], true, &path, &err), -1);
		assert_int_equal(store_volume_remove(s->store, bad[i], &err), -1);
	}
}

static void test_links(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *a = scratch_path(s, "data/volumes/a"),
			    *outside = scratch_path(s, "outside");
	_cleanup_free_ char *b = scratch_path(s, "data/volumes/b"),
			    *data = scratch_path(s, "data/volumes/b/_data");
	_cleanup_free_ char *path = NULL;
	struct err err = { 0 };

	scratch_text(s, "outside/_data/precious", "x");
	assert_int_equal(symlink(outside, a), 0);
	assert_int_equal(mkdir(b, 0755) | symlink(outside, data), 0);
	assert_int_equal(store_volume(s->store, "a", true, &path, &err), -1);
	assert_int_equal(store_volume(s->store, "b", true, &path, &err), -1);
	assert_int_equal(store_volume_remove(s->store, "a", &err), 0);
	assert_int_equal(store_volume_remove(s->store, "b", &err), 0);
	path = scratch_path(s, "outside/_data/precious");
	assert_true(is_there(path));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_life), TEST(test_names), TEST(test_links) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
