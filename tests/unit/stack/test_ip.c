/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ip: what is an address, a subnet, a hardware address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "mstack/base.h"
#include "stack/ip.h"
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
		assert_int_equal(ip_family(cases[i].text), cases[i].family);
		assert_int_equal(ip_is_zero(cases[i].text), cases[i].zero);
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
		struct subnet s = { 0 };

		assert_int_equal(ip_subnet(cases[i].text, &s), cases[i].family != 0);
		if (!cases[i].family)
			continue;
		assert_int_equal(s.family, cases[i].family);
		assert_int_equal(s.prefix, cases[i].prefix);
		assert_int_equal(s.host_bits, cases[i].host_bits);
	}
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
	assert_true(ip_mac("02:ab:CD:00:0f:ff", mac));
	assert_memory_equal(mac, want, sizeof(mac));
	assert_true(ip_mac("02-AB-cd-00-0F-FF", mac));
	assert_memory_equal(mac, want, sizeof(mac));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(ip_mac(wrong[i], mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_subnet),
		cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
