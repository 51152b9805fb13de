/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_limits: CPUs, processes, capabilities, rlimits, sysctls: what the model holds, and what is refused. */
#include <stdio.h>
#include <sys/resource.h>

#include "unit/stack/fixture.h"

static struct loaded load_keys(const char *keys)
{
	_cleanup_free_ char *yaml = xasprintf("services: {web: {image: a, %s}}\n", keys);

	return load_text(yaml);
}

static void expect_refused(const char *keys, const char *why)
{
	_cleanup_(loaded_fini) struct loaded l = load_keys(keys);

	assert_int_equal(l.result, 1);
	assert_int_equal(stack_diags_errors(l.diags), 1);
	if (!strstr(l.text, why))
		fail_msg("'%s' is not in: %s", why, l.text);
}

static void test_cpus(void **state)
{
	static const struct {
		const char *text;
		int64_t thousandths;
	} cases[] = {
		{ "0", 0 },	    { "1", 1000 },	 { "0.5", 500 },
		{ ".25", 250 },	    { "\"1.5\"", 1500 }, { "0.001", 1 },
		{ "1.9999", 2000 }, { "1e1", 10000 },	 { "100000", 100000000 },
	};
	static const char *const bad[] = { "inf", "nan",  "-1",	    "+1",    "\"1 \"",
					   "1x",  "\"\"", "100001", "\" 1\"" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("cpus: %s", cases[i].text);
		_cleanup_(loaded_fini) struct loaded l = load_keys(keys);

		assert_string_equal(l.text, "");
		assert_true(l.stack->services[0].cpus.given);
		assert_int_equal(l.stack->services[0].cpus.value, cases[i].thousandths);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ char *keys = xasprintf("cpus: %s", bad[i]);

		expect_refused(keys, "is not a number of CPUs");
	}
	expect_refused("cpus: 0.0009", "0.001 is the least");
}

/* Both of the words for "no limit" become one. */
static void test_pids(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} cases[] = {
		{ "-1", -1 },
		{ "0", -1 },
		{ "1", 1 },
		{ "\"100\"", 100 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("pids_limit: %s", cases[i].text);
		_cleanup_(loaded_fini) struct loaded l = load_keys(keys);

		assert_string_equal(l.text, "");
		assert_true(l.stack->services[0].pids_limit.given);
		assert_int_equal(l.stack->services[0].pids_limit.value, cases[i].value);
	}
	expect_refused("pids_limit: -2", "write -1 for no limit");
	expect_refused("pids_limit: many", "is not a whole number");
}

static void test_capabilities(void **state)
{
	_cleanup_(loaded_fini) struct loaded l =
		load_keys("cap_add: [NET_ADMIN, cap_sys_time, Cap_Bpf, all], cap_drop: [ALL]");
	static const char *const want[] = { "NET_ADMIN", "SYS_TIME", "BPF", "ALL" };
	const struct stack_service *s = &l.stack->services[0];

	(void)state;
	assert_string_equal(l.text, "");
	assert_int_equal(s->cap_add.n, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(s->cap_add.v[i].text, want[i]);
	assert_true(s->cap_drop.given);
	assert_int_equal(s->cap_drop.n, 1);
	expect_refused("cap_add: [NET_ADMN]", "did you mean 'NET_ADMIN'?");
	expect_refused("cap_add: [CAP_CAP_CHOWN]",
		       "cap_add[0]: 'CAP_CAP_CHOWN' is not a capability");
	expect_refused("cap_drop: [CHOWN, \"\"]", "cap_drop[1]: '' is not a capability");
	expect_refused("cap_add: NET_ADMIN", "must be a list, not a string");
}

static void test_ulimits(void **state)
{
	static const struct {
		const char *text;
		int resource;
		int64_t soft, hard;
	} cases[] = {
		{ "nofile: 1024", RLIMIT_NOFILE, 1024, 1024 },
		{ "nproc: \"7\"", RLIMIT_NPROC, 7, 7 },
		{ "core: 0", RLIMIT_CORE, 0, 0 },
		{ "memlock: -1", RLIMIT_MEMLOCK, -1, -1 },
		{ "stack: {soft: 1, hard: 2}", RLIMIT_STACK, 1, 2 },
		{ "rtprio: {soft: 1, hard: -1}", RLIMIT_RTPRIO, 1, -1 },
		{ "cpu: {soft: 0, hard: 0}", RLIMIT_CPU, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("ulimits: {%s}", cases[i].text);
		_cleanup_(loaded_fini) struct loaded l = load_keys(keys);
		const struct stack_ulimit *u;

		assert_string_equal(l.text, "");
		assert_int_equal(l.stack->services[0].n_ulimits, 1);
		u = l.stack->services[0].ulimits;
		assert_int_equal(u->resource, cases[i].resource);
		assert_int_equal(u->soft, cases[i].soft);
		assert_int_equal(u->hard, cases[i].hard);
	}
	expect_refused("ulimits: {nofiles: 1}", "there is no such limit");
	expect_refused("ulimits: {nofile: -2}", "soft -2, hard -2");
	expect_refused("ulimits: {nofile: {soft: -1, hard: 5}}", "must not be above the hard one");
	expect_refused("ulimits: {nofile: {hard: 5}}", "both 'soft' and 'hard' must be given");
	expect_refused("ulimits: {nofile: [1]}",
		       "must be a string or a number or a map, not a list");
	expect_refused("ulimits: [nofile]", "must be a map, not a list");
}

static void test_sysctls(void **state)
{
	static const char *const good[] = {
		"net.ipv4.ip_forward", "net.core.somaxconn",	 "fs.mqueue.msg_max",
		"kernel.sem",	       "kernel.shm_rmid_forced",
	};
	/* Of the host as a whole; and ways to get out of the folder. */
	static const char *const bad[] = {
		"vm.swappiness", "kernel.hostname", "kernel.core_pattern", "fs.file-max",
		"net",		 "net.../kernel.x", "net.ipv4/../x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		_cleanup_free_ char *keys = xasprintf("sysctls: [\"%s=1\"]", good[i]);
		_cleanup_(loaded_fini) struct loaded l = load_keys(keys);

		assert_string_equal(l.text, "");
		assert_int_equal(l.stack->services[0].sysctls.n, 1);
		assert_string_equal(l.stack->services[0].sysctls.v[0].key, good[i]);
		assert_string_equal(l.stack->services[0].sysctls.v[0].value, "1");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ char *keys = xasprintf("sysctls: {\"%s\": 1}", bad[i]);

		expect_refused(keys, "belongs to the whole host");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpus),	     cmocka_unit_test(test_pids),
		cmocka_unit_test(test_capabilities), cmocka_unit_test(test_ulimits),
		cmocka_unit_test(test_sysctls),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
