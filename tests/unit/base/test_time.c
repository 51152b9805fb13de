/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * time: stamps against gmtime_r, and what is no stamp.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "mstack/base.h"

#define NS UINT64_C(1000000000)

static void check_round_trip(uint64_t wall_ns)
{
	char stamp[TIME_STAMP_SIZE], wanted[TIME_STAMP_SIZE + 40];
	time_t s = (time_t)(wall_ns / NS);
	struct tm tm;
	uint64_t back;
	size_t n;

	assert_non_null(gmtime_r(&s, &tm));
	n = strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(wanted + n, sizeof(wanted) - n, ".%09uZ", (unsigned)(wall_ns % NS));
	n = time_stamp(wall_ns, stamp);
	assert_int_equal(n, strlen(stamp));
	assert_string_equal(stamp, wanted);
	assert_int_equal(time_parse_stamp(stamp, &back), 0);
	assert_true(back == wall_ns);
}

/* Every day from 1970 to 2553, at a time of day that moves along. */
static void test_every_day(void **state)
{
	(void)state;
	for (uint64_t day = 0; day < 213000; day++)
		check_round_trip((day * 86400 + day % 86400) * NS + day * 4567 % NS);
}

static void test_borders(void **state)
{
	static const uint64_t seconds[] = { 0,	       86399,	   951782399, 951782400,
					    951868800, 4107542399, 4107542400 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
		check_round_trip(seconds[i] * NS);
		check_round_trip(seconds[i] * NS + NS - 1);
	}
}

static void test_parse_forms(void **state)
{
	static const struct {
		const char *text;
		uint64_t wall_ns;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T01:00:00+01:00", 0 },
		{ "2026-01-31T10:00:00Z", 1769853600 * NS },
		{ "2026-01-31T10:00:00.5Z", 1769853600 * NS + NS / 2 },
		{ "2026-01-31T10:00:00.123456789Z", 1769853600 * NS + 123456789 },
		{ "2026-01-31T10:00:00.1234567894Z", 1769853600 * NS + 123456789 },
		{ "2026-01-31T12:30:00+02:30", 1769853600 * NS },
		{ "2026-01-31T02:00:00-08:00", 1769853600 * NS },
		{ "2016-12-31T23:59:60Z", 1483228800 * NS },
		{ "2024-02-29T00:00:00Z", 1709164800 * NS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t wall_ns = 1;

		if (time_parse_stamp(cases[i].text, &wall_ns) || wall_ns != cases[i].wall_ns)
			fail_msg("'%s' gave %llu", cases[i].text, (unsigned long long)wall_ns);
	}
}

static void test_no_stamps(void **state)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-01-31",
		"2026-01-31T10:00",
		"2026-01-31T10:00:00",
		"2026-01-31 10:00:00Z",
		"2026-1-31T10:00:00Z",
		"2026-13-01T10:00:00Z",
		"2026-00-01T10:00:00Z",
		"2026-01-00T10:00:00Z",
		"2026-01-32T10:00:00Z",
		"2026-02-29T10:00:00Z",
		"2026-04-31T10:00:00Z",
		"2026-01-31T24:00:00Z",
		"2026-01-31T10:60:00Z",
		"2026-01-31T10:00:61Z",
		"2026-01-31T10:00:00.Z",
		"2026-01-31T10:00:00,5Z",
		"2026-01-31T10:00:00Zx",
		"2026-01-31T10:00:00+0100",
		"2026-01-31T10:00:00+24:00",
		"2026-01-31T10:00:00+01:60",
		"1969-12-31T23:59:59Z",
		"1970-01-01T00:30:00+01:00",
		"9999-12-31T23:59:59Z",
		"-026-01-31T10:00:00Z",
		"2026-01-31T10:00:0\xc0Z",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint64_t wall_ns = 42;

		if (!time_parse_stamp(bad[i], &wall_ns))
			fail_msg("'%s' was taken as %llu", bad[i], (unsigned long long)wall_ns);
		assert_true(wall_ns == 42);
	}
}

static void test_clocks(void **state)
{
	uint64_t ns = time_mono_ns(), ms = time_mono_ms(), wall = time_wall_ns();

	(void)state;
	assert_true(time_mono_ns() >= ns);
	assert_true(ms >= ns / 1000000 && ms - ns / 1000000 < 60000);
	assert_true(wall / NS >= (uint64_t)time(NULL) - 60 &&
		    wall / NS <= (uint64_t)time(NULL) + 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_day),   cmocka_unit_test(test_borders),
		cmocka_unit_test(test_parse_forms), cmocka_unit_test(test_no_stamps),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
