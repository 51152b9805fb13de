/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * documents: a text that stands in no file: alone, over files, with labels in place of lines, and quoted values.
 */
#include <unistd.h>

#include "unit/stack/fixture.h"

static const char *const labels[] = { "head", "--memory", "--env", "--volume" };

static struct loaded load(const char *file, const char *text, const char *dir)
{
	static const char yaml[] = "services: {web: {image: a, mem_limit: 1m, ports: [\"1:1\"]}}\n";
	const struct stack_text doc = { text, dir, labels, ARRAY_LEN(labels) };
	struct stack_opts opts = { .paths = &file,
				   .n_paths = file ? 1 : 0,
				   .text = &doc,
				   .project_name = "t",
				   .for_run = true };

	if (file)
		fixture_write(file, yaml, strlen(yaml));
	return load_opts(&opts);
}

static void test_alone(void **state)
{
	_cleanup_(loaded_fini) struct loaded l =
		load(NULL, "{\"services\": {\"x\": {\"image\": \"./i\",\n\"mem_limit\": \"2m\"}}}\n", NULL);
	char cwd[4096];

	(void)state;
	assert_int_equal(l.result, 0);
	assert_string_equal(l.text, "");
	assert_int_equal(l.stack->services[0].mem_limit.value, 2 << 20);
	assert_string_equal(l.stack->dir, getcwd(cwd, sizeof(cwd)));
}

/* Its paths begin where it says, and !reset takes away what the file has. */
static void test_over_a_file(void **state)
{
	_cleanup_(loaded_fini) struct loaded l =
		load("stack.yaml",
		     "{services: {web: {ports: !reset null,\nmem_limit: 3m,\nenvironment: [A=b],\nvolumes: [./d:/d]}}}\n",
		     "/else");

	(void)state;
	assert_int_equal(l.result, 0);
	assert_int_equal(l.stack->services[0].n_ports, 0);
	assert_int_equal(l.stack->services[0].mem_limit.value, 3 << 20);
	assert_string_equal(l.stack->services[0].mounts[0].source, "/else/d");
	assert_string_equal(l.stack->services[0].image.text, "a");
}

/* A problem is told by its label alone; one of the file still by its place. */
static void test_labels(void **state)
{
	_cleanup_(loaded_fini) struct loaded l =
		load("stack.yaml", "{services: {web: {\nmem_limit: lots,\nprivileged: [],\nvolumes: [\":\"]}}}\n", NULL);

	(void)state;
	assert_int_equal(l.result, 1);
	assert_non_null(strstr(l.text, "error: --memory: "));
	assert_non_null(strstr(l.text, "error: --volume: "));
	assert_null(strstr(l.text, "web"));
	assert_null(strstr(l.text, "^"));
	for (size_t i = 0; i < stack_diags_count(l.diags); i++)
		assert_true(stack_diags_get(l.diags, i)->of_words);
}

/* `--scale` goes over both keys, and over what is in the file only if the service is meant. */
static void test_scale(void **state)
{
	static const struct stack_scale scales[] = { { "web", 2 }, { "db", 0 }, { "web", 3 } };
	static const struct stack_scale wrong[] = { { "wbe", 2 }, { "extra", 1 } };
	static const char text[] = "services:\n  web: {image: a, scale: 1, deploy: {replicas: 1}}\n"
				   "  db: {image: b}\n  extra: {image: c, profiles: [p]}\n";
	const char *file = "stack.yaml";
	struct stack_opts opts = { .paths = &file, .n_paths = 1, .scales = scales, .n_scales = 3 };
	_cleanup_(loaded_fini) struct loaded l = { 0 }, bad = { 0 };

	(void)state;
	fixture_write(file, text, sizeof(text) - 1);
	l = load_opts(&opts);
	assert_int_equal(l.result, 0);
	assert_int_equal(stack_find_service(l.stack, "web")->scale, 3);
	assert_int_equal(stack_find_service(l.stack, "db")->scale, 0);
	opts.scales = wrong;
	opts.n_scales = 2;
	bad = load_opts(&opts);
	assert_string_equal(bad.text, "error: --scale: no such service: 'wbe'\n"
				      "  hint: did you mean 'web'?\n"
				      "error: --scale: service 'extra' is not among those that are meant\n"
				      "  hint: name it, or activate its profile\n");
}

/* Options change services; they make none. */
static void test_unknown_service(void **state)
{
	static const char *const names[] = { "wbe" };
	const struct stack_text doc = { "{services: {wbe: {mem_limit: 1m}}}\n", NULL, labels, 1 };
	const char *file = "stack.yaml";
	struct stack_opts opts = { .paths = &file, .n_paths = 1, .text = &doc, .services = names, .n_services = 1 };
	_cleanup_(loaded_fini) struct loaded l = { 0 };

	(void)state;
	fixture_write(file, "services: {web: {image: a}}\n", 28);
	l = load_opts(&opts);
	assert_string_equal(l.text, "error: no such service: 'wbe'\n  hint: did you mean 'web'?\n");
}

static void test_quote(void **state)
{
	static const char odd[] = "a\"b\\ $X ${Y} \t\n\x01 \xc3\xa4 #: {";
	_cleanup_(buf_fini) struct buf text = { 0 }, out = { 0 };
	struct loaded l;

	(void)state;
	buf_puts(&text, "{services: {x: {image: i, command: [");
	assert_true(stack_quote(&text, odd));
	buf_puts(&text, "]}}}\n");
	l = load(NULL, text.data, NULL);
	assert_string_equal(l.text, "");
	assert_string_equal(l.stack->services[0].command.v[0].text, odd);
	loaded_fini(&l);
	assert_false(stack_quote(&out, "\xff"));
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),  cmocka_unit_test(test_over_a_file),
		cmocka_unit_test(test_labels), cmocka_unit_test(test_scale),
		cmocka_unit_test(test_unknown_service),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
