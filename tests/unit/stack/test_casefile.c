/* SPDX-License-Identifier: GPL-2.0-or-later */
/* casefile: a comparison that finds nothing wrong would make all cases pass, so what it finds is tested itself. */
#include <stdio.h>
#include <unistd.h>

#include "unit/stack/casefile.h"
#include "unit/stack/fixture.h"

#define GOT                                                                                          \
	"{\"name\": \"p\", \"services\": {\"web\": {\"image\": \"i\", \"init\": null, \"cpus\": 1, " \
	"\"ports\": [{\"target\": 80}], \"environment\": {\"A\": null, \"B\": \"1\"}, "              \
	"\"networks\": {\"n\": {\"aliases\": [\"x\", \"y\"]}}}}}"

static void test_match(void **state)
{
	static const struct {
		const char *path, *want, *why; /* NULL: it matches */
	} rows[] = {
		{ "", "{\"name\": \"p\"}", NULL },
		{ "", "{\"name\": \"q\"}", "name: another value" },
		{ "name", "\"p\"", NULL },
		{ "services.web", "{\"image\": \"i\", \"init\": null, \"command\": null}", NULL },
		{ "services.web", "{\"image\": null}", "services.web.image: another type" },
		{ "services.web", "{\"user\": \"1\"}", "services.web.user: missing" },
		{ "services.web", "{\"cpus\": 1.0}", NULL },
		{ "services.web", "{\"cpus\": 1.5}", "services.web.cpus: another number" },
		{ "services.web", "{\"cpus\": \"1\"}", "services.web.cpus: another type" },
		{ "services", "{}", "services: has a key too many" },
		{ "services.web.environment", "{\"A\": null, \"B\": \"1\"}", NULL },
		{ "services.web.environment", "{\"B\": \"1\"}",
		  "services.web.environment: has a key too many" },
		{ "services.web.environment", "{\"A\": null, \"B\": \"1\", \"C\": null}",
		  "services.web.environment.C: missing" },
		{ "services.web", "{\"environment\": {\"A\": null}}",
		  "services.web.environment: has a key too many" },
		{ "services.web.ports", "[{}]", NULL },
		{ "services.web.ports", "[]", "services.web.ports: not as long" },
		{ "services.web.ports", "[{\"target\": 81}]",
		  "services.web.ports.*.target: another number" },
		{ "services.web.networks", "{\"n\": {\"aliases\": [\"y\", \"x\"]}}",
		  "services.web.networks.n.aliases.*: another value" },
		{ "services.web.networks", "{\"n\": {}}", NULL },
		{ "services.web.networks", "{\"n\": null}",
		  "services.web.networks.n: another type" },
		{ "services.api", "null", NULL },
		{ "services.web", "null", "services.web: another type" },
		{ "services.web", "{", "the JSON of the case: line 1" },
	};
	json_t *got = json_loads(GOT, 0, NULL);

	(void)state;
	assert_non_null(got);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(buf_fini) struct buf why = { 0 };
		int r = casefile_match(got, rows[i].path, rows[i].want, &why);

		if (!rows[i].why)
			assert_string_equal(buf_str(&why), "");
		else if (strncmp(buf_str(&why), rows[i].why, strlen(rows[i].why)) != 0)
			assert_string_equal(buf_str(&why), rows[i].why);
		assert_int_equal(r, rows[i].why ? -1 : 0);
	}
	json_decref(got);
}

static void expect_read(const char *text, const char *why)
{
	_cleanup_(casefile_fini) struct casefile f;
	_cleanup_(buf_fini) struct buf got = { 0 };

	fixture_write("x.case", text, strlen(text));
	assert_int_equal(casefile_read(&f, "x.case", &got), *why ? -1 : 0);
	assert_string_equal(buf_str(&got), why);
}

static void test_read(void **state)
{
	(void)state;
	expect_read("# one\n@ file\nservices: {}\n@ says\n", "");
	expect_read("# one\n@ file\na: b\n",
		    "expects nothing: needs a section json, says or fails");
	expect_read("@ fils\n@ says\n", "no such section: 'fils'");
	expect_read("services: {}\n@ says\n", "a line outside of any section: 'services: {}'");
}

static void test_fill(void **state)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	(void)state;
	buf_puts(&text, "@DIR@/a, @DIR, @DIR@");
	casefile_fill(&text, "/x");
	assert_string_equal(text.data, "/x/a, @DIR, /x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test_setup_teardown(test_read, fixture_begin, fixture_end),
		cmocka_unit_test(test_fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
