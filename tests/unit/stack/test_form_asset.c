/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_asset: configs and secrets, those of the file and those of a service. */
#include <stdio.h>

#include "unit/stack/service_case.h"

/* Loads a service `web` that takes `refs` of `key`, and a section of the same name. */
static struct loaded load(const char *key, const char *refs, const char *section)
{
	_cleanup_free_ char *yaml = xasprintf("services:\n  web: {image: a, %s: %s}\n%s:\n  %s\n", key, refs, key, section);
	const char *path = "stack.yaml";
	struct stack_opts opts = { .paths = &path, .n_paths = 1, .project_name = "t", .project_dir = "/p",
				   .env = fixture_env };

	fixture_write(path, yaml, strlen(yaml));
	return load_opts(&opts);
}

static void test_refs(void **state)
{
	static const struct { const char *key, *refs, *want; } cases[] = {
		{ "secrets", "[p]", "{\"source\":\"p\",\"target\":\"/run/secrets/p\"}" },
		{ "configs", "[p]", "{\"source\":\"p\",\"target\":\"/p\"}" },
		{ "secrets", "[{source: p, target: q}]", "{\"source\":\"p\",\"target\":\"q\"}" },
		{ "configs", "[{source: p, target: /etc/q}]", "{\"source\":\"p\",\"target\":\"/etc/q\"}" },
		{ "secrets", "[{source: p, uid: \"1\", gid: \"2\", mode: 0440}]",
		  "{\"gid\":\"2\",\"mode\":\"0440\",\"source\":\"p\",\"target\":\"/run/secrets/p\",\"uid\":\"1\"}" },
		{ "secrets", "[{source: p, mode: 0o440}]",
		  "{\"mode\":\"0440\",\"source\":\"p\",\"target\":\"/run/secrets/p\"}" },
		{ "secrets", "[{source: p, mode: 288}]",
		  "{\"mode\":\"0440\",\"source\":\"p\",\"target\":\"/run/secrets/p\"}" },
		{ "secrets", "[{source: p, mode: \"440\"}]",
		  "{\"mode\":\"0440\",\"source\":\"p\",\"target\":\"/run/secrets/p\"}" },
		{ "secrets", "[{source: p, mode: \"0440\"}]",
		  "{\"mode\":\"0440\",\"source\":\"p\",\"target\":\"/run/secrets/p\"}" },
		{ "secrets", "[{source: p, mode: 0}]",
		  "{\"mode\":\"0000\",\"source\":\"p\",\"target\":\"/run/secrets/p\"}" },
		/* One file in the container, one entry: the later one. */
		{ "secrets", "[p, {source: q, target: p}, q]",
		  "{\"source\":\"q\",\"target\":\"p\"},{\"source\":\"q\",\"target\":\"/run/secrets/q\"}" },
		{ "configs", "[p, {source: q, target: /p}]", "{\"source\":\"q\",\"target\":\"/p\"}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(loaded_fini) struct loaded l =
			load(cases[i].key, cases[i].refs, "{p: {file: p}, q: {file: q}}");
		_cleanup_free_ char *want = xasprintf("[%s]", cases[i].want), *got = NULL;

		assert_int_equal(l.result, 0);
		got = service_value(l.stack, cases[i].key);
		assert_string_equal(got, want);
	}
}

static void check(const char *key, const char *refs, const char *section, const char *want)
{
	_cleanup_(loaded_fini) struct loaded l = load(key, refs, section);

	assert_int_equal(l.result, 1);
	if (!strstr(l.text, want))
		fail_msg("%s: %s: %s", key, refs, l.text);
}

static void test_bad_refs(void **state)
{
	static const struct { const char *ref, *want; } cases[] = {
		{ "{target: x}", ": 'source' is missing" },
		{ "\"\"", ": must not be empty" },
		{ "5", ": must be a string or a map, not a number" },
		{ "{source: p, uid: 5}", ".uid: must be a string, not a number" },
		{ "{source: p, mode: rw}", ".mode: 'rw' is not a mode; write like 0440" },
		{ "{source: p, mode: \"999\"}", ".mode: '999' is not a mode; write like 0440" },
		{ "{source: p, mode: 4096}", ".mode: '4096' is not a mode; write like 0440" },
		{ "{source: p, mode: \"\"}", ".mode: '' is not a mode; write like 0440" },
		{ "{source: p, file: x}", ": unknown key 'file'" },
		{ "nope", ": secret 'nope' is not declared under the top-level 'secrets'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *refs = xasprintf("[p, %s]", cases[i].ref);
		_cleanup_free_ char *want = xasprintf("service 'web': secrets[1]%s\n", cases[i].want);

		check("secrets", refs, "{p: {file: p}}", want);
	}
}

/* The sections, printed. */
static void test_sections(void **state)
{
	static const struct { const char *key, *entry, *want; } cases[] = {
		{ "configs", "{file: ./f}", "    file: /p/f\n    name: t_c\n" },
		{ "configs", "{content: \"a$$b\", name: Own}", "    content: a$$b\n    name: Own\n" },
		{ "configs", "{environment: HOME}", "    environment: HOME\n    name: t_c\n" },
		{ "secrets", "{environment: UNSET}", "    environment: UNSET\n    name: t_c\n" },
		{ "secrets", "{file: ~/f}", "    file: /home/user/f\n    name: t_c\n" },
		{ "secrets", "{external: true}", "    external: true\n    name: c\n" },
		{ "secrets", "{external: true, name: own}", "    external: true\n    name: own\n" },
		{ "secrets", "{external: {name: own}}", "    external: true\n    name: own\n" },
		{ "secrets", "{driver: d, driver_opts: {opt: 1}}",
		  "    driver: d\n    driver_opts:\n      opt: \"1\"\n    name: t_c\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *section = xasprintf("c: %s", cases[i].entry);
		_cleanup_free_ char *want = xasprintf("\n%s:\n  c:\n%s", cases[i].key, cases[i].want);
		_cleanup_(loaded_fini) struct loaded l = load(cases[i].key, "[c]", section);
		_cleanup_(buf_fini) struct buf yaml = { 0 };

		if (l.result)
			fail_msg("%s: %s", cases[i].entry, l.text);
		stack_config(l.stack, STACK_YAML, &yaml);
		if (!strstr(buf_str(&yaml), want))
			fail_msg("%s: %s", cases[i].entry, buf_str(&yaml));
	}
}

static void test_bad_sections(void **state)
{
	static const struct { const char *key, *entry, *want; } cases[] = {
		{ "configs", "{file: a, content: b}", "4:16: error: config 'c': 'content' excludes 'file', stack.yaml:4" },
		{ "configs", "{environment: A, file: b}",
		  "4:7: error: config 'c': 'environment' excludes 'file', stack.yaml:4" },
		{ "configs", "{}", "4:3: error: config 'c': needs one of 'file', 'environment' and 'content'" },
		{ "configs", "", "4:3: error: config 'c': needs one of 'file', 'environment' and 'content'" },
		{ "secrets", "{name: n}", "4:3: error: secret 'c': needs 'file' or 'environment'" },
		{ "secrets", "{file: a, environment: B}",
		  "4:16: error: secret 'c': 'environment' excludes 'file', stack.yaml:4" },
		{ "secrets", "{content: a}", "error: secret 'c': unknown key 'content'" },
		{ "secrets", "{environment: \"\"}", "error: secret 'c': environment: must not be empty" },
		{ "configs", "{driver: a}", "error: config 'c': unknown key 'driver'" },
		{ "secrets", "{file: a, name: a b}", "error: secret 'c': name: 'a b' is not a name" },
		{ "secrets", "{name: a, external: {name: b}}", "error: secret 'c': 'name' and 'external.name' differ" },
		{ "secrets", "5", "error: secret 'c': must be a map, not a number" },
		{ "secrets", "{external: perhaps}", "external: 'perhaps' is neither true nor false" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *section = xasprintf("c: %s", cases[i].entry);

		check(cases[i].key, "[c]", section, cases[i].want);
	}
	check("secrets", "[]", "a b: {file: a}", "error: secret 'a b': 'a b' is not a name");
}

static void test_external(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = load("secrets", "[c]", "c: {external: true, file: a}");

	(void)state;
	assert_int_equal(l.result, 0);
	assert_non_null(strstr(l.text, "4:23: warning: secret 'c': 'file' has no effect: it is external"));
}

/* Whatever goes wrong: the value of the variable behind a secret is nowhere. */
static void test_nothing_told(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = load("secrets", "[c]", "c: {environment: TAG}");
	_cleanup_(buf_fini) struct buf yaml = { 0 }, why = { 0 };

	(void)state;
	assert_int_equal(l.result, 0);
	stack_config(l.stack, STACK_YAML, &yaml);
	stack_explain(l.stack, STACK_YAML, &why);
	assert_null(strstr(buf_str(&yaml), "1.2"));
	assert_null(strstr(buf_str(&why), "1.2"));
	assert_null(strstr(l.text, "1.2"));
}

/* Read only when the stack is to run, and printed by nothing. */
static void test_values(void **state)
{
	static const char yaml[] =
		"services:\n  web:\n    image: a\n    secrets: [{source: f, target: x, uid: \"7\", mode: 0400}, v]\n"
		"    configs: [c]\nsecrets: {f: {file: ./value}, v: {environment: HOME}}\nconfigs: {c: {content: text}}\n";
	const char *path = "stack.yaml";
	struct stack_opts opts = { .paths = &path, .n_paths = 1, .project_name = "t", .env = fixture_env, .for_run = true };

	(void)state;
	fixture_write(path, yaml, strlen(yaml));
	fixture_write("value", "a\0b", 3);
	for (int run = 1; run >= 0; run--) {
		_cleanup_(loaded_fini) struct loaded l = (opts.for_run = run, load_opts(&opts));
		const struct stack_asset *a;
		_cleanup_(buf_fini) struct buf out = { 0 };

		assert_int_equal(l.result, 0);
		assert_int_equal(l.stack->services[0].n_assets, 3);
		a = l.stack->services[0].assets;
		assert_string_equal(a[0].target, "/run/secrets/x");
		assert_string_equal(a[1].target, "/run/secrets/v");
		assert_string_equal(a[2].target, "/c");
		assert_int_equal(a[0].uid, 7);
		assert_int_equal(a[0].mode, 0400);
		assert_int_equal(a[1].mode, 0444);
		assert_int_equal(a[0].len, run ? 3 : 0);
		if (!run) {
			assert_null(a[0].data);
			continue;
		}
		assert_memory_equal(a[0].data, "a\0b", 4);
		assert_string_equal(a[1].data, "/home/user");
		assert_string_equal(a[2].data, "text");
		stack_config(l.stack, STACK_JSON, &out);
		stack_explain(l.stack, STACK_JSON, &out);
		assert_null(strstr(buf_str(&out), "/home/user"));
	}
}

/* As much as an engine takes, and one byte more. */
static void test_too_long(void **state)
{
	static const struct { const char *key; size_t max; const char *want; } cases[] = {
		{ "secrets", 500 << 10, "secret 'c': longer than 500 KiB" },
		{ "configs", 1000 << 10, "config 'c': longer than 1000 KiB" },
	};
	_cleanup_free_ char *text = xcalloc(1, (1000 << 10) + 1);
	const char *path = "stack.yaml";
	struct stack_opts opts = { .paths = &path, .n_paths = 1, .project_name = "t", .env = fixture_env, .for_run = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t over = 0; over < 2; over++) {
			_cleanup_free_ char *yaml = xasprintf(
				"services: {web: {image: a, %s: [c]}}\n%s: {c: {file: ./value}}\n",
				cases[i].key, cases[i].key);

			fixture_write(path, yaml, strlen(yaml));
			fixture_write("value", text, cases[i].max + over);
			_cleanup_(loaded_fini) struct loaded l = load_opts(&opts);

			assert_int_equal(l.result, over);
			if (over)
				assert_non_null(strstr(l.text, cases[i].want));
			else
				assert_int_equal(l.stack->services[0].assets[0].len, cases[i].max);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refs),
		cmocka_unit_test(test_bad_refs),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_bad_sections),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_nothing_told),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
