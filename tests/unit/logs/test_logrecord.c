/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of logs/logrecord.c: heads that we write can be read, and nothing else is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "logs/logrecord.h"

#define WALL_NS 1769853600123456789ULL

static void written_heads_are_read(void **state)
{
	static const char *const want[] = {
		[LOGS_STDOUT] = "2026-01-31T10:00:00.123456789Z stdout F ",
		[LOGS_STDERR] = "2026-01-31T10:00:00.123456789Z stderr F ",
		[LOGS_MSTACK] = "2026-01-31T10:00:00.123456789Z mstack F ",
	};

	(void)state;
	for (enum logs_fd fd = LOGS_STDOUT; fd <= LOGS_MSTACK; fd++) {
		char record[RECORD_HEAD + 5];
		struct logs_line line;

		record_head(record, WALL_NS, fd);
		assert_memory_equal(record, want[fd], RECORD_HEAD);
		record_set_partial(record, true);
		memcpy(record + RECORD_HEAD, "a\0 b ", 5);
		assert_int_equal(record_parse(record, sizeof(record), &line), 0);
		assert_int_equal(line.wall_ns, WALL_NS);
		assert_int_equal(line.fd, fd);
		assert_true(line.partial);
		assert_int_equal(line.len, 5);
		assert_memory_equal(line.text, "a\0 b ", 5);
		record_set_partial(record, false);
		assert_int_equal(record_parse(record, RECORD_HEAD, &line), 0);
		assert_false(line.partial);
		assert_int_equal(line.len, 0);
	}
}

static void others_may_write_shorter_stamps(void **state)
{
	static const char record[] = "2026-01-31T11:00:00.1+01:00 stderr P text";
	struct logs_line line;

	(void)state;
	assert_int_equal(record_parse(record, sizeof(record) - 1, &line), 0);
	assert_int_equal(line.wall_ns, 1769853600100000000ULL);
	assert_int_equal(line.fd, LOGS_STDERR);
	assert_int_equal(line.len, 4);
}

static void nothing_else_is_a_record(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"text",
		" stdout F text",
		"2026-01-31T10:00:00.123456789Z",
		"2026-01-31T10:00:00.123456789Z ",
		"2026-01-31T10:00:00.123456789Z stdout",
		"2026-01-31T10:00:00.123456789Z stdout F",
		"2026-01-31T10:00:00.123456789Z stdout X text",
		"2026-01-31T10:00:00.123456789Z stdout Ftext",
		"2026-01-31T10:00:00.123456789Z stdin  F text",
		"2026-01-31T10:00:00.123456789Z  stdout F text",
		"2026-13-31T10:00:00.123456789Z stdout F text",
		"2026-01-31T10:00:00.12345678900000000000000000Z stdout F text",
	};
	struct logs_line line = { .len = 99 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(record_parse(bad[i], strlen(bad[i]), &line), -1);
	assert_int_equal(line.len, 99);
}

static void every_beginning_is_refused_or_a_beginning(void **state)
{
	char record[RECORD_HEAD];
	struct logs_line line;

	(void)state;
	record_head(record, WALL_NS, LOGS_STDOUT);
	for (size_t len = 0; len < RECORD_HEAD; len++) {
		/* On the heap, where a sanitizer sees a byte too many being read. */
		char *copy = xcalloc(1, len + 1);

		copy = xrealloc(copy, len ? len : 1);
		memcpy(copy, record, len);
		assert_int_equal(record_parse(copy, len, &line), -1);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_heads_are_read),
		cmocka_unit_test(others_may_write_shorter_stamps),
		cmocka_unit_test(nothing_else_is_a_record),
		cmocka_unit_test(every_beginning_is_refused_or_a_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
