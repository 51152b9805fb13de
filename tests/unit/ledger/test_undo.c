/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * undo: order, bulk, retries and foreign things; and being killed before, after and in the middle of every write and
 * every act, while building up and while taking down. The made-up kinds are folders on a real disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/ledger/scratch.h"

/* What the made-up kinds tell the tests, and what the tests make them do. */
static struct {
	int steps_left; /* 0: never die */
	struct buf trace;
	int busy; /* this many removals answer EBUSY first */
	bool bulk_fails;
	bool stuck; /* removals fail for good */
} w;

/* One more point at which the process may be killed. */
static void step(void)
{
	if (w.steps_left && !--w.steps_left)
		kill(getpid(), SIGKILL);
}

/* In place of the C library's: a point before, in the middle of and behind each write. */
ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	step();
	if (w.steps_left == 1)
		syscall(SYS_pwrite64, fd, data, len / 2, at);
	step();
	len = (size_t)syscall(SYS_pwrite64, fd, data, len, at);
	step();
	return (ssize_t)len;
}

static int same(const struct ledger_item *item)
{
	struct stat st;

	if (lstat(item->key, &st) < 0)
		return -1;
	return S_ISDIR(st.st_mode) && (!item->ident[1] || item->ident[1] == st.st_ino);
}

static int destroy(const struct ledger_item *item, struct err *err)
{
	const char *name = strrchr(item->key, '/') + 1;

	if (w.stuck)
		return err_sys(err, EIO, "remove %s", name);
	if (w.busy > 0 && w.busy--)
		return err_sys(err, EBUSY, "remove %s", name);
	step();
	if (path_remove_tree(AT_FDCWD, item->key) < 0)
		return err_sys(err, errno, "remove %s", name);
	step();
	buf_printf(&w.trace, "%s ", name);
	return 0;
}

static int destroy_all(const struct ledger_item *const *items, size_t n, struct err *err)
{
	if (w.bulk_fails)
		return err_set(err, "no bulk today");
	buf_printf(&w.trace, "bulk:%zu ", n);
	for (size_t i = 0; i < n; i++) {
		step();
		path_remove_tree(AT_FDCWD, items[i]->key);
	}
	return 0;
}

static const struct ledger_kind plain = { .name = "plain", .same = same, .destroy = destroy };
static const struct ledger_kind tied = {
	.name = "tied",
	.same = same,
	.destroy = destroy,
	.flags = LEDGER_DIES_WITH_PARENT,
};
static const struct ledger_kind many = {
	.name = "many",
	.same = same,
	.destroy = destroy,
	.destroy_all = destroy_all,
};
static const struct ledger_kind *const made_up[] = { &plain, &tied, &many, NULL };
static const struct ledger_kind *const *const kinds[] = { made_up, NULL };
static const struct ledger_kind *const *const fewer_kinds[] = { ledger_kinds, NULL };

static int setup(void **state)
{
	memset(&w, 0, sizeof(w));
	return scratch_make(state);
}

static int teardown(void **state)
{
	buf_fini(&w.trace);
	return scratch_remove(state);
}

/* Enters and makes one thing in the order that all rooms keep to. */
static uint32_t make(struct ledger *l, const struct scratch *s, const char *kind, uint32_t parent,
		     const char *name)
{
	_cleanup_free_ char *path = scratch_path(s, name);
	struct err err = { 0 };
	uint32_t id = ledger_intend(l, kind, parent, path, &err);

	step();
	if (mkdir(path, 0700) < 0)
		fail_msg("mkdir %s: %m", path);
	step();
	if (ledger_done_path(l, id, &err) < 0)
		fail_msg("%s", err.text);
	return id;
}

static void build(struct ledger *l, const struct scratch *s)
{
	uint32_t top = make(l, s, "plain", 0, "top");

	make(l, s, "tied", top, "top/tied");
	make(l, s, "many", 0, "m1");
	make(l, s, "plain", 0, "p1");
	make(l, s, "plain", top, "top/child");
	make(l, s, "many", 0, "m2");
}

/* Only the ledger and what the test put there itself may be left. */
static size_t left_in(const char *folder)
{
	_cleanup_free_ char *command =
		xasprintf("exit $(find %s -mindepth 1 ! -name ledger | wc -l)", folder);

	return (size_t)WEXITSTATUS(system(command));
}

static void count_line(void *arg, const char *line)
{
	struct buf *b = arg;

	buf_printf(b, "%s\n", line);
}

static void test_order(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	const struct scratch *s = *state;
	struct err err = { 0 };

	build(l, s);
	assert_int_equal(ledger_undo(l, 1000, NULL, NULL, &err), 0);
	/* In bulk first, then newest first; what is tied went with its parent and was not touched. */
	assert_string_equal(buf_str(&w.trace), "bulk:2 child p1 top ");
	assert_int_equal(left_in(s->run), 0);
	assert_int_equal(ledger_count(l), 0);
	assert_int_equal(ledger_undo(l, 1000, NULL, NULL, &err), 0);
	ledger_close(l);
}

static void test_bulk_falls_back(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	const struct scratch *s = *state;
	struct err err = { 0 };

	w.bulk_fails = true;
	build(l, s);
	assert_int_equal(ledger_undo(l, 1000, NULL, NULL, &err), 0);
	assert_string_equal(buf_str(&w.trace), "m2 child p1 m1 top ");
	assert_int_equal(left_in(s->run), 0);
	ledger_close(l);
}

static void test_one_branch(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	struct err err = { 0 };

	build(l, *state);
	assert_int_equal(ledger_undo_item(l, 1, 1000, &err), 0);
	assert_string_equal(buf_str(&w.trace), "child top ");
	assert_int_equal(ledger_count(l), 3);
	assert_int_equal(ledger_undo_item(l, 1, 1000, &err), 0);
	assert_int_equal(ledger_undo_item(l, 0, 1000, &err), 0);
	assert_int_equal(ledger_count(l), 3);
	ledger_close(l);
}

/* A parent that cannot be removed keeps what is tied to it: that is then removed by itself. */
static void test_tied_alone(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	struct err err = { 0 };
	uint32_t top = make(l, *state, "plain", 0, "top");

	make(l, *state, "tied", top, "beside");
	assert_int_equal(ledger_undo(l, 1000, NULL, NULL, &err), 0);
	assert_string_equal(buf_str(&w.trace), "top beside ");
	ledger_close(l);
}

static void test_busy(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	struct buf lines = { 0 };
	struct err err = { 0 };
	uint64_t begin;

	make(l, *state, "plain", 0, "p");
	w.busy = 5;
	assert_int_equal(ledger_undo(l, 5000, NULL, NULL, &err), 0);
	assert_int_equal(w.busy, 0);

	make(l, *state, "plain", 0, "q");
	w.busy = 1000000;
	begin = time_mono_ms();
	assert_int_equal(ledger_undo(l, 80, count_line, &lines, &err), 1);
	assert_true(time_mono_ms() - begin >= 80);
	assert_int_equal(err.kind, ERR_LEFTOVER);
	assert_non_null(strstr(buf_str(&lines), "/q': remove q: "));
	assert_int_equal(ledger_count(l), 1);
	w.busy = 0;
	assert_int_equal(ledger_undo(l, 80, NULL, NULL, &err), 0);
	buf_fini(&lines);
	ledger_close(l);
}

/* A parent is not touched before its children are gone, however long that takes: it may be shared. */
static void test_busy_child(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	struct err err = { 0 };
	uint32_t top = make(l, *state, "plain", 0, "top");

	make(l, *state, "plain", make(l, *state, "plain", top, "middle"), "child");
	w.busy = 4;
	assert_int_equal(ledger_undo(l, 60000, NULL, NULL, &err), 0);
	assert_string_equal(buf_str(&w.trace), "child middle top ");

	/* What never goes holds nothing up for ever: in the end each was tried. */
	buf_fini(&w.trace);
	top = make(l, *state, "plain", 0, "top");
	make(l, *state, "plain", top, "child");
	w.busy = 1000000;
	assert_int_equal(ledger_undo(l, 20, NULL, NULL, &err), 1);
	w.busy = 0;
	assert_int_equal(ledger_undo(l, 60000, NULL, NULL, &err), 0);
	ledger_close(l);
}

/* What fails for another reason is not tried until the deadline, and holds up nothing else. */
static void test_stuck(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	struct err err = { 0 };
	uint64_t begin = time_mono_ms();

	make(l, *state, "plain", 0, "p");
	w.stuck = true;
	assert_int_equal(ledger_undo(l, 60000, NULL, NULL, &err), 1);
	assert_true(time_mono_ms() - begin < 30000);
	assert_non_null(strstr(err.text, "remove p: "));
	ledger_close(l);
}

static void test_foreign(void **state)
{
	const struct scratch *s = *state;
	struct ledger *l = scratch_ledger(s, kinds);
	_cleanup_free_ char *path = scratch_path(s, "m1"), *away = scratch_path(s, "away");
	struct buf lines = { 0 };
	struct err err = { 0 };

	build(l, s);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(ledger_undo(l, 1000, count_line, &lines, &err), 1);
	assert_non_null(strstr(buf_str(&lines), "m1': something else is there"));
	assert_true(is_there(path));
	assert_int_equal(left_in(s->run), 2);
	/* Ours is gone, so the next one has nothing to say. */
	assert_int_equal(ledger_undo(l, 1000, NULL, NULL, &err), 0);
	buf_fini(&lines);
	ledger_close(l);
}

static void test_unknown_kind(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	struct err err = { 0 };

	make(l, *state, "plain", 0, "p");
	ledger_close(l);
	l = scratch_ledger(*state, fewer_kinds);
	assert_int_equal(ledger_undo(l, 100, NULL, NULL, &err), 1);
	assert_non_null(strstr(err.text, "not known here"));
	assert_int_equal(ledger_count(l), 1);
	ledger_close(l);
}

/* Runs build and/or undo in a child that is killed at the n-th point. True if it was, false if it came to its end. */
static bool killed_at(const struct scratch *s, int n, bool building)
{
	struct err err = { 0 };
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct ledger *l;

		w.steps_left = n;
		l = scratch_ledger(s, kinds);
		if (building)
			build(l, s);
		else
			ledger_undo(l, 1000, NULL, NULL, &err);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status))
		assert_int_equal(status, 0);
	return WIFSIGNALED(status);
}

static void recover(const struct scratch *s)
{
	struct ledger *l = scratch_ledger(s, kinds);
	struct err err = { 0 };

	if (ledger_undo(l, 1000, NULL, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(ledger_count(l), 0);
	assert_int_equal(left_in(s->run), 0);
	ledger_close(l);
}

static void test_killed_building(void **state)
{
	int n = 1;

	for (; killed_at(*state, n, true); n++)
		recover(*state);
	recover(*state);
	assert_true(n > 40);
	print_message("killed at %d points\n", n - 1);
}

static void test_killed_undoing(void **state)
{
	bool more = true;
	int n = 1;

	for (; more; n++) {
		assert_false(killed_at(*state, 0, true));
		more = killed_at(*state, n, false);
		recover(*state);
	}
	assert_true(n > 20);
	print_message("killed at %d points\n", n - 2);
}

/* Every third point of the one with every fifth of the other. */
static void test_killed_twice(void **state)
{
	for (int n = 1; killed_at(*state, n, true); n += 3) {
		for (int k = 1; killed_at(*state, k, false); k += 5)
			;
		recover(*state);
	}
	recover(*state);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_bulk_falls_back),
		TEST(test_one_branch),
		TEST(test_tied_alone),
		TEST(test_busy),
		TEST(test_busy_child),
		TEST(test_stuck),
		TEST(test_foreign),
		TEST(test_unknown_kind),
		TEST(test_killed_building),
		TEST(test_killed_undoing),
		TEST(test_killed_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
