/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_build: each key in its short and its long form, folders of this machine and of others, and what is refused. */
#include <stdio.h>

#include "unit/stack/fixture.h"

struct form {
	const char *keys, *json;
};

static void expect_forms(const struct form *forms, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *keys = xasprintf("build: {context: /c, %s}", forms[i].keys);

		expect_canonical(keys, forms[i].json);
	}
}

static void test_folders(void **state)
{
	static const struct form cases[] = {
		{ "build: /abs", "\"build\":{\"context\":\"/abs\",\"dockerfile\":\"Dockerfile\"}" },
		{ "build: ./src//x/", "/src/x\",\"dockerfile\":\"Dockerfile\"}" },
		{ "build: ~/src", "\"context\":\"/home/user/src\"" },
		{ "build: {context: sub, dockerfile: D}", "/sub\",\"dockerfile\":\"D\"}" },
		{ "build: \"https://example.org/r.git\"",
		  "\"context\":\"https://example.org/r.git\"" },
		{ "build: \"git@example.org:r\"", "\"context\":\"git@example.org:r\"" },
		{ "build: github.com/a/b", "\"context\":\"github.com/a/b\"" },
		{ "build: \"oci-layout:///x\"", "\"context\":\"oci-layout:///x\"" },
	};
	static const char *const here[] = { "build: .", "build: {}", "build: \"\"",
					    "build: {context: , dockerfile: }" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_canonical(cases[i].keys, cases[i].json);
	for (size_t i = 0; i < ARRAY_LEN(here); i++) {
		_cleanup_free_ char *want =
			xasprintf("\"build\":{\"context\":\"%s\",\"dockerfile\":\"Dockerfile\"}",
				  (const char *)*state);

		expect_canonical(here[i], want);
	}
}

static void test_dockerfile_in_the_file(void **state)
{
	(void)state;
	expect_canonical("build: {context: /c, dockerfile_inline: FROM x}",
			 "\"build\":{\"context\":\"/c\",\"dockerfile_inline\":\"FROM x\"}");
	expect_problem("    build:\n      dockerfile: D\n      dockerfile_inline: FROM x\n",
		       "6:7: error: service 'web': build: both 'dockerfile' and "
		       "'dockerfile_inline' are given: one is enough");
}

static void test_maps_and_lists(void **state)
{
	static const struct form cases[] = {
		{ "args: {A: 1, B: x}", "\"args\":{\"A\":\"1\",\"B\":\"x\"}" },
		{ "args: [A=1, \"B=\"]", "\"args\":{\"A\":\"1\",\"B\":\"\"}" },
		{ "args: {TAG: , EMPTY: , NOT_SET: }",
		  "\"args\":{\"TAG\":\"1.2\",\"EMPTY\":\"\"}" },
		{ "args: [TAG, NOT_SET]", "\"args\":{\"TAG\":\"1.2\"}" },
		{ "labels: [a=b, c]", "\"labels\":{\"a\":\"b\",\"c\":\"\"}" },
		{ "labels: {a: true}", "\"labels\":{\"a\":\"true\"}" },
		{ "additional_contexts: {a: /x, b: \"docker-image://y\", c: \"service:db\", d: \"target:t\"}",
		  "\"additional_contexts\":{\"a\":\"/x\",\"b\":\"docker-image://y\",\"c\":\"service:db\","
		  "\"d\":\"target:t\"}" },
		{ "additional_contexts: [a=/x, \"b=~/y\"]",
		  "\"additional_contexts\":{\"a\":\"/x\",\"b\":\"/home/user/y\"}" },
		{ "ssh: [default]", "\"ssh\":[\"default\"]" },
		{ "ssh: [default, \"my=~/key\"]", "\"ssh\":[\"default\",\"my=/home/user/key\"]" },
		{ "ssh: {default: , my: /key}", "\"ssh\":[\"default\",\"my=/key\"]" },
		{ "extra_hosts: [\"h:10.0.0.1\"]", "\"extra_hosts\":[\"h=10.0.0.1\"]" },
		{ "extra_hosts: {h: 10.0.0.1}", "\"extra_hosts\":[\"h=10.0.0.1\"]" },
	};

	(void)state;
	expect_forms(cases, ARRAY_LEN(cases));
}

static void test_values(void **state)
{
	static const struct form cases[] = {
		{ "cache_from: [a, b]", "\"cache_from\":[\"a\",\"b\"]" },
		{ "cache_to: [a]", "\"cache_to\":[\"a\"]" },
		{ "entitlements: [network.host]", "\"entitlements\":[\"network.host\"]" },
		{ "isolation: default", "\"isolation\":\"default\"" },
		{ "network: host", "\"network\":\"host\"" },
		{ "no_cache: true", "\"no_cache\":true" },
		{ "no_cache: \"true\"", "\"no_cache\":true" },
		{ "no_cache_filter: a", "\"no_cache_filter\":[\"a\"]" },
		{ "no_cache_filter: [a, b]", "\"no_cache_filter\":[\"a\",\"b\"]" },
		{ "platforms: [linux/amd64, linux/arm64]",
		  "\"platforms\":[\"linux/amd64\",\"linux/arm64\"]" },
		{ "privileged: true", "\"privileged\":true" },
		{ "provenance: true", "\"provenance\":\"true\"" },
		{ "provenance: mode=max", "\"provenance\":\"mode=max\"" },
		{ "pull: true", "\"pull\":true" },
		{ "sbom: false", "\"sbom\":\"false\"" },
		{ "shm_size: 1m", "\"shm_size\":\"1048576\"" },
		{ "shm_size: 4096", "\"shm_size\":\"4096\"" },
		{ "tags: [a, b, a]", "\"tags\":[\"a\",\"b\"]" },
		{ "target: t", "\"target\":\"t\"" },
		{ "ulimits: {nofile: 5}", "\"ulimits\":{\"nofile\":5}" },
		{ "x-own: 1", "\"x-own\":1" },
	};

	(void)state;
	expect_forms(cases, ARRAY_LEN(cases));
}

static void test_secrets(void **state)
{
	static const char text[] =
		"secrets: {s: {environment: TAG}}\n"
		"services: {web: {image: a, build: {context: /c, secrets: [s, {source: s, target: t}]}}}\n";
	_cleanup_(loaded_fini) struct loaded l = load_text(text);
	_cleanup_free_ char *service = NULL;

	(void)state;
	assert_int_equal(l.result, 0);
	service = stack_service_text(l.stack, "web");
	assert_non_null(strstr(
		service, "\"secrets\":[{\"source\":\"s\"},{\"source\":\"s\",\"target\":\"t\"}]"));
	expect_problem("    build:\n      secrets: [a, no]\nsecrets: {a: {environment: A}}\n",
		       "5:20: error: service 'web': build.secrets[1]: secret 'no' is not declared "
		       "under the top-level 'secrets'");
	expect_problem("    build:\n      secrets:\n        - {target: t}\n",
		       "6:11: error: service 'web': build.secrets[0]: 'source' is missing");
	expect_problem(
		"    build:\n      secrets: [5]\n",
		"5:17: error: service 'web': build.secrets[0]: must be a string or a map, not a number");
}

static void test_platforms(void **state)
{
	(void)state;
	expect_canonical("platform: linux/amd64, build: {platforms: [linux/arm64, linux/amd64]}",
			 "\"platform\":\"linux/amd64\"");
	expect_problem("    platform: linux/amd64\n    build:\n      platforms: [linux/arm64]\n",
		       "4:15: error: service 'web': platform: 'linux/amd64' is not among "
		       "'build.platforms', stack.yaml:6");
}

/* Nothing is built: each key that asks for something says so once, and the image is used as it is. */
static void test_verdicts(void **state)
{
	(void)state;
	expect_problem(
		"    build: {args: {A: b}}\n",
		"4:13: warning: service 'web': build.args: has no effect: images are not built");
	expect_diags("services: {web: {build: {context: /c, dockerfile: D, no_cache: false}}}\n",
		     "");
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *line, *problem;
	} cases[] = {
		{ "contxt: .", "5:7: error: service 'web': build: unknown key 'contxt'" },
		{ "context: ~other/x",
		  "5:16: error: service 'web': build.context: '~other/x': only ~ and ~/ "
		  "with HOME set can be resolved" },
		{ "context: [a]",
		  "5:16: error: service 'web': build.context: must be a string, not a list" },
		{ "args: x",
		  "5:13: error: service 'web': build.args: must be a list or a map, not a string" },
		{ "args: [\"=x\"]",
		  "5:14: error: service 'web': build.args[0]: '=x' has no name; write NAME=VALUE" },
		{ "args: {A: [b]}",
		  "5:17: error: service 'web': build.args.A: must be a string or a number or a truth value, not a list" },
		{ "no_cache: maybe",
		  "5:17: error: service 'web': build.no_cache: 'maybe' is neither true nor false" },
		{ "shm_size: big",
		  "5:17: error: service 'web': build.shm_size: 'big' is not a size; write "
		  "bytes or a number with k, m or g, like 64m" },
		{ "tags: [1]",
		  "5:14: error: service 'web': build.tags[0]: must be a string, not a number" },
		{ "cache_from: a",
		  "5:19: error: service 'web': build.cache_from: must be a list, not a string" },
	};

	(void)state;
	expect_problem("    build: [a]\n",
		       "4:12: error: service 'web': build: must be a string or a map, not a list");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *lines = xasprintf("    build:\n      %s\n", cases[i].line);

		expect_problem(lines, cases[i].problem);
	}
}

/* A key without a value is not there. */
static void test_empty(void **state)
{
	(void)state;
	expect_diags("services: {web: {build: }}\n",
		     "1:12: error: service 'web': neither 'image' nor 'build' is given\n");
}

/* A string is the folder, lists and maps are joined by name. */
static void test_merge(void **state)
{
	static const char text[] =
		"services: {web: {image: a, build: /a}}\n"
		"---\n"
		"services: {web: {build: {args: [A=1, B=2], tags: [x]}}}\n"
		"---\n"
		"services: {web: {build: {context: /b, args: {B: 3}, tags: [y, x], platforms: [p]}}}\n";
	_cleanup_(loaded_fini) struct loaded l = load_text(text);
	_cleanup_free_ char *service = NULL;

	(void)state;
	assert_int_equal(l.result, 0);
	service = stack_service_text(l.stack, "web");
	assert_non_null(strstr(
		service,
		"\"build\":{\"args\":{\"A\":\"1\",\"B\":\"3\"},\"context\":\"/b\","
		"\"dockerfile\":\"Dockerfile\",\"platforms\":[\"p\"],\"tags\":[\"x\",\"y\"]}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_folders, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_dockerfile_in_the_file, fixture_begin,
						fixture_end),
		cmocka_unit_test_setup_teardown(test_maps_and_lists, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_values, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_secrets, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_platforms, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_verdicts, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_mistakes, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_empty, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_merge, fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
