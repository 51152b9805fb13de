/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bar: what the line says, in wide and narrow terminals, at any size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/bar.h"

#define MIB (1ull << 20)

static void test_lines(void **state)
{
	static const struct {
		uint64_t done, total, ms;
		unsigned width;
		const char *line;
		uint64_t began;
	} t[] = {
		{ 60 * MIB, 100 * MIB, 1000, 0, " 60%  60.0 MiB / 100.0 MiB  10.0 MiB/s  4s left",
		  50 * MIB },
		{ MIB, 4 * MIB, 1000, 0, " 25%  1.0 MiB / 4.0 MiB", MIB },
		{ 0, MIB, 0, 0, "  0%  0 B / 1.0 MiB", 0 },
		{ MIB, MIB, 2000, 0, "100%  1.0 MiB / 1.0 MiB  512.0 KiB/s", 0 },
		{ 10 * MIB, 100 * MIB, 1000, 0, " 10%  10.0 MiB / 100.0 MiB  10.0 MiB/s  9s left",
		  0 },
		{ 10 * MIB, 100 * MIB, 400, 0, " 10%  10.0 MiB / 100.0 MiB", 0 },
		{ 2 * MIB, MIB, 0, 0, "100%  1.0 MiB / 1.0 MiB", 0 },
		{ 0, MIB, 0, 43, "[....................]   0%  0 B / 1.0 MiB", 0 },
		{ MIB / 2, MIB, 0, 70,
		  "[####################....................]  50%  512.0 KiB / 1.0 MiB", 0 },
		{ UINT64_MAX, UINT64_MAX, 1, 0, NULL, 0 },
		{ UINT64_MAX / 2, UINT64_MAX, UINT64_MAX, 200, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct buf b = { 0 };
		unsigned width = t[i].width;

		cli_bar_line(t[i].done, t[i].began, t[i].total, t[i].ms, width, &b);
		if (t[i].line)
			assert_string_equal(buf_str(&b), t[i].line);
		if (width)
			assert_true(b.len <= width);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
