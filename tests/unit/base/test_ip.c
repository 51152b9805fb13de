/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ip: what is an address, a subnet, a hardware address, and reckoning with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "mstack/base.h"
#include <cmocka.h>

static void test_family(void **state)
{
	static const struct {
		const char *text;
		int family;
		bool zero;
	} cases[] = {
		{ "10.0.0.1", AF_INET, false },
		{ "0.0.0.0", AF_INET, true },
		{ "255.255.255.255", AF_INET, false },
		{ "fd00::1", AF_INET6, false },
		{ "::", AF_INET6, true },
		{ "::1", AF_INET6, false },
		{ "::ffff:10.0.0.1", AF_INET6, false },
		{ "", 0, false },
		{ "10.1", 0, false },
		{ "10.0.0.256", 0, false },
		{ "10.0.0.1 ", 0, false },
		{ "localhost", 0, false },
		{ "fe80::1%eth0", 0, false },
		{ "[::1]", 0, false },
		{ "0x0a.0.0.1", 0, false },
		{ "10.0.0.1/8", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip ip = { 0 };

		assert_int_equal(ip_parse(cases[i].text, &ip), cases[i].family != 0);
		assert_int_equal(ip.family, cases[i].family);
		if (ip.family)
			assert_int_equal(ip_is_zero(&ip), cases[i].zero);
		assert_string_equal(ip_text(&ip).text, ip.family ? cases[i].text : "");
	}
}

static void test_subnet(void **state)
{
	static const struct {
		const char *text;
		int family; /* 0: it is none */
		unsigned prefix;
		bool host_bits;
	} cases[] = {
		{ "10.0.0.0/8", AF_INET, 8, false },
		{ "10.0.0.0/24", AF_INET, 24, false },
		{ "10.0.0.1/24", AF_INET, 24, true },
		{ "10.0.0.1/32", AF_INET, 32, false },
		{ "10.0.0.128/25", AF_INET, 25, false },
		{ "10.0.0.128/24", AF_INET, 24, true },
		{ "10.0.2.0/23", AF_INET, 23, false },
		{ "10.0.1.0/23", AF_INET, 23, true },
		{ "0.0.0.0/0", AF_INET, 0, false },
		{ "1.0.0.0/0", AF_INET, 0, true },
		{ "fd00::/64", AF_INET6, 64, false },
		{ "fd00::1/64", AF_INET6, 64, true },
		{ "fd00::1/128", AF_INET6, 128, false },
		{ "::/0", AF_INET6, 0, false },
		{ "10.0.0.0", 0, 0, false },
		{ "10.0.0.0/", 0, 0, false },
		{ "/24", 0, 0, false },
		{ "10.0.0.0/33", 0, 0, false },
		{ "fd00::/129", 0, 0, false },
		{ "10.0.0.0/024", 0, 0, false },
		{ "10.0.0.0/00", 0, 0, false },
		{ "10.0.0.0/+8", 0, 0, false },
		{ "10.0.0.0/8 ", 0, 0, false },
		{ "10.0.0.0/8/8", 0, 0, false },
		{ "10.0.0.0/99999999999999999999", 0, 0, false },
		{ "10.0.0.0/255.0.0.0", 0, 0, false },
		{ "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/8", 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip_net s = { 0 };

		assert_int_equal(ip_net_parse(cases[i].text, &s), cases[i].family != 0);
		if (!cases[i].family)
			continue;
		assert_int_equal(s.ip.family, cases[i].family);
		assert_int_equal(s.prefix, cases[i].prefix);
		assert_int_equal(ip_has_host_bits(&s), cases[i].host_bits);
		assert_string_equal(ip_net_text(&s).text, cases[i].text);
	}
}

static struct ip_net net_of(const char *text)
{
	struct ip_net net = { 0 };

	assert_true(ip_net_parse(text, &net));
	return net;
}

static struct ip ip_of(const char *text)
{
	struct ip ip = { 0 };

	assert_true(ip_parse(text, &ip));
	return ip;
}

static void test_bounds(void **state)
{
	static const struct {
		const char *net, *first, *last;
	} cases[] = {
		{ "10.1.2.3/24", "10.1.2.0", "10.1.2.255" },
		{ "10.1.2.3/22", "10.1.0.0", "10.1.3.255" },
		{ "10.1.2.3/32", "10.1.2.3", "10.1.2.3" },
		{ "10.1.2.3/0", "0.0.0.0", "255.255.255.255" },
		{ "fd00::1:2/64", "fd00::", "fd00::ffff:ffff:ffff:ffff" },
		{ "fd00::ff/124", "fd00::f0", "fd00::ff" },
		{ "fd00::1/128", "fd00::1", "fd00::1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip_net net = net_of(cases[i].net);
		struct ip first = ip_first(&net), last = ip_last(&net);

		assert_string_equal(ip_text(&first).text, cases[i].first);
		assert_string_equal(ip_text(&last).text, cases[i].last);
	}
}

static void test_within(void **state)
{
	static const struct {
		const char *ip, *net;
		bool is;
	} cases[] = {
		{ "10.0.0.1", "10.0.0.0/24", true },  { "10.0.0.255", "10.0.0.0/24", true },
		{ "10.0.1.0", "10.0.0.0/24", false }, { "9.255.255.255", "10.0.0.0/8", false },
		{ "10.0.0.1", "0.0.0.0/0", true },    { "fd00::1", "0.0.0.0/0", false },
		{ "fd00::1", "fd00::/64", true },     { "fd00:0:0:1::", "fd00::/64", false },
		{ "a00:1::", "10.0.0.0/8", false },   { "10.0.0.1", "10.0.0.1/32", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip ip = ip_of(cases[i].ip);
		struct ip_net net = net_of(cases[i].net);

		assert_int_equal(ip_is_within(&ip, &net), cases[i].is);
		assert_false(ip_is_within(&(struct ip){ 0 }, &net));
	}
}

static void test_overlap(void **state)
{
	static const struct {
		const char *a, *b;
		bool do_overlap;
	} cases[] = {
		{ "10.0.0.0/8", "10.1.0.0/16", true },	 { "10.0.0.0/16", "10.1.0.0/16", false },
		{ "10.0.0.0/24", "10.0.0.0/24", true },	 { "0.0.0.0/0", "10.1.0.0/16", true },
		{ "0.0.0.0/0", "fd00::/8", false },	 { "fd00::/8", "fd12::/64", true },
		{ "fd00:1::/64", "fd00:2::/64", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip_net a = net_of(cases[i].a), b = net_of(cases[i].b);

		assert_int_equal(ip_overlap(&a, &b), cases[i].do_overlap);
		assert_int_equal(ip_overlap(&b, &a), cases[i].do_overlap);
	}
}

static void test_plus(void **state)
{
	static const struct {
		const char *ip;
		uint64_t n;
		const char *sum;
	} cases[] = {
		{ "10.0.0.0", 1, "10.0.0.1" },
		{ "10.0.0.255", 1, "10.0.1.0" },
		{ "10.0.0.0", 0x10203, "10.1.2.3" },
		{ "255.255.255.255", 1, "0.0.0.0" },
		{ "fd00::ffff:ffff", 1, "fd00::1:0:0" },
		{ "fd00::", 0xffffffffffffffff, "fd00::ffff:ffff:ffff:ffff" },
		{ "fd00::ffff:ffff:ffff:ffff", 2, "fd00:0:0:1::1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip ip = ip_of(cases[i].ip), sum = ip_plus(&ip, cases[i].n);

		assert_string_equal(ip_text(&sum).text, cases[i].sum);
	}
}

/* IPv4 comes first whatever the bytes are; what is no address comes before both. */
static void test_order(void **state)
{
	static const char *const sorted[] = { "1.0.0.0", "10.0.0.1", "10.0.0.2", "::1", "fd00::" };
	struct in_addr four = { htonl(0x0a000001) };
	struct ip ip = ip_from4(four);

	(void)state;
	for (size_t i = 1; i < ARRAY_LEN(sorted); i++) {
		struct ip a = ip_of(sorted[i - 1]), b = ip_of(sorted[i]);

		assert_true(ip_compare(&a, &b) < 0 && ip_compare(&b, &a) > 0);
		assert_false(ip_equal(&a, &b));
		assert_true(ip_compare(&(struct ip){ 0 }, &a) < 0);
	}
	assert_string_equal(ip_text(&ip).text, "10.0.0.1");
	assert_int_equal(ip_to4(&ip).s_addr, four.s_addr);
	ip = ip_of("fd00::1");
	assert_int_equal(ip_to4(&ip).s_addr, 0);
}

static void test_mac(void **state)
{
	static const char *const wrong[] = {
		"",
		"02:00:00:00:00",
		"02:00:00:00:00:0",
		"02:00:00:00:00:001",
		"0200.0000.0001",
		"02:00:00:00:00:0x",
		"02:00:00-00:00:01",
		"02 00 00 00 00 01",
		"020000000001",
		":2:00:00:00:00:01",
		"02:00:00:00:00:01:02:03",
	};
	static const uint8_t want[6] = { 0x02, 0xab, 0xCD, 0, 0x0f, 0xff };
	uint8_t mac[6];

	(void)state;
	assert_true(mac_parse("02:ab:CD:00:0f:ff", mac));
	assert_memory_equal(mac, want, sizeof(mac));
	assert_true(mac_parse("02-AB-cd-00-0F-FF", mac));
	assert_memory_equal(mac, want, sizeof(mac));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(mac_parse(wrong[i], mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_family),	cmocka_unit_test(test_subnet),
		cmocka_unit_test(test_bounds),	cmocka_unit_test(test_within),
		cmocka_unit_test(test_overlap), cmocka_unit_test(test_plus),
		cmocka_unit_test(test_order),	cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
