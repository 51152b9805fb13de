/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * making: whole or not at all; leftovers of the dead go, the work of the living stays.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

static void begin(const struct scratch *s, struct store_making *m)
{
	struct err err = { 0 };

	if (store_making_begin(s->store, s->store->images, m, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(mkdirat(m->fd, "content", 0755), 0);
}

static void test_commit(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *inside = scratch_path(s, "data/images/one/content");
	struct store_making m;
	struct err err = { 0 };

	assert_int_equal(store_making_there(s->store, s->store->images, "one", &err), 0);
	begin(s, &m);
	assert_int_equal(store_making_there(s->store, s->store->images, "one", &err), 0);
	assert_int_equal(store_making_commit(&m, "one", &err), 0);
	store_making_fini(&m);
	assert_int_equal(store_making_there(s->store, s->store->images, "one", &err), 1);
	assert_true(is_there(inside));
	assert_int_equal(images_like(s, ".making-"), 0);
}

static void test_taken_back(void **state)
{
	struct scratch *s = *state;
	struct store_making m;

	begin(s, &m);
	assert_int_equal(images_like(s, ".making-"), 1);
	store_making_fini(&m);
	assert_int_equal(images_like(s, ".making-"), 0);
}

static void test_neighbour(void **state)
{
	struct scratch *s = *state;
	struct store_making a, b;
	struct err err = { 0 };

	begin(s, &a);
	begin(s, &b);
	assert_int_equal(images_like(s, ".making-"), 2);
	assert_int_equal(store_making_commit(&a, "one", &err), 0);
	assert_int_equal(store_making_commit(&b, "one", &err), 0);
	store_making_fini(&a);
	store_making_fini(&b);
	assert_int_equal(images_like(s, ".making-"), 0);
	assert_int_equal(images_like(s, "one"), 1);
}

static void test_dead(void **state)
{
	struct scratch *s = *state;
	struct store_making m;
	pid_t pid = fork();

	if (!pid) {
		begin(s, &m);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(images_like(s, ".making-"), 1);
	begin(s, &m);
	assert_int_equal(images_like(s, ".making-"), 1);
	store_making_fini(&m);
	assert_int_equal(images_like(s, ".making-"), 0);
}

static void test_no_folder(void **state)
{
	struct scratch *s = *state;
	struct err err = { 0 };

	scratch_text(s, "data/images/one", "a file");
	assert_int_equal(store_making_there(s->store, s->store->images, "one", &err), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commit), TEST(test_taken_back), TEST(test_neighbour),
		TEST(test_dead),   TEST(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
