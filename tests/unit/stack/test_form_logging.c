/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_logging: driver and options are texts; what is wrong. */
#include "unit/stack/service_case.h"

static void test_forms(void **state)
{
	(void)state;
	expect_warning(
		"logging: {driver: json-file, options: {max-size: 10m, max-file: 3, tag: }}",
		"logging",
		"{\"driver\":\"json-file\",\"options\":{\"max-size\":\"10m\",\"max-file\":\"3\",\"tag\":\"\"}}",
		"logging.options.tag: has no effect with this driver");
	expect_warning("logging: {options: {x-a: \"1\"}}", "logging",
		       "{\"options\":{\"x-a\":\"1\"}}",
		       "logging.options.x-a: has no effect with this driver");
	expect_form("logging: {driver: none, x-why: quiet}", "logging",
		    "{\"driver\":\"none\",\"x-why\":\"quiet\"}");
	expect_form("logging: {}", "logging", "{}");
}

static void test_wrong(void **state)
{
	(void)state;
	expect_error("logging: none", "must be a map, not a string");
	expect_error("logging: {drivr: none}", "did you mean 'driver'?");
	expect_error("logging: {driver: 1}", "logging.driver: must be a string, not a number");
	expect_error("logging: {driver: json-file, options: [a=b]}",
		     "options: must be a map, not a list");
	expect_error("logging: {options: {max-size: true}}",
		     "max-size: must be a string or a number, not a truth value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
