/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger: what was entered is read back, by whom it may be and after whatever happened to the file.
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger/record.h"
#include "unit/cputime.h"
#include "unit/ledger/scratch.h"

static int never(const struct ledger_item *item)
{
	(void)item;
	return -1;
}

static int nothing(const struct ledger_item *item, struct err *err)
{
	(void)item, (void)err;
	return 1;
}

static const struct ledger_kind mortal = { .name = "mortal", .same = never, .destroy = nothing };
static const struct ledger_kind lasting = {
	.name = "lasting",
	.same = never,
	.destroy = nothing,
	.flags = LEDGER_SURVIVES_BOOT,
};
static const struct ledger_kind *const made_up[] = { &mortal, &lasting, NULL };
static const struct ledger_kind *const *const kinds[] = { made_up, NULL };
static const struct ledger_kind *const *const no_kinds[] = { NULL };

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void test_missing(void **state)
{
	struct scratch *s = *state;
	struct err err = { 0 };

	assert_null(ledger_open(s->path, false, kinds, &err));
	assert_int_equal(err.sys, ENOENT);
}

static void test_read_back(void **state)
{
	struct scratch *s = *state;
	struct ledger *l = scratch_ledger(s, kinds);
	const struct ledger_item *i;
	struct err err = { 0 };

	assert_int_equal(ledger_intend(l, "mortal", 0, "a", &err), 1);
	assert_int_equal(ledger_intend(l, "lasting", 1, "b", &err), 2);
	assert_int_equal(ledger_intend(l, "mortal", 1, "c", &err), 3);
	assert_int_equal(ledger_done(l, 1, 10, 11, &err), 0);
	assert_int_equal(ledger_gone(l, 3, &err), 0);
	assert_int_equal(ledger_gone(l, 3, &err), -1);
	assert_int_equal(ledger_done(l, 9, 0, 0, &err), -1);
	ledger_close(l);

	l = scratch_ledger(s, kinds);
	i = ledger_next(l, NULL, NULL);
	assert_string_equal(i->key, "a");
	assert_int_equal(i->state, LEDGER_DONE);
	assert_int_equal(i->ident[0], 10);
	assert_int_equal(i->ident[1], 11);
	i = ledger_next(l, NULL, i);
	assert_string_equal(i->kind, "lasting");
	assert_int_equal(i->parent, 1);
	assert_int_equal(i->state, LEDGER_INTENT);
	assert_null(ledger_next(l, NULL, i));
	assert_ptr_equal(ledger_next(l, "lasting", NULL), i);
	assert_ptr_equal(ledger_find(l, "lasting", "b"), i);
	assert_null(ledger_find(l, "mortal", "b"));
	assert_null(ledger_find(l, "mortal", "c"));
	assert_int_equal(ledger_intend(l, "mortal", 0, "c", &err), 4);
	ledger_close(l);
}

static void test_refused(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	char key[LEDGER_KEY_MAX + 1] = { 0 };
	struct err err = { 0 };

	memset(key, 'k', LEDGER_KEY_MAX);
	assert_int_equal(ledger_intend(l, "strange", 0, "a", &err), 0);
	assert_string_equal(err.text, "ledger: kind 'strange' is not known");
	assert_int_equal(ledger_intend(l, "mortal", 1, "a", &err), 0);
	assert_int_equal(ledger_intend(l, "mortal", 0, "", &err), 0);
	assert_int_equal(ledger_intend(l, "mortal", 0, key, &err), 0);
	key[LEDGER_KEY_MAX - 1] = '\0';
	assert_int_equal(ledger_intend(l, "mortal", 0, key, &err), 1);
	ledger_close(l);
}

/* The last record is cut at every byte: all before it stays, and the next entry takes its place. */
static void test_torn(void **state)
{
	struct scratch *s = *state;
	struct ledger *l = scratch_ledger(s, kinds);
	struct err err = { 0 };
	off_t before, after;

	ledger_intend(l, "mortal", 0, "first", &err);
	before = size_of(s->path);
	ledger_intend(l, "mortal", 0, "second", &err);
	after = size_of(s->path);
	ledger_close(l);
	for (off_t cut = after - 1; cut >= before; cut--) {
		assert_int_equal(truncate(s->path, cut), 0);
		l = ledger_open(s->path, false, kinds, &err);
		assert_non_null(l);
		assert_int_equal(ledger_count(l), 1);
		assert_int_equal(size_of(s->path), cut);
		assert_int_equal(ledger_lock(l, 0, NULL, &err), 0);
		assert_int_equal(size_of(s->path), before);
		assert_int_equal(ledger_intend(l, "mortal", 0, "second", &err), 2);
		ledger_close(l);
		assert_int_equal(size_of(s->path), after);
	}
	for (off_t cut = sizeof(struct ledger_head) - 1; cut >= 0; cut--) {
		assert_int_equal(truncate(s->path, cut), 0);
		l = scratch_ledger(s, kinds);
		assert_int_equal(ledger_count(l), 0);
		assert_int_equal(ledger_intend(l, "mortal", 0, "anew", &err), 1);
		ledger_close(l);
	}
}

/* The disk was full when the first head was to be written: nothing was entered, and it begins anew. */
static void test_no_head_yet(void **state)
{
	struct scratch *s = *state;
	struct err err = { 0 };
	char nothing_yet[200] = "";
	struct ledger *l;

	assert_int_equal(file_replace(AT_FDCWD, s->path, nothing_yet, sizeof(nothing_yet), 0600),
			 0);
	l = scratch_ledger(s, kinds);
	assert_null(ledger_next(l, NULL, NULL));
	assert_int_equal(ledger_intend(l, "mortal", 0, "a", &err), 1);
	ledger_close(l);
	l = scratch_ledger(s, kinds);
	assert_non_null(ledger_find(l, "mortal", "a"));
	ledger_close(l);
}

static void test_not_a_ledger(void **state)
{
	struct scratch *s = *state;
	struct err err = { 0 };

	assert_int_equal(file_replace(AT_FDCWD, s->path, "somebody's text", 15, 0600), 0);
	assert_null(ledger_open(s->path, true, kinds, &err));
	assert_non_null(strstr(err.text, "was not written by this version"));
	assert_int_equal(size_of(s->path), 15);
	unlink(s->path);
	assert_int_equal(mkfifo(s->path, 0600), 0);
	assert_null(ledger_open(s->path, true, kinds, &err));
	assert_non_null(strstr(err.text, "not a regular file"));
}

/* Forks somebody who holds the lock until the pipe is closed. */
static pid_t holder(const struct scratch *s, int *ret_pipe)
{
	struct err err = { 0 };
	int ready[2], hold[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC) | pipe2(hold, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		struct ledger *l = ledger_open(s->path, true, kinds, &err);

		close(hold[1]);
		if (!l || ledger_lock(l, 0, NULL, &err) ||
		    !ledger_intend(l, "mortal", 0, "theirs", &err))
			_exit(1);
		close(ready[1]);
		_exit((int)read(hold[0], &c, 1));
	}
	close(ready[1]);
	close(hold[0]);
	assert_int_equal(read(ready[0], &c, 1), 0);
	close(ready[0]);
	*ret_pipe = hold[1];
	return pid;
}

static void test_lock(void **state)
{
	struct scratch *s = *state;
	struct ledger *l;
	struct err err = { 0 };
	pid_t pid, who = 0;
	int status, hold;

	l = ledger_open(s->path, true, kinds, &err);
	assert_non_null(l);
	pid = holder(s, &hold);
	assert_int_equal(ledger_count(l), 0);
	assert_int_equal(ledger_lock(l, 20, &who, &err), 1);
	assert_int_equal(who, pid);
	assert_int_equal(ledger_owner(s->path), pid);
	close(hold);
	/* What the other one entered is seen as soon as the lock is ours. */
	assert_int_equal(ledger_lock(l, 5000, NULL, &err), 0);
	assert_int_equal(ledger_count(l), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	ledger_close(l);
	assert_int_equal(ledger_owner(s->path), 0);
}

/* Only the lock counts. */
static void test_owner_of_rubbish(void **state)
{
	struct scratch *s = *state;
	int status, hold;
	pid_t pid = holder(s, &hold);

	assert_int_equal(truncate(s->path, 3), 0);
	assert_int_equal(ledger_owner(s->path), pid);
	close(hold);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void test_lock_on_removed(void **state)
{
	struct scratch *s = *state;
	struct err err = { 0 };
	struct ledger *l = ledger_open(s->path, true, kinds, &err);

	assert_false(ledger_lost(l));
	assert_int_equal(unlink(s->path), 0);
	assert_true(ledger_lost(l));
	assert_int_equal(ledger_lock(l, 0, NULL, &err), -1);
	assert_int_equal(err.sys, ESTALE);
	ledger_close(l);
}

/* As if the machine had been started anew: only what lies on disk may still be there. */
static void test_other_boot(void **state)
{
	struct scratch *s = *state;
	struct ledger *l = scratch_ledger(s, kinds);
	const struct ledger_item *i;
	struct ledger_head head;
	struct err err = { 0 };
	int fd;

	ledger_intend(l, "mortal", 0, "a", &err);
	ledger_intend(l, "lasting", 1, "b", &err);
	ledger_intend(l, "mortal", 2, "c", &err);
	ledger_done(l, 2, 5, 6, &err);
	ledger_close(l);
	ledger_head_make(&head, sizeof(head),
			 "another boot\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
	fd = open(s->path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, &head, sizeof(head), 0), sizeof(head));
	close(fd);
	for (int round = 0; round < 2; round++) {
		/* A reader sees the same as a writer; the second writer finds a ledger of this boot. */
		l = ledger_open(s->path, false, round ? no_kinds : kinds, &err);
		assert_int_equal(ledger_count(l), 1);
		assert_int_equal(ledger_lock(l, 0, NULL, &err), 0);
		assert_int_equal(ledger_count(l), 1);
		i = ledger_next(l, NULL, NULL);
		assert_string_equal(i->key, "b");
		assert_int_equal(i->ident[0], 0);
		assert_int_equal(i->ident[1], 6);
		ledger_close(l);
	}
	l = scratch_ledger(s, kinds);
	assert_int_equal(ledger_intend(l, "mortal", 0, "d", &err), 4);
	ledger_close(l);
}

/* Years of restarts: the file gives its room back, ids go on, and what is left is what it was. */
static void test_compaction(void **state)
{
	struct scratch *s = *state;
	struct ledger *l = scratch_ledger(s, kinds);
	struct err err = { 0 };
	struct stat st;
	uint32_t id = 0;

	ledger_intend(l, "mortal", 0, "stays", &err);
	ledger_done(l, 1, 1, 2, &err);
	for (int n = 0; n < 20000; n++) {
		id = ledger_intend(l, "mortal", 1, "comes and goes", &err);
		assert_int_equal(id, n + 2);
		assert_int_equal(ledger_done(l, id, 3, 4, &err), 0);
		assert_int_equal(ledger_gone(l, id, &err), 0);
	}
	assert_int_equal(stat(s->path, &st), 0);
	assert_true(st.st_size > 1000000);
	assert_true(st.st_blocks * 512 < 300000);
	ledger_close(l);
	l = scratch_ledger(s, kinds);
	assert_int_equal(ledger_count(l), 1);
	assert_int_equal(ledger_next(l, NULL, NULL)->ident[1], 2);
	assert_int_equal(ledger_intend(l, "mortal", 1, "next", &err), id + 1);
	ledger_close(l);
}

/* Entering must not cost a start anything: generous for slow machines, 2 us were seen. */
/* As a fork of who has it locked does. What was entered after the fork is in it, and numbers are not used again. */
static void test_put_back(void **state)
{
	struct scratch *s = *state;
	struct ledger *l = scratch_ledger(s, kinds), *fork;
	struct err err = { 0 };

	assert_int_equal(ledger_intend(l, "mortal", 0, "a", &err), 1);
	fork = ledger_open(s->path, false, kinds, &err);
	assert_non_null(fork);
	assert_int_equal(ledger_intend(l, "mortal", 1, "b", &err), 2);
	assert_int_equal(ledger_done(l, 2, 7, 8, &err), 0);
	assert_int_equal(ledger_intend(l, "mortal", 0, "c", &err), 3);
	assert_int_equal(ledger_gone(l, 3, &err), 0);
	assert_int_equal(ledger_put_back(fork, &err), 0);
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(ledger_put_back(fork, &err), 0);
	ledger_close(fork);
	ledger_close(l);
	l = scratch_ledger(s, kinds);
	assert_int_equal(ledger_find(l, "mortal", "a")->id, 1);
	assert_int_equal(ledger_find(l, "mortal", "b")->ident[1], 8);
	assert_int_equal(ledger_find(l, "mortal", "b")->parent, 1);
	assert_null(ledger_find(l, "mortal", "c"));
	assert_int_equal(ledger_intend(l, "mortal", 0, "d", &err), 4);
	ledger_close(l);
}

static void test_speed(void **state)
{
	struct ledger *l = scratch_ledger(*state, kinds);
	struct err err = { 0 };
	uint64_t begin = cputime_ns(), each;

	for (int n = 0; n < 10000; n++)
		ledger_intend(l, "mortal", 0, "/run/mstack/lab/slots/web-1", &err);
	each = (cputime_ns() - begin) / 10000;
	print_message("%llu ns per record\n", (unsigned long long)each);
	assert_true(each < 100000);
	ledger_close(l);
}

/* In memory, and asked what is there: the kinds say so, and of one that nobody knows it is held to be. */
static void test_scratch(void **state)
{
	struct err err = { 0 };
	struct ledger *l = ledger_scratch(kinds, &err);
	struct ledger_item strange = { .kind = "strange", .key = "x" };

	(void)state;
	assert_non_null(l);
	assert_int_equal(ledger_intend(l, "mortal", 0, "a", &err), 1);
	assert_int_equal(ledger_intend(l, "lasting", 1, "b", &err), 2);
	assert_int_equal(ledger_there(l, ledger_find(l, "mortal", "a")), -1);
	assert_int_equal(ledger_there(l, &strange), 1);
	assert_int_equal(ledger_undo(l, 10, NULL, NULL, &err), 0);
	assert_null(ledger_next(l, NULL, NULL));
	ledger_close(l);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_missing),	     TEST(test_read_back),
		TEST(test_refused),	     TEST(test_torn),
		TEST(test_not_a_ledger),     TEST(test_lock),
		TEST(test_owner_of_rubbish), TEST(test_lock_on_removed),
		TEST(test_other_boot),	     TEST(test_compaction),
		TEST(test_put_back),	     TEST(test_speed),
		TEST(test_scratch),	     TEST(test_no_head_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
