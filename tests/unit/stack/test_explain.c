/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain: the place of each value, in both forms, and where its variables came from. */
#include <jansson.h>
#include <stdio.h>

#include "unit/stack/fixture.h"

static const char yaml[] = "name: x\n"
			   "services:\n"
			   "  a:\n"
			   "    image: a:${TAG}${NONE:-}\n"
			   "    labels: {\"a.b\": \"${FILE}\", plain: \"\\x1b\\u202e\"}\n"
			   "    command: |\n"
			   "      echo one\n"
			   "    expose: []\n";

/* FILE stands in an .env beside it. */
static struct loaded load(void)
{
	fixture_write(".env", "\nFILE=from\n", 11);
	return load_text(yaml);
}

static void test_comments(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = load();
	_cleanup_(buf_fini) struct buf out = { 0 };

	(void)state;
	stack_explain(l.stack, STACK_YAML, &out);
	/* The name was given by the caller, not by the file. */
	assert_int_equal(strncmp(buf_str(&out), "name: t  # default\n", 19), 0);
	assert_non_null(strstr(buf_str(&out),
			       "    image: a:1.2  # stack.yaml:4:12 TAG from the environment, NONE is not set\n"));
	assert_non_null(strstr(out.data, "      a.b: from  # stack.yaml:5:21 FILE from .env:2\n"));
	assert_non_null(strstr(out.data, "      plain: \"\\u001b\\u202e\"  # stack.yaml:5:"));
	assert_non_null(strstr(out.data, "      default: null  # default\n"));
	/* Nothing else than comments is added: it is the same stack. */
	{
		_cleanup_(loaded_fini) struct loaded again = load_text(out.data);
		_cleanup_(buf_fini) struct buf one = { 0 }, two = { 0 };

		stack_config(l.stack, STACK_YAML, &one);
		stack_config(again.stack, STACK_YAML, &two);
		assert_string_equal(buf_str(&one), buf_str(&two));
	}
}

static json_t *line_of(json_t *all, const char *path)
{
	for (size_t i = 0; i < json_array_size(all); i++)
		if (!strcmp(json_string_value(json_object_get(json_array_get(all, i), "path")), path))
			return json_array_get(all, i);
	fail_msg("no line for %s", path);
	return NULL;
}

static void test_json(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = load();
	_cleanup_(buf_fini) struct buf out = { 0 };
	json_t *all = json_array(), *use;
	char *save = NULL;

	(void)state;
	stack_explain(l.stack, STACK_JSON, &out);
	for (char *line = strtok_r(out.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		json_t *one = json_loads(line, 0, NULL);

		assert_non_null(one);
		json_array_append_new(all, one);
	}
	use = json_array_get(json_object_get(line_of(all, "services.a.labels[\"a.b\"]"), "variables"), 0);
	assert_string_equal(json_string_value(json_object_get(use, "name")), "FILE");
	assert_string_equal(json_string_value(json_object_get(use, "value")), "from");
	assert_int_equal(json_integer_value(json_object_get(use, "line")), 2);
	assert_string_equal(json_string_value(json_object_get(line_of(all, "services.a.image"), "value")), "a:1.2");
	assert_int_equal(json_integer_value(json_object_get(line_of(all, "services.a.image"), "column")), 12);
	assert_string_equal(json_string_value(json_object_get(line_of(all, "services.a.command[1]"), "value")), "one");
	assert_null(json_object_get(line_of(all, "services.a.networks.default"), "file"));
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
