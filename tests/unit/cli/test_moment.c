/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/moment.c: times as they are written, and spans as they are said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/moment.h"

static void test_spans(void **state)
{
	static const struct {
		uint64_t ms;
		const char *says;
	} rows[] = {
		{ 0, "0 ms" },	     { 99, "99 ms" },	       { 100, "0.1 s" },
		{ 999, "0.9 s" },    { 1000, "1 s" },	       { 1500, "1.5 s" },
		{ 9999, "9.9 s" },   { 10000, "10 s" },	       { 10500, "10 s" },
		{ 119999, "119 s" }, { 120000, "2 min" },      { 7199999, "119 min" },
		{ 7200000, "2 h" },  { 7500000, "2 h 5 min" }, { 172800000, "2 days" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char span[32];

		cli_moment_span(rows[i].ms, span, sizeof(span));
		assert_string_equal(span, rows[i].says);
	}
}

static void test_times(void **state)
{
	static const char *const bad[] = { "", "x", "-5m", "2026-13-01T00:00:00Z",
				   "2026-02-31", "2026-01-31T", "2026-01-31T10:00Z" };
	static const struct {
		const char *text;
		uint64_t s;
	} local[] = {
		{ "2026-01-31", 1769810400 },
		{ "2026-01-31T10:00", 1769846400 },
		{ "2026-01-31T10:00:07", 1769846407 },
		{ "2026-07-01T10:00", 1782889200 },
	};
	struct err err = { 0 };
	uint64_t ns = 7, now = time_wall_ns();

	(void)state;
	assert_int_equal(cli_moment_parse("c", "o", NULL, &ns, &err), 0);
	assert_int_equal(ns, 7);
	assert_int_equal(cli_moment_parse("c", "o", "1769853600", &ns, &err), 0);
	assert_int_equal(ns, 1769853600000000000u);
	assert_int_equal(cli_moment_parse("c", "o", "2026-01-31T10:00:00Z", &ns, &err), 0);
	assert_int_equal(ns, 1769853600000000000u);
	assert_int_equal(cli_moment_parse("c", "o", "10m", &ns, &err), 0);
	assert_true(ns >= now - 600000000000u && ns <= time_wall_ns() - 600000000000u);
	/* Two hours before UTC, three in summer. */
	setenv("TZ", "AAA-2BBB,M3.5.0,M10.5.0", 1);
	for (size_t i = 0; i < ARRAY_LEN(local); i++) {
		assert_int_equal(cli_moment_parse("c", "o", local[i].text, &ns, &err), 0);
		assert_int_equal(ns, local[i].s * 1000000000u);
	}
	assert_int_equal(cli_moment_parse("c", "o", "2026-01-31T10:00:07.5", &ns, &err), 0);
	assert_int_equal(ns, 1769846407500000000u);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(cli_moment_parse("c", "o", bad[i], &ns, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
