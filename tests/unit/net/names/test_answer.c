/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer: from the bytes of a question to those of an answer: what we know, what we leave to others, what goes to nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "bytes.h"
#include "net/names/answer.h"

enum { NET = 1 };

static struct zone *world(void)
{
	struct zone *z = zone_new();
	struct ip ips[2] = { 0 };
	struct ip_net subnet;

	assert_true(ip_parse("10.2.0.3", &ips[0]) && ip_parse("fd00:2::3", &ips[1]) &&
		    ip_net_parse("10.2.0.0/24", &subnet));
	zone_network(z, NET, "t_back");
	zone_subnet(z, NET, &subnet);
	zone_add(z, 0, NET, "t-db-1", ips, true);
	zone_add(z, 0, NET, "db", ips, false);
	return z;
}

static const uint32_t networks[] = { NET };
static const struct zone_view view = { networks, 1 };

/* rcode and number of answers of a question by this name and type, -1: forwarded, -2: no answer. */
static int ask(struct zone *z, bool internal, const char *name, uint16_t type, unsigned *ret_n)
{
	struct bytes b = bytes_question(5, name, type, 0);
	uint8_t out[DNS_EDNS];
	struct dns_question q;
	size_t len;

	*ret_n = 0;
	switch (answer(z, &view, internal, false, b.v, b.n, &q, out, &len)) {
	case ANSWER_FORWARD:
		return -1;
	case ANSWER_NONE:
		return -2;
	case ANSWER_READY:
		break;
	}
	*ret_n = (unsigned)(out[6] << 8 | out[7]);
	return (int)dns_rcode(out);
}

static void test_kinds(void **state)
{
	/* clang-format off */
	static const struct { const char *name; uint16_t type; int want; unsigned n; int internal; } rows[] = {
		{ "db", DNS_A, DNS_NOERROR, 1, DNS_NOERROR },
		{ "DB", DNS_AAAA, DNS_NOERROR, 1, DNS_NOERROR },
		{ "db", 15, DNS_NOERROR, 0, DNS_NOERROR },		/* MX */
		{ "db", DNS_ANY, DNS_NOERROR, 0, DNS_NOERROR },
		{ "db", DNS_PTR, DNS_NOERROR, 0, DNS_NOERROR },
		{ "db.t_back", DNS_A, DNS_NOERROR, 1, DNS_NOERROR },
		{ "t-db-1", DNS_A, DNS_NOERROR, 1, DNS_NOERROR },
		{ "nobody", DNS_A, -1, 0, DNS_REFUSED },
		{ "example.org", DNS_A, -1, 0, DNS_REFUSED },
		{ "", 2, -1, 0, DNS_REFUSED },				/* the name servers of the root */
		{ "3.0.2.10.in-addr.arpa", DNS_PTR, DNS_NOERROR, 1, DNS_NOERROR },
		{ "3.0.2.10.IN-ADDR.ARPA", DNS_PTR, DNS_NOERROR, 1, DNS_NOERROR },
		{ "3.0.2.10.in-addr.arpa", DNS_A, DNS_NOERROR, 0, DNS_NOERROR },
		{ "9.0.2.10.in-addr.arpa", DNS_PTR, DNS_NXDOMAIN, 0, DNS_NXDOMAIN },
		{ "9.9.9.9.in-addr.arpa", DNS_PTR, -1, 0, DNS_REFUSED },
		{ "2.10.in-addr.arpa", DNS_PTR, -1, 0, DNS_REFUSED },
		{ "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.0.0.d.f.ip6.arpa", DNS_PTR, DNS_NOERROR, 1, DNS_NOERROR },
	};
	/* clang-format on */
	struct zone *z = world();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned n;

		if (ask(z, false, rows[i].name, rows[i].type, &n) != rows[i].want || n != rows[i].n)
			fail_msg("%s %u", rows[i].name, rows[i].type);
		assert_int_equal(ask(z, true, rows[i].name, rows[i].type, &n), rows[i].internal);
	}
	zone_free(z);
}

static void test_class(void **state)
{
	struct zone *z = world();
	struct bytes b = bytes_question(5, "db", DNS_A, 0);
	uint8_t out[DNS_EDNS];
	struct dns_question q;
	size_t len;

	(void)state;
	b.v[b.n - 1] = 3; /* Chaos */
	assert_int_equal(answer(z, &view, false, false, b.v, b.n, &q, out, &len), ANSWER_READY);
	assert_int_equal(dns_rcode(out), DNS_REFUSED);
	b.v[b.n - 1] = DNS_ANY_CLASS;
	assert_int_equal(answer(z, &view, false, false, b.v, b.n, &q, out, &len), ANSWER_READY);
	assert_int_equal(dns_rcode(out), DNS_NOERROR);
	assert_int_equal(answer(z, &view, false, false, b.v, 5, &q, out, &len), ANSWER_NONE);
	zone_free(z);
}

/* As many as fit by UDP, and all of them by TCP. */
static void test_length(void **state)
{
	struct zone *z = zone_new();
	static uint8_t out[DNS_MAX];
	struct bytes b = bytes_question(5, "all", DNS_A, 0);
	struct dns_question q;
	size_t len;

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		struct ip ips[2] = { { AF_INET, { 10, 0, 0, (uint8_t)i } }, { 0 } };

		zone_add(z, i, NET, "all", ips, false);
	}
	assert_int_equal(answer(z, &view, false, false, b.v, b.n, &q, out, &len), ANSWER_READY);
	assert_true(len <= DNS_PLAIN && dns_truncated(out));
	assert_int_equal(out[7], (DNS_PLAIN - b.n) / 16);
	b = bytes_question(5, "all", DNS_A, 4096);
	assert_int_equal(answer(z, &view, false, false, b.v, b.n, &q, out, &len), ANSWER_READY);
	assert_true(len <= DNS_EDNS && dns_truncated(out));
	assert_int_equal(answer(z, &view, false, true, b.v, b.n, &q, out, &len), ANSWER_READY);
	assert_false(dns_truncated(out));
	assert_int_equal(out[7], 100);
	zone_free(z);
}

static void test_reverse_ip(void **state)
{
	static const char *const wrong[] = {
		"",
		"in-addr.arpa",
		".in-addr.arpa",
		"1.2.3.in-addr.arpa",
		"1.2.3.4.5.in-addr.arpa",
		"256.1.1.1.in-addr.arpa",
		"1.2.3.x.in-addr.arpa",
		" 1.2.3.4.in-addr.arpa",
		"1.2.3.4.in-addr.arpa.x",
		"1.2.3.04.in-addr.arpa",
		"-1.2.3.4.in-addr.arpa",
		"0.0.ip6.arpa",
		"g.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
		"0x0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
	};
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (answer_reverse_ip(wrong[i], &ip))
			fail_msg("%s", wrong[i]);
	assert_true(answer_reverse_ip("4.3.2.1.in-addr.arpa", &ip));
	assert_string_equal(ip_text(&ip).text, "1.2.3.4");
	assert_true(answer_reverse_ip(
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", &ip));
	assert_string_equal(ip_text(&ip).text, "2001:db8::1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_reverse_ip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
