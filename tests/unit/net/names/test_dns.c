/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns: messages as bytes: questions of all sorts, good and hostile, answers byte by byte, and which answers of others are believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bytes.h"

#define LABEL63 "3f 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
#define LABEL61 "3d 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"

static void test_parse(void **state)
{
	/* clang-format off */
	static const struct { const char *what, *bytes; int want; const char *name; } rows[] = {
		{ "a plain one", "1234 0100 0001 0000 0000 0000 03 'web' 00 0001 0001", 0, "web" },
		{ "letters of any size", "1234 0100 0001 0000 0000 0000 03 'wEb' 02 'Io' 00 001c 0001", 0, "web.io" },
		{ "the root", "1234 0100 0001 0000 0000 0000 00 0002 0001", 0, "" },
		{ "a dot in a label", "1234 0100 0001 0000 0000 0000 03 'w.b' 00 0001 0001", 0, "" },
		{ "a zero in a label", "1234 0100 0001 0000 0000 0000 03 77 00 62 00 0001 0001", 0, "" },
		{ "the longest label", "1234 0100 0001 0000 0000 0000" LABEL63 "00 0001 0001", 0,
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
		{ "the longest name", "1234 0100 0001 0000 0000 0000" LABEL63 LABEL63 LABEL63 LABEL61 "00 0001 0001", 0, NULL },
		{ "one longer", "1234 0100 0001 0000 0000 0000" LABEL63 LABEL63 LABEL63 "3e 'a'" LABEL61 "00 0001 0001", 1, NULL },
		{ "with AD and CD", "1234 0130 0001 0000 0000 0000 01 'a' 00 0001 0001", 0, "a" },
		{ "EDNS", "1234 0100 0001 0000 0000 0001 01 'a' 00 0001 0001 00 0029 1000 0000 8000 0000", 0, "a" },
		{ "EDNS with an option", "1234 0100 0001 0000 0000 0001 01 'a' 00 0001 0001 00 0029 1000 0000 0000 0006 000a 0002 abcd", 0, "a" },
		{ "a record that nobody knows", "1234 0100 0001 0000 0000 0001 01 'a' 00 0001 0001 01 'k' 00 00fa 00ff 0000 0000 0001 ff", 0, "a" },
		{ "EDNS of another version", "1234 0100 0001 0000 0000 0001 01 'a' 00 0001 0001 00 0029 1000 0001 0000 0000", DNS_BADVERS, "a" },
		{ "nothing", "", -1, NULL },
		{ "a part of a header", "1234 0100 0001 0000 0000 00", -1, NULL },
		{ "an answer", "1234 8180 0001 0000 0000 0000 01 'a' 00 0001 0001", -1, NULL },
		{ "a header alone", "1234 0100 0001 0000 0000 0000", 1, NULL },
		{ "no question", "1234 0100 0000 0000 0000 0000", 1, NULL },
		{ "two questions", "1234 0100 0002 0000 0000 0000 01 'a' 00 0001 0001 01 'b' 00 0001 0001", 1, NULL },
		{ "with an answer", "1234 0100 0001 0001 0000 0000 01 'a' 00 0001 0001", 1, NULL },
		{ "with an authority", "1234 0100 0001 0000 0001 0000 01 'a' 00 0001 0001", 1, NULL },
		{ "too many extras", "1234 0100 0001 0000 0000 0005 01 'a' 00 0001 0001", 1, NULL },
		{ "cut", "1234 0300 0001 0000 0000 0000 01 'a' 00 0001 0001", 1, NULL },
		{ "a name without an end", "1234 0100 0001 0000 0000 0000 03 'web'", 1, NULL },
		{ "a label longer than the rest", "1234 0100 0001 0000 0000 0000 3f 'web' 00 0001 0001", 1, NULL },
		{ "a pointer to itself", "1234 0100 0001 0000 0000 0000 c00c 0001 0001", 1, NULL },
		{ "a label of a kind that does not exist", "1234 0100 0001 0000 0000 0000 41 'a' 00 0001 0001", 1, NULL },
		{ "no class", "1234 0100 0001 0000 0000 0000 01 'a' 00 0001", 1, NULL },
		{ "bytes behind it", "1234 0100 0001 0000 0000 0000 01 'a' 00 0001 0001 00", 1, NULL },
		{ "two of EDNS", "1234 0100 0001 0000 0000 0002 01 'a' 00 0001 0001 00 0029 1000 0000 0000 0000 00 0029 1000 0000 0000 0000", 1, NULL },
		{ "EDNS with a name", "1234 0100 0001 0000 0000 0001 01 'a' 00 0001 0001 01 'x' 00 0029 1000 0000 0000 0000", 1, NULL },
		{ "EDNS that is cut", "1234 0100 0001 0000 0000 0001 01 'a' 00 0001 0001 00 0029 1000 0000", 1, NULL },
		{ "EDNS with less than it says", "1234 0100 0001 0000 0000 0001 01 'a' 00 0001 0001 00 0029 1000 0000 0000 0006 000a", 1, NULL },
		{ "an update", "1234 2800 0001 0000 0000 0000 01 'a' 00 0006 0001", DNS_NOTIMP, NULL },
		{ "a status", "1234 1000 0000 0000 0000 0000", DNS_NOTIMP, NULL },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes b = bytes(rows[i].bytes);
		struct dns_question q;
		int rc = dns_parse(b.v, b.n, &q);

		if (rc != rows[i].want)
			fail_msg("%s: %d", rows[i].what, rc);
		if (rows[i].name && strcmp(q.name, rows[i].name) != 0)
			fail_msg("%s: name '%s'", rows[i].what, q.name);
		if (rc >= 0)
			assert_int_equal(q.id, 0x1234);
	}
}

static void test_limit(void **state)
{
	static const struct {
		unsigned edns;
		size_t want;
	} rows[] = { { 0, 512 },   { 1, 512 },	   { 512, 512 },
		     { 900, 900 }, { 1232, 1232 }, { 65535, 1232 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes b = bytes_question(1, "a", DNS_A, rows[i].edns);
		struct dns_question q;

		assert_int_equal(dns_parse(b.v, b.n, &q), 0);
		assert_int_equal(dns_limit(&q), rows[i].want);
	}
}

static void expect(const uint8_t *got, size_t len, const char *want)
{
	struct bytes b = bytes(want);

	assert_int_equal(len, b.n);
	assert_memory_equal(got, b.v, len);
}

static void test_answer(void **state)
{
	static const struct dns_record records[] = {
		{ DNS_A, 4, { 10, 1, 2, 3 } },
		{ DNS_A, 4, { 10, 1, 2, 4 } },
	};
	struct bytes b = bytes_question(0xbeef, "wEb", DNS_A, 0);
	struct dns_question q;
	uint8_t out[DNS_PLAIN];

	(void)state;
	assert_int_equal(dns_parse(b.v, b.n, &q), 0);
	expect(out, dns_answer(&q, DNS_NOERROR, records, 2, sizeof(out), out),
	       "beef 8580 0001 0002 0000 0000 03 'wEb' 00 0001 0001"
	       "c00c 0001 0001 00000000 0004 0a010203 c00c 0001 0001 00000000 0004 0a010204");
	expect(out, dns_answer(&q, DNS_NOERROR, NULL, 0, sizeof(out), out),
	       "beef 8580 0001 0000 0000 0000 03 'wEb' 00 0001 0001");
	/* One fits: TC. */
	expect(out, dns_answer(&q, DNS_NOERROR, records, 2, 40, out),
	       "beef 8780 0001 0001 0000 0000 03 'wEb' 00 0001 0001 c00c 0001 0001 00000000 0004 0a010203");
	expect(out, dns_answer(&q, DNS_REFUSED, NULL, 0, sizeof(out), out),
	       "beef 8185 0001 0000 0000 0000 03 'wEb' 00 0001 0001");
	expect(out, dns_answer(&q, DNS_NXDOMAIN, NULL, 0, sizeof(out), out),
	       "beef 8583 0001 0000 0000 0000 03 'wEb' 00 0001 0001");
	/* Errors have no more than a header. */
	b = bytes("0007 2900 0001 0000 0000 0000 01 'a' 00 0006 0001");
	assert_int_equal(dns_parse(b.v, b.n, &q), DNS_NOTIMP);
	expect(out, dns_answer(&q, DNS_NOTIMP, NULL, 0, sizeof(out), out),
	       "0007 a984 0000 0000 0000 0000");
	b = bytes("0007 0110 0002 0000 0000 0000");
	assert_int_equal(dns_parse(b.v, b.n, &q), DNS_FORMERR);
	expect(out, dns_answer(&q, DNS_FORMERR, NULL, 0, sizeof(out), out),
	       "0007 8191 0000 0000 0000 0000");
}

static void test_answer_edns(void **state)
{
	struct bytes b = bytes(
		"0001 0100 0001 0000 0000 0001 01 'a' 00 0001 0001 00 0029 1000 0000 8000 0000");
	struct dns_question q;
	uint8_t out[DNS_PLAIN];

	(void)state;
	assert_int_equal(dns_parse(b.v, b.n, &q), 0);
	expect(out, dns_answer(&q, DNS_NOERROR, NULL, 0, sizeof(out), out),
	       "0001 8580 0001 0000 0000 0001 01 'a' 00 0001 0001 00 0029 04d0 0000 8000 0000");
	b = bytes("0001 0100 0001 0000 0000 0001 01 'a' 00 0001 0001 00 0029 1000 0003 0000 0000");
	assert_int_equal(dns_parse(b.v, b.n, &q), DNS_BADVERS);
	expect(out, dns_answer(&q, DNS_BADVERS, NULL, 0, sizeof(out), out),
	       "0001 8180 0001 0000 0000 0001 01 'a' 00 0001 0001 00 0029 04d0 0100 0000 0000");
}

static void test_put_name(void **state)
{
	struct dns_record r;
	char label64[65], long_name[300];

	(void)state;
	assert_true(dns_put_name(&r, "web-1.t_default"));
	expect(r.data, r.len, "05 'web-1' 09 't_default' 00");
	assert_true(dns_put_name(&r, "a."));
	expect(r.data, r.len, "01 'a' 00");
	assert_false(dns_put_name(&r, "a..b"));
	memset(label64, 'a', 64);
	label64[64] = '\0';
	assert_false(dns_put_name(&r, label64));
	assert_true(dns_put_name(&r, label64 + 1));
	for (size_t i = 0; i < sizeof(long_name); i++)
		long_name[i] = i % 10 == 9 ? '.' : 'a';
	long_name[253] = '\0';
	assert_true(dns_put_name(&r, long_name));
	assert_int_equal(r.len, 255);
	long_name[253] = 'a';
	long_name[254] = '\0';
	assert_false(dns_put_name(&r, long_name));
}

static void test_query(void **state)
{
	uint8_t out[DNS_QUERY_MAX];
	struct dns_question q;
	/* The option, a cookie of the client's, is his and ours, not theirs. */
	struct bytes b = bytes("0001 0130 0001 0000 0000 0001 03 'wEb' 00 0010 0001"
			       "00 0029 1000 0000 8000 0006 000a 0002 abcd");

	(void)state;
	assert_int_equal(dns_parse(b.v, b.n, &q), 0);
	expect(out, dns_query(&q, 0x7777, out),
	       "7777 0130 0001 0000 0000 0001 03 'wEb' 00 0010 0001 00 0029 04d0 0000 8000 0000");
	b = bytes_question(1, "a.b", DNS_AAAA, 0);
	assert_int_equal(dns_parse(b.v, b.n, &q), 0);
	expect(out, dns_query(&q, 2, out),
	       "0002 0100 0001 0000 0000 0000 01 'a' 01 'b' 00 001c 0001");
}

static void test_is_answer(void **state)
{
	/* clang-format off */
	static const struct { const char *what, *bytes; bool want; } rows[] = {
		{ "without records", "0009 8180 0001 0000 0000 0000 03 'web' 00 0001 0001", true },
		{ "with other letters", "0009 8180 0001 0000 0000 0000 03 'WEB' 00 0001 0001", true },
		{ "with a record", "0009 8180 0001 0001 0000 0000 03 'web' 00 0001 0001 c00c 0001 0001 00000001 0004 01020304", true },
		{ "a record with a name", "0009 8180 0001 0001 0000 0000 03 'web' 00 0001 0001 01 'a' c00c 0001 0001 00000001 0004 01020304", true },
		{ "cut within a record", "0009 8380 0001 0001 0000 0000 03 'web' 00 0001 0001 c00c 00", true },
		{ "another id", "0008 8180 0001 0000 0000 0000 03 'web' 00 0001 0001", false },
		{ "a question", "0009 0100 0001 0000 0000 0000 03 'web' 00 0001 0001", false },
		{ "another opcode", "0009 9180 0001 0000 0000 0000 03 'web' 00 0001 0001", false },
		{ "another name", "0009 8180 0001 0000 0000 0000 03 'wex' 00 0001 0001", false },
		{ "another type", "0009 8180 0001 0000 0000 0000 03 'web' 00 001c 0001", false },
		{ "another class", "0009 8180 0001 0000 0000 0000 03 'web' 00 0001 0003", false },
		{ "no question", "0009 8183 0000 0000 0000 0000", false },
		{ "a shorter one", "0009 8180 0001 0000 0000 0000 03 'web' 00 0001", false },
		{ "a record too few", "0009 8180 0001 0001 0000 0000 03 'web' 00 0001 0001", false },
		{ "a record too short", "0009 8180 0001 0001 0000 0000 03 'web' 00 0001 0001 c00c 0001 0001 00000001 0004 010203", false },
		{ "a name without an end", "0009 8180 0001 0001 0000 0000 03 'web' 00 0001 0001 3f 'a'", false },
		{ "a pointer that is cut", "0009 8180 0001 0001 0000 0000 03 'web' 00 0001 0001 c0", false },
	};
	/* clang-format on */
	struct bytes b = bytes_question(1, "web", DNS_A, 0);
	struct dns_question q;

	(void)state;
	assert_int_equal(dns_parse(b.v, b.n, &q), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		b = bytes(rows[i].bytes);
		if (dns_is_answer(&q, 9, b.v, b.n) != rows[i].want)
			fail_msg("%s", rows[i].what);
	}
}

static void test_hand_on(void **state)
{
	struct bytes b = bytes_question(0x1111, "WeB", DNS_A, 4096);
	struct dns_question q;

	(void)state;
	assert_int_equal(dns_parse(b.v, b.n, &q), 0);
	/* His id, his letters, our size. */
	b = bytes("0009 8180 0001 0001 0000 0001 03 'web' 00 0001 0001"
		  "c00c 0001 0001 0000003c 0004 01020304 00 0029 1000 0000 0000 0000");
	assert_true(dns_is_answer(&q, 9, b.v, b.n));
	expect(b.v, dns_hand_on(&q, 512, b.v, b.n),
	       "1111 8180 0001 0001 0000 0001 03 'WeB' 00 0001 0001"
	       "c00c 0001 0001 0000003c 0004 01020304 00 0029 04d0 0000 0000 0000");
	/* What is longer than he takes, he asks for again. */
	expect(b.v, dns_hand_on(&q, 40, b.v, b.n),
	       "1111 8380 0001 0000 0000 0001 03 'WeB' 00 0001 0001 00 0029 04d0 0000 0000 0000");
	/* As does who gets what was cut within a record. */
	b = bytes("0009 8383 0001 0001 0000 0000 03 'web' 00 0001 0001 c00c 00");
	expect(b.v, dns_hand_on(&q, 512, b.v, b.n),
	       "1111 8383 0001 0000 0000 0001 03 'WeB' 00 0001 0001 00 0029 04d0 0000 0000 0000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	  cmocka_unit_test(test_limit),
		cmocka_unit_test(test_answer),	  cmocka_unit_test(test_answer_edns),
		cmocka_unit_test(test_put_name),  cmocka_unit_test(test_query),
		cmocka_unit_test(test_is_answer), cmocka_unit_test(test_hand_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
