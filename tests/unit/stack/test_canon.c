/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * canon: the canonical tree as it is printed, for whole stacks. What each key becomes is in the tests of the forms and in
 * tests/compose; how a tree is written, in test_emitter.c.
 */
#include <stdio.h>

#include "unit/stack/fixture.h"

static void expect_config(const char *yaml, const char *want)
{
	_cleanup_(loaded_fini) struct loaded l = load_text(yaml);
	_cleanup_(buf_fini) struct buf got = { 0 };

	assert_string_equal(l.text, "");
	stack_config(l.stack, STACK_YAML, &got);
	assert_string_equal(buf_str(&got), want);
}

static void test_whole(void **state)
{
	(void)state;
	expect_config("services:\n"
		      "  a: {image: a, networks: [net], volumes: [\"vol:/v\"], depends_on: [b]}\n"
		      "  b: {image: \"b:${TAG}\", networks: [net], command: [], environment: [\"A=$$x\"]}\n"
		      "networks: {net: {internal: true}, unused: }\n"
		      "volumes: {vol: , w: }\n",
		      "name: t\n"
		      "services:\n"
		      "  a:\n"
		      "    depends_on:\n"
		      "      b:\n"
		      "        condition: service_started\n"
		      "        required: true\n"
		      "    image: a\n"
		      "    networks:\n"
		      "      net: null\n"
		      "    volumes:\n"
		      "      - source: vol\n"
		      "        target: /v\n"
		      "        type: volume\n"
		      "  b:\n"
		      "    command: []\n"
		      "    environment:\n"
		      "      A: $$x\n"
		      "    image: b:1.2\n"
		      "    networks:\n"
		      "      net: null\n"
		      "networks:\n"
		      "  net:\n"
		      "    internal: true\n"
		      "    name: t_net\n"
		      "volumes:\n"
		      "  vol:\n"
		      "    name: t_vol\n");
}

/* Free keys may hold anything, nested as deeply as a file can be. */
static void test_free_keys(void **state)
{
	_cleanup_(buf_fini) struct buf yaml = { 0 }, once = { 0 }, twice = { 0 };

	(void)state;
	buf_puts(&yaml, "services: {a: {image: a}}\nx-deep: ");
	for (int i = 0; i < 55; i++)
		buf_puts(&yaml, i % 2 ? "[" : "{k: ");
	buf_puts(&yaml, "0x1f");
	for (int i = 54; i >= 0; i--)
		buf_puts(&yaml, i % 2 ? "]" : "}");
	buf_putc(&yaml, '\n');
	{
		_cleanup_(loaded_fini) struct loaded l = load_text(buf_str(&yaml)), again = { 0 };

		assert_string_equal(l.text, "");
		stack_config(l.stack, STACK_YAML, &once);
		assert_non_null(strstr(buf_str(&once), "k: 31\n"));
		again = load_text(buf_str(&once));
		assert_string_equal(again.text, "");
		stack_config(again.stack, STACK_YAML, &twice);
		assert_string_equal(buf_str(&once), buf_str(&twice));
	}
}

static void test_service_text(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = load_text("services: {a: {image: \"x$$\", cpus: 0.5}}\n");
	_cleanup_free_ char *text = NULL;

	(void)state;
	text = stack_service_text(l.stack, "a");
	assert_string_equal(text, "{\"cpus\":0.5,\"image\":\"x$\",\"networks\":{\"default\":null}}");
	assert_null(stack_service_text(l.stack, "b"));
}

static void test_names(void **state)
{
	_cleanup_(loaded_fini) struct loaded l =
		load_text("services: {b: {image: one, volumes: [\"v:/v\"]}, a: {image: two}}\nvolumes: {v: }\n");
	_cleanup_(buf_fini) struct buf out = { 0 };

	(void)state;
	stack_names(l.stack, "services", NULL, &out);
	stack_names(l.stack, "services", "image", &out);
	stack_names(l.stack, "services", "hostname", &out);
	stack_names(l.stack, "volumes", NULL, &out);
	stack_names(l.stack, "secrets", NULL, &out);
	assert_string_equal(buf_str(&out), "b\na\none\ntwo\nv\n");
}

/* Without interpolation a dollar is printed as it is written, so that it can still be interpolated. */
static void test_literal(void **state)
{
	const char *path = "stack.yaml", yaml[] = "services: {a: {image: \"${X:?no}\", hostname: \"$$a\"}}\n";
	struct stack_opts opts = {
		.paths = &path, .n_paths = 1, .project_name = "t", .env = fixture_env, .no_interpolate = true
	};
	_cleanup_(buf_fini) struct buf out = { 0 };

	(void)state;
	fixture_write(path, yaml, strlen(yaml));
	{
		_cleanup_(loaded_fini) struct loaded l = load_opts(&opts);

		stack_config(l.stack, STACK_YAML, &out);
	}
	assert_string_equal(buf_str(&out), "name: t\nservices:\n  a:\n    image: ${X:?no}\n    hostname: $$a\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole), cmocka_unit_test(test_free_keys), cmocka_unit_test(test_service_text),
		cmocka_unit_test(test_names), cmocka_unit_test(test_literal),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
