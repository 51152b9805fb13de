/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_net: networks with their subnets, named volumes, attachments; what is right and what is refused. */
#include <arpa/inet.h>
#include <stdio.h>

#include "unit/stack/fixture.h"

/* "KEY=NAME [internal] [SUBNET/PREFIX] [via GATEWAY] [unused]" for each network. */
static void show_networks(const struct stack *s, struct buf *b)
{
	char ip[INET_ADDRSTRLEN];

	for (size_t i = 0; i < s->n_networks; i++) {
		const struct stack_network *n = &s->networks[i];

		buf_printf(b, "%s%s=%s%s", i ? "; " : "", n->key, n->name,
			   n->internal ? " internal" : "");
		if (n->prefix)
			buf_printf(b, " %s/%u", inet_ntop(AF_INET, &n->subnet, ip, sizeof(ip)),
				   n->prefix);
		if (n->gateway.s_addr)
			buf_printf(b, " via %s", inet_ntop(AF_INET, &n->gateway, ip, sizeof(ip)));
		buf_puts(b, n->used ? "" : " unused");
	}
}

static void test_networks(void **state)
{
	static const struct {
		const char *networks, *on, *want;
	} cases[] = {
		{ "{}", "{}", "default=t_default" },
		{ "{a: }", "[a]", "a=t_a" },
		{ "{a: , b: {}}", "[b]", "a=t_a unused; b=t_b" },
		{ "{a: }", "{}", "a=t_a unused; default=t_default" },
		{ "{a: {name: other, internal: true}}", "[a]", "a=other internal" },
		{ "{a: {driver: bridge, external: false, enable_ipv6: false}}", "[a]", "a=t_a" },
		{ "{a: {driver: \"\"}}", "[a]", "a=t_a" },
		{ "{default: {name: d}}", "{}", "default=d" },
		{ "{default: {name: d}, a: }", "[a]", "default=d unused; a=t_a" },
		{ "{a: {ipam: {driver: default, config: [{subnet: 10.1.0.0/16}]}}}", "[a]",
		  "a=t_a 10.1.0.0/16" },
		{ "{a: {ipam: {config: [{gateway: 10.1.2.1, subnet: 10.1.2.0/29}]}}}", "[a]",
		  "a=t_a 10.1.2.0/29 via 10.1.2.1" },
		{ "{a: {ipam: {config: []}}}", "[a]", "a=t_a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *yaml =
			xasprintf("services: {web: {image: a, networks: %s}}\nnetworks: %s\n",
				  cases[i].on, cases[i].networks);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);
		_cleanup_(buf_fini) struct buf got = { 0 };

		assert_string_equal(l.text, "");
		show_networks(l.stack, &got);
		assert_string_equal(buf_str(&got), cases[i].want);
	}
}

static void test_networks_refused(void **state)
{
	static const struct {
		const char *network, *want;
	} cases[] = {
		{ "{driver: macvlan}",
		  "driver: 'macvlan': not supported yet; there is only bridge" },
		{ "{external: true}", "external: true: not supported yet" },
		{ "{external: {name: x}}", "external: true: not supported yet" },
		{ "{enable_ipv6: true}", "enable_ipv6: true: not supported yet" },
		{ "{name: \"a b\"}", "name: 'a b' is not a name" },
		{ "[]", "must be a map" },
		{ "{ipam: {driver: x}}",
		  "ipam.driver: 'x': not supported yet; there is only default" },
		{ "{ipam: {config: [{subnet: 10.0.0.0}]}}", "subnet: '10.0.0.0' is not a subnet" },
		{ "{ipam: {config: [{subnet: 10.0.0/24}]}}", "'10.0.0/24' is not a subnet" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/33}]}}", "'10.0.0.0/33' is not a subnet" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/}]}}", "'10.0.0.0/' is not a subnet" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/-8}]}}", "'10.0.0.0/-8' is not a subnet" },
		{ "{ipam: {config: [{subnet: 1000.1000.1000.1000/24}]}}", "is not a subnet" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/7}]}}", "subnets go from /8 to /29" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/30}]}}", "subnets go from /8 to /29" },
		{ "{ipam: {config: [{subnet: 10.0.0.1/24}]}}",
		  "'10.0.0.1/24' is the address of a host" },
		{ "{ipam: {config: [{subnet: \"fd00::/64\"}]}}",
		  "IPv6 subnet 'fd00::/64': not supported yet" },
		{ "{ipam: {config: [{gateway: 10.0.0.1}]}}", "a gateway without a subnet" },
		{ "{ipam: {config: [{gateway: x}]}}", "'x' is not an IPv4 address" },
		{ "{ipam: {config: [{subnet: 10.0.0.0/24}, {subnet: 10.1.0.0/24}]}}",
		  "a second subnet: not supported yet" },
		{ "{ipam: {config: [x]}}", "must be a map" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *yaml = xasprintf(
			"services: {web: {image: a, networks: [net]}}\nnetworks: {net: %s}\n",
			cases[i].network);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);

		assert_int_equal(l.result, 1);
		assert_int_equal(stack_diags_errors(l.diags), 1);
		assert_non_null(strstr(l.text, "network 'net'"));
		assert_non_null(strstr(l.text, cases[i].want));
	}
}

static void test_attachments(void **state)
{
	_cleanup_(loaded_fini) struct loaded l =
		load_text("services:\n"
			  "  web:\n"
			  "    image: a\n"
			  "    networks:\n"
			  "      b: {aliases: [x, y], ipv4_address: 10.0.0.9}\n"
			  "      a:\n"
			  "networks: {a: , b: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}\n");
	const struct stack_service *s = &l.stack->services[0];

	(void)state;
	assert_string_equal(l.text, "");
	/* In the order of the service, which is the order of its interfaces. */
	assert_int_equal(s->n_networks, 2);
	assert_string_equal(s->networks[0].network->key, "b");
	assert_int_equal(s->networks[0].ipv4.s_addr, htonl(0x0a000009));
	assert_int_equal(s->networks[0].aliases.n, 2);
	assert_string_equal(s->networks[0].aliases.v[1].text, "y");
	assert_string_equal(s->networks[1].network->key, "a");
	assert_int_equal(s->networks[1].ipv4.s_addr, 0);
	assert_int_equal(s->networks[1].aliases.n, 0);
}

static void test_attachments_refused(void **state)
{
	(void)state;
	expect_diags(
		"services:\n  web: {image: a, networks: [no]}\n",
		"2:30: error: service 'web': networks[0]: network 'no' is not declared under the top-level 'networks'\n");
	expect_diags(
		"services:\n  web: {image: a, networks: [x, x]}\nnetworks: {x: }\n",
		"2:33: error: service 'web': networks[1]: network 'x' is named twice, first at stack.yaml:2\n");
	expect_diags(
		"services:\n  web: {image: a, networks: {x: {ipv4_address: \"::1\"}}}\nnetworks: {x: }\n",
		"2:48: error: service 'web': networks.x.ipv4_address: IPv6 address '::1': not supported yet\n");
	expect_diags("services:\n  web: {image: a, networks: [1]}\n",
		     "2:30: error: service 'web': networks[0]: must be a string, not a number\n");
}

static void test_volumes(void **state)
{
	_cleanup_(loaded_fini) struct loaded l =
		load_text("services: {web: {image: a}}\n"
			  "volumes:\n"
			  "  a:\n"
			  "  b: {driver: local, name: other}\n"
			  "  c: {external: true}\n"
			  "  d: {external: true, name: theirs, x-note: any}\n");
	static const struct {
		const char *name;
		bool external;
	} want[] = {
		{ "t_a", false },
		{ "other", false },
		{ "c", true },
		{ "theirs", true },
	};

	(void)state;
	assert_string_equal(l.text, "");
	assert_int_equal(l.stack->n_volumes, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_string_equal(l.stack->volumes[i].name, want[i].name);
		assert_int_equal(l.stack->volumes[i].external, want[i].external);
	}
}

static void test_volumes_refused(void **state)
{
	(void)state;
	expect_diags("services: {web: {image: a}}\nvolumes:\n  a: {driver: nfs}\n",
		     "3:15: error: volume 'a': driver 'nfs': not supported; there is only local\n");
	expect_diags(
		"services: {web: {image: a}}\nvolumes:\n  a: {external: true, driver: local}\n",
		"3:23: error: volume 'a': 'driver' beside 'external: true': what exists already cannot be described anew\n");
	expect_diags(
		"services: {web: {image: a}}\nvolumes:\n  a/b:\n",
		"3:3: error: volume 'a/b': 'a/b' is not a name: letters, digits, _, . and -, a letter or digit first\n");
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
		cmocka_unit_test(test_networks),    cmocka_unit_test(test_networks_refused),
		cmocka_unit_test(test_attachments), cmocka_unit_test(test_attachments_refused),
		cmocka_unit_test(test_volumes),	    cmocka_unit_test(test_volumes_refused),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
