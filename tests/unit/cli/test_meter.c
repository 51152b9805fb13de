/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of a container in docker's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/client.h"
#include "cli/meter.h"

static void test_units(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *binary, *decimal;
	} t[] = {
		{ 0, "0B", "0B" },
		{ 999, "999B", "999B" },
		{ 1000, "1000B", "1kB" },
		{ 1536, "1.5KiB", "1.54kB" },
		{ 1298432, "1.238MiB", "1.3MB" },
		{ 2147483648, "2GiB", "2.15GB" },
		{ UINT64_MAX, "1.638e+04PiB", "1.84e+04PB" },
	};
	char text[24];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		cli_meter_binary(t[i].bytes, text, sizeof(text));
		assert_string_equal(text, t[i].binary);
		cli_meter_decimal(t[i].bytes, text, sizeof(text));
		assert_string_equal(text, t[i].decimal);
	}
}

static json_t *show(const struct box_usage *u, const struct cli_meter *before,
		    const struct cli_meter *now)
{
	json_t *row = json_object();

	cli_meter_show(row, u, before, now);
	return row;
}

static void test_known(void **state)
{
	const struct box_usage u = {
		.cpu_us = 3000000,
		.memory = 64 << 20,
		.memory_max = 256 << 20,
		.tasks = 7,
		.read = 2000,
		.written = 5,
		.net = true,
		.received = 1500,
		.sent = 10,
	};
	const struct cli_meter before = { NULL, 1, 1500000, 1000000000 };
	const struct cli_meter now = { NULL, 1, 3000000, 2000000000 };
	json_t *row = show(&u, &before, &now);

	(void)state;
	assert_string_equal(cli_string(row, "CPUPerc"), "150.00%");
	assert_string_equal(cli_string(row, "MemUsage"), "64MiB / 256MiB");
	assert_string_equal(cli_string(row, "MemPerc"), "25.00%");
	assert_string_equal(cli_string(row, "NetIO"), "1.5kB / 10B");
	assert_string_equal(cli_string(row, "BlockIO"), "2kB / 5B");
	assert_string_equal(cli_string(row, "PIDs"), "7");
	assert_int_equal(json_integer_value(json_object_get(row, "MemBytes")), 64 << 20);
	assert_int_equal(json_integer_value(json_object_get(row, "NetTxBytes")), 10);
	assert_int_equal(json_integer_value(json_object_get(row, "Tasks")), 7);
	json_decref(row);
}

static void test_unknown(void **state)
{
	const struct box_usage u = { .missing = BOX_WANT_MEMORY | BOX_WANT_PIDS | BOX_WANT_IO };
	const struct cli_meter now = { NULL, 1, 5, 5 };
	json_t *rows[] = { show(&u, NULL, &now), show(NULL, &now, &now) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(cli_string(rows[i], "CPUPerc"), "--");
		assert_string_equal(cli_string(rows[i], "MemUsage"), "-- / --");
		assert_string_equal(cli_string(rows[i], "NetIO"), "-- / --");
		assert_string_equal(cli_string(rows[i], "PIDs"), "--");
		assert_true(json_is_null(json_object_get(rows[i], "MemBytes")));
		json_decref(rows[i]);
	}
}

/* A count that went back, or no time between: no rate, and no nonsense. */
static void test_odd_times(void **state)
{
	const struct box_usage u = { .net = true };
	const struct cli_meter later = { NULL, 1, 10, 2000 }, earlier = { NULL, 1, 20, 1000 };
	json_t *rows[] = { show(&u, &later, &later), show(&u, &later, &earlier),
			   show(&u, &earlier, &later) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(cli_string(rows[i], "CPUPerc"), "0.00%");
		json_decref(rows[i]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_odd_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
