/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crosscheck: the rules between parts of a model; each text names the other place. */
#include "unit/stack/fixture.h"

static void test_dependencies(void **state)
{
	(void)state;
	expect_diags(
		"services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [c]}\n"
		"  c: {image: x, depends_on: {a: {condition: service_started}}}\n",
		"4:30: error: service 'c': depends_on: a cycle: a -> b -> c -> a: none of them could ever start\n");
	expect_diags(
		"services:\n  a: {image: x, depends_on: [a]}\n",
		"2:30: error: service 'a': depends_on: a cycle: a -> a: none of them could ever start\n");
	expect_diags(
		"services:\n  a: {image: x, depends_on: [b, c]}\n  b: {image: x, depends_on: [d]}\n"
		"  c: {image: x, depends_on: [d]}\n  d: {image: x}\n",
		"");
	expect_diags("services:\n  a: {image: x, depends_on: [nosuch]}\n",
		     "2:30: error: service 'a': depends_on: no such service: 'nosuch'\n");
	expect_diags(
		"services:\n  a: {image: x, depends_on: [b, b]}\n  b: {image: x}\n",
		"2:33: error: service 'a': depends_on[1]: service 'b' is named twice, first at stack.yaml:2\n");
	expect_diags(
		"services:\n  a:\n    image: x\n    depends_on: {b: {condition: service_healthy}}\n  b: {image: x}\n",
		"");
	expect_diags(
		"services:\n  a:\n    image: x\n    depends_on: {b: {condition: service_healthy}}\n"
		"  b: {image: x, healthcheck: {test: [NONE]}}\n",
		"4:18: warning: service 'a': depends_on: waits for 'b', stack.yaml:5, to be healthy, but its check is "
		"turned off: not supported yet: 'mstack up' refuses it\n");
	expect_diags(
		"services:\n  a:\n    image: x\n    depends_on: {b: {condition: service_healthy}}\n"
		"  b: {image: x, healthcheck: {test: a}}\n",
		"");
	expect_diags(
		"services:\n  a:\n    image: x\n    depends_on: {b: {required: false}}\n  b: {image: x}\n",
		"4:18: error: service 'a': depends_on.b: 'condition' is missing\n");
}

#define NETS "networks:\n  n: {ipam: {config: [{subnet: 10.1.0.0/24, gateway: 10.1.0.9}]}}\n  p: \n"

static void test_addresses(void **state)
{
	static const struct {
		const char *ip, *want;
	} cases[] = {
		{ "10.2.0.1", "is not inside of the subnet of network 'n', stack.yaml:5" },
		{ "10.1.0.0", "is the address of the network itself of network 'n', stack.yaml:5" },
		{ "10.1.0.255", "is the broadcast address of network 'n', stack.yaml:5" },
		{ "10.1.0.9", "is the gateway of network 'n', stack.yaml:5" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *yaml = xasprintf(
			"services:\n  a: {image: x, networks: {n: {ipv4_address: %s}}}\n\n" NETS,
			cases[i].ip);
		_cleanup_free_ char *want =
			xasprintf("2:46: error: service 'a': networks: ipv4_address %s %s\n",
				  cases[i].ip, cases[i].want);

		expect_diags(yaml, want);
	}
	expect_diags("services:\n  a: {image: x, networks: {n: {ipv4_address: 10.1.0.1}}}\n" NETS,
		     "");
	expect_diags(
		"services:\n  a: {image: x, networks: {p: {ipv4_address: 10.1.0.1}}}\n" NETS,
		"2:46: error: service 'a': networks: ipv4_address 10.1.0.1: network 'p' has no subnet of its own; give it one "
		"under 'ipam'\n");
	expect_diags(
		"services:\n  a: {image: x, networks: {q: {ipv4_address: 10.1.0.2}}}\n",
		"2:28: error: service 'a': networks: network 'q' is not declared under the top-level 'networks'\n");
	expect_diags(
		"services:\n  a: {image: x, networks: {n: {ipv4_address: 10.1.0.2}}}\n"
		"  b: {image: x, networks: {n: {ipv4_address: 10.1.0.2}}}\n" NETS,
		"3:46: error: service 'b': networks: ipv4_address is already given to another service on network 'n', "
		"stack.yaml:2\n");
}

static void test_networks(void **state)
{
	static const struct {
		const char *keys, *want;
	} cases[] = {
		{ "config: [{subnet: 10.1.2.0/23}]",
		  "4:40: error: network 'm': ipam: the subnet overlaps with 10.1.0.0/16 of network 'n', stack.yaml:3" },
		{ "config: [{subnet: 10.2.0.0/16, gateway: 10.3.0.1}]",
		  "4:62: error: network 'm': ipam: gateway 10.3.0.1 is not inside of the subnet (stack.yaml:4)" },
		{ "config: [{subnet: 10.2.0.1/16}]",
		  "4:40: error: network 'm': ipam.config[0].subnet: '10.2.0.1/16' is the address of a host: behind /16 all bits "
		  "must be 0" },
		{ "config: [{subnet: 10.2.0.0/30}]",
		  "4:40: warning: network 'm': ipam.config[0].subnet: '10.2.0.0/30': subnets go from /8 to /29: not supported yet: "
		  "'mstack up' refuses it" },
		{ "config: [{subnet: 10.2.0.0}]",
		  "4:40: error: network 'm': ipam.config[0].subnet: '10.2.0.0' is not a subnet; write like 10.20.0.0/24 or fd00:1::/64" },
		{ "config: [{subnet: \"fd00::/64\"}, {subnet: \"fd00::/48\"}]",
		  "4:63: error: network 'm': ipam: the subnet overlaps with fd00::/64 of network 'm', stack.yaml:4" },
		{ "config: [{subnet: 10.2.0.0/16, aux_addresses: {r: 10.2.0.1}}]",
		  "4:72: error: network 'm': ipam: aux_addresses 'r': 10.2.0.1 is the gateway (stack.yaml:4)" },
		{ "config: [{subnet: 10.2.0.0/16, aux_addresses: {r: 10.3.0.1}}]",
		  "4:72: error: network 'm': ipam: aux_addresses 'r': 10.3.0.1 is not inside of the subnet (stack.yaml:4)" },
		{ "config: [{subnet: 10.2.0.0/16, aux_addresses: {r: 10.2.0.9, s: 10.2.0.9}}]",
		  "4:85: error: network 'm': ipam: aux_addresses 's': 10.2.0.9 is already given to 'r', stack.yaml:4" },
		{ "config: [{subnet: 10.2.0.0/16, ip_range: 10.3.0.0/24}]",
		  "4:63: error: network 'm': ipam: ip_range 10.3.0.0/24 is not inside of the subnet (stack.yaml:4)" },
		{ "config: [{gateway: 10.2.0.1}]",
		  "4:41: error: network 'm': ipam.config[0]: 'gateway' without a subnet" },
		{ "driver: other",
		  "4:30: warning: network 'm': ipam.driver: 'other': not supported yet: 'mstack up' refuses it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *yaml =
			xasprintf("services: {a: {image: x, networks: [n, m]}}\nnetworks:\n"
				  "  n: {ipam: {config: [{subnet: 10.1.0.0/16}]}}\n"
				  "  m: {ipam: {        %s}}\n",
				  cases[i].keys);
		_cleanup_free_ char *want = xasprintf("%s\n", cases[i].want);

		expect_diags(yaml, want);
	}
	expect_diags(
		"services:\n  a: {image: x, networks: [n]}\n",
		"2:28: error: service 'a': networks: network 'n' is not declared under the top-level 'networks'\n");
	expect_diags(
		"services: {a: {image: x, networks: [n, m]}}\nnetworks:\n  n: {driver: overlay}\n  m: {external: {name: x}}\n",
		"3:15: warning: network 'n': driver: 'overlay': not supported yet: 'mstack up' refuses it\n"
		"4:18: warning: network 'm': external: an old form: write 'name' and 'external: true' beside each other\n");
	/* What is made once on the host: names of links, numbers of tunnels; that of another port is another one. */
	expect_diags(
		"services: {a: {image: x, networks: [n, m]}}\nnetworks:\n"
		"  n: {driver_opts: {com.docker.network.bridge.name: br7}}\n"
		"  m: {driver_opts: {com.docker.network.bridge.name: br7}}\n",
		"4:53: error: network 'm': driver_opts: 'br7': this interface of the host is made already, stack.yaml:3\n");
	expect_diags(
		"services: {a: {image: x, networks: [n, m, o]}}\nnetworks:\n"
		"  n: {driver: vxlan, driver_opts: {vni: 7, peers: 192.0.2.1}}\n"
		"  m: {driver: vxlan, driver_opts: {vni: 7, peers: 192.0.2.1, port: 8472}}\n"
		"  o: {driver: vxlan, driver_opts: {id: 8, peers: 192.0.2.1}}\n"
		"x-links: [{endpoints: ['a:eth9', 'vxlan:192.0.2.1/8']}]\n",
		"6:34: error: x-links[0].endpoints[1]: 'vxlan:192.0.2.1/8': this number is that of another tunnel already, stack.yaml:5\n");
}

static void test_names(void **state)
{
	(void)state;
	expect_diags(
		"services:\n  a: {image: x, container_name: cc}\n  b: {image: x, container_name: cc}\n",
		"3:33: error: service 'b': container_name: 'cc' is also the name of service 'a', stack.yaml:2\n");
	expect_diags("services:\n  a: {command: x}\n  b:\n  c: [x]\n",
		     "2:3: error: service 'a': neither 'image' nor 'build' is given\n"
		     "3:3: error: service 'b': is empty: it needs at least 'image'\n"
		     "4:6: error: service 'c': must be a map, not a list\n");
	expect_diags(
		"services:\n  \"a b\": {image: x}\n",
		"2:3: error: service 'a b': 'a b' is not a name: letters, digits, _, . and -, a letter or digit first\n");
	expect_diags(
		"services:\n  a23456789012345678901234567890123456789012345678901234567890abcd: {image: x}\n",
		"2:3: error: service 'a23456789012345678901234567890123456789012345678901234567890abcd': name too long: "
		"'a2345678901234567890...' has 64 characters, 63 are the most\n");
}

static void test_ports(void **state)
{
	(void)state;
	expect_diags(
		"services:\n  a: {image: x, ports: [\"80:80\"]}\n  b: {image: x, ports: [\"127.0.0.1:80:81\"]}\n",
		"3:25: error: service 'b': ports: port 80 of the host is already published by service 'a', stack.yaml:2\n");
	expect_diags(
		"services:\n  a: {image: x, ports: [\"80:80\", \"80:81\"]}\n",
		"2:34: error: service 'a': ports: port 80 of the host is already published by service 'a', stack.yaml:2\n");
	expect_diags(
		"services:\n  a: {image: x, ports: [\"80:80\", \"80:80/udp\", 80]}\n  b: {image: x, ports: [80]}\n",
		"");
	expect_diags(
		"services:\n  a: {image: x, ports: [\"127.0.0.1:80:80\"]}\n  b: {image: x, ports: [\"127.0.0.2:80:80\"]}\n",
		"");
}

static void test_volumes(void **state)
{
	(void)state;
	expect_diags(
		"services: {a: {image: x, volumes: [\"vv:/w\"]}}\nvolumes:\n  vv: {external: true, driver: local}\n",
		"3:24: error: volume 'vv': 'driver' beside 'external: true': what exists already cannot be described anew\n");
	/* What nobody uses is never made, so that there is nothing to say about it. */
	expect_diags(
		"services: {a: {image: x, volumes: [\"ww:/w\"]}}\nvolumes:\n  ww: {driver: nfs}\n  u: {driver: nfs}\n",
		"3:16: warning: volume 'ww': driver: 'nfs': not supported yet: 'mstack up' refuses it\n");
}

/* A text of `len` letters between these two, as a stack. */
static void expect_of_length(const char *before, int len, const char *after, const char *diags)
{
	_cleanup_(buf_fini) struct buf yaml = { 0 };

	buf_puts(&yaml, before);
	for (int i = 0; i < len; i++)
		buf_putc(&yaml, 'x');
	buf_puts(&yaml, after);
	expect_diags(buf_str(&yaml), diags);
}

/* What one variable and one argument may have with their NUL, and one byte more. */
static void test_long_strings(void **state)
{
	static const char variable[] =
		"services:\n  a:\n    image: x\n    environment:\n      A: \"";
	static const char text[] = "services:\n  a:\n    image: x\n    command: \"";
	static const char list[] = "services:\n  a:\n    image: x\n    entrypoint: [sh, \"";

	(void)state;
	expect_of_length(variable, 131069, "\"\n", "");
	expect_of_length(
		variable, 131070, "\"\n",
		"5:7: error: service 'a': environment: 'A' has 131073 bytes: the kernel takes 131072 of one variable\n");
	expect_of_length(text, 131071, "\"\n", "");
	expect_of_length(
		text, 131072, "\"\n",
		"4:14: error: service 'a': command[0]: has 131073 bytes: the kernel takes 131072 of one argument\n");
	expect_of_length(list, 131071, "\"]\n", "");
	expect_of_length(
		list, 131072, "\"]\n",
		"4:22: error: service 'a': entrypoint[1]: has 131073 bytes: the kernel takes 131072 of one argument\n");
}

/* Everything that is wrong comes in one go, and what is not wrong is not told. */
static void test_all_at_once(void **state)
{
	(void)state;
	expect_diags(
		"version: \"3\"\nservicess: {}\nservices:\n  a:\n    image: \"\"\n    ports: [x]\n    network: n\n",
		"1:1: warning: version: has no effect: the format has no versions any more\n"
		"2:1: error: unknown key 'servicess'\n"
		"5:12: error: service 'a': image: must not be empty\n"
		"6:13: error: service 'a': ports[0]: 'x' is not a port; write [[IP:]HOST:]CONTAINER[/tcp|udp]\n"
		"7:5: error: service 'a': unknown key 'network'\n");
	expect_diags(
		"x-a: 1\nservices:\n  a: {image: x, x-b: [1], healthcheck: {test: a, x-c: 1}}\nnetworks: {n: {x-d: 1}}\n",
		"");
	expect_diags("services:\n  a: {image: \"$A$B${A}\", user: \"${B}1\"}\n",
		     "2:14: warning: variable 'A' is not set: it becomes nothing\n"
		     "2:14: warning: variable 'B' is not set: it becomes nothing\n"
		     "2:14: error: service 'a': image: must not be empty\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dependencies), cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_networks),     cmocka_unit_test(test_names),
		cmocka_unit_test(test_ports),	     cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_long_strings), cmocka_unit_test(test_all_at_once),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
