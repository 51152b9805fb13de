/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_attach: the networks of a service, and its hardware addresses. */
#include <arpa/inet.h>
#include <stdio.h>

#include "unit/stack/tree_case.h"

static void test_forms(void **state)
{
	static const struct {
		const char *networks, *json;
	} cases[] = {
		{ "[b]", "{\"b\":null}" },
		{ "[c, b]", "{\"c\":null,\"b\":null}" },
		{ "{c: , b: }", "{\"c\":null,\"b\":null}" },
		{ "{b: {}}", "{\"b\":{}}" },
		{ "[]", "{\"default\":null}" },
		{ "{b: {aliases: [x, y, x]}}", "{\"b\":{\"aliases\":[\"x\",\"y\"]}}" },
		{ "{b: {ipv4_address: \"${EMPTY}\", mac_address: \"\"}}", "{\"b\":{}}" },
		{ "{b: {priority: 0, gw_priority: 0, driver_opts: {}, link_local_ips: []}}",
		  "{\"b\":{\"driver_opts\":{},\"gw_priority\":0,\"link_local_ips\":[],"
		  "\"priority\":0}}" },
		{ "{b: {gw_priority: 5, priority: -3}}", "{\"b\":{\"gw_priority\":5,\"priority\":-3}}" },
		{ "{b: {x-vlan: {pvid: 10, trunk: [20, 30-40, 4094]}}}",
		  "{\"b\":{\"x-vlan\":{\"pvid\":10,\"trunk\":[\"20\",\"30-40\",\"4094\"]}}}" },
		{ "{b: {interface_name: lan0}}", "{\"b\":{\"interface_name\":\"lan0\"}}" },
		{ "{b: {link_local_ips: [169.254.8.9, \"fe80::9\"]}}",
		  "{\"b\":{\"link_local_ips\":[\"169.254.8.9\",\"fe80::9\"]}}" },
		{ "{b: {mac_address: \"02:00:00:00:00:01\"}}",
		  "{\"b\":{\"mac_address\":\"02:00:00:00:00:01\"}}" },
		{ "{b: {driver_opts: {com.docker.network.endpoint.ifname: lan0, "
		  "com.docker.network.endpoint.sysctls: "
		  "\"net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.forwarding=0\"}}}",
		  "{\"b\":{\"driver_opts\":{\"com.docker.network.endpoint.ifname\":\"lan0\","
		  "\"com.docker.network.endpoint.sysctls\":"
		  "\"net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.forwarding=0\"}}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files =
			xasprintf("== c.yaml\nservices:\n  web: {image: a, networks: %s}\n"
				  "networks:\n  b:\n  c:\n",
				  cases[i].networks);

		expect_tree("c.yaml", files, "services/web/networks", cases[i].json);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *keys, *json, *what;
	} cases[] = {
		{ "{driver_opts: {a: 1}}", "{\"driver_opts\":{\"a\":\"1\"}}",
		  "networks.b.driver_opts.a: not supported yet" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files =
			xasprintf("== c.yaml\nservices: {web: {image: a, networks: {b: %s}}}\n"
				  "networks: {b: }\n",
				  cases[i].keys);

		expect_tree_told("c.yaml", files, "services/web/networks/b", cases[i].json);
		expect_one("c.yaml", files, false, "warning", cases[i].what);
		expect_one("c.yaml", files, true, "error", cases[i].what);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *keys, *what;
	} cases[] = {
		{ "[]", "networks.b: must be a map, not a list" },
		{ "{alias: [x]}", "networks.b: unknown key 'alias'" },
		{ "{aliases: x}", "networks.b.aliases: must be a list, not a string" },
		{ "{aliases: [5]}", "networks.b.aliases[0]: must be a string, not a number" },
		{ "{ipv4_address: x}", "networks.b.ipv4_address: 'x' is not an IPv4 address" },
		{ "{ipv4_address: 10.0.0}", "'10.0.0' is not an IPv4 address" },
		{ "{ipv4_address: 10.0.0.9/24}", "leave the prefix out" },
		{ "{ipv4_address: \"::1\"}", "write it under 'ipv6_address'" },
		{ "{ipv4_address: 0.0.0.0}", "'0.0.0.0' is the address of no host" },
		{ "{ipv6_address: 10.0.0.9}", "write it under 'ipv4_address'" },
		{ "{ipv6_address: \"fd00::g\"}", "'fd00::g' is not an IPv6 address" },
		{ "{ipv6_address: \"::\"}", "'::' is the address of no host" },
		{ "{interface_name: a/b}", "'a/b' is not the name of an interface" },
		{ "{interface_name: \"a b\"}", "'a b' is not the name of an interface" },
		{ "{interface_name: ..}", "'..' is not the name of an interface" },
		{ "{interface_name: abcdefghijklmnop}", "is longer than 15 characters" },
		{ "{interface_name: \"eth%d\"}", "'eth%d' is not the name of an interface" },
		{ "{interface_name: lo}", "'lo' is the loopback of every container" },
		{ "{driver_opts: {com.docker.network.endpoint.ifname: lo}}", "'lo' is the loopback" },
		{ "{driver_opts: {com.docker.network.endpoint.sysctls: net.ipv4.ip_forward=1}}",
		  "'net.ipv4.ip_forward=1' is not a setting of an interface" },
		{ "{driver_opts: {com.docker.network.endpoint.sysctls: "
		  "\"net.ipv4.conf.IFNAME.forwarding=1,net.ipv4.conf.eth0.forwarding=1\"}}",
		  "'net.ipv4.conf.eth0.forwarding=1' is not a setting" },
		{ "{driver_opts: {com.docker.network.endpoint.sysctls: net.ipv4.conf.IFNAME.forwarding}}",
		  "is not a setting of an interface" },
		{ "{driver_opts: {com.docker.network.endpoint.sysctls: net.ipv4.conf.IFNAME.../../x=1}}",
		  "is not a setting of an interface" },
		{ "{mac_address: 02:00:00:00:00}", "'02:00:00:00:00' is not a MAC address" },
		{ "{mac_address: 02:00:00:00:00:0g}", "is not a MAC address" },
		{ "{mac_address: 02:00-00:00:00:01}", "is not a MAC address" },
		{ "{mac_address: 01:00:00:00:00:01}", "the first byte must be even" },
		{ "{mac_address: 00:00:00:00:00:00}", "is the address of no host" },
		{ "{priority: high}", "priority: must be a number" },
		{ "{x-vlan: {id: 5}}", "networks.b.x-vlan: unknown key 'id'" },
		{ "{x-vlan: {pvid: 0}}", "networks.b.x-vlan.pvid: '0' is no VLAN" },
		{ "{x-vlan: {pvid: 4095}}", "'4095' is no VLAN: they go from 1 to 4094" },
		{ "{x-vlan: {trunk: [20-10]}}", "networks.b.x-vlan.trunk[0]: '20-10' is no VLAN" },
		{ "{x-vlan: {trunk: [5, \"1-\"]}}", "networks.b.x-vlan.trunk[1]: '1-' is no VLAN" },
		{ "{x-vlan: {trunk: [1-2-3]}}", "'1-2-3' is no VLAN" },
		{ "{x-vlan: {trunk: [-3]}}", "'-3' is no VLAN" },
		{ "{x-vlan: {trunk: [4000-5000]}}", "'4000-5000' is no VLAN" },
		{ "{driver_opts: {a: [x]}}", "driver_opts.a: must be a string or a number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files =
			xasprintf("== c.yaml\nservices: {web: {image: a, networks: {b: %s}}}\n"
				  "networks: {b: }\n",
				  cases[i].keys);

		expect_one("c.yaml", files, false, "error", cases[i].what);
	}
}

static void test_lists(void **state)
{
	(void)state;
	expect_diags("services:\n  web: {image: a, networks: [no]}\n",
		     "2:30: error: service 'web': networks: network 'no' is not declared under the "
		     "top-level 'networks'\n");
	expect_diags(
		"services:\n  web: {image: a, networks: [x, x]}\nnetworks: {x: }\n",
		"2:33: error: service 'web': networks[1]: network 'x' is named twice, first at "
		"stack.yaml:2\n");
	expect_diags("services:\n  web: {image: a, networks: [1]}\n",
		     "2:30: error: service 'web': networks[0]: must be a string, not a number\n");
	expect_diags("services:\n  web: {image: a, networks: [{a: }]}\n",
		     "2:30: error: service 'web': networks[0]: must be a string, not a map\n");
}

/* In the order of the service, which is the order of its interfaces. */
static void test_model(void **state)
{
	_cleanup_(loaded_fini) struct loaded l =
		load_text("services:\n"
			  "  web:\n"
			  "    image: a\n"
			  "    networks:\n"
			  "      b: {aliases: [x, y], ipv4_address: 10.0.0.9}\n"
			  "      a:\n"
			  "networks: {a: , b: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}\n");
	const struct stack_service *s;

	(void)state;
	assert_string_equal(l.text, "");
	s = &l.stack->services[0];
	assert_int_equal(s->n_networks, 2);
	assert_string_equal(s->networks[0].network->key, "b");
	assert_string_equal(ip_text(&s->networks[0].ipv4).text, "10.0.0.9");
	assert_int_equal(s->networks[0].aliases.n, 2);
	assert_string_equal(s->networks[0].aliases.v[1].text, "y");
	assert_string_equal(s->networks[1].network->key, "a");
	assert_int_equal(s->networks[1].ipv4.family, 0);
	assert_int_equal(s->networks[1].aliases.n, 0);
}

static void test_mac(void **state)
{
	(void)state;
	expect_tree_told(
		"c.yaml",
		"== c.yaml\nservices: {a: {image: a, mac_address: \"02-00-5E-00-00-0a\"}}\n",
		"services/a/mac_address", "\"02-00-5E-00-00-0a\"");
	expect_one("c.yaml",
		   "== c.yaml\nservices: {a: {image: a, mac_address: ff:ff:ff:ff:ff:ff}}\n", false,
		   "error",
		   "service 'a': mac_address: 'ff:ff:ff:ff:ff:ff' is the address of a group");
	expect_tree("c.yaml", "== c.yaml\nservices: {a: {image: a, mac_address: \"${EMPTY}\"}}\n",
		    "services/a/mac_address", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_wrong), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_model), cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
