/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_limits: CPUs, processes, capabilities, rlimits, sysctls, disks: what is kept, what the model holds, what is wrong. */
#include <stdio.h>
#include <sys/resource.h>

#include "stack/form_limits.h"
#include "unit/stack/service_case.h"

static struct loaded load_keys(const char *keys)
{
	_cleanup_free_ char *yaml = xasprintf("services: {web: {image: a, %s}}\n", keys);

	return load_text(yaml);
}

static void test_cpus(void **state)
{
	static const struct {
		const char *text, *json;
		int64_t thousandths;
	} cases[] = {
		{ "0", "0", 0 },
		{ "1", "1", 1000 },
		{ "0.5", "0.5", 500 },
		{ ".25", "0.25", 250 },
		{ "\"1.500\"", "1.5", 1500 },
		{ "'0.70'", "0.7", 700 },
		{ "0.001", "0.001", 1 },
		{ "1.9999", "1.9999", 2000 },
		{ "0.3333", "0.3333", 333 },
		{ "1e1", "10", 10000 },
		{ "100000", "100000", 100000000 },
	};
	static const char *const bad[] = { "inf", "nan",  "-1",	    "+1",    "\"1 \"",
					   "1x",  "\"\"", "100001", "\" 1\"" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("cpus: %s", cases[i].text);
		_cleanup_(loaded_fini) struct loaded l = load_keys(keys);

		expect_form(keys, "cpus", cases[i].json);
		assert_true(l.stack->services[0].cpus.given);
		assert_int_equal(l.stack->services[0].cpus.value, cases[i].thousandths);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ char *keys = xasprintf("cpus: %s", bad[i]);

		expect_error(keys, "is not a number of CPUs");
	}
	expect_error("cpus: 0.0009", "0.001 is the least");
}

/* Both of the words for "no limit" are one in the model. */
static void test_pids(void **state)
{
	static const struct {
		const char *text, *json;
		int64_t value;
	} cases[] = {
		{ "-1", "-1", -1 },
		{ "0", "0", -1 },
		{ "1", "1", 1 },
		{ "\"100\"", "100", 100 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("pids_limit: %s", cases[i].text);
		_cleanup_(loaded_fini) struct loaded l = load_keys(keys);

		expect_form(keys, "pids_limit", cases[i].json);
		assert_true(l.stack->services[0].pids_limit.given);
		assert_int_equal(l.stack->services[0].pids_limit.value, cases[i].value);
	}
	expect_error("pids_limit: -2", "-2 processes: write -1 for no limit");
	expect_error("pids_limit: many", "is not a whole number");
}

static void test_cpuset(void **state)
{
	static const char *const good[] = { "0", "0-3", "0,2", "0-3,5,7-9", "3-3", "65535" };
	static const char *const bad[] = { "-", "0-",	   "3-1",   "0,,1", ",0", "0,",
					   "a", "0-3:1/2", "65536", " 0",   "0 ", "99999999999" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		_cleanup_free_ char *keys = xasprintf("cpuset: \"%s\"", good[i]);
		_cleanup_free_ char *json = xasprintf("\"%s\"", good[i]);

		expect_form(keys, "cpuset", json);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ char *keys = xasprintf("cpuset: \"%s\"", bad[i]);

		expect_error(keys, "is not a list of CPUs");
	}
	expect_form("cpuset: \"\"", "cpuset", "");
	expect_error("cpuset: 0", "must be a string, not a number");
}

static void test_oom_score(void **state)
{
	(void)state;
	expect_form("oom_score_adj: -1000", "oom_score_adj", "-1000");
	expect_form("oom_score_adj: \"1000\"", "oom_score_adj", "1000");
	expect_form("oom_score_adj: 0", "oom_score_adj", "0");
	expect_error("oom_score_adj: 1001", "1001: from -1000 to 1000 is possible");
	expect_error("oom_score_adj: -1001", "-1001: from -1000 to 1000 is possible");
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
	/* Printed as it was written. */
	expect_form("cap_add: [cap_net_raw, Chown, Chown]", "cap_add",
		    "[\"cap_net_raw\",\"Chown\"]");
	expect_error("cap_add: [NET_ADMN]", "did you mean 'NET_ADMIN'?");
	expect_error("cap_add: [CAP_CAP_CHOWN]", "cap_add[0]: 'CAP_CAP_CHOWN' is not a capability");
	expect_error("cap_drop: [CHOWN, \"\"]", "cap_drop[1]: '' is not a capability");
	expect_error("cap_add: NET_ADMIN", "must be a list, not a string");
	expect_error("cap_add: [1]", "cap_add[0]: must be a string, not a number");
}

static void test_ulimits(void **state)
{
	static const struct {
		const char *text, *json;
		int resource;
		int64_t soft, hard;
	} cases[] = {
		{ "nofile: 1024", "1024", RLIMIT_NOFILE, 1024, 1024 },
		{ "nproc: \"7\"", "7", RLIMIT_NPROC, 7, 7 },
		{ "core: 0", "0", RLIMIT_CORE, 0, 0 },
		{ "memlock: -1", "-1", RLIMIT_MEMLOCK, -1, -1 },
		{ "stack: {soft: 1, hard: 2}", "{\"hard\":2,\"soft\":1}", RLIMIT_STACK, 1, 2 },
		{ "rtprio: {soft: 1, hard: -1}", "{\"hard\":-1,\"soft\":1}", RLIMIT_RTPRIO, 1, -1 },
		{ "cpu: {soft: \"0\", hard: 0}", "{\"hard\":0,\"soft\":0}", RLIMIT_CPU, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("ulimits: {%s}", cases[i].text);
		_cleanup_(loaded_fini) struct loaded l = load_keys(keys);
		_cleanup_free_ char *json = NULL;
		const struct stack_ulimit *u;

		assert_string_equal(l.text, "");
		assert_int_equal(l.stack->services[0].n_ulimits, 1);
		u = l.stack->services[0].ulimits;
		assert_int_equal(u->resource, cases[i].resource);
		assert_int_equal(u->resource, rlimit_parse(u->name));
		assert_int_equal(u->soft, cases[i].soft);
		assert_int_equal(u->hard, cases[i].hard);
		json = xasprintf("{\"%s\":%s}", u->name, cases[i].json);
		expect_form(keys, "ulimits", json);
	}
	assert_int_equal(rlimit_parse("NOFILE"), -1);
}

static void test_ulimits_wrong(void **state)
{
	(void)state;
	expect_error("ulimits: {nofiles: 1}", "there is no such limit");
	expect_error("ulimits: {memlock: 64m}", "'64m' is not a whole number");
	expect_error("ulimits: {nofile: -2}", "soft -2, hard -2");
	expect_error("ulimits: {nofile: {soft: -1, hard: 5}}", "must not be above the hard one");
	expect_error("ulimits: {nofile: {soft: 6, hard: 5}}", "soft 6, hard 5");
	expect_error("ulimits: {nofile: {hard: 5}}", "both 'soft' and 'hard' must be given");
	expect_error("ulimits: {nofile: {soft: x, hard: 5}}", "'x' is not a whole number");
	expect_error("ulimits: {nofile: {soft: 1, hard: 5, x: 1}}", "unknown key 'x'");
	expect_error("ulimits: {nofile: [1]}", "must be a string or a number or a map, not a list");
	expect_error("ulimits: [nofile]", "must be a map, not a list");
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
		_cleanup_free_ char *json = xasprintf("{\"%s\":\"1\"}", good[i]);

		expect_form(keys, "sysctls", json);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ char *keys = xasprintf("sysctls: {\"%s\": 1}", bad[i]);

		expect_error(keys, "belongs to the whole host");
	}
}

static void test_blkio(void **state)
{
	(void)state;
	expect_form("blkio_config: {weight: 300}", "blkio_config", "{\"weight\":300}");
	expect_form(
		"blkio_config: {weight_device: [{path: /dev/a, weight: \"10\"}], "
		"device_write_bps: [{rate: 1k, path: /dev/a}], device_read_iops: [{path: /dev/b, rate: 7}]}",
		"blkio_config",
		"{\"device_read_iops\":[{\"path\":\"/dev/b\",\"rate\":\"7\"}],"
		"\"device_write_bps\":[{\"path\":\"/dev/a\",\"rate\":\"1024\"}],"
		"\"weight_device\":[{\"path\":\"/dev/a\",\"weight\":10}]}");
	expect_form("blkio_config: {}", "blkio_config", "{}");
	expect_error("blkio_config: {weight: 1001}", "1001: from 10 to 1000 is possible");
	expect_error("blkio_config: {device_read_bps: [{path: /a, rate: fast}]}",
		     "'fast' is not a size");
	expect_error("blkio_config: {device_read_bps: [/a]}", "[0]: must be a map, not a string");
	expect_error("blkio_config: {wight: 1}", "unknown key 'wight'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpus),	      cmocka_unit_test(test_pids),
		cmocka_unit_test(test_cpuset),	      cmocka_unit_test(test_oom_score),
		cmocka_unit_test(test_capabilities),  cmocka_unit_test(test_ulimits),
		cmocka_unit_test(test_ulimits_wrong), cmocka_unit_test(test_sysctls),
		cmocka_unit_test(test_blkio),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
