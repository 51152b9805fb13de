/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinds: folders, files, sockets and links are removed where they are ours, and nowhere else.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/ledger/scratch.h"

static const struct ledger_kind *const *const kinds[] = { ledger_kinds, NULL };

static void make_socket(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(to.sun_path, path, sizeof(to.sun_path) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

static void make(const char *kind, const char *path)
{
	if (!strcmp(kind, "folder"))
		assert_int_equal(mkdir(path, 0700), 0);
	else if (!strcmp(kind, "file"))
		touch(path);
	else if (!strcmp(kind, "socket"))
		make_socket(path);
	else
		assert_int_equal(symlink("/proc/self/ns/net", path), 0);
}

static void test_each(void **state)
{
	static const char *const names[] = { "folder", "file", "socket", "link" };
	struct ledger *l = scratch_ledger(*state, kinds);
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(names) * 2; i++) {
		const char *kind = names[i / 2];
		_cleanup_free_ char *path = scratch_path(*state, kind);
		uint32_t id = ledger_intend(l, kind, 0, path, &err);

		make(kind, path);
		/* Confirmed or not, it is ours. */
		if (i % 2)
			assert_int_equal(ledger_done_path(l, id, &err), 0);
		assert_int_equal(ledger_undo_item(l, id, 100, &err), 0);
		assert_false(is_there(path));
		assert_int_equal(ledger_count(l), 0);
	}
	ledger_close(l);
}

/* Another thing of the same type took the place of ours, or one of another type. */
static void test_foreign(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	_cleanup_free_ char *path = scratch_path(*state, "x"), *other = scratch_path(*state, "y");
	static const char *const pairs[][2] = {
		{ "file", "file" },   { "file", "folder" }, { "folder", "file" },
		{ "folder", "link" }, { "link", "file" },   { "link", "link" },
	};
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		uint32_t id = ledger_intend(l, pairs[i][0], 0, path, &err);

		make(pairs[i][0], path);
		assert_int_equal(ledger_done_path(l, id, &err), 0);
		assert_int_equal(rename(path, other), 0);
		make(pairs[i][1], path);
		assert_int_equal(ledger_undo_item(l, id, 100, &err), 1);
		assert_non_null(strstr(err.text, "left alone"));
		assert_true(is_there(path));
		assert_int_equal(
			path_remove_tree(AT_FDCWD, path) | path_remove_tree(AT_FDCWD, other), 0);
		assert_int_equal(ledger_undo_item(l, id, 100, &err), 0);
	}
	ledger_close(l);
}

/* A link of an administrator with our name, while ours was never confirmed. */
static void test_foreign_link(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	_cleanup_free_ char *path = scratch_path(*state, "x");
	struct err err = { 0 };
	uint32_t id = ledger_intend(l, "link", 0, path, &err);

	assert_int_equal(symlink("/etc", path), 0);
	assert_int_equal(ledger_undo_item(l, id, 100, &err), 1);
	assert_true(is_there(path));
	ledger_close(l);
}

static void test_outside(void **state)
{
	static const char *const tails[] = { "", "/", "/../escape", "/a/../../escape", "-not/x" };
	const struct scratch *s = *state;
	struct ledger *l = scratch_ledger(s, kinds);
	struct err err = { 0 };
	char outside[] = "/tmp/mstack-ledger-outside-XXXXXX";
	uint32_t id;
	_cleanup_free_ char *a = scratch_path(s, "a");

	assert_non_null(mkdtemp(outside));
	assert_int_equal(mkdir(a, 0700), 0);
	id = ledger_intend(l, "folder", 0, outside, &err);
	assert_int_equal(ledger_undo_item(l, id, 0, &err), 1);
	assert_non_null(strstr(err.text, "neither beneath"));
	assert_true(is_there(outside));
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		_cleanup_free_ char *path = xasprintf("%s%s", s->run, tails[i]);

		id = ledger_intend(l, "folder", 0, path, &err);
		assert_int_equal(ledger_undo_item(l, id, 0, &err), 1);
		assert_true(is_there(s->run));
	}
	rmdir(outside);
	ledger_close(l);
}

/* A link on the way is not followed, one in the tree is removed and not what it leads to. */
static void test_links_on_the_way(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	_cleanup_free_ char *way = scratch_path(*state, "way"),
			    *key = scratch_path(*state, "way/in");
	_cleanup_free_ char *tree = scratch_path(*state, "tree"),
			    *in = scratch_path(*state, "tree/in");
	char outside[] = "/tmp/mstack-ledger-outside-XXXXXX", inner[64];
	struct err err = { 0 };
	uint32_t id;

	assert_non_null(mkdtemp(outside));
	snprintf(inner, sizeof(inner), "%s/in", outside);
	assert_int_equal(mkdir(inner, 0700), 0);
	assert_int_equal(symlink(outside, way), 0);
	id = ledger_intend(l, "folder", 0, key, &err);
	assert_int_equal(ledger_undo_item(l, id, 0, &err), 1);
	assert_true(is_there(inner));

	assert_int_equal(mkdir(tree, 0700), 0);
	assert_int_equal(symlink(outside, in), 0);
	id = ledger_intend(l, "folder", 0, tree, &err);
	assert_int_equal(ledger_done_path(l, id, &err), 0);
	assert_int_equal(ledger_undo_item(l, id, 0, &err), 0);
	assert_false(is_there(tree));
	assert_true(is_there(inner));
	assert_int_equal(path_remove_tree(AT_FDCWD, outside), 0);
	ledger_close(l);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each),    TEST(test_foreign),		 TEST(test_foreign_link),
		TEST(test_outside), TEST(test_links_on_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
