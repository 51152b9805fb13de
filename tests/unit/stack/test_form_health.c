/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_health: what is kept of a health check, the defaults that the model fills in, and what is wrong. */
#include <stdio.h>

#include "unit/stack/service_case.h"

#define S INT64_C(1000000000)

static void test_forms(void **state)
{
	static const struct {
		const char *check, *json;
	} cases[] = {
		{ "test: curl -f a | cat", "{\"test\":[\"CMD-SHELL\",\"curl -f a | cat\"]}" },
		{ "test: \"\"", "{\"test\":[\"CMD-SHELL\",\"\"]}" },
		{ "test: [CMD, curl, \"a b\"]", "{\"test\":[\"CMD\",\"curl\",\"a b\"]}" },
		{ "test: [CMD-SHELL, exit 0]", "{\"test\":[\"CMD-SHELL\",\"exit 0\"]}" },
		{ "test: [NONE]", "{\"test\":[\"NONE\"]}" },
		/* The image's own. */
		{ "test: []", "{}" },
		{ "disable: true", "{\"disable\":true}" },
		{ "disable: false, retries: 2", "{\"retries\":2}" },
		{ "disable: true, test: a, retries: 0",
		  "{\"disable\":true,\"retries\":0,\"test\":[\"CMD-SHELL\",\"a\"]}" },
		{ "timeout: 90s, interval: 1500ms, retries: \"3\", start_period: 1h, start_interval: 2s",
		  "{\"interval\":\"1.5s\",\"retries\":3,\"start_interval\":\"2s\",\"start_period\":\"1h0m0s\","
		  "\"timeout\":\"1m30s\"}" },
		{ "x-mine: [1]", "{\"x-mine\":[1]}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("healthcheck: {%s}", cases[i].check);

		expect_form(keys, "healthcheck", cases[i].json);
	}
}

static struct stack_health load_health(const char *check, struct loaded *l)
{
	_cleanup_free_ char *yaml =
		xasprintf("services: {web: {image: a, healthcheck: {%s}}}\n", check);

	*l = load_text(yaml);
	assert_string_equal(l->text, "");
	return l->stack->services[0].health;
}

/* Zero is as good as nothing: what holds then is for plan, which knows the image. */
static void test_not_given(void **state)
{
	struct loaded l;
	struct stack_health h = load_health("test: a, interval: 0s, retries: 0", &l);

	(void)state;
	assert_true(h.given);
	assert_false(h.disable);
	assert_int_equal(h.interval_ns, 0);
	assert_int_equal(h.timeout_ns, 0);
	assert_int_equal(h.start_period_ns, 0);
	assert_int_equal(h.start_interval_ns, 0);
	assert_int_equal(h.retries, 0);
	assert_int_equal(h.test.n, 2);
	loaded_fini(&l);
	h = load_health(
		"interval: 1s, timeout: 2s, start_period: 3s, start_interval: 4s, retries: 5", &l);
	assert_int_equal(h.interval_ns, 1 * S);
	assert_int_equal(h.timeout_ns, 2 * S);
	assert_int_equal(h.start_period_ns, 3 * S);
	assert_int_equal(h.start_interval_ns, 4 * S);
	assert_int_equal(h.retries, 5);
	assert_false(h.test.given);
	loaded_fini(&l);
	h = load_health("test: [NONE]", &l);
	assert_true(h.disable);
	loaded_fini(&l);
	h = load_health("disable: \"true\"", &l);
	assert_true(h.disable);
	loaded_fini(&l);
}

static void test_wrong(void **state)
{
	(void)state;
	expect_error("healthcheck: {test: [echo, a]}",
		     "the list must begin with CMD, CMD-SHELL or NONE");
	expect_error("healthcheck: {test: [CMD]}", "there is no command behind CMD");
	expect_error("healthcheck: {test: [CMD, 1]}", "test[1]: must be a string, not a number");
	expect_error("healthcheck: {test: 1}", "must be a string or a list, not a number");
	expect_error("healthcheck: {interval: soon}", "interval: 'soon' is not a duration");
	expect_error("healthcheck: {interval: 30}", "interval: must be a string, not a number");
	expect_error("healthcheck: {retries: -1}", "healthcheck.retries: must not be negative");
	expect_error("healthcheck: {retries: 2147483648}", "or larger than 2147483647");
	expect_error("healthcheck: {period: 3s}", "unknown key 'period'");
	expect_error("healthcheck: [a]", "must be a map, not a list");
	expect_warning("healthcheck: {test: a, start_interval: 1s}", "healthcheck",
		       "{\"start_interval\":\"1s\",\"test\":[\"CMD-SHELL\",\"a\"]}",
		       "start_interval: has no effect without 'start_period'");
	expect_warning("healthcheck: {start_period: 0s, start_interval: 1s}", "healthcheck",
		       "{\"start_interval\":\"1s\",\"start_period\":\"0s\"}",
		       "start_interval: has no effect without 'start_period'");
	expect_form("healthcheck: {x-probe: {tcp: 80}}", "healthcheck",
		    "{\"x-probe\":{\"tcp\":80}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_not_given),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
