/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_deploy, form_gpu: limits and the words of clusters in their canonical form, devices by what they can do. */
#include <stdio.h>

#include "unit/stack/fixture.h"

static void test_forms(void **state)
{
	static const struct {
		const char *keys, *json;
	} cases[] = {
		{ "endpoint_mode: dnsrr", "\"endpoint_mode\":\"dnsrr\"" },
		{ "labels: [a=b, c]", "\"labels\":{\"a\":\"b\",\"c\":\"\"}" },
		{ "labels: {a: 1}", "\"labels\":{\"a\":\"1\"}" },
		{ "mode: global-job", "\"mode\":\"global-job\"" },
		{ "placement: {constraints: [\"node.role==manager\"], max_replicas_per_node: \"2\", "
		  "preferences: [{spread: node.labels.x}]}",
		  "\"placement\":{\"constraints\":[\"node.role==manager\"],\"max_replicas_per_node\":2,"
		  "\"preferences\":[{\"spread\":\"node.labels.x\"}]}" },
		{ "replicas: \"1\"", "\"replicas\":1" },
		{ "replicas: 0", "\"replicas\":0" },
		{ "resources: {limits: {cpus: \"0.50\", memory: 64m, pids: 100}}",
		  "\"limits\":{\"cpus\":0.5,\"memory\":\"67108864\",\"pids\":100}" },
		{ "resources: {limits: {cpus: 2, pids: \"-1\"}}",
		  "\"limits\":{\"cpus\":2,\"pids\":-1}" },
		{ "resources: {reservations: {cpus: 0.25, memory: 1k}}",
		  "\"reservations\":{\"cpus\":0.25,\"memory\":\"1024\"}" },
		{ "resources: {reservations: {generic_resources: "
		  "[{discrete_resource_spec: {kind: ssd, value: \"2\"}}]}}",
		  "\"generic_resources\":[{\"discrete_resource_spec\":{\"kind\":\"ssd\",\"value\":2}}]" },
		{ "restart_policy: {condition: any, delay: 5s, max_attempts: \"3\", window: 2m}",
		  "\"restart_policy\":{\"condition\":\"any\",\"delay\":\"5s\",\"max_attempts\":3,"
		  "\"window\":\"2m0s\"}" },
		{ "restart_policy: {condition: unless-stopped}",
		  "\"restart_policy\":{\"condition\":\"unless-stopped\"}" },
		{ "update_config: {delay: 1500ms, failure_action: rollback, max_failure_ratio: 0.0005, "
		  "monitor: 1h, order: start-first, parallelism: 2}",
		  "\"update_config\":{\"delay\":\"1.5s\",\"failure_action\":\"rollback\","
		  "\"max_failure_ratio\":0.0005,\"monitor\":\"1h0m0s\",\"order\":\"start-first\","
		  "\"parallelism\":2}" },
		{ "rollback_config: {failure_action: pause, max_failure_ratio: \".5\", order: stop-first}",
		  "\"rollback_config\":{\"failure_action\":\"pause\",\"max_failure_ratio\":0.5,"
		  "\"order\":\"stop-first\"}" },
		{ "x-own: [1]", "\"x-own\":[1]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("deploy: {%s}", cases[i].keys);

		expect_canonical(keys, cases[i].json);
	}
}

#define DEPLOY "service 'web': deploy."
#define LIMITS DEPLOY "resources.limits."

static void test_mistakes(void **state)
{
	static const struct {
		const char *line, *problem;
	} cases[] = {
		{ "endpoint_mode: ip",
		  "5:22: error: " DEPLOY "endpoint_mode: 'ip' is unknown; write vip or dnsrr" },
		{ "mode: everywhere",
		  "5:13: error: " DEPLOY "mode: 'everywhere' is unknown; write replicated, "
		  "global, replicated-job or global-job" },
		{ "replica: 1", "5:7: error: service 'web': deploy: unknown key 'replica'" },
		{ "replicas: -1", "5:17: error: " DEPLOY "replicas: '-1' must not be negative" },
		{ "replicas: some",
		  "5:17: error: " DEPLOY "replicas: 'some' is not a whole number" },
		{ "resources: {limits: {cpus: many}}",
		  "5:34: error: " LIMITS
		  "cpus: 'many' is not a number of CPUs; write like 0.5 or 2" },
		{ "resources: {limits: {memory: 64}}",
		  "5:36: error: " LIMITS "memory: must be a string, not a number" },
		{ "resources: {limits: {memory: lots}}",
		  "5:36: error: " LIMITS
		  "memory: 'lots' is not a size; write bytes or a number with k, m or g, like 64m" },
		{ "resources: {limits: {pids: -2}}",
		  "5:34: error: " LIMITS "pids: -2 processes: write -1 for no limit" },
		{ "resources: {limit: {}}",
		  "5:19: error: " DEPLOY "resources: unknown key 'limit'" },
		{ "placement: {preferences: [spread]}",
		  "5:33: error: " DEPLOY "placement.preferences[0]: must be a map, not a string" },
		{ "placement: {constraints: a}",
		  "5:32: error: " DEPLOY "placement.constraints: must be a list, not a string" },
		{ "restart_policy: {condition: maybe}",
		  "5:35: error: " DEPLOY "restart_policy.condition: 'maybe' is "
		  "unknown; write none, on-failure, any, no, always or unless-stopped" },
		{ "restart_policy: {delay: 5}",
		  "5:31: error: " DEPLOY "restart_policy.delay: must be a string, not a number" },
		{ "restart_policy: {window: soon}",
		  "5:32: error: " DEPLOY
		  "restart_policy.window: 'soon' is not a duration; write numbers with units, "
		  "like 1m30s or 500ms" },
		{ "update_config: {order: random}",
		  "5:30: error: " DEPLOY
		  "update_config.order: 'random' is unknown; write stop-first or start-first" },
		{ "rollback_config: {failure_action: rollback}",
		  "5:41: error: " DEPLOY
		  "rollback_config.failure_action: 'rollback' is unknown; write continue or pause" },
		{ "update_config: {max_failure_ratio: 2}",
		  "5:42: error: " DEPLOY
		  "update_config.max_failure_ratio: '2' is not a part of all: write 0 to 1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *lines = xasprintf("    deploy:\n      %s\n", cases[i].line);

		expect_problem(lines, cases[i].problem);
	}
}

/* What a cluster would do is told once; what would change the containers is refused when they are to run. */
static void test_verdicts(void **state)
{
	static const struct {
		const char *line, *problem;
	} cases[] = {
		{ "mode: global",
		  "5:7: warning: " DEPLOY "mode: has no effect: it is for clusters" },
		{ "update_config: {order: start-first}",
		  "5:7: warning: " DEPLOY "update_config: has no effect: it is for clusters" },
		{ "resources: {reservations: {cpus: 1}}",
		  "5:34: warning: " DEPLOY
		  "resources.reservations.cpus: has no effect: it is for clusters" },
		{ "resources: {reservations: {devices: [{capabilities: [gpu]}]}}",
		  "5:34: warning: " DEPLOY
		  "resources.reservations.devices: not supported yet: 'mstack up' refuses it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *lines = xasprintf("    deploy:\n      %s\n", cases[i].line);

		expect_problem(lines, cases[i].problem);
	}
	expect_diags(
		"services: {web: {image: a, deploy: {replicas: 1, resources: {limits: {cpus: 1}}}}}\n",
		"");
}

static void test_merge(void **state)
{
	static const char text[] =
		"services: {web: {image: a, deploy: {labels: [a=1, b=2], placement: {constraints: [x]}}}}\n"
		"---\n"
		"services: {web: {deploy: {labels: {b: 3}, placement: {constraints: [y]}, replicas: 1}}}\n";
	_cleanup_(loaded_fini) struct loaded l = load_text(text);
	_cleanup_free_ char *service = NULL;

	(void)state;
	assert_int_equal(l.result, 0);
	service = stack_service_text(l.stack, "web");
	assert_non_null(strstr(service,
			       "\"deploy\":{\"labels\":{\"a\":\"1\",\"b\":\"3\"},"
			       "\"placement\":{\"constraints\":[\"x\",\"y\"]},\"replicas\":1}"));
}

static void test_device_requests(void **state)
{
	static const struct {
		const char *list, *json;
	} cases[] = {
		{ "[{capabilities: [gpu]}]", "[{\"capabilities\":[\"gpu\"],\"count\":-1}]" },
		{ "[{capabilities: [gpu], count: all}]",
		  "[{\"capabilities\":[\"gpu\"],\"count\":-1}]" },
		{ "[{capabilities: [gpu], count: -1}]",
		  "[{\"capabilities\":[\"gpu\"],\"count\":-1}]" },
		{ "[{capabilities: [gpu], count: \"2\"}]",
		  "[{\"capabilities\":[\"gpu\"],\"count\":2}]" },
		{ "[{capabilities: [gpu, tpu], device_ids: [\"0\", \"3\"], driver: nvidia, options: [a=b]}]",
		  "[{\"capabilities\":[\"gpu\",\"tpu\"],\"device_ids\":[\"0\",\"3\"],\"driver\":\"nvidia\","
		  "\"options\":{\"a\":\"b\"}}]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *gpus = xasprintf("gpus: %s", cases[i].list);
		_cleanup_free_ char *devices = xasprintf(
			"deploy: {resources: {reservations: {devices: %s}}}", cases[i].list);

		expect_canonical(gpus, cases[i].json);
		expect_canonical(devices, cases[i].json);
	}
	expect_canonical("gpus: all", "\"gpus\":[{\"count\":-1}]");
	expect_canonical("gpus: [{driver: x}]", "\"gpus\":[{\"count\":-1,\"driver\":\"x\"}]");
}

static void test_device_mistakes(void **state)
{
	static const struct {
		const char *lines, *problem;
	} cases[] = {
		{ "    gpus: some\n",
		  "4:11: error: service 'web': gpus: 'some': write all, or a list of requests" },
		{ "    gpus: [x]\n",
		  "4:12: error: service 'web': gpus[0]: must be a map, not a string" },
		{ "    gpus: [{count: few}]\n",
		  "4:20: error: service 'web': gpus[0].count: 'few' is not a number of devices; write 1 or all" },
		{ "    gpus: [{count: -2}]\n",
		  "4:20: error: service 'web': gpus[0].count: '-2' is not a number of devices; write 1 or all" },
		{ "    gpus: [{count: 1, device_ids: [a]}]\n",
		  "4:23: error: service 'web': gpus[0]: 'count' and 'device_ids' exclude each other" },
		{ "    gpus: [{device_ids: [0]}]\n",
		  "4:26: error: service 'web': gpus[0].device_ids[0]: must be a string, not a number" },
		{ "    gpus: [{cout: 1}]\n",
		  "4:13: error: service 'web': gpus[0]: unknown key 'cout'" },
		{ "    deploy: {resources: {reservations: {devices: [{count: 1}]}}}\n",
		  "4:51: error: " DEPLOY
		  "resources.reservations.devices[0]: 'capabilities' is missing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_problem(cases[i].lines, cases[i].problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forms, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_mistakes, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_verdicts, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_merge, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_device_requests, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_device_mistakes, fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
