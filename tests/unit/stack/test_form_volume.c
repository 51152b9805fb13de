/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_volume: the top-level volumes: their canonical form, what is wrong, and what only `up` refuses. */
#include <stdio.h>

#include "unit/stack/tree_case.h"

/* A service with volume `data`, which is declared in the fourth line. */
static char *with_volume(const char *volume)
{
	return xasprintf("== c.yaml\nservices:\n  web: {image: a, volumes: [\"data:/d\"]}\n"
			 "volumes:\n  data: %s\n",
			 volume);
}

static void test_forms(void **state)
{
	static const struct {
		const char *volume, *json;
	} cases[] = {
		{ "", "{\"name\":\"t_data\"}" },
		{ "{}", "{\"name\":\"t_data\"}" },
		{ "{driver: local, name: other}", "{\"driver\":\"local\",\"name\":\"other\"}" },
		{ "{driver: \"\", name: \"\"}", "{\"driver\":\"\",\"name\":\"t_data\"}" },
		{ "{external: true}", "{\"external\":true,\"name\":\"data\"}" },
		{ "{external: false}", "{\"external\":false,\"name\":\"t_data\"}" },
		{ "{external: \"true\", name: theirs, x-note: any}",
		  "{\"external\":true,\"name\":\"theirs\",\"x-note\":\"any\"}" },
		{ "{external: true, name: \"v${TAG}\", driver: }",
		  "{\"external\":true,\"name\":\"v1.2\"}" },
		{ "{driver_opts: {}}", "{\"driver_opts\":{},\"name\":\"t_data\"}" },
		{ "{driver_opts: {type: tmpfs, device: tmpfs}}",
		  "{\"driver_opts\":{\"type\":\"tmpfs\",\"device\":\"tmpfs\"},\"name\":\"t_data\"}" },
		/* A path only when it is bound. */
		{ "{driver_opts: {o: \"ro,bind\", device: here}}",
		  "{\"driver_opts\":{\"o\":\"ro,bind\",\"device\":\"./here\"},\"name\":\"t_data\"}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files = with_volume(cases[i].volume);

		expect_tree("c.yaml", files, "volumes/data", cases[i].json);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *volume, *json, *what;
	} cases[] = {
		{ "{driver: nfs}", "{\"driver\":\"nfs\",\"name\":\"t_data\"}",
		  "driver: 'nfs': not supported yet" },
		{ "{driver_opts: {type: tmpfs, device: tmpfs, size: 5}}",
		  "{\"driver_opts\":{\"type\":\"tmpfs\",\"device\":\"tmpfs\",\"size\":\"5\"},\"name\":\"t_data\"}",
		  "driver_opts: option 'size': not supported yet" },
		{ "{driver_opts: {type: sysfs, device: sysfs}}",
		  "{\"driver_opts\":{\"type\":\"sysfs\",\"device\":\"sysfs\"},\"name\":\"t_data\"}",
		  "'sysfs' (the kernel's own files): not supported yet" },
		{ "{driver_opts: {o: \"ro,bind,suid\", device: /here}}",
		  "{\"driver_opts\":{\"o\":\"ro,bind,suid\",\"device\":\"/here\"},\"name\":\"t_data\"}",
		  "driver_opts: 'suid' beside 'bind': not supported yet" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files = with_volume(cases[i].volume);

		expect_tree_told("c.yaml", files, "volumes/data", cases[i].json);
		expect_one("c.yaml", files, false, "warning", cases[i].what);
		expect_one("c.yaml", files, true, "error", cases[i].what);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *volume, *what;
	} cases[] = {
		{ "5", "volume 'data': must be a map, not a number" },
		{ "{name: \"a/b\"}", "name: 'a/b' is not a name" },
		{ "{drivers: local}", "unknown key 'drivers'" },
		{ "{external: true, driver: local}",
		  "volume 'data': 'driver' beside 'external: true': what exists already cannot be "
		  "described anew" },
		{ "{external: true, labels: {}}", "'labels' beside 'external: true'" },
		{ "{external: [true]}", "external: must be" },
		{ "{external: {name: 5}}", "external.name: must be a string, not a number" },
		{ "{driver_opts: {a: {}}}", "driver_opts.a: must be a string or a number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files = with_volume(cases[i].volume);

		expect_one("c.yaml", files, false, "error", cases[i].what);
	}
	expect_told("c.yaml", "== c.yaml\nservices: {web: {image: a}}\nvolumes:\n  a/b:\n",
		    "c.yaml:3:3: error: volume 'a/b': 'a/b' is not a name: letters, digits, _, . "
		    "and -, a letter or digit first\n");
}

static void test_old_external(void **state)
{
	_cleanup_free_ char *files = with_volume("{external: {name: theirs}}"),
			    *both = with_volume("{external: {name: a}, name: a}"),
			    *none = with_volume("{external: {}}");

	(void)state;
	expect_tree_told("c.yaml", files, "volumes/data",
			 "{\"external\":true,\"name\":\"theirs\"}");
	expect_tree_told("c.yaml", both, "volumes/data", "{\"external\":true,\"name\":\"a\"}");
	expect_tree("c.yaml", none, "volumes/data", "{\"external\":true,\"name\":\"data\"}");
	expect_one("c.yaml", files, true, "warning", "external: an old form: write 'name'");
}

static void test_too_many(void **state)
{
	_cleanup_(buf_fini) struct buf yaml = { 0 };

	(void)state;
	buf_puts(&yaml, "services: {web: {image: a}}\nvolumes:\n");
	for (size_t i = 0; i < 1001; i++)
		buf_printf(&yaml, "  v%zu:\n", i);
	expect_diags(buf_str(&yaml),
		     "3:3: error: volumes: 1001 entries: more than 1000 are not taken\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),	 cmocka_unit_test(test_refused),
		cmocka_unit_test(test_wrong),	 cmocka_unit_test(test_old_external),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
