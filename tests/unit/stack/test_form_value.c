/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_value: whole numbers, paths, and through whole files the texts that single values are refused
 * with.
 */
#include "stack/form.h"
#include "unit/stack/fixture.h"

static void test_int(void **state)
{
	static const struct { const char *text; int64_t want; bool ok; } cases[] = {
		{ "0", 0, true },	 { "12", 12, true },   { "-1", -1, true },     { "+7", 7, true },
		{ "0777", 511, true },	 { "0o17", 15, true }, { "0x1f", 31, true },   { "0b101", 5, true },
		{ "1_000", 1000, true }, { "", 0, false },     { "-", 0, false },      { "1.5", 0, false },
		{ "0x", 0, false },	 { "09", 0, false },   { "1k", 0, false },     { "9223372036854775807", INT64_MAX, true },
		{ "9223372036854775808", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = 0;
		int r = text_parse_int(cases[i].text, &got);

		if ((r == 0) != cases[i].ok || got != cases[i].want)
			fail_msg("'%s': %d %jd", cases[i].text, r, (intmax_t)got);
	}
}

static void test_clean_path(void **state)
{
	static const struct { const char *dir, *path, *want; } cases[] = {
		{ "/p", "a", "/p/a" },	      { "/p", "./a/", "/p/a" },	 { "/p/q", "../a", "/p/a" },
		{ "/p", "../../..", "/" },    { "/p", ".", "/p" },	 { "/p", "/a//b/./c/../d", "/a/b/d" },
		{ "/", "a", "/a" },	      { "/p", "/", "/" },	 { "/p", "a/...", "/p/a/..." },
		{ "/p", ".hidden", "/p/.hidden" }, { "/p", "/..", "/" },
	};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(path_clean(arena, cases[i].dir, cases[i].path), cases[i].want);
	arena_free(arena);
}

/* One key of a service with a wrong value, in line 4. */
static void test_refused(void **state)
{
	static const struct { const char *key, *text; } cases[] = {
		{ "mem_limit: \"\"", "16: error: service 'web': mem_limit: '' is not a size; write bytes or a number with k, m or g, like 64m" },
		{ "mem_limit: -1", "16: error: service 'web': mem_limit: '-1' is not a size; write bytes or a number with k, m or g, like 64m" },
		{ "stop_grace_period: 10", "24: error: service 'web': stop_grace_period: must be a string, not a number" },
		{ "stop_grace_period: 10x", "24: error: service 'web': stop_grace_period: '10x' is not a duration; write numbers with units, like 1m30s or 500ms" },
		{ "user: 1000", "11: error: service 'web': user: must be a string, not a number" },
		{ "read_only: perhaps", "16: error: service 'web': read_only: 'perhaps' is neither true nor false" },
		{ "read_only: yes", "16: warning: service 'web': read_only: 'yes' is taken as true: write that" },
		{ "cap_add: NET_ADMIN", "14: error: service 'web': cap_add: must be a list, not a string" },
		{ "cap_add: [NET_ADMN]", "15: error: service 'web': cap_add[0]: 'NET_ADMN' is not a capability" },
		{ "restart: false", "14: error: service 'web': restart: must be a string, not a truth value" },
		{ "restart: on-failure:x", "14: error: service 'web': restart: 'on-failure:x' is not a policy; write no, always, unless-stopped or on-failure[:TIMES]" },
		{ "restart: always:3", "14: error: service 'web': restart: 'always:3' is not a policy; write no, always, unless-stopped or on-failure[:TIMES]" },
		{ "stop_signal: SIGNOPE", "18: error: service 'web': stop_signal: 'SIGNOPE' is not a signal; write like SIGTERM or 15" },
		{ "cpus: none", "11: error: service 'web': cpus: 'none' is not a number of CPUs; write like 0.5 or 2" },
		{ "cpus: 0.0001", "11: error: service 'web': cpus: 0.0001 CPUs: 0.001 is the least" },
		{ "pids_limit: -2", "17: error: service 'web': pids_limit: -2 processes: write -1 for no limit" },
		{ "command: \"a 'b\"", "14: error: service 'web': command: a quote in this command is never closed" },
		{ "command: a | b", "14: warning: service 'web': command: no shell reads this: '|' is an ordinary character; for a shell write [\"sh\", \"-c\", \"...\"]" },
		{ "command: [sleep, 1]", "22: error: service 'web': command[1]: must be a string, not a number" },
		{ "environment: [\"=x\"]", "19: error: service 'web': environment[0]: '=x' has no name; write NAME=VALUE" },
		{ "environment: {A: [1]}", "22: error: service 'web': environment.A: must be a string or a number or a truth value, not a list" },
		{ "working_dir: srv", "18: error: service 'web': working_dir: 'srv': the path in the container must begin with /" },
		{ "hostname: \"a b\"", "15: error: service 'web': hostname: 'a b' is not a host name of at most 64 letters, digits, . and -" },
		{ "container_name: \"ab cd\"", "21: error: service 'web': container_name: 'ab cd' is not a name: letters, digits, _, . and -, a letter or digit first" },
		{ "ulimits: {memlock: 64m}", "24: error: service 'web': ulimits.memlock: '64m' is not a whole number" },
		{ "ulimits: {files: 1}", "15: error: service 'web': ulimits.files: there is no such limit; known are nofile, nproc, core, memlock and the others of setrlimit(2)" },
		{ "ulimits: {nofile: {soft: 2, hard: 1}}", "23: error: service 'web': ulimits.nofile: soft 2, hard 1: the soft one must not be above the hard one; -1 is no limit" },
		{ "ulimits: {nofile: {soft: 2}}", "23: error: service 'web': ulimits.nofile: both 'soft' and 'hard' must be given" },
		{ "sysctls: {vm.swappiness: 1}", "15: error: service 'web': sysctls.vm.swappiness: belongs to the whole host: only net.*, fs.mqueue.* and the IPC ones of kernel.* can be set in a container" },
		{ "healthcheck: {test: [echo, a]}", "25: error: service 'web': healthcheck.test: the list must begin with CMD, CMD-SHELL or NONE" },
		{ "healthcheck: {interval: soon}", "29: error: service 'web': healthcheck.interval: 'soon' is not a duration; write numbers with units, like 1m30s or 500ms" },
		{ "use_api_socket: true", "5: warning: service 'web': use_api_socket: not supported yet: 'mstack up' refuses it" },
		{ "expose: [80]", "5: warning: service 'web': expose: has no effect: all ports are open to services on the same network" },
		{ "imagge: x", "5: error: service 'web': unknown key 'imagge'" },
		{ "pull_policy: sometimes", "18: error: service 'web': pull_policy: 'sometimes' is not a policy; known are always, never and missing" },
		{ "mem_limit: ${NOPE:?m}", "16: error: service 'web': mem_limit: variable 'NOPE' is required but not set: m" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *yaml = xasprintf("services:\n  web:\n    image: a\n    %s\n", cases[i].key);
		_cleanup_free_ char *want = xasprintf("4:%s\n", cases[i].text);

		expect_diags(yaml, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_int),
		cmocka_unit_test(test_clean_path),
		cmocka_unit_test_setup_teardown(test_refused, fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
