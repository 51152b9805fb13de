/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_hook: the commands of post_start, pre_stop and pre_start in their canonical form, and what is wrong. */
#include <stdio.h>

#include "unit/stack/service_case.h"

static void test_forms(void **state)
{
	static const struct {
		const char *key, *hooks, *json;
	} cases[] = {
		{ "post_start", "[{command: ./go \"a b\"}]", "[{\"command\":[\"./go\",\"a b\"]}]" },
		{ "pre_stop", "[{command: [a], user: root, privileged: true, working_dir: /srv}]",
		  "[{\"command\":[\"a\"],\"privileged\":true,\"user\":\"root\",\"working_dir\":\"/srv\"}]" },
		{ "post_start",
		  "[{command: a, environment: [A=1, HOME, NOPE]}, {command: b, environment: {C: 2}}]",
		  "[{\"command\":[\"a\"],\"environment\":{\"A\":\"1\",\"HOME\":\"/home/user\",\"NOPE\":null}},"
		  "{\"command\":[\"b\"],\"environment\":{\"C\":\"2\"}}]" },
		{ "pre_start", "[{image: ./i, per_replica: false, command: a}, {image: b}]",
		  "[{\"command\":[\"a\"],\"image\":\"/p/i\",\"per_replica\":false},{\"image\":\"b\"}]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("%s: %s", cases[i].key, cases[i].hooks);

		expect_form(keys, cases[i].key, cases[i].json);
	}
	expect_form("post_start: []", "post_start", "[]");
}

static void test_wrong(void **state)
{
	static const struct {
		const char *keys, *why;
	} cases[] = {
		{ "post_start: {command: a}", "must be a list, not a map" },
		{ "post_start: [a]", "post_start[0]: must be a map, not a string" },
		{ "pre_stop: [{user: a}]", "pre_stop[0]: 'command' is missing" },
		{ "pre_stop: [{command: a, image: b}]", "unknown key 'image'" },
		{ "pre_stop: [{command: a, user: 0}]",
		  "pre_stop[0].user: must be a string, not a number" },
		{ "pre_start: [{command: a, when: now}]", "unknown key 'when'" },
		{ "pre_start: [{command: a, privileged: perhaps}]",
		  "'perhaps' is neither true nor false" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *yaml =
			xasprintf("services: {web: {image: a, %s}}\n", cases[i].keys);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);

		assert_int_equal(l.result, 1);
		assert_int_equal(stack_diags_errors(l.diags), 1);
		if (!strstr(l.text, cases[i].why))
			fail_msg("'%s' is not in: %s", cases[i].why, l.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
