/* SPDX-License-Identifier: GPL-2.0-or-later */
/* merge: a later file over an earlier one, attribute by attribute, in all mixtures of short and long forms; the tags. */
#include <stdio.h>

#include "unit/stack/tree_case.h"

struct merge_case {
	const char *base, *over, *key, *json;
};

/* Keys of a service, with an image in the base, in two files. */
static void check(const struct merge_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *path = xasprintf("services/web/%s", cases[i].key);
		_cleanup_free_ char *files = xasprintf(
			"== a.yaml\nservices:\n  web: {image: x, %s}\n  d1: {image: x}\n"
			"  d2: {image: x}\nnetworks: {n1: , n2: }\nvolumes: {v1: , v2: }\n"
			"secrets: {s1: {file: ./s}, s2: {file: ./s}}\n"
			"configs: {c1: {file: ./c}, c2: {file: ./c}}\n"
			"models: {m1: {model: x}, m2: {model: x}}\n"
			"== b.yaml\nservices:\n  web: {%s}\n== one.env\nE=1\n== two.env\nE=2\n",
			cases[i].base, cases[i].over);

		expect_tree_told("a.yaml b.yaml", files, path, cases[i].json);
	}
}

static void test_scalars(void **state)
{
	static const struct merge_case cases[] = {
		{ "hostname: a", "hostname: b", "hostname", "\"b\"" },
		{ "hostname: a", "user: \"1\"", "hostname", "\"a\"" },
		{ "user: \"1\"", "hostname: b", "hostname", "\"b\"" },
		{ "hostname: a", "hostname: ", "hostname", "\"a\"" },
		{ "hostname: ", "hostname: b", "hostname", "\"b\"" },
		{ "mem_limit: 64m", "mem_limit: 1024", "mem_limit", "\"1024\"" },
		{ "read_only: true", "read_only: false", "read_only", "false" },
		{ "stop_grace_period: 1m", "stop_grace_period: 2m", "stop_grace_period",
		  "\"2m0s\"" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
}

static void test_maps(void **state)
{
	static const struct merge_case cases[] = {
		{ "healthcheck: {test: [CMD, a], interval: 5s}", "healthcheck: {interval: 9s}",
		  "healthcheck", "{\"interval\":\"9s\",\"test\":[\"CMD\",\"a\"]}" },
		{ "healthcheck: {interval: 5s}", "healthcheck: {interval: }",
		  "healthcheck/interval", "\"5s\"" },
		{ "deploy: {resources: {limits: {memory: 64m, pids: 5}}}",
		  "deploy: {resources: {limits: {pids: 9}}}", "deploy/resources/limits",
		  "{\"memory\":\"67108864\",\"pids\":9}" },
		{ "x-any: {a: 1}", "x-any: [b]", "x-any", "[\"b\"]" },
		{ "x-any: {a: 1}", "x-any: {b: 1}", "x-any", "{\"b\":1}" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
}

static void test_replaced(void **state)
{
	static const struct merge_case cases[] = {
		{ "command: [a, b]", "command: [c]", "command", "[\"c\"]" },
		{ "command: [a, b]", "command: c d", "command", "[\"c\",\"d\"]" },
		{ "command: a", "command: [c]", "command", "[\"c\"]" },
		{ "command: [a]", "command: []", "command", "[]" },
		{ "command: [a]", "command: ", "command", "[\"a\"]" },
		{ "entrypoint: [a, b]", "entrypoint: c", "entrypoint", "[\"c\"]" },
		{ "healthcheck: {test: [CMD, a, b]}", "healthcheck: {test: [CMD, c]}",
		  "healthcheck/test", "[\"CMD\",\"c\"]" },
		{ "healthcheck: {test: a}", "healthcheck: {test: [CMD, c]}", "healthcheck/test",
		  "[\"CMD\",\"c\"]" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
}

static void test_pairs(void **state)
{
	static const struct merge_case cases[] = {
		{ "environment: {A: 1, B: 1}", "environment: {B: 2, C: 2}", "environment",
		  "{\"A\":\"1\",\"B\":\"2\",\"C\":\"2\"}" },
		{ "environment: [A=1, B=1]", "environment: [B=2, C=2]", "environment",
		  "{\"A\":\"1\",\"B\":\"2\",\"C\":\"2\"}" },
		{ "environment: [A=1, B=1]", "environment: {B: 2, C: 2}", "environment",
		  "{\"A\":\"1\",\"B\":\"2\",\"C\":\"2\"}" },
		{ "environment: {A: 1, B: 1}", "environment: [B=2, C=2]", "environment",
		  "{\"A\":\"1\",\"B\":\"2\",\"C\":\"2\"}" },
		{ "environment: {A: 1}", "environment: [\"A=x=y\"]", "environment",
		  "{\"A\":\"x=y\"}" },
		{ "environment: {A: 1}", "environment: [A=]", "environment", "{\"A\":\"\"}" },
		/* A name alone asks for the environment, and that is the later word. */
		{ "environment: {TAG: 1}", "environment: [TAG]", "environment",
		  "{\"TAG\":\"1.2\"}" },
		{ "environment: [TAG=1]", "environment: {TAG: }", "environment",
		  "{\"TAG\":\"1.2\"}" },
		{ "labels: [a=1, b]", "labels: {b: 2}", "labels", "{\"a\":\"1\",\"b\":\"2\"}" },
		{ "labels: {a: 1}", "labels: [c]", "labels", "{\"a\":\"1\",\"c\":\"\"}" },
		{ "labels: {x-a: 1}", "labels: [x-a=2]", "labels", "{\"x-a\":\"2\"}" },
		{ "annotations: {a: 1}", "annotations: [a=2]", "annotations", "{\"a\":\"2\"}" },
		{ "sysctls: [net.core.somaxconn=1]", "sysctls: {net.core.somaxconn: 2}", "sysctls",
		  "{\"net.core.somaxconn\":\"2\"}" },
		{ "build: {context: ., args: {A: 1}}", "build: {args: [A=2, B=2]}", "build/args",
		  "{\"A\":\"2\",\"B\":\"2\"}" },
		{ "build: {context: ., labels: {a: 1}}", "build: {labels: [a=2]}", "build/labels",
		  "{\"a\":\"2\"}" },
		{ "build: {context: ., additional_contexts: [a=/x]}",
		  "build: {additional_contexts: {a: /y}}", "build/additional_contexts",
		  "{\"a\":\"/y\"}" },
		{ "deploy: {labels: [a=1]}", "deploy: {labels: {a: 2}}", "deploy/labels",
		  "{\"a\":\"2\"}" },
		{ "storage_opt: {size: 1g}", "storage_opt: {size: 2g}", "storage_opt",
		  "{\"size\":\"2g\"}" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
}

static void test_lists(void **state)
{
	static const struct merge_case cases[] = {
		{ "security_opt: [\"no-new-privileges:true\"]",
		  "security_opt: [\"seccomp:unconfined\"]", "security_opt",
		  "[\"no-new-privileges:true\",\"seccomp:unconfined\"]" },
		{ "expose: [80, \"81\"]", "expose: [\"81\", 82]", "expose",
		  "[\"80\",\"81\",\"82\"]" },
		{ "cap_add: [NET_ADMIN]", "cap_add: [SYS_TIME, NET_ADMIN]", "cap_add",
		  "[\"NET_ADMIN\",\"SYS_TIME\"]" },
		{ "cap_drop: [ALL]", "cap_drop: [ALL]", "cap_drop", "[\"ALL\"]" },
		{ "dns: 1.1.1.1", "dns: [8.8.8.8, 1.1.1.1]", "dns", "[\"1.1.1.1\",\"8.8.8.8\"]" },
		{ "dns_opt: [\"ndots:1\"]", "dns_opt: [rotate]", "dns_opt",
		  "[\"ndots:1\",\"rotate\"]" },
		{ "dns_search: [a.test]", "dns_search: b.test", "dns_search",
		  "[\"a.test\",\"b.test\"]" },
		{ "tmpfs: /a", "tmpfs: [/b, /a]", "tmpfs", "[\"/a\",\"/b\"]" },
		{ "links: [d1]", "links: [\"d2:two\", d1]", "links", "[\"d1\",\"d2:two\"]" },
		{ "group_add: [a]", "group_add: [b, a]", "group_add", "[\"a\",\"b\"]" },
		{ "networks: {n1: {aliases: [x]}}", "networks: {n1: {aliases: [y, x]}}",
		  "networks/n1/aliases", "[\"x\",\"y\"]" },
		{ "extra_hosts: [\"a:1.1.1.1\"]", "extra_hosts: {b: 2.2.2.2, a: 1.1.1.1}",
		  "extra_hosts", "[\"a=1.1.1.1\",\"b=2.2.2.2\"]" },
		{ "extra_hosts: {a: [1.1.1.1, 1.1.1.2]}", "extra_hosts: [\"a=1.1.1.3\"]",
		  "extra_hosts", "[\"a=1.1.1.1\",\"a=1.1.1.2\",\"a=1.1.1.3\"]" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
}

#define PORT(host, target)                                                                         \
	"{\"mode\":\"ingress\",\"protocol\":\"tcp\",\"published\":\"" host "\",\"target\":" target \
	"}"
#define BIND(source, target) \
	"{\"source\":\"./" source "\",\"target\":\"" target "\",\"type\":\"bind\"}"
#define ASSET(source, target) "{\"source\":\"" source "\",\"target\":\"" target "\"}"

static void test_unique(void **state)
{
	static const struct merge_case cases[] = {
		{ "ports: [\"8001:8001\"]", "ports: [\"8000-8002:8000-8002\"]", "ports",
		  "[" PORT("8001", "8001") "," PORT("8000", "8000") "," PORT("8002", "8002") "]" },
		{ "ports: [\"80:80\"]", "ports: [{target: 80, published: 80}, \"81:80\"]", "ports",
		  "[" PORT("80", "80") "," PORT("81", "80") "]" },
		{ "volumes: [\"./a:/x\", \"./b:/y\"]", "volumes: [\"./c:/x/\"]", "volumes",
		  "[" BIND("c", "/x") "," BIND("b", "/y") "]" },
		{ "volumes: [\"./a:/x\"]", "volumes: [{type: bind, source: ./c, target: /x}]",
		  "volumes", "[" BIND("c", "/x") "]" },
		{ "devices: [\"/dev/a:/dev/x\"]", "devices: [\"/dev/b:/dev/x:r\"]", "devices",
		  "[{\"permissions\":\"r\",\"source\":\"/dev/b\",\"target\":\"/dev/x\"}]" },
		{ "secrets: [s1]", "secrets: [{source: s2, target: s1}]", "secrets",
		  "[" ASSET("s2", "s1") "]" },
		{ "configs: [c1]", "configs: [c2, {source: c2, target: /c1}]", "configs",
		  "[" ASSET("c2", "/c1") "," ASSET("c2", "/c2") "]" },
		{ "env_file: one.env", "env_file: [two.env]", "environment", "{\"E\":\"2\"}" },
		{ "env_file: [two.env, {path: one.env}]", "env_file: two.env", "environment",
		  "{\"E\":\"1\"}" },
		{ "env_file: [{path: gone.env, required: false}]",
		  "env_file: [{path: one.env, required: true}]", "environment", "{\"E\":\"1\"}" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
}

#define STARTED "{\"condition\":\"service_started\",\"required\":true}"

static void test_names(void **state)
{
	static const struct merge_case cases[] = {
		{ "depends_on: [d1]", "depends_on: [d2, d1]", "depends_on",
		  "{\"d1\":" STARTED ",\"d2\":" STARTED "}" },
		{ "depends_on: [d1]", "depends_on: {d2: {condition: service_started}}",
		  "depends_on", "{\"d1\":" STARTED ",\"d2\":" STARTED "}" },
		{ "depends_on: {d1: {condition: service_completed_successfully}}",
		  "depends_on: [d1]", "depends_on", "{\"d1\":" STARTED "}" },
		{ "depends_on: [d1]",
		  "depends_on: {d1: {condition: service_started, required: false}}", "depends_on",
		  "{\"d1\":{\"condition\":\"service_started\",\"required\":false}}" },
		{ "networks: [n1]", "networks: [n2, n1]", "networks", "{\"n1\":null,\"n2\":null}" },
		{ "networks: [n1]", "networks: {n1: {aliases: [x]}, n2: }", "networks",
		  "{\"n1\":{\"aliases\":[\"x\"]},\"n2\":null}" },
		{ "networks: {n1: {aliases: [x]}}", "networks: [n2, n1]", "networks",
		  "{\"n1\":{\"aliases\":[\"x\"]},\"n2\":null}" },
		{ "models: [m1]", "models: {m2: {endpoint_var: X}}", "models",
		  "{\"m1\":null,\"m2\":{\"endpoint_var\":\"X\"}}" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
}

static void test_own_rules(void **state)
{
	static const struct merge_case cases[] = {
		{ "build: ./a", "build: {target: t}", "build",
		  "{\"context\":\"./a\",\"dockerfile\":\"Dockerfile\",\"target\":\"t\"}" },
		{ "build: {context: ./a, target: t}", "build: ./b", "build",
		  "{\"context\":\"./b\",\"dockerfile\":\"Dockerfile\",\"target\":\"t\"}" },
		{ "build: ./a", "build: ./b", "build/context", "\"./b\"" },
		{ "logging: {driver: d, options: {a: 1}}", "logging: {driver: d, options: {b: 2}}",
		  "logging", "{\"driver\":\"d\",\"options\":{\"a\":\"1\",\"b\":\"2\"}}" },
		{ "logging: {options: {a: 1}}", "logging: {driver: d, options: {a: 2}}", "logging",
		  "{\"driver\":\"d\",\"options\":{\"a\":\"2\"}}" },
		{ "logging: {driver: d, options: {a: 1}}", "logging: {options: {b: 2}}", "logging",
		  "{\"driver\":\"d\",\"options\":{\"a\":\"1\",\"b\":\"2\"}}" },
		{ "logging: {driver: d, options: {a: 1}}", "logging: {driver: e}", "logging",
		  "{\"driver\":\"e\"}" },
		{ "ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5}", "ulimits: {nofile: 9}",
		  "ulimits", "{\"nofile\":9,\"nproc\":5}" },
		{ "ulimits: {nofile: 9}", "ulimits: {nofile: {soft: 1, hard: 2}}", "ulimits",
		  "{\"nofile\":{\"hard\":2,\"soft\":1}}" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
}

static void test_sections(void **state)
{
	(void)state;
	expect_tree_told(
		"a.yaml b.yaml",
		"== a.yaml\nservices: {web: {image: x, networks: [n]}}\n"
		"networks: {n: {labels: [a=1], ipam: {config: [{subnet: 10.0.0.0/24, "
		"gateway: 10.0.0.9}]}}}\n"
		"== b.yaml\nnetworks: {n: {internal: true, labels: {b: 2}, ipam: {config: "
		"[{subnet: 10.0.0.0/24, ip_range: 10.0.0.0/25}, {subnet: 10.1.0.0/24}]}}}\n",
		"networks/n",
		"{\"internal\":true,\"ipam\":{\"config\":[{\"gateway\":\"10.0.0.9\","
		"\"ip_range\":\"10.0.0.0/25\",\"subnet\":\"10.0.0.0/24\"},"
		"{\"subnet\":\"10.1.0.0/24\"}]},\"labels\":{\"a\":\"1\",\"b\":\"2\"},"
		"\"name\":\"t_n\"}");
	expect_tree(
		"a.yaml b.yaml",
		"== a.yaml\nservices: {web: {image: x, volumes: [\"vol:/v\"]}}\nvolumes: {vol: }\n"
		"== b.yaml\nvolumes: {vol: {name: other}}\n",
		"volumes", "{\"vol\":{\"name\":\"other\"}}");
	expect_tree(
		"a.yaml b.yaml c.yaml",
		"== a.yaml\nservices: {web: {image: a, environment: {A: 1, B: 1, C: 1}}}\n"
		"== b.yaml\nservices: {web: {image: b, environment: {B: 2, C: 2}}, db: {image: d}}\n"
		"== c.yaml\nservices: {web: {environment: {C: 3}}}\n",
		"services/web/environment", "{\"A\":\"1\",\"B\":\"2\",\"C\":\"3\"}");
	/* Documents are as good as files. */
	expect_tree("a.yaml",
		    "== a.yaml\nservices: {web: {image: a, command: [a, b]}}\n---\n"
		    "services: {web: {command: [c]}}\n---\n# nothing\n",
		    "services/web/command", "[\"c\"]");
	/* Paths of all files begin at the folder of the first one. */
	expect_tree("a.yaml sub/b.yaml",
		    "== a.yaml\nservices: {web: {image: a}}\n"
		    "== sub/b.yaml\nservices: {web: {build: ./here}}\n",
		    "services/web/build/context", "\"./here\"");
}

static void test_reset(void **state)
{
	static const struct merge_case cases[] = {
		{ "hostname: a", "hostname: !reset null", "hostname", "" },
		{ "hostname: a", "hostname: !reset b", "hostname", "" },
		{ "ports: [\"80:80\"]", "ports: !reset []", "ports", "" },
		{ "user: \"1\"", "hostname: !reset null", "hostname", "" },
		{ "environment: {A: 1, B: 2}", "environment: {A: !reset null}", "environment",
		  "{\"B\":\"2\"}" },
		{ "environment: [A=1, B=2]", "environment: {A: !reset null, C: 3}", "environment",
		  "{\"B\":\"2\",\"C\":\"3\"}" },
		{ "networks: [n1, n2]", "networks: {n1: !reset null}", "networks",
		  "{\"n2\":null}" },
		{ "depends_on: [d1, d2]", "depends_on: {d1: !reset null}", "depends_on",
		  "{\"d2\":" STARTED "}" },
		{ "deploy: {resources: {limits: {memory: 64m, pids: 5}}}",
		  "deploy: {resources: {limits: {memory: !reset null}}}", "deploy/resources/limits",
		  "{\"pids\":5}" },
		{ "healthcheck: {test: a, interval: 5s}", "healthcheck: !reset {test: b}",
		  "healthcheck", "" },
		{ "cap_add: [NET_ADMIN]", "cap_add: [!reset x, SYS_TIME]", "cap_add",
		  "[\"NET_ADMIN\",\"SYS_TIME\"]" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
	expect_tree("a.yaml b.yaml",
		    "== a.yaml\nservices: {web: {image: x}, old: {image: x}}\n"
		    "== b.yaml\nservices: {old: !reset null}\n",
		    "services/old", "");
	expect_tree(
		"a.yaml b.yaml",
		"== a.yaml\nservices: {web: {image: x, networks: {n: , m: }}}\nnetworks: {n: , m: }\n"
		"== b.yaml\nservices: {web: {networks: {n: !reset null}}}\nnetworks: {n: !reset {}}\n",
		"networks", "{\"m\":{\"name\":\"t_m\"}}");
	/* In the first file there is nothing to take away, in a third one it can come back. */
	expect_tree("a.yaml", "== a.yaml\nservices: {web: {image: x, hostname: !reset null}}\n",
		    "services/web/hostname", "");
	expect_tree("a.yaml b.yaml c.yaml",
		    "== a.yaml\nservices: {web: {image: x, cap_add: [SYS_TIME]}}\n"
		    "== b.yaml\nservices: {web: {cap_add: !reset null}}\n"
		    "== c.yaml\nservices: {web: {cap_add: [KILL]}}\n",
		    "services/web/cap_add", "[\"KILL\"]");
	expect_tree("a.yaml",
		    "== a.yaml\nservices: {web: {image: x, cap_add: [SYS_TIME]}}\n---\n"
		    "services: {web: {cap_add: !reset []}}\n",
		    "services/web/cap_add", "");
}

static void test_override(void **state)
{
	static const struct merge_case cases[] = {
		{ "ports: [\"80:80\"]", "ports: !override [\"81:81\"]", "ports",
		  "[" PORT("81", "81") "]" },
		{ "cap_add: [SYS_TIME]", "cap_add: !override []", "cap_add", "[]" },
		{ "environment: {A: 1, B: 2}", "environment: !override {C: 3}", "environment",
		  "{\"C\":\"3\"}" },
		{ "healthcheck: {test: a, interval: 5s}", "healthcheck: !override {test: b}",
		  "healthcheck", "{\"test\":[\"CMD-SHELL\",\"b\"]}" },
		{ "networks: {n1: {aliases: [x]}}",
		  "networks: {n1: !override {aliases: [y]}, n2: }", "networks",
		  "{\"n1\":{\"aliases\":[\"y\"]},\"n2\":null}" },
		{ "deploy: {resources: {limits: {memory: 64m, pids: 5}}}",
		  "deploy: {resources: {limits: !override {pids: 9}}}", "deploy/resources/limits",
		  "{\"pids\":9}" },
		/* What could not be merged can still be replaced. */
		{ "healthcheck: [x]", "healthcheck: !override {test: b}", "healthcheck/test",
		  "[\"CMD-SHELL\",\"b\"]" },
		{ "hostname: a", "hostname: !override b", "hostname", "\"b\"" },
		{ "hostname: a", "hostname: !override null", "hostname", "" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
	expect_tree("a.yaml b.yaml",
		    "== a.yaml\nservices: {web: {image: x, hostname: h, cap_add: [KILL]}}\n"
		    "== b.yaml\nservices: {web: !override {image: y}}\n",
		    "services/web/hostname", "");
	expect_tree(
		"a.yaml b.yaml",
		"== a.yaml\nservices: {web: {image: x, networks: [n]}}\nnetworks: {n: {name: a}}\n"
		"== b.yaml\nnetworks: {n: !override {internal: true}}\n",
		"networks/n", "{\"internal\":true,\"name\":\"t_n\"}");
	expect_tree("a.yaml b.yaml",
		    "== a.yaml\nservices: {old: {image: x}}\n"
		    "== b.yaml\nservices: !override {web: {image: y}}\n",
		    "services/old", "");
}

static void test_cannot(void **state)
{
	static const struct {
		const char *base, *over, *told;
	} cases[] = {
		{ "healthcheck: {test: a}", "healthcheck: [x]",
		  "b.yaml:1:31: error: service 'web': healthcheck: a list cannot override a map, "
		  "a.yaml:1\n" },
		{ "ports: [\"80:80\"]", "ports: {a: b}",
		  "b.yaml:1:25: error: service 'web': ports: a map cannot override a list, "
		  "a.yaml:1\n" },
		{ "ports: [\"80:80\"]", "ports: \"81:81\"",
		  "b.yaml:1:25: error: service 'web': ports: a string cannot override a list, "
		  "a.yaml:1\n" },
		{ "environment: {A: 1}", "environment: A=2",
		  "b.yaml:1:31: error: service 'web': environment: must be a list or a map, not a "
		  "string\n" },
		{ "environment: {A: 1}", "environment: [[A]]",
		  "b.yaml:1:32: error: service 'web': environment[0]: must be a string or a number or "
		  "a truth value, not a list\n" },
		{ "networks: {n: }", "networks: [5]",
		  "b.yaml:1:29: error: service 'web': networks[0]: must be a string, not a number "
		  "(put it in quotes)\n" },
		{ "cap_add: [KILL]", "cap_add: KILL",
		  "b.yaml:1:27: error: service 'web': cap_add: must be a list, not a string\n" },
		{ "extra_hosts: [\"a:1.1.1.1\"]", "extra_hosts: \"b:1.1.1.1\"",
		  "b.yaml:1:31: error: service 'web': extra_hosts: must be a list or a map, not a "
		  "string\n" },
		{ "build: ./a", "build: [x]",
		  "b.yaml:1:25: error: service 'web': build: a list cannot override a map, "
		  "a.yaml:1\n" },
		{ "logging: {driver: a}", "logging: x",
		  "b.yaml:1:27: error: service 'web': logging: a string cannot override a map, "
		  "a.yaml:1\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files = xasprintf(
			"== a.yaml\nservices: {web: {image: x, %s}}\n== b.yaml\nservices: {web: {%s}}\n",
			cases[i].base, cases[i].over);

		expect_told("a.yaml b.yaml", files, cases[i].told);
	}
	expect_told("a.yaml b.yaml",
		    "== a.yaml\nservices: {web: {image: x}}\n== b.yaml\nservices: [web]\n",
		    "b.yaml:1:11: error: services: a list cannot override a map, a.yaml:1\n");
}

/* Small files that ask for hundreds of copies of a large map: joined with another one, and as it is. */
static void test_too_large(void **state)
{
	static const struct {
		const char *keys, *told;
	} cases[] = {
		{ ", environment: {A: 1}", "entries are merged" },
		{ "", "values when all files are put together" },
	};

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		_cleanup_(buf_fini) struct buf b = { 0 };

		buf_puts(&b, "== a.yaml\nservices:\n  s:\n    image: x\n    environment:\n");
		for (size_t i = 0; i < 1000; i++)
			buf_printf(&b, "      V%zu: x\n", i);
		for (size_t i = 0; i < 500; i++)
			buf_printf(&b, "  s%zu: {extends: s%s}\n", i, cases[c].keys);
		expect_one("a.yaml", buf_str(&b), false, "error", cases[c].told);
	}
}

/* Each file is small enough, all of them together are not. */
static void test_too_many_values(void **state)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		buf_printf(&b, "== %zu.yaml\nservices: {web: {image: a}}\nx-a: [1", i);
		for (size_t k = 0; k < 50000; k++)
			buf_puts(&b, ",1");
		buf_puts(&b, "]\n");
	}
	expect_tree("0.yaml 1.yaml", buf_str(&b), "services/web/image", "\"a\"");
	expect_one("0.yaml 1.yaml 2.yaml", buf_str(&b), false, "error", "values in all files");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),	  cmocka_unit_test(test_maps),
		cmocka_unit_test(test_replaced),  cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_lists),	  cmocka_unit_test(test_unique),
		cmocka_unit_test(test_names),	  cmocka_unit_test(test_own_rules),
		cmocka_unit_test(test_sections),  cmocka_unit_test(test_reset),
		cmocka_unit_test(test_override),  cmocka_unit_test(test_cannot),
		cmocka_unit_test(test_too_large), cmocka_unit_test(test_too_many_values),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
