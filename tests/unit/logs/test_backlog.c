/* SPDX-License-Identifier: GPL-2.0-or-later */
/* logs/backlog.c: what is taken out of a pipe is in the other one until it is stored, in however many pieces it comes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "logs/backlog.h"
#include "unit/openfds.h"

struct fixture {
	int fds, from[2]; /* open before; a pipe in the place of a FIFO */
	struct backlog b;
	struct buf held;
	char all[BACKLOG_MAX];
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	*state = f;
	f->fds = open_fds();
	return pipe2(f->from, O_CLOEXEC | O_NONBLOCK) < 0 || backlog_open(&f->b, NULL) < 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	bool same;

	backlog_close(&f->b);
	close(f->from[0]);
	close(f->from[1]);
	buf_fini(&f->held);
	same = open_fds() == f->fds;
	free(f);
	return same ? 0 : -1;
}

static int waiting(int pipe)
{
	int n = -1;

	assert_int_equal(ioctl(pipe, FIONREAD, &n), 0);
	return n;
}

static size_t take(struct fixture *f)
{
	ssize_t n = backlog_take(&f->b, f->from[0], &f->held, f->all, 65536);

	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		return 0;
	}
	buf_add(&f->held, f->all + f->held.len, (size_t)n);
	return (size_t)n;
}

static void assert_in_it(struct fixture *f, const char *text, size_t len)
{
	assert_int_equal(waiting(f->b.pipe), (int)len);
	assert_int_equal(f->b.len, len);
	assert_int_equal(backlog_read(&f->b, f->all), len);
	assert_memory_equal(f->all, text, len);
}

static void moved_until_it_is_stored(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(take(f), 0);
	assert_int_equal(write(f->from[1], "one\ntwo", 7), 7);
	assert_int_equal(take(f), 7);
	assert_memory_equal(f->held.data, "one\ntwo", 7);
	assert_int_equal(waiting(f->from[0]), 0);
	assert_in_it(f, "one\ntwo", 7);
	backlog_stored(&f->b, 3);
	assert_in_it(f, "two", 3);
	backlog_stored(&f->b, 3);
	assert_in_it(f, "two", 3);
	backlog_stored(&f->b, 0);
	assert_in_it(f, "", 0);
}

/* A pipe has room for 32 pieces or so. */
static void line_in_a_thousand_pieces(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 1000; i++) {
		char c = (char)('a' + i % 26);

		assert_int_equal(write(f->from[1], &c, 1), 1);
		assert_int_equal(take(f), 1);
		assert_in_it(f, f->held.data, f->held.len);
		assert_int_equal(waiting(f->b.spare), 0);
	}
	assert_int_equal(f->held.len, 1000);
}

/* The longest line, in pieces of an odd size, and a whole block behind it. */
static void as_much_as_there_can_be(void **state)
{
	struct fixture *f = *state;

	memset(f->all, 'x', sizeof(f->all));
	while (f->held.len < 65536) {
		size_t n = 65536 - f->held.len < 777 ? 65536 - f->held.len : 777;

		assert_int_equal(write(f->from[1], f->all, n), (ssize_t)n);
		assert_int_equal(take(f), n);
	}
	memset(f->all, 'y', sizeof(f->all));
	assert_int_equal(write(f->from[1], f->all, 65536), 65536);
	while (take(f))
		;
	assert_int_equal(f->held.len, BACKLOG_MAX);
	assert_in_it(f, f->held.data, f->held.len);
	backlog_stored(&f->b, 65536);
	assert_in_it(f, f->held.data + 65536, 65536);
	backlog_stored(&f->b, 0);
	assert_in_it(f, "", 0);
}

/* A service may read its own FIFO: that costs its lines, and nothing else. */
static void others_take_from_it_too(void **state)
{
	struct fixture *f = *state;
	char byte;

	assert_int_equal(write(f->from[1], "stolen", 6), 6);
	assert_int_equal(take(f), 6);
	assert_int_equal(read(f->b.pipe, &byte, 1), 1);
	backlog_stored(&f->b, 0);
	assert_int_equal(waiting(f->b.pipe), 0);
	f->held.len = 0;
	assert_int_equal(write(f->from[1], "next", 4), 4);
	assert_int_equal(take(f), 4);
	assert_in_it(f, "next", 4);
}

/* As over a death: by descriptors. */
static void resume(struct fixture *f, int want)
{
	struct carry *root = carry_new();

	if (f->b.pipe >= 0)
		backlog_carry(&f->b, root);
	assert_int_equal(backlog_resume(&f->b, root, NULL), want);
	carry_free(root);
}

static void taken_up_as_it_was(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(write(f->from[1], "begun", 5), 5);
	assert_int_equal(take(f), 5);
	f->b.len = 0; /* whoever comes next does not know */
	resume(f, 1);
	assert_in_it(f, "begun", 5);
	backlog_close(&f->b);
	resume(f, 0);
	assert_in_it(f, "", 0);
	assert_int_equal(backlog_fill(&f->b, &f->held), 0);
	assert_in_it(f, "begun", 5);
}

/* Killed while the pieces of a line were put together: it is in both, or an end of it is left in one. */
static void taken_up_once(void **state)
{
	struct fixture *f = *state;

	for (int left = 5; left > 0; left -= 2) {
		assert_int_equal(write(f->b.pipe, &"begun"[5 - left], (size_t)left), left);
		assert_int_equal(write(f->b.spare, "begun", 5), 5);
		/* Who was before us may only try us out, and go on. */
		resume(f, 1);
		assert_int_equal(waiting(f->b.pipe), 5);
		assert_int_equal(waiting(f->b.spare), left);
		backlog_own(&f->b);
		assert_in_it(f, "begun", 5);
		assert_int_equal(waiting(f->b.spare), 0);
		backlog_stored(&f->b, 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(moved_until_it_is_stored), TEST(line_in_a_thousand_pieces),
		TEST(as_much_as_there_can_be),	TEST(others_take_from_it_too),
		TEST(taken_up_as_it_was),	TEST(taken_up_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
