/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * size: what compose files write, and what people read. Tables of cases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mstack/base.h"

#define KIB 1024ll
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)
#define PIB (1024 * TIB)

static const struct {
	const char *text;
	int64_t bytes;
} good[] = {
	{ "0", 0 },
	{ "1024", 1024 },
	{ "64m", 64 * MIB },
	{ "64M", 64 * MIB },
	{ "64 mb", 64 * MIB },
	{ "1.5gb", 3 * GIB / 2 },
	{ "1.5GiB", 3 * GIB / 2 },
	{ ".5k", 512 },
	{ "5.k", 5 * KIB },
	{ "2ki", 2 * KIB },
	{ "7b", 7 },
	{ "7 B", 7 },
	{ "1t", TIB },
	{ "3p", 3 * PIB },
	{ "-1", -1 },
	{ "0.0", 0 },
	{ "0.1g", 107374182 },
	{ "9223372036854775807", INT64_MAX },
	{ "8191p", 8191 * PIB },
	{ "1.0000000000000000000001k", KIB },
};

static const char *const bad[] = {
	"",
	" ",
	"-",
	"-2",
	"-1m",
	"+1",
	"m",
	".",
	".m",
	"1..5m",
	"1.5.m",
	"64x",
	"64mx",
	"64 m ",
	"64  m",
	"64m b",
	"64bb",
	"64ib",
	" 64m",
	"64 ",
	"1e3",
	"0x10",
	"0.5",
	"0.0001k",
	"8192p",
	"9223372036854775808",
	"18446744073709551616",
	"99999999999999999999999999",
	"1\n",
	"64m\n",
};

static void test_parse_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int64_t bytes = -2;

		if (size_parse(good[i].text, &bytes) || bytes != good[i].bytes)
			fail_msg("'%s' gave %lld", good[i].text, (long long)bytes);
	}
}

static void test_parse_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t bytes = 42;

		if (!size_parse(bad[i], &bytes))
			fail_msg("'%s' was taken as %lld", bad[i], (long long)bytes);
		assert_int_equal(bytes, 42);
	}
}

static void test_format(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },	{ 12897485, "12.3 MiB" },
		{ MIB - 1, "1.0 MiB" }, { GIB * 3 / 2, "1.5 GiB" },
		{ 5 * TIB, "5.0 TiB" }, { UINT64_MAX, "16.0 EiB" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_format(cases[i].bytes, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_good),
		cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests_name("size", tests, NULL, NULL);
}
