/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_host: extra_hosts in its three spellings, and dns. */
#include <stdio.h>

#include "unit/stack/service_case.h"

static void check(const char *keys, const char *want)
{
	_cleanup_free_ char *yaml = xasprintf("services: {web: {image: a, %s}}\n", keys);
	_cleanup_(loaded_fini) struct loaded l = load_text(yaml);

	assert_int_equal(l.result, 1);
	if (!strstr(l.text, want))
		fail_msg("%s: %s", keys, l.text);
}

static void test_hosts(void **state)
{
	static const struct { const char *hosts, *want; } cases[] = {
		{ "[\"db:10.0.0.1\"]", "[\"db=10.0.0.1\"]" },
		{ "[db=10.0.0.1, \"db:10.0.0.1\", db=10.0.0.2]", "[\"db=10.0.0.1\",\"db=10.0.0.2\"]" },
		{ "[\"h=::1\", \"i:[fd00::2]\", \"j:::3\", \"k=[::4]\"]", "[\"h=::1\",\"i=fd00::2\",\"j=::3\",\"k=::4\"]" },
		{ "[\"host.docker.internal:host-gateway\"]", "[\"host.docker.internal=host-gateway\"]" },
		{ "[\"db=10.0.0.1,[::1]\"]", "[\"db=10.0.0.1\",\"db=::1\"]" },
		{ "{db: 10.0.0.1, my_db: \"::1\"}", "[\"db=10.0.0.1\",\"my_db=::1\"]" },
		{ "{db: [10.0.0.1, \"[::1]\"]}", "[\"db=10.0.0.1\",\"db=::1\"]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("extra_hosts: %s", cases[i].hosts);

		expect_form(keys, "extra_hosts", cases[i].want);
	}
	expect_form("extra_hosts: []", "extra_hosts", "[]");
}

static void test_bad_hosts(void **state)
{
	(void)state;
	check("extra_hosts: [db]", "extra_hosts[0]: 'db' is not a host; write NAME=ADDRESS\n");
	check("extra_hosts: [\"db=other\"]", "extra_hosts[0]: 'other' is not an IP address\n");
	check("extra_hosts: [\"db=1.2.3\"]", "extra_hosts[0]: '1.2.3' is not an IP address\n");
	check("extra_hosts: [\"=1.2.3.4\"]", "extra_hosts[0]: '' is not a host name\n");
	check("extra_hosts: [\"a b=1.2.3.4\"]", "extra_hosts[0]: 'a b' is not a host name\n");
	check("extra_hosts: {\"a#\": 1.2.3.4}", "extra_hosts.a#: 'a#' is not a host name\n");
	check("extra_hosts: {a: [x]}", "extra_hosts.a[0]: 'x' is not an IP address\n");
	check("extra_hosts: {a: 5}", "extra_hosts.a: must be a string or a list, not a number\n");
	check("extra_hosts: [5]", "extra_hosts[0]: must be a string, not a number\n");
}

/* What variables leave that are not set can be looked at, but not run. */
static void test_empty(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = { 0 };

	(void)state;
	l = load_text("services: {web: {image: a, extra_hosts: [\"db:$NONE\"], dns: $NONE}}\n");
	assert_int_equal(l.result, 0);
	assert_non_null(strstr(l.text, "extra_hosts[0]: 'db' without an address: not supported yet"));
	assert_non_null(strstr(l.text, "dns: an empty address: not supported yet"));
}

static void test_merged(void **state)
{
	const char *paths[] = { "stack.yaml", "other.yaml" };
	struct stack_opts opts = { .paths = paths, .n_paths = 2, .project_name = "t", .env = fixture_env };
	static const char base[] = "services: {web: {image: a, extra_hosts: [\"a:1.2.3.4\"]}}\n",
			  over[] = "services: {web: {extra_hosts: {b: 1.2.3.5, a: 1.2.3.4}}}\n";
	_cleanup_(loaded_fini) struct loaded l = { 0 };
	_cleanup_free_ char *got = NULL;

	(void)state;
	fixture_write(paths[0], base, strlen(base));
	fixture_write(paths[1], over, strlen(over));
	l = load_opts(&opts);
	assert_int_equal(l.result, 0);
	got = service_value(l.stack, "extra_hosts");
	assert_string_equal(got, "[\"a=1.2.3.4\",\"b=1.2.3.5\"]");
}

static void test_dns(void **state)
{
	(void)state;
	expect_form("dns: 9.9.9.9", "dns", "[\"9.9.9.9\"]");
	expect_form("dns: [9.9.9.9, \"2620:fe::9\", 9.9.9.9]", "dns", "[\"9.9.9.9\",\"2620:fe::9\"]");
	check("dns: resolver", "service 'web': dns: 'resolver' is not an IP address\n");
	check("dns: [9.9.9.9, \"1.1.1.1:53\"]", "service 'web': dns[1]: '1.1.1.1:53' is not an IP address\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_bad_hosts),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_merged),
		cmocka_unit_test(test_dns),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
