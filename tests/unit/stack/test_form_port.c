/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_port, port_text: the port grammar, short and long, and `expose`. */
#include <arpa/inet.h>
#include <stdio.h>

#include "stack/port_text.h"
#include "unit/stack/service_case.h"

/* One canonical port without an address: PUBLISHED is its pair with the comma in front, or "". */
#define TCP(published, target) \
	"{\"mode\":\"ingress\",\"protocol\":\"tcp\"" published ",\"target\":" #target "}"
#define UDP(published, target) \
	"{\"mode\":\"ingress\",\"protocol\":\"udp\"" published ",\"target\":" #target "}"
#define AT(ip, rest) "{\"host_ip\":\"" ip "\"," rest
#define PUB(n)	     ",\"published\":\"" #n "\""

static void test_good(void **state)
{
	static const struct {
		const char *ports, *want;
	} cases[] = {
		{ "[80]", TCP("", 80) },
		{ "[\"80\"]", TCP("", 80) },
		{ "[\"8080:80\"]", TCP(PUB(8080), 80) },
		{ "[\"08080:080\"]", TCP(PUB(8080), 80) },
		{ "[\":80\"]", TCP("", 80) },
		{ "[\"::80\"]", TCP("", 80) },
		{ "[\"0:80\"]", TCP(PUB(0), 80) },
		{ "[\"53:53/udp\"]", UDP(PUB(53), 53) },
		{ "[\"53:53/UDP\"]", UDP(PUB(53), 53) },
		{ "[\"80:80/Tcp\"]", TCP(PUB(80), 80) },
		{ "[\"127.0.0.1:8080:80\"]",
		  AT("127.0.0.1",
		     "\"mode\":\"ingress\",\"protocol\":\"tcp\"" PUB(8080) ",\"target\":80}") },
		{ "[\"::1:6001:6000\"]",
		  AT("::1",
		     "\"mode\":\"ingress\",\"protocol\":\"tcp\"" PUB(6001) ",\"target\":6000}") },
		{ "[\"127.0.0.1::80\"]",
		  AT("127.0.0.1", "\"mode\":\"ingress\",\"protocol\":\"tcp\",\"target\":80}") },
		{ "[\"8000-8002:80-82\"]",
		  TCP(PUB(8000), 80) "," TCP(PUB(8001), 81) "," TCP(PUB(8002), 82) },
		{ "[\"8000-8000:80\"]", TCP(PUB(8000), 80) },
		{ "[\"3000-3001\"]", TCP("", 3000) "," TCP("", 3001) },
		{ "[\"80:80\", \"80:80\"]", TCP(PUB(80), 80) },
		{ "[\"80:80\", \"0.0.0.0:80:80\", \"80:80/tcp\"]", TCP(PUB(80), 80) },
		{ "[\"8001:8001\", \"8000-8002:8000-8002\"]",
		  TCP(PUB(8001), 8001) "," TCP(PUB(8000), 8000) "," TCP(PUB(8002), 8002) },
		{ "[\"80:80\", \"80:80/udp\"]", TCP(PUB(80), 80) "," UDP(PUB(80), 80) },
		{ "[22:22]", TCP(PUB(22), 22) },
		{ "[{target: 80}]", TCP("", 80) },
		{ "[{target: 80, published: \"\", host_ip: \"\", protocol: \"\", mode: \"\"}]",
		  TCP("", 80) },
		{ "[{target: \"80\", published: \"8080\", protocol: UDP, host_ip: 10.0.0.1, mode: host}]",
		  AT("10.0.0.1",
		     "\"mode\":\"host\",\"protocol\":\"udp\"" PUB(8080) ",\"target\":80}") },
		{ "[{target: 80, published: 8080, x-y: 1}]",
		  "{\"mode\":\"ingress\",\"protocol\":\"tcp\"" PUB(
			  8080) ",\"target\":80,\"x-y\":1}" },
		{ "[\"${TAG:+80}:80\"]", TCP(PUB(80), 80) },
		{ "[{target: \"${TAG:+80}\"}]", TCP("", 80) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("ports: %s", cases[i].ports);
		_cleanup_free_ char *want = xasprintf("[%s]", cases[i].want);

		expect_form(keys, "ports", want);
	}
}

/* Right for compose, and still to come here. */
static void test_refused(void **state)
{
	(void)state;
	expect_refusal("ports: [\"80/sctp\"]", "ports",
		       "[{\"mode\":\"ingress\",\"protocol\":\"sctp\",\"target\":80}]",
		       "ports[0]: protocol 'sctp'");
}

#define GRAMMAR "write [[IP:]HOST:]CONTAINER[/tcp|udp]"

static void test_bad(void **state)
{
	static const struct {
		const char *port, *want;
	} cases[] = {
		{ "abc", ": 'abc' is not a port; " GRAMMAR },
		{ "\"\"", ": '' is not a port; " GRAMMAR },
		{ "\"8080:\"", ": '8080:' is not a port; " GRAMMAR },
		{ "\"80 \"", ": '80 ' is not a port; " GRAMMAR },
		{ "\" 80:80\"", ": ' 80:80' is not a port; " GRAMMAR },
		{ "\"80-:80\"", ": '80-:80' is not a port; " GRAMMAR },
		{ "82-80", ": '82-80' is not a port; " GRAMMAR },
		{ "8.5", ": '8.5' is not a port; " GRAMMAR },
		{ "\"70000:80\"", ": '70000:80': 70000 is not a port number (1 to 65535)" },
		{ "\"80:65530-65536\"",
		  ": '80:65530-65536': 65536 is not a port number (1 to 65535)" },
		{ "\"0\"", ": '0': 0 is not a port number (1 to 65535)" },
		{ "\"0-2:80-82\"", ": '0-2:80-82': 0 is not a port number (1 to 65535)" },
		{ "\"99999999999999999999\"", ": '99999999999999999999' is not a port; " GRAMMAR },
		{ "80/icmp", ": 'icmp' is not a protocol; write tcp, udp or sctp" },
		{ "80/", ": '' is not a protocol; write tcp, udp or sctp" },
		{ "\"host:80:80\"", ": 'host' is not an IP address; " GRAMMAR },
		{ "\"1.2.3:80:80\"", ": '1.2.3' is not an IP address; " GRAMMAR },
		{ "\"[::g]:80:80\"", ": '[::g]' is not an IP address; " GRAMMAR },
		{ "\"127.0.0.1:80\"", ": '127.0.0.1:80' is not a port; " GRAMMAR },
		{ "\"8000-8002:80-81\"",
		  ": '8000-8002:80-81': the two ranges must be equally long" },
		{ "\"8000:80-81\"", ": '8000:80-81': the two ranges must be equally long" },
		{ "{published: 80}", ": 'target' is missing" },
		{ "{target: 0}", ".target: 0 is not a port number (1 to 65535)" },
		{ "{target: x}", ".target: 'x' is not a whole number" },
		{ "{target: 80, mode: x}", ".mode: 'x' is unknown; write host or ingress" },
		{ "{target: 80, published: x}", ".published: 'x' is not a port" },
		{ "{target: 80, published: 70000}",
		  ".published: 70000 is not a port number (1 to 65535)" },
		{ "{target: 80, published: 0-9}",
		  ".published: 0 is not a port number (1 to 65535)" },
		{ "{target: 80, host_ip: localhost}",
		  ".host_ip: 'localhost' is not an IP address" },
		{ "{target: 80, protocol: icmp}",
		  ".protocol: 'icmp' is not a protocol; write tcp, udp or sctp" },
		{ "{target: 80, prot: udp}", ": unknown key 'prot'" },
		{ "{target: 80, name: 1}", ".name: must be a string, not a number" },
		{ "{target: 80, x-allow: [everyone]}",
		  ".x-allow[0]: 'everyone' is not a range of addresses; write like 10.0.0.0/8" },
		{ "{target: 80, x-allow: [10.0.0.0/33]}",
		  ".x-allow[0]: '10.0.0.0/33' is not a range of addresses; write like 10.0.0.0/8" },
		{ "[80]", ": must be a string or a number or a map, not a list" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("ports: [81, %s]", cases[i].port);
		_cleanup_free_ char *want = xasprintf("service 'web': ports[1]%s\n", cases[i].want);

		expect_error(keys, want);
	}
	expect_error("ports: \"80:80\"", "service 'web': ports: must be a list, not a string");
}

static void test_described(void **state)
{
	(void)state;
	expect_warning(
		"ports: [{target: 80, name: site}]", "ports",
		"[{\"mode\":\"ingress\",\"name\":\"site\",\"protocol\":\"tcp\",\"target\":80}]",
		"ports[0].name: has no effect: it only describes");
	expect_warning(
		"ports: [{target: 80, app_protocol: http}]", "ports",
		"[{\"app_protocol\":\"http\",\"mode\":\"ingress\",\"protocol\":\"tcp\",\"target\":80}]",
		"ports[0].app_protocol: has no effect: it only describes");
}

static void test_limit(void **state)
{
	(void)state;
	expect_diags("services: {a: {image: a, ports: [1-16000]}, b: {image: a, ports: [1-384]}}\n",
		     "");
	expect_diags(
		"services:\n  a: {image: a, ports: [1-16000]}\n  b: {image: a, ports: [1-385]}\n",
		"3:25: error: service 'b': ports[0]: more than 16384 ports in all services\n");
}

static void test_expose(void **state)
{
	(void)state;
	expect_warning("expose: [80, \"81\", \"80\", 3000-3002, 53/udp]", "expose",
		       "[\"80\",\"81\",\"3000-3002\",\"53/udp\"]", "expose: has no effect");
	expect_form("expose: []", "expose", "[]");
	expect_error("expose: [web]",
		     "expose[0]: 'web' is not a port; write PORT[-PORT][/tcp|udp]");
	expect_error("expose: [\"80:80\"]",
		     "expose[0]: '80:80' is not a port; write PORT[-PORT][/tcp|udp]");
	expect_error("expose: [80/icmp]",
		     "expose[0]: '80/icmp' is not a port; write PORT[-PORT][/tcp|udp]");
	expect_error("expose: [true]",
		     "expose[0]: must be a string or a number, not a truth value");
}

/* What the fuzzer calls: parts come back without any tree. */
static void test_grammar(void **state)
{
	struct port_text p;

	(void)state;
	assert_int_equal(port_text_parse("[::1]:1-3:4-6/sctp", &p), PORT_FINE);
	assert_string_equal(p.ip, "::1");
	assert_int_equal(p.published.first, 1);
	assert_int_equal(p.published.last, 3);
	assert_int_equal(p.target.first, 4);
	assert_int_equal(p.target.last, 6);
	assert_string_equal(p.protocol, "sctp");
	assert_int_equal(port_text_parse("a:1:2", &p), PORT_ADDRESS);
	assert_int_equal(p.part_len, 1);
	assert_int_equal(port_text_parse("1/x", &p), PORT_PROTOCOL);
	assert_string_equal(p.part, "x");
	assert_int_equal(port_text_parse("/", &p), PORT_PROTOCOL);
	assert_int_equal(port_text_parse(":", &p), PORT_SHAPE);
	assert_int_equal(port_text_parse("1234567", &p), PORT_SHAPE);
	assert_int_equal(port_text_parse("123456", &p), PORT_NUMBER);
	assert_false(port_address("127.0.0.1 "));
	assert_true(port_address("::ffff:1.2.3.4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bad),	cmocka_unit_test(test_described),
		cmocka_unit_test(test_limit),	cmocka_unit_test(test_expose),
		cmocka_unit_test(test_grammar),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
