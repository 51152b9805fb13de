/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * duration: what compose files write, and what Go prints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mstack/base.h"

#define US INT64_C(1000)
#define MS (1000 * US)
#define S  (1000 * MS)
#define M  (60 * S)
#define H  (60 * M)

static void test_parse_good(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "+0", 0 },
		{ "-0", 0 },
		{ "1ns", 1 },
		{ "1us", US },
		{ "1\u00b5s", US },
		{ "1\u03bcs", US },
		{ "500ms", 500 * MS },
		{ "10s", 10 * S },
		{ "1m30s", 90 * S },
		{ "1h", H },
		{ "1d", 24 * H },
		{ "2w", 14 * 24 * H },
		{ "1.5h", 90 * M },
		{ ".5s", S / 2 },
		{ "5.s", 5 * S },
		{ "-1.5s", -3 * S / 2 },
		{ "+2s", 2 * S },
		{ "1h1h", 2 * H },
		{ "30s1h", H + 30 * S },
		{ "0.1s", 100 * MS },
		{ "1.000000001s", S + 1 },
		{ "0.3ns", 0 },
		{ "2540400h10m10.000000000s", 2540400 * H + 10 * M + 10 * S },
		{ "9223372036854775807ns", INT64_MAX },
		{ "-9223372036854775807ns", -INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ns = 42;

		if (duration_parse(cases[i].text, &ns) || ns != cases[i].ns)
			fail_msg("'%s' gave %lld", cases[i].text, (long long)ns);
	}
}

static void test_parse_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"-",
		"+",
		"1",
		"10",
		"00",
		"0.0",
		"s",
		"ms",
		".s",
		"-.s",
		"1 s",
		" 1s",
		"1s ",
		"1S",
		"1Ms",
		"1x",
		"1sx",
		"1s1",
		"--1s",
		"1s-1s",
		"1,5s",
		"1e3s",
		"9223372036854775808ns",
		"9223372036854775807ns1ns",
		"300y",
		"16000w",
		"99999999999999999999s",
		"1m\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t ns = 42;

		if (!duration_parse(bad[i], &ns))
			fail_msg("'%s' was taken as %lld", bad[i], (long long)ns);
		assert_true(ns == 42);
	}
}

/* The texts are those of Go's time.Duration.String. */
static void test_format(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0s" },
		{ 1, "1ns" },
		{ 999, "999ns" },
		{ 1100, "1.1\u00b5s" },
		{ US, "1\u00b5s" },
		{ 2200 * US, "2.2ms" },
		{ 500 * MS, "500ms" },
		{ 999999999, "999.999999ms" },
		{ S, "1s" },
		{ 3300 * MS, "3.3s" },
		{ 90 * S, "1m30s" },
		{ M, "1m0s" },
		{ 4 * M + 5 * S, "4m5s" },
		{ 4 * M + 5001 * MS, "4m5.001s" },
		{ H, "1h0m0s" },
		{ 5 * H + 6 * M + 7001 * MS, "5h6m7.001s" },
		{ 8 * M + 1, "8m0.000000001s" },
		{ 24 * H, "24h0m0s" },
		{ -90 * S, "-1m30s" },
		{ -1, "-1ns" },
		{ INT64_MAX, "2562047h47m16.854775807s" },
		{ INT64_MIN, "-2562047h47m16.854775808s" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		duration_format(cases[i].ns, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void test_round_trip(void **state)
{
	char text[64];
	int64_t back;

	(void)state;
	/* Steps that meet all magnitudes from 1 ns to 290 years. */
	for (int64_t ns = 1; ns < INT64_MAX / 3; ns = ns * 3 - ns / 7 + 1) {
		duration_format(ns, text, sizeof(text));
		assert_int_equal(duration_parse(text, &back), 0);
		assert_true(back == ns);
		duration_format(-ns, text, sizeof(text));
		assert_int_equal(duration_parse(text, &back), 0);
		assert_true(back == -ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_good),
		cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests_name("duration", tests, NULL, NULL);
}
