/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_env: `environment` in both of its forms, and env files folded into it. */
#include <stdio.h>

#include "unit/stack/service_case.h"

static void write_text(const char *name, const char *text)
{
	fixture_write(name, text, strlen(text));
}

/* In the folder of the test: env files are found there. */
static struct loaded load_keys(const char *keys)
{
	_cleanup_free_ char *yaml = xasprintf("services:\n  web:\n    image: a\n    %s\n", keys);

	return load_text(yaml);
}

static void expect_env(const char *keys, const char *json)
{
	_cleanup_(loaded_fini) struct loaded l = load_keys(keys);
	_cleanup_free_ char *got = NULL, *files = NULL;

	if (*l.text)
		fail_msg("%s: %s", keys, l.text);
	got = service_value(l.stack, "environment");
	files = service_value(l.stack, "env_file");
	assert_string_equal(got, json);
	assert_string_equal(files, "");
}

static void expect_wrong(const char *keys, const char *why)
{
	_cleanup_(loaded_fini) struct loaded l = load_keys(keys);

	assert_int_equal(l.result, 1);
	assert_int_equal(stack_diags_errors(l.diags), 1);
	if (!strstr(l.text, why))
		fail_msg("'%s' is not in: %s", why, l.text);
}

static void test_environment(void **state)
{
	static const struct {
		const char *env, *json;
	} cases[] = {
		{ "{A: 1, B: yes, C: true, D: \"\"}",
		  "{\"A\":\"1\",\"B\":\"yes\",\"C\":\"true\",\"D\":\"\"}" },
		{ "[A=1, B=, \"C=a=b\", A=2]", "{\"A\":\"2\",\"B\":\"\",\"C\":\"a=b\"}" },
		{ "[TAG, NOPE, EMPTY]", "{\"TAG\":\"1.2\",\"NOPE\":null,\"EMPTY\":\"\"}" },
		{ "{TAG: , NOPE: ~}", "{\"TAG\":\"1.2\",\"NOPE\":null}" },
		{ "{x-a: 1, with.dot: }", "{\"x-a\":\"1\",\"with.dot\":null}" },
		{ "{}", "{}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("environment: %s", cases[i].env);

		expect_env(keys, cases[i].json);
	}
	expect_env("environment: [A=002, B=1.50]", "{\"A\":\"002\",\"B\":\"1.50\"}");
	expect_env("environment: {A: \"002\", B: 1.5, C: -3, D: 0, E: 0.25}",
		   "{\"A\":\"002\",\"B\":\"1.5\",\"C\":\"-3\",\"D\":\"0\",\"E\":\"0.25\"}");
	expect_wrong("environment: [\"=x\"]", "environment[0]: '=x' has no name");
	expect_wrong("environment: {A: [1]}", "environment.A: must be");
	expect_wrong("environment: A=1", "must be a list or a map, not a string");
}

/* compose would make other numbers of them; the text is what was meant. */
static void test_spelling(void **state)
{
	static const char *const numbers[] = {
		"002", "1.50", "1_000", "0x1f", "1e3", "0o17", "+1"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		_cleanup_free_ char *keys = xasprintf("environment: {A: %s}", numbers[i]);
		_cleanup_free_ char *json = xasprintf("{\"A\":\"%s\"}", numbers[i]);

		expect_warning(keys, "environment", json, "environment.A: '");
	}
}

/* A name that ${...} cannot hold is looked up all the same. */
static void test_odd_names(void **state)
{
	static const char *const env[] = { "with.dot=1", "dollar=$TAG", "TAG=2", NULL };
	static const char yaml[] = "services: {web: {image: a, environment: [with.dot, dollar]}}\n";
	const char *path = "stack.yaml";
	struct stack_opts opts = { .paths = &path, .n_paths = 1, .project_name = "t", .env = env };
	struct loaded l;
	char *got;

	(void)state;
	write_text(path, yaml);
	l = load_opts(&opts);
	assert_string_equal(l.text, "");
	got = service_value(l.stack, "environment");
	assert_string_equal(got, "{\"with.dot\":\"1\",\"dollar\":\"$TAG\"}");
	free(got);
	loaded_fini(&l);
}

static void test_files(void **state)
{
	(void)state;
	write_text("a.env", "A=1\nB='$NO'\nC=${OWN}-${A}-${TAG}\nTAG\nNOPE\n");
	write_text("b.env", "A=two\nD=\"x y\"\nE=${A}\n");
	write_text("raw.env", "Q='$A' # all\n");
	expect_env("env_file: a.env\n    environment: {OWN: o}",
		   "{\"A\":\"1\",\"B\":\"$NO\",\"C\":\"o-1-1.2\",\"TAG\":\"1.2\",\"OWN\":\"o\"}");
	expect_env(
		"env_file: [./a.env, {path: b.env}]\n    environment: [OWN=, B]",
		"{\"A\":\"two\",\"B\":null,\"C\":\"-1-1.2\",\"TAG\":\"1.2\",\"D\":\"x y\",\"E\":\"two\","
		"\"OWN\":\"\"}");
	/* What `environment` says wins in references, too. */
	expect_env("env_file: [b.env]\n    environment: {A: mine}",
		   "{\"A\":\"mine\",\"D\":\"x y\",\"E\":\"mine\"}");
	expect_env("env_file: [{path: nope.env, required: false}]\n    environment: {A: 1}",
		   "{\"A\":\"1\"}");
	expect_env("env_file: [{path: raw.env, format: raw}]", "{\"Q\":\"'$A' # all\"}");
	expect_env("env_file: []", "");
	expect_env("env_file: [{path: nope.env, required: false}]", "");
}

/* Values keep their place in the env file, and what is missing or wrong is told where it stands. */
static void test_places(void **state)
{
	struct loaded l;
	const struct stack_kv *kv;

	(void)state;
	write_text("c.env", "# none\n\nA=1\n");
	l = load_keys("env_file: c.env");
	assert_string_equal(l.text, "");
	kv = &l.stack->services[0].environment.v[0];
	assert_string_equal(kv->key, "A");
	assert_string_equal(l.stack->files[kv->pos.file].path, "c.env");
	assert_int_equal(kv->pos.line, 3);
	loaded_fini(&l);
	write_text("bad.env", "A=1\nB=\"open\n");
	expect_wrong("env_file: bad.env",
		     "bad.env:2:3: error: 'B': the double quote that begins here");
}

static void test_wrong(void **state)
{
	(void)state;
	write_text("a.env", "A=1\n");
	expect_wrong("env_file: nope.env", "env_file[0]: env file '");
	expect_wrong("env_file: nope.env", "with 'required: false' it may be missing");
	expect_wrong("env_file: [a.env, {path: nope.env}]", "stack.yaml:4:30: error");
	expect_wrong("env_file: .", "not a regular file");
	expect_wrong("env_file: \"\"", "the path of the env file is missing");
	expect_wrong("env_file: [{required: false}]",
		     "env_file[0]: the path of the env file is missing");
	expect_wrong("env_file: [{path: a.env, format: json}]",
		     "format: 'json' is unknown; write raw");
	expect_wrong("env_file: [{path: a.env, requird: false}]", "did you mean 'required'?");
	expect_wrong("env_file: [1]", "env_file[0]: must be a string or a map, not a number");
	expect_wrong("env_file: {path: a.env}", "must be a string or a list, not a map");
}

/* What is wrong with a file is said once, however many services read it. */
static void test_shared(void **state)
{
	struct loaded l;

	(void)state;
	write_text("shared.env", "A=1\nB C=2\n");
	l = load_text(
		"services: {web: {image: a, env_file: shared.env}, b: {image: a, env_file: shared.env}}\n");
	assert_int_equal(stack_diags_count(l.diags), 1);
	assert_non_null(strstr(l.text, "shared.env:2:3: error"));
	loaded_fini(&l);
}

/* Nobody reads files for a service that is not meant. */
static void test_inactive(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = load_text(
		"services: {web: {image: a}, other: {image: a, profiles: [x], env_file: nope.env}}\n");

	(void)state;
	assert_string_equal(l.text, "");
}

/* One large file that many services share is refused before it fills the memory. */
static void test_large(void **state)
{
	_cleanup_(buf_fini) struct buf env = { 0 }, yaml = { 0 };
	struct loaded l;

	(void)state;
	for (size_t i = 0; i < 20000; i++)
		buf_printf(&env, "K%zu=\n", i);
	fixture_write("many.env", env.data, env.len);
	buf_puts(&yaml, "services:\n");
	for (size_t i = 0; i < 30; i++)
		buf_printf(&yaml, "  s%zu: {image: a, env_file: many.env}\n", i);
	l = load_text(buf_str(&yaml));
	assert_int_equal(l.result, 1);
	assert_non_null(strstr(l.text, "env files and variables need more than 8 MiB"));
	loaded_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_environment), cmocka_unit_test(test_odd_names),
		cmocka_unit_test(test_spelling),    cmocka_unit_test(test_files),
		cmocka_unit_test(test_places),	    cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_inactive),    cmocka_unit_test(test_shared),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
