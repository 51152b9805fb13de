/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_net: the top-level networks: their canonical form, what is wrong, and what only `up` refuses. */
#include <arpa/inet.h>
#include <stdio.h>

#include "unit/stack/tree_case.h"

/* A service on network `net`, which is declared in the fourth line. */
static char *with_network(const char *network)
{
	return xasprintf("== c.yaml\nservices:\n  web: {image: a, networks: [net]}\nnetworks:\n"
			 "  net: %s\n",
			 network);
}

struct form_case {
	const char *network, *json;
};

static const struct form_case silent[] = {
	{ "", "{\"name\":\"t_net\"}" },
	{ "{}", "{\"name\":\"t_net\"}" },
	{ "{name: other, internal: true}", "{\"internal\":true,\"name\":\"other\"}" },
	{ "{name: \"\"}", "{\"name\":\"t_net\"}" },
	{ "{name: }", "{\"name\":\"t_net\"}" },
	{ "{name: \"x${TAG}\"}", "{\"name\":\"x1.2\"}" },
	{ "{external: false, enable_ipv6: false, attachable: false, internal: \"false\"}",
	  "{\"attachable\":false,\"enable_ipv6\":false,\"external\":false,\"internal\":false,"
	  "\"name\":\"t_net\"}" },
	{ "{enable_ipv4: true}", "{\"enable_ipv4\":true,\"name\":\"t_net\"}" },
	{ "{enable_ipv4: false, enable_ipv6: true}",
	  "{\"enable_ipv4\":false,\"enable_ipv6\":true,\"name\":\"t_net\"}" },
	{ "{ipam: {config: [{subnet: \"fd00:1::/64\"}]}}",
	  "{\"ipam\":{\"config\":[{\"subnet\":\"fd00:1::/64\"}]},\"name\":\"t_net\"}" },
	{ "{ipam: {config: [{subnet: 10.0.0.0/24, ip_range: 10.0.0.128/25}]}}",
	  "{\"ipam\":{\"config\":[{\"ip_range\":\"10.0.0.128/25\",\"subnet\":\"10.0.0.0/24\"}]},"
	  "\"name\":\"t_net\"}" },
	{ "{ipam: {config: [{subnet: 10.0.0.0/24, aux_addresses: {h: 10.0.0.9}}]}}",
	  "{\"ipam\":{\"config\":[{\"aux_addresses\":{\"h\":\"10.0.0.9\"},"
	  "\"subnet\":\"10.0.0.0/24\"}]},\"name\":\"t_net\"}" },
	{ "{ipam: {config: [{subnet: 10.0.0.0/24}, {subnet: 10.1.0.0/24}]}}",
	  "{\"ipam\":{\"config\":[{\"subnet\":\"10.0.0.0/24\"},{\"subnet\":\"10.1.0.0/24\"}]},"
	  "\"name\":\"t_net\"}" },
	{ "{driver: bridge}", "{\"driver\":\"bridge\",\"name\":\"t_net\"}" },
	{ "{driver: default}", "{\"driver\":\"default\",\"name\":\"t_net\"}" },
	{ "{driver: \"\"}", "{\"driver\":\"\",\"name\":\"t_net\"}" },
	{ "{labels: {}, driver_opts: {}}",
	  "{\"driver_opts\":{},\"labels\":{},\"name\":\"t_net\"}" },
	{ "{x-note: [1], internal: true}",
	  "{\"internal\":true,\"name\":\"t_net\",\"x-note\":[1]}" },
	{ "{ipam: {driver: default, config: []}}",
	  "{\"ipam\":{\"config\":[],\"driver\":\"default\"},\"name\":\"t_net\"}" },
	{ "{ipam: {config: [{subnet: 10.1.0.0/16}]}}",
	  "{\"ipam\":{\"config\":[{\"subnet\":\"10.1.0.0/16\"}]},\"name\":\"t_net\"}" },
	{ "{ipam: {config: [{subnet: 10.1.2.0/29, gateway: 10.1.2.1}]}}",
	  "{\"ipam\":{\"config\":[{\"gateway\":\"10.1.2.1\",\"subnet\":\"10.1.2.0/29\"}]},"
	  "\"name\":\"t_net\"}" },
	{ "{ipam: {config: [{subnet: \"\", gateway: \"${EMPTY}\"}]}}",
	  "{\"ipam\":{\"config\":[{}]},\"name\":\"t_net\"}" },
	{ "{external: true}", "{\"external\":true,\"name\":\"net\"}" },
	{ "{external: \"true\", name: lan}", "{\"external\":true,\"name\":\"lan\"}" },
	{ "{external: true, ipam: {config: [{subnet: 10.0.0.0/24}]}}",
	  "{\"external\":true,\"ipam\":{\"config\":[{\"subnet\":\"10.0.0.0/24\"}]},"
	  "\"name\":\"net\"}" },
	{ "{driver: macvlan, driver_opts: {parent: lan0.10, macvlan_mode: vepa, mtu: 1400}}",
	  "{\"driver\":\"macvlan\",\"driver_opts\":{\"parent\":\"lan0.10\","
	  "\"macvlan_mode\":\"vepa\",\"mtu\":\"1400\"},\"name\":\"t_net\"}" },
	{ "{driver: vxlan, driver_opts: {id: 42, remote: \"192.0.2.1, 192.0.2.2\", dev: lan0, "
	  "port: 8472}}",
	  "{\"driver\":\"vxlan\",\"driver_opts\":{\"id\":\"42\","
	  "\"remote\":\"192.0.2.1, 192.0.2.2\",\"dev\":\"lan0\",\"port\":\"8472\"},"
	  "\"name\":\"t_net\"}" },
	{ "{driver_opts: {com.docker.network.bridge.name: br7, "
	  "com.docker.network.bridge.enable_icc: \"false\", "
	  "com.docker.network.bridge.enable_ip_masquerade: 0, "
	  "com.docker.network.bridge.host_binding_ipv4: 127.0.0.1}}",
	  "{\"driver_opts\":{\"com.docker.network.bridge.name\":\"br7\","
	  "\"com.docker.network.bridge.enable_icc\":\"false\","
	  "\"com.docker.network.bridge.enable_ip_masquerade\":\"0\","
	  "\"com.docker.network.bridge.host_binding_ipv4\":\"127.0.0.1\"},\"name\":\"t_net\"}" },
	/* What a bridge does anyway, asked for in Docker's words. */
	{ "{driver_opts: {com.docker.network.driver.mtu: 1500}}",
	  "{\"driver_opts\":{\"com.docker.network.driver.mtu\":\"1500\"},\"name\":\"t_net\"}" },
	{ "{driver_opts: {com.docker.network.driver.mtu: 9000}}",
	  "{\"driver_opts\":{\"com.docker.network.driver.mtu\":\"9000\"},\"name\":\"t_net\"}" },
	{ "{driver_opts: {com.docker.network.bridge.enable_icc: \"true\"}}",
	  "{\"driver_opts\":{\"com.docker.network.bridge.enable_icc\":\"true\"},"
	  "\"name\":\"t_net\"}" },
};

static void test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		_cleanup_free_ char *files = with_network(silent[i].network);

		expect_tree("c.yaml", files, "networks/net", silent[i].json);
	}
}

/* Compose accepts these: `config` shows them with a warning, `up` refuses them. */
static const struct {
	const char *network, *json, *what;
} refused[] = {
	{ "{driver: macvlan}", "{\"driver\":\"macvlan\",\"name\":\"t_net\"}",
	  "driver: 'macvlan' without a 'parent': not supported yet" },
	{ "{driver: macvlan, internal: true, driver_opts: {parent: lan0}}",
	  "{\"driver\":\"macvlan\",\"driver_opts\":{\"parent\":\"lan0\"},\"internal\":true,"
	  "\"name\":\"t_net\"}",
	  "driver: 'macvlan' with 'internal: true': not supported yet" },
	{ "{driver: overlay, driver_opts: {a: 1}}",
	  "{\"driver\":\"overlay\",\"driver_opts\":{\"a\":\"1\"},\"name\":\"t_net\"}",
	  "driver: 'overlay': not supported yet" },
	{ "{driver: ipvlan}", "{\"driver\":\"ipvlan\",\"name\":\"t_net\"}",
	  "there are 'bridge', 'macvlan' and 'vxlan'" },
	/* Of another driver, of none, and values that mean another network than ours. */
	{ "{driver_opts: {parent: lan0}}",
	  "{\"driver_opts\":{\"parent\":\"lan0\"},\"name\":\"t_net\"}",
	  "driver_opts.parent: not supported yet" },
	{ "{driver: macvlan, driver_opts: {parent: lan0, vni: 7}}",
	  "{\"driver\":\"macvlan\",\"driver_opts\":{\"parent\":\"lan0\",\"vni\":\"7\"},"
	  "\"name\":\"t_net\"}",
	  "known are com.docker.network.driver.mtu, macvlan_mode, mtu, parent" },
	{ "{driver_opts: {com.docker.network.container_iface_prefix: lan}}",
	  "{\"driver_opts\":{\"com.docker.network.container_iface_prefix\":\"lan\"},"
	  "\"name\":\"t_net\"}",
	  "driver_opts.com.docker.network.container_iface_prefix: not supported yet" },
	{ "{driver_opts: {com.docker.network.bridge.gateway_mode_ipv4: routed}}",
	  "{\"driver_opts\":{\"com.docker.network.bridge.gateway_mode_ipv4\":\"routed\"},"
	  "\"name\":\"t_net\"}",
	  "gateway_mode_ipv4: 'routed': not supported yet" },
	{ "{driver_opts: {com.docker.network.bridge.inhibit_ipv4: \"true\"}}",
	  "{\"driver_opts\":{\"com.docker.network.bridge.inhibit_ipv4\":\"true\"},"
	  "\"name\":\"t_net\"}",
	  "inhibit_ipv4: 'true': not supported yet" },
	{ "{ipam: {driver: dhcp}}", "{\"ipam\":{\"driver\":\"dhcp\"},\"name\":\"t_net\"}",
	  "ipam.driver: 'dhcp': not supported yet" },
	{ "{ipam: {options: {a: 1}}}", "{\"ipam\":{\"options\":{\"a\":\"1\"}},\"name\":\"t_net\"}",
	  "ipam.options: not supported yet" },
	{ "{ipam: {config: [{subnet: \"fd00:1::/125\"}]}}",
	  "{\"ipam\":{\"config\":[{\"subnet\":\"fd00:1::/125\"}]},\"name\":\"t_net\"}",
	  "'fd00:1::/125': subnets go from /16 to /124: not supported yet" },
	{ "{ipam: {config: [{subnet: 10.0.0.0/30}]}}",
	  "{\"ipam\":{\"config\":[{\"subnet\":\"10.0.0.0/30\"}]},\"name\":\"t_net\"}",
	  "'10.0.0.0/30': subnets go from /8 to /29: not supported yet" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		_cleanup_free_ char *files = with_network(refused[i].network);

		expect_tree_told("c.yaml", files, "networks/net", refused[i].json);
		expect_one("c.yaml", files, false, "warning", refused[i].what);
		expect_one("c.yaml", files, true, "error", refused[i].what);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *network, *what;
	} cases[] = {
		{ "[]", "network 'net': must be a map, not a list" },
		{ "{name: \"a b\"}", "name: 'a b' is not a name" },
		{ "{name: 5}", "name: must be a string, not a number" },
		{ "{drivr: bridge}", "unknown key 'drivr'" },
		{ "{driver: 5}", "driver: must be a string, not a number" },
		{ "{driver_opts: [a=b]}", "driver_opts: must be a map, not a list" },
		{ "{driver_opts: {a: true}}",
		  "driver_opts.a: must be a string or a number, not a truth value" },
		{ "{driver_opts: {a: [x]}}", "driver_opts.a: must be a string or a number" },
		{ "{driver_opts: {com.docker.network.driver.mtu: 60}}",
		  "'60' is not an MTU: 68 to 65535" },
		{ "{driver_opts: {com.docker.network.driver.mtu: \"1e3\"}}",
		  "'1e3' is not an MTU" },
		{ "{driver_opts: {mtu: 0}}", "driver_opts.mtu: '0' is not an MTU" },
		{ "{driver_opts: {mtu: 1400, com.docker.network.driver.mtu: 1300}}",
		  "is '1300' here and '1400' in 'mtu', c.yaml:4 (give it once)" },
		{ "{driver_opts: {com.docker.network.bridge.enable_icc: maybe}}",
		  "'maybe' is neither true nor false" },
		{ "{driver_opts: {com.docker.network.bridge.host_binding_ipv4: \"::1\"}}",
		  "'::1' is not an IPv4 address" },
		{ "{driver_opts: {com.docker.network.bridge.name: a/b}}",
		  "'a/b' is not the name of an interface" },
		{ "{driver: macvlan, driver_opts: {parent: lan0, macvlan_mode: odd}}", "'odd'" },
		{ "{driver: vxlan}", "'vxlan' needs the number of the tunnel and the other hosts" },
		{ "{driver: vxlan, driver_opts: {vni: 7}}", "needs the number of the tunnel" },
		{ "{driver: vxlan, driver_opts: {vni: 16777216, peers: 192.0.2.1}}",
		  "'16777216' is not the number of a tunnel: 1 to 16777215" },
		{ "{driver: vxlan, driver_opts: {vni: 7, peers: \"192.0.2.1,x\"}}",
		  "'x' does not belong here" },
		{ "{driver: vxlan, driver_opts: {vni: 7, peers: \"192.0.2.1,192.0.2.1\"}}",
		  "'192.0.2.1' does not belong here" },
		{ "{driver: vxlan, driver_opts: {vni: 7, peers: \"192.0.2.1,2001:db8::1\"}}",
		  "'2001:db8::1' does not belong here" },
		{ "{driver: vxlan, driver_opts: {vni: 7, peers: \"192.0.2.1,,192.0.2.2\"}}",
		  "'' does not belong here" },
		{ "{driver: vxlan, driver_opts: {vni: 7, peers: 192.0.2.1, port: 65536}}",
		  "'65536' is not a port" },
		{ "{enable_ipv6: true, driver_opts: {com.docker.network.driver.mtu: 1279}}",
		  "an MTU of 1279 is too small for IPv6: 1280 at least" },
		{ "{enable_ipv4: false}", "a network without IPv4 and without IPv6" },
		{ "{enable_ipv4: false, enable_ipv6: false}",
		  "a network without IPv4 and without IPv6" },
		{ "{internal: maybe}", "internal: 'maybe' is neither true nor false" },
		{ "{external: 1}", "external: must be" },
		{ "{ipam: {config: {subnet: 10.0.0.0/24}}}", "ipam.config: must be a list" },
		{ "{ipam: {config: [x]}}", "ipam.config[0]: must be a map, not a string" },
		{ "{ipam: {config: [{subnets: 1}]}}", "ipam.config[0]: unknown key 'subnets'" },
		{ "{ipam: {config: [{subnet: 10.0.0.0}]}}", "subnet: '10.0.0.0' is not a subnet" },
		{ "{ipam: {config: [{subnet: 10.0.0/24}]}}", "'10.0.0/24' is not a subnet" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/33}]}}", "'10.0.0.0/33' is not a subnet" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/}]}}", "'10.0.0.0/' is not a subnet" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/-8}]}}", "'10.0.0.0/-8' is not a subnet" },
		{ "{ipam: {config: [{subnet: 1000.1000.1000.1000/24}]}}", "is not a subnet" },
		{ "{ipam: {config: [{subnet: \"fd00::/129\"}]}}", "'fd00::/129' is not a subnet" },
		{ "{ipam: {config: [{subnet: 10.0.0.1/24}]}}",
		  "'10.0.0.1/24' is the address of a host: behind /24 all bits must be 0" },
		{ "{ipam: {config: [{subnet: \"fd00::1/64\"}]}}",
		  "'fd00::1/64' is the address of a host" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/24, ip_range: 10.0.0.5/28}]}}",
		  "ip_range: '10.0.0.5/28' is the address of a host" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/24, aux_addresses: {h: x}}]}}",
		  "aux_addresses.h: 'x' is not an IP address" },
		{ "{ipam: {config: [{gateway: 10.0.0.1}]}}", "'gateway' without a subnet" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/24, gateway: x}]}}",
		  "gateway: 'x' is not an IP address" },
		{ "{labels: [=x]}", "labels[0]: '=x' has no name" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files = with_network(cases[i].network);

		expect_one("c.yaml", files, false, "error", cases[i].what);
	}
}

static void test_said(void **state)
{
	(void)state;
	expect_told("c.yaml",
		    "== c.yaml\nservices:\n  web: {image: a, networks: [a, b, c]}\nnetworks:\n"
		    "  a: {attachable: true, labels: [x=1]}\n"
		    "  b: {enable_ipv6: false, ipam: {config: [{subnet: \"fd00:1::/64\"}]}}\n"
		    "  c: {external: {name: theirs}, driver: bridge}\n",
		    "c.yaml:4:25: warning: network 'a': labels: has no effect: it only describes\n"
		    "c.yaml:5:52: warning: network 'b': subnet fd00:1::/64 is not used: "
		    "'enable_ipv6' is false\n"
		    "c.yaml:6:18: warning: network 'c': external: an old form: write 'name' and "
		    "'external: true' beside each other\n"
		    "c.yaml:6:33: warning: network 'c': 'driver' beside 'external: true' has no "
		    "effect: what exists already is as it is\n");
	expect_tree_told("c.yaml",
			 "== c.yaml\nservices: {web: {image: a, networks: [c]}}\n"
			 "networks: {c: {external: {name: theirs}}}\n",
			 "networks", "{\"c\":{\"external\":true,\"name\":\"theirs\"}}");
	expect_told("c.yaml",
		    "== c.yaml\nservices: {web: {image: a, networks: [c]}}\n"
		    "networks: {c: {external: {nam: theirs}}}\n",
		    "c.yaml:2:27: error: network 'c': external: unknown key 'nam' (did you mean "
		    "'name'?)\n");
	expect_told("c.yaml",
		    "== c.yaml\nservices: {web: {image: a, networks: [c]}}\n"
		    "networks: {c: {external: {name: x}, name: y}}\n",
		    "c.yaml:2:27: error: network 'c': 'name' and 'external.name' differ, c.yaml:2 "
		    "(leave the one in 'external' out)\n"
		    "c.yaml:2:27: warning: network 'c': external: an old form: write 'name' and "
		    "'external: true' beside each other\n");
	expect_told("c.yaml", "== c.yaml\nservices: {web: {image: a}}\nnetworks: {a/b: }\n",
		    "c.yaml:2:12: error: network 'a/b': 'a/b' is not a name: letters, digits, _, . "
		    "and -, a letter or digit first\n");
}

/* What the canonical form becomes for those who make the network. */
static void test_model(void **state)
{
	_cleanup_(loaded_fini) struct loaded l =
		load_text("services: {web: {image: a, networks: [net]}}\n"
			  "networks: {net: {internal: true, ipam: {config: [{subnet: 10.1.2.0/24, "
			  "gateway: 10.1.2.9}]}}}\n");
	const struct stack_network *n;

	(void)state;
	assert_string_equal(l.text, "");
	assert_int_equal(l.stack->n_networks, 1);
	n = &l.stack->networks[0];
	assert_string_equal(n->name, "t_net");
	assert_true(n->internal);
	assert_string_equal(ip_net_text(&n->subnets[0].net).text, "10.1.2.0/24");
	assert_string_equal(ip_text(&n->subnets[0].gateway).text, "10.1.2.9");
	assert_int_equal(n->subnets[0].pos.line, 2);
}

static void test_too_many(void **state)
{
	_cleanup_(buf_fini) struct buf yaml = { 0 };

	(void)state;
	buf_puts(&yaml, "services: {web: {image: a}}\nnetworks:\n");
	for (size_t i = 0; i < 1001; i++)
		buf_printf(&yaml, "  n%zu:\n", i);
	expect_diags(buf_str(&yaml),
		     "3:3: error: networks: 1001 entries: more than 1000 are not taken\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_wrong), cmocka_unit_test(test_said),
		cmocka_unit_test(test_model), cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
