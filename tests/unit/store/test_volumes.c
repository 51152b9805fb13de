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

static const struct store_volume_origin shop = { .project = "shop", .service = "db" };

static void open_again(struct scratch *s)
{
	struct err err = { 0 };

	store_close(s->store);
	s->store = store_open(s->data, &err);
	assert_non_null(s->store);
}

static void test_life(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *path = NULL, *again = NULL, *data = NULL,
			    *want = scratch_path(s, "data/volumes/db");
	struct err err = { 0 };
	struct stat st;
	mode_t mask = umask(0077);

	assert_int_equal(store_volume(s->store, "db", NULL, &path, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(store_volume(s->store, "db", &shop, &path, &err), 1);
	umask(mask);
	assert_string_equal(path, want);
	data = scratch_path(s, "data/volumes/db/_data");
	assert_int_equal(stat(data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	scratch_text(s, "data/volumes/db/_data/deep/file", "data");
	assert_int_equal(store_volume(s->store, "db", &shop, &again, &err), 0);
	assert_string_equal(again, want);
	/* Whoever uses it holds it, also against himself. */
	assert_int_equal(store_volume_remove(s->store, "db", &err), -1);
	assert_int_equal(err.sys, EBUSY);
	open_again(s);
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
		assert_int_equal(store_volume(s->store, bad[i], &shop, &path, &err), -1);
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
	assert_int_equal(store_volume(s->store, "a", &shop, &path, &err), -1);
	assert_int_equal(store_volume(s->store, "b", &shop, &path, &err), -1);
	assert_int_equal(store_volume_remove(s->store, "a", &err), 0);
	assert_int_equal(store_volume_remove(s->store, "b", &err), 0);
	path = scratch_path(s, "outside/_data/precious");
	assert_true(is_there(path));
}

static void test_list(void **state)
{
	static const struct store_volume_origin anonymous = { "shop", "web", true }, nobody = { 0 };
	struct scratch *s = *state;
	_cleanup_free_ char *a = NULL, *b = NULL, *c = NULL, *old = NULL, *want = NULL;
	struct store_volume_listing l;
	struct err err = { 0 };

	assert_int_equal(store_volume(s->store, "c", &shop, &c, &err), 1);
	assert_int_equal(store_volume(s->store, "b", &anonymous, &b, &err), 1);
	assert_int_equal(store_volume(s->store, "a", &nobody, &a, &err), 1);
	/* One of whose origin nothing is known, and what a removal has left. */
	old = scratch_path(s, "data/volumes/old");
	assert_int_equal(mkdir(old, 0755), 0);
	scratch_text(s, "data/volumes/.gone-x/_data/file", "x");
	open_again(s);
	free(take_ptr(&b));
	assert_int_equal(store_volume(s->store, "b", NULL, &b, &err), 0);
	assert_int_equal(store_volume_list(s->store, &l, &err), 0);
	want = scratch_path(s, "data/volumes/b/_data");
	assert_int_equal(l.n, 4);
	assert_string_equal(l.v[0].name, "a");
	assert_string_equal(l.v[0].project, "");
	assert_false(l.v[0].anonymous || l.v[0].in_use);
	assert_string_equal(l.v[1].path, want);
	assert_true(l.v[1].anonymous && l.v[1].in_use);
	assert_string_equal(l.v[1].service, "web");
	assert_string_equal(l.v[2].project, "shop");
	assert_int_equal(strlen(l.v[2].created), strlen("2026-01-31T10:00:00.123456789Z"));
	assert_string_equal(l.v[3].name, "old");
	assert_string_equal(l.v[3].created, "");
	store_volume_listing_fini(&l);
	assert_int_equal(store_volume_remove(s->store, "a", &err), 0);
	free(old);
	old = scratch_path(s, "data/volumes/.gone-x");
	assert_false(is_there(old));
}

/* Whoever else has it keeps it; data that was put aside is there until the sweep. */
static void test_discard(void **state)
{
	struct scratch *s = *state;
	struct store *other = store_open(path_data_dir(), &(struct err){ 0 });
	_cleanup_free_ char *a = NULL, *b = NULL, *path = scratch_path(s, "data/volumes/a"),
			    *aside = scratch_path(s, "data/gone");
	struct err err = { 0 };

	assert_int_equal(store_volume(s->store, "a", &shop, &a, &err), 1);
	assert_int_equal(store_volume(other, "a", NULL, &b, &err), 0);
	assert_int_equal(store_volume_discard(s->store, "a", &err), -1);
	assert_int_equal(err.sys, EBUSY);
	store_volume_let_go(s->store, "a");
	assert_int_equal(store_volume_discard(s->store, "a", &err), -1);
	store_volume_let_go(other, "b");
	store_volume_let_go(other, "a");
	assert_int_equal(store_volume_discard(s->store, "a", &err), 0);
	assert_false(is_there(path));
	assert_int_equal(rmdir(aside), -1);
	assert_int_equal(errno, ENOTEMPTY);
	assert_int_equal(store_volume_discard(s->store, "a", &err), 0);
	store_sweep();
	assert_false(is_there(aside));
	store_close(other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_life), TEST(test_names), TEST(test_links),
					    TEST(test_list), TEST(test_discard) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
