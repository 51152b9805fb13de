/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of logs/reading.c, cursor.c and watch.c: what was written is read, also while it is still
 * being written.
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

#include "logs/segment.h"
#include "unit/openfds.h"

#define SOURCES 3
#define T0	1769853600000000000ULL
#define SECOND	1000000000ULL

struct fixture {
	int fds; /* open before the test */
	char root[64];
	char *dirs[SOURCES];
	struct logs_source sources[SOURCES];
	struct segments s[SOURCES];
	struct batch *b;
	struct buf seen; /* "source:text " of every line, "source:text+" of parts */
	int n, end_at;	 /* lines seen; where to end */
	int turn;	 /* how often `stop` was asked */
	int last;	 /* number of the last line, where lines are numbers */
	uint64_t last_ns;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->fds = open_fds();
	strcpy(f->root, "/tmp/mstack-logs-XXXXXX");
	if (!mkdtemp(f->root))
		return -1;
	f->b = xcalloc(1, sizeof(*f->b));
	for (int i = 0; i < SOURCES; i++) {
		f->dirs[i] = xasprintf("%s/logs/%d", f->root, i);
		f->sources[i] = (struct logs_source){ .name = "web-1", .dir = f->dirs[i] };
		f->s[i] = (struct segments){ .dir = -1, .fd = -1 };
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int rc;

	for (int i = 0; i < SOURCES; i++) {
		segments_close(&f->s[i]);
		free(f->dirs[i]);
	}
	rc = path_remove_tree(AT_FDCWD, f->root);
	buf_fini(&f->seen);
	free(f->b);
	rc |= open_fds() != f->fds;
	free(f);
	return rc;
}

static void open_source(struct fixture *f, int i, uint64_t max_size, unsigned max_files)
{
	segments_close(&f->s[i]);
	assert_int_equal(segments_open(&f->s[i], f->dirs[i], max_size, max_files, NULL), 0);
}

static void put_bytes(struct fixture *f, int i, uint64_t wall_ns, const char *text, size_t len,
		      bool partial)
{
	char head[RECORD_HEAD];

	record_head(head, wall_ns, LOGS_STDOUT);
	record_set_partial(head, partial);
	f->b->s = &f->s[i];
	batch_add(f->b, head, text, len);
	batch_flush(f->b);
}

static void put(struct fixture *f, int i, uint64_t wall_ns, const char *text)
{
	put_bytes(f, i, wall_ns, text, strlen(text), false);
}

/* Bytes that are no record of ours, as they are. */
static void put_raw(struct fixture *f, int i, const void *data, size_t len)
{
	assert_int_equal(write(f->s[i].fd, data, len), (ssize_t)len);
	f->s[i].size += len;
}

static int note(void *arg, size_t source, const struct logs_line *line)
{
	struct fixture *f = arg;

	buf_printf(&f->seen, "%zu:", source);
	buf_add(&f->seen, line->text, line->len);
	buf_putc(&f->seen, line->partial ? '+' : ' ');
	return ++f->n == f->end_at;
}

/* Reads without following and says what came. */
static const char *read_all(struct fixture *f, size_t n, const struct logs_query *q)
{
	struct err err = { 0 };
	int rc;

	f->seen.len = 0;
	buf_puts(&f->seen, "");
	f->n = 0;
	rc = logs_read(f->sources, n, q, note, f, &err);
	if (rc != 0)
		print_error("%s\n", err.text);
	assert_int_equal(rc, 0);
	return f->seen.data;
}

static const struct logs_query everything = { .tail = -1 };

static void merged_by_time(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < SOURCES; i++)
		open_source(f, i, 60, 10);
	put(f, 0, T0 + 1, "a");
	put(f, 0, T0 + 5, "b");
	put(f, 0, T0 + 9, "c");
	put(f, 1, T0 + 2, "d");
	put(f, 1, T0 + 5, "e");
	put(f, 2, T0, "f");
	/* A clock that was set back: the order of the file wins. */
	put(f, 2, T0 + 7, "g");
	put(f, 2, T0 + 3, "h");
	assert_string_equal(read_all(f, 3, &everything), "2:f 0:a 1:d 0:b 1:e 2:g 2:h 0:c ");
	assert_string_equal(read_all(f, 1, &everything), "0:a 0:b 0:c ");
	assert_string_equal(read_all(f, 0, &everything), "");
	f->end_at = 2;
	assert_string_equal(read_all(f, 3, &everything), "2:f 0:a ");
}

static void since_and_until(void **state)
{
	struct fixture *f = *state;
	struct logs_query q = { .tail = -1 };

	open_source(f, 0, 100, 10);
	for (int i = 0; i < 6; i++)
		put(f, 0, T0 + (uint64_t)i * SECOND, (char[]){ (char)('0' + i), 0 });
	q.since_ns = T0 + 2 * SECOND;
	assert_string_equal(read_all(f, 1, &q), "0:2 0:3 0:4 0:5 ");
	q.until_ns = T0 + 4 * SECOND;
	assert_string_equal(read_all(f, 1, &q), "0:2 0:3 0:4 ");
	q.tail = 2;
	assert_string_equal(read_all(f, 1, &q), "0:3 0:4 ");
	q.since_ns = T0 + 4 * SECOND;
	assert_string_equal(read_all(f, 1, &q), "0:4 ");
	q.follow = true; /* the end is in the past */
	assert_string_equal(read_all(f, 1, &q), "0:4 ");
}

/*
 * Lines 0..11, some of them in parts, at every cutting into segments and for every number of lines.
 */
static void tail_over_segments(void **state)
{
	struct fixture *f = *state;

	for (uint64_t max_size = 40; max_size < 800; max_size += 23) {
		open_source(f, 0, max_size, 100);
		for (int i = 0; i < 12; i++) {
			char text[2] = { (char)('a' + i), 0 };

			if (i % 3 == 0)
				put_bytes(f, 0, T0 + i, "(", 1, true);
			if (i % 6 == 0)
				put_bytes(f, 0, T0 + i, ",", 1, true);
			put(f, 0, T0 + i, text);
		}
		for (int n = 0; n <= 13; n++) {
			const struct logs_query q = { .tail = n };
			struct buf want = { 0 };

			buf_puts(&want, "");
			for (int i = n > 12 ? 0 : 12 - n; i < 12; i++)
				buf_printf(&want, "%s%s0:%c ", i % 3 ? "" : "0:(+",
					   i % 6 ? "" : "0:,+", 'a' + i);
			assert_string_equal(read_all(f, 1, &q), want.data);
			buf_fini(&want);
		}
		segments_close(&f->s[0]);
		assert_int_equal(path_remove_tree(AT_FDCWD, f->dirs[0]), 0);
	}
}

static void tail_of_unfinished_line(void **state)
{
	struct fixture *f = *state;

	open_source(f, 0, 1000, 3);
	put(f, 0, T0, "a");
	put(f, 0, T0, "b");
	put_bytes(f, 0, T0, "c", 1, true);
	put_raw(f, 0, "2026-01-31T10", 13);
	assert_string_equal(read_all(f, 1, &(struct logs_query){ .tail = 0 }), "");
	assert_string_equal(read_all(f, 1, &(struct logs_query){ .tail = 1 }), "0:c+");
	assert_string_equal(read_all(f, 1, &(struct logs_query){ .tail = 2 }), "0:b 0:c+");
	assert_string_equal(read_all(f, 1, &everything), "0:a 0:b 0:c+");
}

static void tail_of_much(void **state)
{
	struct fixture *f = *state;
	char text[600];

	/* Records of many lengths, so that every place of a block's edge in a record is met. */
	open_source(f, 0, 150000, 50);
	memset(text, 'x', sizeof(text));
	for (int i = 1; i <= 3000; i++) {
		int n = snprintf(text, sizeof(text), "%d", i);

		text[n] = '.';
		put_bytes(f, 0, T0 + i, text, (size_t)(n + i % 500), false);
	}
	for (int n = 1; n <= 3100; n += 61) {
		read_all(f, 1, &(struct logs_query){ .tail = n });
		assert_int_equal(f->n, n < 3000 ? n : 3000);
		assert_int_equal(atoi(f->seen.data + 2), n < 3000 ? 3001 - n : 1);
	}
}

static void damaged_lines_are_skipped(void **state)
{
	struct fixture *f = *state;
	char *junk = xcalloc(1, 5 * RECORD_MAX);

	open_source(f, 0, 100 << 20, 3);
	put_raw(f, 0, "\n\n \nno stamp\n\0\0\0\n", 17);
	put(f, 0, T0, "a");
	for (size_t len = 1; len <= 5 * RECORD_MAX; len = len * 3 + 1) {
		put_raw(f, 0, junk, len);
		put_raw(f, 0, "\n", 1);
		put(f, 0, T0, "b");
	}
	put_raw(f, 0, "2026-01-31T10:00:00Z stdout F", 29);
	assert_true(strncmp(read_all(f, 1, &everything), "0:a 0:b 0:b ", 12) == 0);
	assert_int_equal(f->n, 13);
	assert_string_equal(read_all(f, 1, &(struct logs_query){ .tail = 3 }), "0:b 0:b 0:b ");
	free(junk);
}

static void big_lines(void **state)
{
	struct fixture *f = *state;
	char *text = xcalloc(1, RECORD_TEXT_MAX);

	open_source(f, 0, 200000, 100);
	for (int i = 0; i < 20; i++) {
		memset(text, 'a' + i, RECORD_TEXT_MAX);
		put_bytes(f, 0, T0 + i, text, RECORD_TEXT_MAX, i % 2 == 0);
	}
	read_all(f, 1, &everything);
	assert_int_equal(f->n, 20);
	assert_int_equal(f->seen.len, 20 * (RECORD_TEXT_MAX + 3));
	read_all(f, 1, &(struct logs_query){ .tail = 4 });
	assert_int_equal(f->n, 8);
	assert_int_equal(f->seen.data[2], 'a' + 12);
	free(text);
}

static int write_one_more(void *arg, size_t source, const struct logs_line *line)
{
	struct fixture *f = arg;

	(void)line;
	put(f, (int)source, T0, "more");
	return ++f->n == 1000;
}

static void reading_ends_under_a_busy_writer(void **state)
{
	struct fixture *f = *state;

	open_source(f, 0, 200, 3);
	for (int i = 0; i < 8; i++)
		put(f, 0, T0, "some");
	assert_int_equal(logs_read(f->sources, 1, &everything, write_one_more, f, NULL), 0);
	assert_int_equal(f->n, 8);
}

static void errors_name_the_folder(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	assert_string_equal(read_all(f, 3, &everything), "");
	assert_string_equal(read_all(f, 3, &(struct logs_query){ .tail = 5 }), "");
	open_source(f, 0, 1000, 3);
	f->sources[1].dir = "/dev/null";
	assert_int_equal(logs_read(f->sources, 2, &everything, note, f, &err), -1);
	assert_int_equal(err.sys, ENOTDIR);
	assert_non_null(strstr(err.text, "/dev/null"));
}

/*
 * ---- following: what happens meanwhile is done where the reader asks whether to stop
 * ---------------
 */

static const char *follow(struct fixture *f, size_t n, bool (*stop)(void *arg), int64_t tail)
{
	const struct logs_query q = { .tail = tail, .follow = true, .stop = stop };

	f->turn = 0;
	return read_all(f, n, &q);
}

/* In the first turn nothing was read yet, in the others all of the turn before was. */
static bool write_records_in_pieces(void *arg)
{
	static const char record[] = "2026-01-31T10:00:00.123456789Z stderr F whole\n";
	struct fixture *f = arg;

	switch (f->turn++) {
	case 0:
		put_raw(f, 0, record, 10);
		return false;
	case 1:
		assert_int_equal(f->n, 1);
		put_raw(f, 0, record + 10, 30);
		return false;
	case 2:
		assert_int_equal(f->n, 1);
		put_raw(f, 0, record + 40, sizeof(record) - 41);
		return false;
	case 3:
		/* The disk was full: the beginning of a record goes, another one comes. */
		assert_int_equal(f->n, 2);
		put_raw(f, 0, record, 20);
		return false;
	case 4:
		f->s[0].size -= 20;
		assert_int_equal(ftruncate(f->s[0].fd, (off_t)f->s[0].size), 0);
		put(f, 0, T0, "other");
		return true;
	default:
		return true;
	}
}

static void follow_sees_whole_records_only(void **state)
{
	struct fixture *f = *state;

	open_source(f, 0, 1000, 3);
	put(f, 0, T0, "old");
	put(f, 0, T0, "a");
	assert_string_equal(follow(f, 1, write_records_in_pieces, 1), "0:a 0:whole 0:other ");
}

static bool make_folders_late(void *arg)
{
	struct fixture *f = arg;
	int i = f->turn++ - 1;

	if (i >= 0 && i < SOURCES) {
		open_source(f, i, 1000, 3);
		put(f, i, T0, "hello");
	}
	return i > SOURCES;
}

static void follow_waits_for_folders(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(follow(f, 3, make_folders_late, -1), "0:hello 1:hello 2:hello ");
	/* Now they are there, each with a line that nobody wants to see again. */
	assert_string_equal(follow(f, 3, make_folders_late, 0), "0:hello 1:hello 2:hello ");
}

static bool rotate_in_every_way(void *arg)
{
	struct fixture *f = arg;
	int turn = f->turn++;

	/* 0 to 5 new segments between two looks, each of one or two records. */
	for (int i = 0; turn > 0 && i < turn; i++) {
		char text[24];

		snprintf(text, sizeof(text), "%d.%d", turn, i);
		put(f, 0, T0, text);
	}
	return turn == 6;
}

static void follow_over_rotations(void **state)
{
	struct fixture *f = *state;

	open_source(f, 0, 90, 30);
	assert_string_equal(follow(f, 1, rotate_in_every_way, -1),
			    "0:1.0 0:2.0 0:2.1 0:3.0 0:3.1 0:3.2 0:4.0 0:4.1 0:4.2 0:4.3 "
			    "0:5.0 0:5.1 0:5.2 0:5.3 0:5.4 0:6.0 0:6.1 0:6.2 0:6.3 0:6.4 0:6.5 ");
}

/* With few files a slow reader misses lines, is told how many, and goes on with the oldest that are left. */
#define GONE "lost: the log was rotated away before it was read "
static void follow_after_being_overtaken(void **state)
{
	struct fixture *f = *state;

	open_source(f, 0, 50, 2);
	assert_string_equal(follow(f, 1, rotate_in_every_way, -1),
			    "0:1.0 0:2.0 0:2.1 0:1 line was " GONE
			    "0:3.1 0:3.2 0:2 lines were " GONE "0:4.2 0:4.3 0:3 lines were " GONE
			    "0:5.3 0:5.4 0:4 lines were " GONE "0:6.4 0:6.5 ");
}

static bool lose_the_count(void *arg)
{
	struct fixture *f = arg;
	char path[128];

	for (int i = 0; i < 3; i++)
		put(f, 0, T0, "x");
	snprintf(path, sizeof(path), "%s/rotated", f->dirs[0]);
	unlink(path);
	return f->turn++ > 0;
}

static void overtaken_without_a_count(void **state)
{
	struct fixture *f = *state;

	open_source(f, 0, 50, 2);
	assert_non_null(strstr(follow(f, 1, lose_the_count, -1), "0:lines were " GONE));
}

static bool is_even(void *arg, const struct logs_line *line)
{
	(void)arg;
	return line->len && (line->text[line->len - 1] - '0') % 2 == 0;
}

/* The tail is counted of those that match. */
static void only_what_matches(void **state)
{
	struct fixture *f = *state;
	struct logs_query q = { .tail = 2, .match = is_even };

	open_source(f, 0, 100, 5);
	for (char c = '0'; c <= '9'; c++)
		put(f, 0, T0, (char[]){ c, '\0' });
	assert_string_equal(read_all(f, 1, &q), "0:6 0:8 ");
	q.tail = -1;
	assert_string_equal(read_all(f, 1, &q), "0:0 0:2 0:4 0:6 0:8 ");
}

/* The writer goes on while the tail is counted, and while it is read. */
static bool writes_on(void *arg, const struct logs_line *line)
{
	struct fixture *f = arg;

	(void)line;
	put(f, 0, T0, (char[]){ (char)('a' + f->turn++ % 26), '\0' });
	return true;
}

static void tail_under_a_busy_writer(void **state)
{
	static const uint64_t sizes[] = { 1 << 20, 100 };
	struct fixture *f = *state;
	struct logs_query q = { .match = writes_on };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		open_source(f, 0, sizes[i], 400);
		for (q.tail = 0; q.tail < 8; q.tail++) {
			char last = (char)('a' + f->turn % 26);

			writes_on(f, NULL);
			read_all(f, 1, &q);
			assert_int_equal(f->n, q.tail);
			if (q.tail)
				assert_int_equal(f->seen.data[f->seen.len - 2], last);
		}
	}
}

static bool empty_by_hand(void *arg)
{
	struct fixture *f = arg;

	if (f->turn++ == 1)
		assert_int_equal(ftruncate(f->s[0].fd, 0), 0);
	if (f->turn == 4)
		put(f, 0, T0, "new");
	return f->turn == 4;
}

static void follow_a_file_emptied_by_hand(void **state)
{
	struct fixture *f = *state;

	open_source(f, 0, 1000, 3);
	put(f, 0, T0, "old");
	assert_string_equal(follow(f, 1, empty_by_hand, -1), "0:old 0:new ");
}

/*
 * ---- following a writer that runs at the same time
 * --------------------------------------------------
 */

#define LINES 30000

static int count_up(void *arg, size_t source, const struct logs_line *line)
{
	struct fixture *f = arg;

	(void)source;
	assert_int_equal(atoi(line->text), f->last + 1);
	f->last++;
	return f->last == LINES;
}

static void follow_a_quick_writer(void **state)
{
	struct fixture *f = *state;
	const struct logs_query q = { .tail = -1, .follow = true };
	struct err err = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		open_source(f, 0, 40000, 1000);
		for (int i = 1; i <= LINES; i++) {
			char text[24];

			snprintf(text, sizeof(text), "%d", i);
			put(f, 0, T0, text);
		}
		_exit(0);
	}
	assert_int_equal(logs_read(f->sources, 1, &q, count_up, f, &err), 0);
	assert_int_equal(f->last, LINES);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int measure_delay(void *arg, size_t source, const struct logs_line *line)
{
	struct fixture *f = arg;

	(void)source;
	f->last_ns = time_wall_ns() - line->wall_ns;
	return 1;
}

/* A change wakes the reader; without that it would look again only after 200 ms. */
static void follow_is_woken(void **state)
{
	enum { QUICK_NS = 100000000 };
	struct fixture *f = *state;
	const struct logs_query q = { .tail = 0, .follow = true };
	uint64_t best = UINT64_MAX;

	open_source(f, 0, 100000, 3);
	/* A busy machine has its own delays: one quick reading is enough. */
	for (int i = 0; i < 50 && best >= QUICK_NS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			usleep(30000);
			put(f, 0, time_wall_ns(), "x");
			_exit(0);
		}
		assert_int_equal(logs_read(f->sources, 1, &q, measure_delay, f, NULL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (f->last_ns < best)
			best = f->last_ns;
	}
	assert_true(best < QUICK_NS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(merged_by_time),
		TEST(since_and_until),
		TEST(tail_over_segments),
		TEST(tail_of_unfinished_line),
		TEST(tail_of_much),
		TEST(damaged_lines_are_skipped),
		TEST(big_lines),
		TEST(reading_ends_under_a_busy_writer),
		TEST(errors_name_the_folder),
		TEST(follow_sees_whole_records_only),
		TEST(follow_waits_for_folders),
		TEST(follow_over_rotations),
		TEST(follow_after_being_overtaken),
		TEST(overtaken_without_a_count),
		TEST(only_what_matches),
		TEST(tail_under_a_busy_writer),
		TEST(follow_a_file_emptied_by_hand),
		TEST(follow_a_quick_writer),
		TEST(follow_is_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
