/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_cluster: develop, provider, credential_spec and models: every form, and each mistake with its place. */
#include <stdio.h>

#include "unit/stack/fixture.h"

static void test_forms(void **state)
{
	static const struct {
		const char *keys, *json;
	} cases[] = {
		{ "develop: {watch: [{path: /src, action: rebuild}]}",
		  "\"develop\":{\"watch\":[{\"action\":\"rebuild\",\"path\":\"/src\"}]}" },
		{ "develop: {watch: [{path: ./src/, action: sync, target: /app}]}",
		  "/src\",\"target\":\"/app\"}]}" },
		{ "develop: {watch: [{path: ~/src, target: /t, action: sync+exec, ignore: a, include: [b, c], initial_sync: true, "
		  "exec: {command: make all, user: u}}]}",
		  "[{\"action\":\"sync+exec\",\"exec\":{\"command\":[\"make\",\"all\"],\"user\":\"u\"},"
		  "\"ignore\":[\"a\"],\"include\":[\"b\",\"c\"],\"initial_sync\":true,\"path\":\"/home/user/src\",\"target\":\"/t\"}]" },
		{ "provider: {type: p}", "\"provider\":{\"type\":\"p\"}" },
		{ "provider: {type: p, options: {a: x, b: 1, c: true, d: [y, 2]}}",
		  "\"options\":{\"a\":[\"x\"],\"b\":[\"1\"],\"c\":[\"true\"],\"d\":[\"y\",\"2\"]}" },
		{ "credential_spec: {config: c, file: f, registry: r}",
		  "\"credential_spec\":{\"config\":\"c\",\"file\":\"f\",\"registry\":\"r\"}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_canonical(cases[i].keys, cases[i].json);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *lines, *problem;
	} cases[] = {
		{ "    develop: {watch: [{path: .}]}\n",
		  "4:23: error: service 'web': develop.watch[0]: 'action' is missing" },
		{ "    develop: {watch: [{action: sync}]}\n",
		  "4:23: error: service 'web': develop.watch[0]: 'path' is missing" },
		{ "    develop: {watch: [{path: ., action: sync}]}\n",
		  "4:23: error: service 'web': develop.watch[0]: 'target' is missing" },
		{ "    develop: {watch: [{path: \"\", action: sync}]}\n",
		  "4:30: error: service 'web': develop.watch[0].path: must not be empty" },
		{ "    develop: {watch: [{path: ., action: look}]}\n",
		  "4:41: error: service 'web': develop.watch[0].action: 'look' is unknown; write rebuild, sync, "
		  "restart, sync+restart or sync+exec" },
		{ "    develop: {watch: [{path: ., action: sync+exec, exec: {user: u}}]}\n",
		  "4:58: error: service 'web': develop.watch[0].exec: 'command' is missing" },
		{ "    develop: {watch: [{path: ., action: sync, initial_sync: \"yes\"}]}\n",
		  "4:61: error: service 'web': develop.watch[0].initial_sync: must be a truth value, not a string" },
		{ "    develop: {watch: .}\n",
		  "4:22: error: service 'web': develop.watch: must be a list, not a string" },
		{ "    develop: {wach: []}\n",
		  "4:15: error: service 'web': develop: unknown key 'wach'" },
		{ "    provider: {options: {}}\n",
		  "4:15: error: service 'web': provider: 'type' is missing" },
		{ "    provider: {type: \"\"}\n",
		  "4:22: error: service 'web': provider.type: must not be empty" },
		{ "    provider: {type: p, options: {a: {b: c}}}\n",
		  "4:38: error: service 'web': provider.options.a: must be a string or a number or a truth value or "
		  "a list, not a map" },
		{ "    credential_spec: {path: f}\n",
		  "4:23: error: service 'web': credential_spec: unknown key 'path'" },
		{ "    models: [1]\n",
		  "4:14: error: service 'web': models[0]: must be a string, not a number" },
		{ "    models: {m: x}\n",
		  "4:17: error: service 'web': models.m: must be a map, not a string" },
		{ "    models: {m: {model: x}}\n",
		  "4:18: error: service 'web': models.m: unknown key 'model'" },
		{ "models: {m: }\n", "4:13: error: models.m: 'model' is missing" },
		{ "models: {m: {model: x, context_size: big}}\n",
		  "4:38: error: models.m.context_size: must be a number, not a string" },
		{ "models: {m: {model: x, runtime_flags: -v}}\n",
		  "4:39: error: models.m.runtime_flags: must be a list, not a string" },
		{ "models: {m: {modl: x}}\n", "4:14: error: models.m: unknown key 'modl'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_problem(cases[i].lines, cases[i].problem);
}

#define MODELS \
	"models: {m: {model: x, context_size: 100, runtime_flags: [-v]}, k: {model: y, name: z}}\n"

static void test_models(void **state)
{
	static const struct {
		const char *models, *json;
	} cases[] = {
		{ "[m, k]", "\"models\":{\"m\":null,\"k\":null}" },
		{ "{m: , k: {endpoint_var: E, model_var: M}}",
		  "\"models\":{\"m\":null,\"k\":{\"endpoint_var\":\"E\",\"model_var\":\"M\"}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *yaml = xasprintf(
			MODELS "services: {web: {image: a, models: %s}}\n", cases[i].models);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);
		_cleanup_(buf_fini) struct buf all = { 0 };
		_cleanup_free_ char *service = NULL;

		assert_int_equal(l.result, 0);
		service = stack_service_text(l.stack, "web");
		assert_non_null(strstr(service, cases[i].json));
		stack_config(l.stack, STACK_YAML, &all);
		assert_non_null(strstr(buf_str(&all), "    model: x\n    context_size: 100\n") ||
				strstr(buf_str(&all), "    context_size: 100\n    model: x\n"));
	}
}

static void test_verdicts(void **state)
{
	(void)state;
	expect_problem(
		"    develop: {watch: [{path: ., action: restart}]}\n",
		"4:5: warning: service 'web': develop: has no effect: files are not watched");
	expect_problem(
		"    provider: {type: p}\n",
		"4:5: warning: service 'web': provider: not supported yet: 'mstack up' refuses it");
	expect_problem(
		"    models: [m]\nmodels: {m: {model: x}}\n",
		"4:5: warning: service 'web': models: has no effect: there is no model runner");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forms, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_mistakes, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_models, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_verdicts, fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
