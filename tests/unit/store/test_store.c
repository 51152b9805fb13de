/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store: the data folder is made, kept private, and named in errors.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

static void test_folders(void **state)
{
	static const char *const names[] = { "data", "data/images", "data/volumes",
					     "data/projects" };
	struct scratch *s = *state;
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_free_ char *path = scratch_path(s, names[i]);

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
	}
}

static void test_open_again(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *slashes = xasprintf("%s//", s->data), *logs = NULL, *want = NULL;
	struct err err = { 0 };
	struct store *again = store_open(slashes, &err);

	assert_non_null(again);
	logs = store_log_dir(again, "lab", "web-1");
	want = xasprintf("%s/projects/lab/logs/web-1", s->data);
	assert_string_equal(logs, want);
	assert_false(is_there(logs));
	store_close(again);
	store_close(NULL);
}

static void test_refused(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *file = scratch_file(s, "file", "x", 1),
			    *under = xasprintf("%s/data", file);
	struct err err = { 0 };

	assert_null(store_open("relative/data", &err));
	assert_non_null(strstr(err.text, "must be an absolute path"));
	assert_null(store_open(under, &err));
	assert_int_equal(err.sys, ENOTDIR);
	assert_non_null(strstr(err.text, under));
	assert_null(store_open("/proc/mstack", &err));
	assert_non_null(strstr(err.text, "/proc/mstack"));
}

/* proc keeps no attributes of anybody; a folder that is not there has none above it of another file system. */
static void test_marks(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *later = xasprintf("%s/not/yet", s->data);

	assert_true(store_keeps_marks(s->data));
	assert_true(store_keeps_marks(later));
	assert_false(store_keeps_marks("/proc"));
	assert_false(store_keeps_marks("/proc/not/yet"));
}

static void test_usable(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *later = xasprintf("%s/not/yet", s->data),
			    *file = scratch_file(s, "file", "x", 1),
			    *under = xasprintf("%s/data", file);
	char why[240];

	assert_true(store_is_usable(s->data, why, sizeof(why)));
	assert_true(store_is_usable(later, why, sizeof(why)));
	assert_true(store_is_usable("/no-such/folder", why, sizeof(why)));
	assert_string_equal(why, "");
	assert_false(store_is_usable(under, why, sizeof(why)));
	assert_non_null(strstr(why, file));
	assert_non_null(strstr(why, strerror(ENOTDIR)));
}

static void test_names(void **state)
{
	static const char *const bad[] = { "",	 ".",	"..",	   "a/b",  "/",
					   "-x", "a b", ".hidden", "a\nb", "\xff" };
	struct err err = { 0 };
	char long_name[300];

	(void)state;
	assert_int_equal(store_name_check("slot", "web-1", &err), 0);
	assert_int_equal(store_name_check("volume", "Lab_data.2", &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(store_name_check("slot", bad[i], &err), -1);
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(store_name_check("slot", long_name, &err), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_folders), TEST(test_open_again), TEST(test_marks),
		TEST(test_refused), TEST(test_names),	   TEST(test_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
