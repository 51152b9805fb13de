/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_port: the port grammar, short and long. */
#include <arpa/inet.h>
#include <stdio.h>

#include "unit/stack/fixture.h"

/* "IP:PUBLISHED:TARGET/PROTO" of each port. */
static void show(struct buf *b, const struct stack_service *s)
{
	for (size_t i = 0; i < s->n_ports; i++) {
		const struct stack_port *p = &s->ports[i];
		char ip[INET_ADDRSTRLEN];

		buf_printf(b, "%s%s:%u:%u/%s", i ? " " : "", inet_ntop(AF_INET, &p->host_ip, ip, sizeof(ip)), p->published,
			   p->target, p->protocol == IPPROTO_UDP ? "udp" : "tcp");
	}
}

static void test_good(void **state)
{
	static const struct { const char *ports, *want; } cases[] = {
		{ "[80]", "0.0.0.0:0:80/tcp" },
		{ "[\"80\"]", "0.0.0.0:0:80/tcp" },
		{ "[\"8080:80\"]", "0.0.0.0:8080:80/tcp" },
		{ "[\":80\"]", "0.0.0.0:0:80/tcp" },
		{ "[\"53:53/udp\"]", "0.0.0.0:53:53/udp" },
		{ "[\"53:53/UDP\"]", "0.0.0.0:53:53/udp" },
		{ "[\"127.0.0.1:8080:80\"]", "127.0.0.1:8080:80/tcp" },
		{ "[\"127.0.0.1::80\"]", "127.0.0.1:0:80/tcp" },
		{ "[\"8000-8002:80-82\"]", "0.0.0.0:8000:80/tcp 0.0.0.0:8001:81/tcp 0.0.0.0:8002:82/tcp" },
		{ "[\"3000-3001\"]", "0.0.0.0:0:3000/tcp 0.0.0.0:0:3001/tcp" },
		{ "[\"80:80\", \"80:80\"]", "0.0.0.0:80:80/tcp" },
		{ "[22:22]", "0.0.0.0:22:22/tcp" },
		{ "[{target: 80}]", "0.0.0.0:0:80/tcp" },
		{ "[{target: \"80\", published: \"8080\", protocol: udp, host_ip: 10.0.0.1, mode: host}]",
		  "10.0.0.1:8080:80/udp" },
		{ "[{target: 80, published: 8080, x-y: 1}]", "0.0.0.0:8080:80/tcp" },
		{ "[\"${TAG:+80}:80\"]", "0.0.0.0:80:80/tcp" },
		{ "[]", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *yaml = xasprintf("services: {a: {image: a, ports: %s}}\n", cases[i].ports);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);
		_cleanup_(buf_fini) struct buf got = { 0 };

		assert_string_equal(l.text, "");
		show(&got, &l.stack->services[0]);
		assert_string_equal(buf_str(&got), cases[i].want);
	}
}

#define GRAMMAR "write [[IP:]HOST:]CONTAINER[/tcp|udp]"

static void test_bad(void **state)
{
	static const struct { const char *port, *want; } cases[] = {
		{ "abc", ": 'abc' is not a port; " GRAMMAR },
		{ "\"\"", ": '' is not a port; " GRAMMAR },
		{ "\"8080:\"", ": '8080:' is not a port; " GRAMMAR },
		{ "\"80 \"", ": '80 ' is not a port; " GRAMMAR },
		{ "82-80", ": '82-80' is not a port; " GRAMMAR },
		{ "\"70000:80\"", ": '70000:80': 70000 is not a port number (1 to 65535)" },
		{ "\"0\"", ": '0': 0 is not a port number (1 to 65535)" },
		{ "\"99999999999999999999\"", ": '99999999999999999999' is not a port; " GRAMMAR },
		{ "80/icmp", ": 'icmp' is not a protocol; write tcp or udp" },
		{ "80/sctp", ": protocol 'sctp': not supported yet" },
		{ "\"host:80:80\"", ": 'host' is not an IP address; " GRAMMAR },
		{ "\"127.0.0.1:80\"", ": '127.0.0.1:80' is not a port; " GRAMMAR },
		{ "\"[::1]:80:80\"", ": IPv6 address '[::1]': not supported yet" },
		{ "\"8000-8002:80-81\"", ": '8000-8002:80-81': the two ranges must be equally long" },
		{ "\"8000-8010:80\"", ": '8000-8010:80': a range of the host for one port: not supported yet" },
		{ "{published: 80}", ": 'target' is missing" },
		{ "{target: 0}", ": target: 0 is not a port number (1 to 65535)" },
		{ "{target: 80, mode: x}", ": mode: 'x' is unknown; write host or ingress" },
		{ "{target: 80, published: x}", ": published: 'x' is not a port" },
		{ "{target: 80, prot: udp}", ": unknown key 'prot'" },
		{ "[80]", ": must be a string or a number or a map, not a list" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *yaml = xasprintf("services: {a: {image: a, ports: [81, %s]}}\n", cases[i].port);
		_cleanup_free_ char *want = xasprintf("service 'a': ports[1]%s", cases[i].want);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);

		assert_int_equal(l.result, 1);
		assert_int_equal(stack_diags_count(l.diags), 1);
		assert_string_equal(stack_diags_get(l.diags, 0)->text, want);
	}
}

static void test_limit(void **state)
{
	(void)state;
	expect_diags("services: {a: {image: a, ports: [1-4000]}, b: {image: a, ports: [1-96]}}\n", "");
	expect_diags("services:\n  a: {image: a, ports: [1-4000]}\n  b: {image: a, ports: [1-97]}\n",
		     "3:25: error: service 'b': ports[0]: more than 4096 ports in all services\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
