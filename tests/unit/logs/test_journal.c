/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of logs/journal.c: numbers that go on, rotation, torn ends, and a disk that is full. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "logs/segment.h"
#include "mstack/logs_journal.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mstack-journal-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	umount2(dir, MNT_DETACH);
	return path_remove_tree(AT_FDCWD, dir);
}

static struct logs_journal *reopen(struct logs_journal *j)
{
	struct err err = { 0 };

	logs_journal_close(j);
	j = logs_journal_open(dir, &err);
	if (!j)
		fail_msg("%s", err.text);
	return j;
}

struct seen {
	uint64_t first, last, n, lost;
};

/* Every line is an object of JSON; numbers go up. */
static int look(void *arg, size_t source, const struct logs_line *line)
{
	struct seen *s = arg;
	json_t *o = json_loadb(line->text, line->len, 0, NULL);
	uint64_t seq = (uint64_t)json_integer_value(json_object_get(o, "seq"));
	const char *action = json_string_value(json_object_get(o, "action"));

	(void)source;
	assert_non_null(o);
	assert_true(seq > s->last);
	if (!s->n++)
		s->first = seq;
	s->last = seq;
	if (action && strcmp(action, "lost") == 0)
		s->lost += strtoull(json_string_value(json_object_get(
					    json_object_get(o, "attributes"), "entries")),
				    NULL, 10);
	json_decref(o);
	return 0;
}

static struct seen read_all(void)
{
	const struct logs_source source = { .name = "events", .dir = dir };
	const struct logs_query q = { .tail = -1 };
	struct seen s = { 0 };
	struct err err = { 0 };

	assert_int_equal(logs_read(&source, 1, &q, look, &s, &err), 0);
	return s;
}

static void test_numbers_go_on(void **state)
{
	struct logs_journal *j = reopen(NULL);

	(void)state;
	assert_string_equal(logs_journal_last(j), "");
	assert_int_equal(logs_journal_add(j, time_wall_ns(), "\"a\":1}"), 1);
	assert_int_equal(logs_journal_add(j, time_wall_ns(), "\"a\":2}"), 2);
	j = reopen(j);
	assert_non_null(strstr(logs_journal_last(j), "\"a\":2}"));
	assert_int_equal(logs_journal_add(j, time_wall_ns(), "\"a\":3}"), 3);
	logs_journal_close(j);
	assert_int_equal(read_all().n, 3);
}

/* The writer was killed in the middle of an entry: it goes, and its number is given again. */
static void test_torn_end(void **state)
{
	struct logs_journal *j = reopen(NULL);
	_cleanup_fd_ int fd = -1;
	char path[96];

	(void)state;
	logs_journal_add(j, time_wall_ns(), "\"a\":1}");
	logs_journal_close(j);
	snprintf(path, sizeof(path), "%s/current.log", dir);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(fd_write_all(fd, "{\"seq\":2,\"ti", 12), 0);
	j = reopen(NULL);
	assert_int_equal(logs_journal_add(j, time_wall_ns(), "\"a\":2}"), 2);
	logs_journal_close(j);
	assert_int_equal(read_all().n, 2);
}

/* What was read is a row of numbers without a gap at its end, however many went. */
static void test_rotation(void **state)
{
	enum { N = 20, EACH = 1000 };
	char big[1200] = "\"a\":\"";
	struct logs_journal *j = reopen(NULL);
	struct seen s;

	(void)state;
	memset(big + 5, 'x', 1100);
	strcpy(big + 1105, "\"}");
	for (unsigned i = 0; i < N; i++) {
		for (unsigned k = 0; k < EACH; k++)
			logs_journal_add(j, time_wall_ns(), big);
		j = reopen(j);
	}
	logs_journal_close(j);
	s = read_all();
	assert_int_equal(s.last, N * EACH);
	assert_true(s.first > 1);
	assert_int_equal(s.n, s.last - s.first + 1);
}

static void test_full_disk(void **state)
{
	struct logs_journal *j;
	char path[96], ballast[96];
	static const char zeros[4096];
	_cleanup_fd_ int fd = -1;
	struct seen s;

	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("small", dir, "tmpfs", 0, "size=64k") < 0) {
		print_message("needs the right to mount a tmpfs: %s\n", strerror(errno));
		skip();
	}
	j = reopen(NULL);
	logs_journal_add(j, time_wall_ns(), "\"a\":1}");
	snprintf(path, sizeof(path), "%s/ballast", dir);
	strcpy(ballast, path);
	fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	while (!logs_journal_lost(j))
		logs_journal_add(j, time_wall_ns(), "\"a\":2}");
	logs_journal_add(j, time_wall_ns(), "\"a\":3}");
	assert_int_equal(logs_journal_lost(j), 2);
	assert_int_equal(unlink(ballast), 0);
	cleanup_fd(&fd);
	logs_journal_add(j, time_wall_ns(), "\"a\":4}");
	s = read_all();
	logs_journal_close(j);
	assert_int_equal(s.lost, 2);
	assert_int_equal(
		s.n,
		s.last - 2 + 1); /* two are gone, and one says so with the number of the second */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_numbers_go_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
