/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates of --format: what docker's people write, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/template.h"

static const char row_text[] =
	"{\"Name\": \"shop-web-1\", \"State\": \"running\", \"Index\": 1, "
	"\"OneOff\": false, \"MemBytes\": null, \"Share\": 0.5, "
	"\"Label\": \"two words\", \"Odd\": \"a\\u0007b\", "
	"\"Publishers\": [{\"TargetPort\": 80}], \"Net\": {\"IP\": \"10.0.0.2\"}}";

static const struct {
	const char *template, *made;
} fine[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "{{.Name}}", "shop-web-1" },
	{ "{{ .Name }}\\t{{.State}}\\n", "shop-web-1\trunning\n" },
	{ "{{.Name}}{{\"\\t\"}}{{\"x\\\"y\"}}", "shop-web-1\tx\"y" },
	{ "{{upper .State}} {{.State | upper | lower}} {{title .Label}}",
	  "RUNNING running Two Words" },
	{ "{{.Index}} {{.OneOff}} {{.MemBytes}} {{.Share}}", "1 false <no value> 0.5" },
	{ "{{json .Name}} {{json .Index}} {{.Publishers | json}}",
	  "\"shop-web-1\" 1 [{\"TargetPort\":80}]" },
	{ "{{.Publishers}}", "[{\"TargetPort\":80}]" },
	{ "{{.Net.IP}} {{json .Net}}", "10.0.0.2 {\"IP\":\"10.0.0.2\"}" },
	{ "{{upper \"a\"}}", "A" },
	{ "a } b { c \\x", "a } b { c \\x" },
	{ "{{.Odd}}", "a^Gb" },
};

static const struct {
	const char *template, *says;
} wrong[] = {
	{ "{{", "it ends before }}" },
	{ "{{.Name", "this is not understood before }}" },
	{ "{{.Name .State}}", "character 9" },
	{ "{{}}", "this is no value" },
	{ "{{Name}}", "this is no value" },
	{ "{{if .Name}}x{{end}}", "this is no value" },
	{ "{{\"open}}", "the text has no end" },
	{ "{{.Name | shout}}", "behind a | stands a function" },
	{ "{{.Name |}}", "behind a | stands a function" },
	{ "{{- .Name}}", "this is no value" },
};

static void test_fine(void **state)
{
	json_t *row = json_loads(row_text, 0, NULL);

	(void)state;
	assert_non_null(row);
	for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
		struct buf out = { 0 };
		struct err err = { 0 };

		assert_int_equal(cli_template_check(fine[i].template, &err), 0);
		assert_int_equal(cli_template_add(fine[i].template, row, &out, &err), 0);
		assert_string_equal(buf_str(&out), fine[i].made);
		buf_fini(&out);
	}
	json_decref(row);
}

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct err err = { 0 };

		assert_int_equal(cli_template_check(wrong[i].template, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.text, wrong[i].says));
		assert_non_null(strstr(err.text, "json, upper, lower and title"));
	}
}

/* Of a template everything can be told without a row but what the row has. */
static void test_keys(void **state)
{
	static const struct {
		const char *template, *says;
	} t[] = {
		{ "{{.Nmae}}", "there is no '.Nmae': did you mean '.Name'?" },
		{ "{{.Whatever}}", "there is no '.Whatever'; there are .Name .State" },
		{ "{{.Name.Below}}", "there are no keys below this value" },
		{ "{{json .Net.Mask}}", "there is no '.Mask'" },
	};
	json_t *row = json_loads(row_text, 0, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct buf out = { 0 };
		struct err err = { 0 };

		assert_int_equal(cli_template_check(t[i].template, &err), 0);
		assert_int_equal(cli_template_add(t[i].template, row, &out, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.text, t[i].says));
		buf_fini(&out);
	}
	json_decref(row);
}

static void test_heads(void **state)
{
	static const struct cli_column columns[] = { { "CPU %", "CPUPerc" }, { NULL, NULL } };
	struct buf out = { 0 };

	(void)state;
	cli_template_heads("{{.Name}}\\t{{upper .CPUPerc}}\\t{{json .Net.IP}}", columns, &out);
	assert_string_equal(buf_str(&out), "NAME\tCPU %\tIP");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fine),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
