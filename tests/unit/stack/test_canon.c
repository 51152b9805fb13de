/* SPDX-License-Identifier: GPL-2.0-or-later */
/* canon: each key in its canonical form; what was not given is not printed. Round trips of whole files: test_golden.c. */
#include <stdio.h>

#include "unit/stack/fixture.h"

/* The lines of service `web` that are not there without any key, without their indent. */
static void show(const struct stack *s, struct buf *b)
{
	_cleanup_(buf_fini) struct buf all = { 0 };
	static const char *const always[] = { "command: null", "entrypoint: null", "image: a",
					      "networks:" };
	char *save, *line;

	stack_config(s, STACK_YAML, &all);
	buf_putc(&all, '\0');
	line = strstr(all.data, "  web:\n") + strlen("  web:\n");
	for (line = strtok_r(line, "\n", &save); line && line[0] == ' ';
	     line = strtok_r(NULL, "\n", &save)) {
		const char *text = line + strspn(line, " ");
		bool known = !strcmp(line, "      default: null");

		for (size_t i = 0; i < ARRAY_LEN(always); i++)
			known |= !strcmp(text, always[i]);
		if (!known)
			buf_printf(b, "%s%s", b->len ? " | " : "", text);
	}
}

static void test_keys(void **state)
{
	static const struct {
		const char *keys, *want;
	} cases[] = {
		{ "", "" },
		{ "cap_add: [net_admin, CAP_CHOWN]", "cap_add: | - NET_ADMIN | - CHOWN" },
		{ "cap_drop: []", "cap_drop: []" },
		{ "cpus: 1.50", "cpus: 1.5" },
		{ "cpus: 2", "cpus: 2" },
		{ "cpus: 0", "cpus: 0" },
		{ "cpus: 0.001", "cpus: 0.001" },
		{ "cpus: 10", "cpus: 10" },
		{ "environment: {B: x, A: }", "environment: | B: x | A: null" },
		{ "mem_limit: 64m", "mem_limit: \"67108864\"" },
		{ "pids_limit: 0", "pids_limit: -1" },
		{ "restart: \"no\"", "" },
		{ "restart: on-failure:3", "restart: on-failure:3" },
		{ "read_only: true", "read_only: true" },
		{ "read_only: false", "" },
		{ "stop_grace_period: 90s", "stop_grace_period: \"1m30s\"" },
		{ "stop_signal: SIGINT", "stop_signal: SIGINT" },
		{ "ulimits: {nofile: 5}", "ulimits: | nofile: 5" },
		{ "ulimits: {nofile: {soft: 1, hard: -1}}",
		  "ulimits: | nofile: | soft: 1 | hard: -1" },
		{ "tmpfs: [/run, \"/tmp:size=1k,mode=700,ro\"]",
		  "tmpfs: | - /run | - \"/tmp:size=1024,mode=700,ro\"" },
		{ "ports: [\"127.0.0.1:80-81:90-91/udp\"]",
		  "ports: | - mode: ingress | host_ip: \"127.0.0.1\" | target: 90 | published: \"80\" | protocol: udp | "
		  "- mode: ingress | host_ip: \"127.0.0.1\" | target: 91 | published: \"81\" | protocol: udp" },
		{ "ports: [90]", "ports: | - mode: ingress | target: 90 | protocol: tcp" },
		{ "volumes: [\"/a:/b:ro\"]",
		  "volumes: | - type: bind | source: /a | target: /b | read_only: true" },
		{ "volumes: [{type: bind, source: /a, target: /b, bind: {create_host_path: false}}]",
		  "volumes: | - type: bind | source: /a | target: /b | bind: | create_host_path: false" },
		{ "volumes: [{type: tmpfs, target: /b, tmpfs: {size: 1k, mode: 0700}}]",
		  "volumes: | - type: tmpfs | target: /b | tmpfs: | size: \"1024\" | mode: 448" },
		{ "healthcheck: {test: [CMD, a]}",
		  "healthcheck: | test: | - CMD | - a | interval: \"30s\" | timeout: \"30s\" | retries: 3" },
		{ "healthcheck: {test: a b, start_period: 1s}",
		  "healthcheck: | test: | - CMD-SHELL | - \"a b\" | interval: \"30s\" | timeout: \"30s\" | retries: 3 | "
		  "start_period: \"1s\" | start_interval: \"5s\"" },
		{ "healthcheck: {disable: true}", "healthcheck: | disable: true" },
		{ "labels: [a=b, c]", "labels: | a: b | c: \"\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *yaml =
			xasprintf("services: {web: {image: a, %s}}\n", cases[i].keys);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);
		_cleanup_(buf_fini) struct buf got = { 0 };

		assert_int_equal(l.result, 0);
		show(l.stack, &got);
		assert_string_equal(buf_str(&got), cases[i].want);
	}
}

/* A command that is there and empty clears the image's own, which null does not. */
static void test_commands(void **state)
{
	_cleanup_(loaded_fini) struct loaded l =
		load_text("services: {web: {image: a, command: [], entrypoint: [\"\"]}}\n");
	_cleanup_(buf_fini) struct buf got = { 0 };

	(void)state;
	stack_config(l.stack, STACK_YAML, &got);
	assert_non_null(strstr(got.data, "    command: []\n"));
	assert_non_null(strstr(got.data, "    entrypoint:\n      - \"\"\n"));
}

static void test_whole(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = load_text(
		"services:\n"
		"  a: {image: a, networks: [net], volumes: [\"v:/v\"], depends_on: [b]}\n"
		"  b: {image: b, networks: [net]}\n"
		"networks: {net: {internal: true, ipam: {config: [{subnet: 10.0.0.0/24, gateway: 10.0.0.1}]}}, unused: }\n"
		"volumes: {v: {external: true}, w: }\n");
	_cleanup_(buf_fini) struct buf got = { 0 };

	(void)state;
	assert_string_equal(l.text, "");
	stack_config(l.stack, STACK_YAML, &got);
	assert_string_equal(got.data, "name: t\n"
				      "services:\n"
				      "  a:\n"
				      "    command: null\n"
				      "    depends_on:\n"
				      "      b:\n"
				      "        condition: service_started\n"
				      "        required: true\n"
				      "    entrypoint: null\n"
				      "    image: a\n"
				      "    networks:\n"
				      "      net: null\n"
				      "    volumes:\n"
				      "      - type: volume\n"
				      "        source: v\n"
				      "        target: /v\n"
				      "  b:\n"
				      "    command: null\n"
				      "    entrypoint: null\n"
				      "    image: b\n"
				      "    networks:\n"
				      "      net: null\n"
				      "networks:\n"
				      "  net:\n"
				      "    name: t_net\n"
				      "    driver: bridge\n"
				      "    internal: true\n"
				      "    ipam:\n"
				      "      config:\n"
				      "        - subnet: \"10.0.0.0/24\"\n"
				      "          gateway: \"10.0.0.1\"\n"
				      "volumes:\n"
				      "  v:\n"
				      "    name: v\n"
				      "    external: true\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_whole),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
