/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * challenge: headers of registries, right ones, odd ones and such that want to be something else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/fetch/challenge.h"

static void test_challenges(void **state)
{
	static const struct {
		const char *header;
		enum challenge_scheme scheme;
		const char *realm, *service, *scope;
	} t[] = {
		{ "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
		  "scope=\"repository:library/alpine:pull\"",
		  CHALLENGE_BEARER, "https://auth.docker.io/token", "registry.docker.io",
		  "repository:library/alpine:pull" },
		{ "bearer  Realm = https://a/t , error=\"invalid_token\"", CHALLENGE_BEARER,
		  "https://a/t", "", "" },
		{ "Basic realm=\"hub\"", CHALLENGE_BASIC, "hub", "", "" },
		{ "Basic realm=\"a\", Bearer realm=\"https://b\"", CHALLENGE_BEARER, "https://b",
		  "", "" },
		{ "Digest realm=\"x\", qop=\"auth\", Basic realm=\"y\"", CHALLENGE_BASIC, "y", "",
		  "" },
		{ "Negotiate, Basic", CHALLENGE_BASIC, "", "", "" },
		{ "Bearer realm=\"q\\\"uote\", scope=\"a b\"", CHALLENGE_BEARER, "q\"uote", "",
		  "a b" },
		/* No realm: there is nobody to ask. */
		{ "Bearer service=\"x\"", CHALLENGE_NONE, "", "", "" },
		{ "Bearer realm=\"a\nX: y\"", CHALLENGE_NONE, "", "", "" },
		{ "Bearer realm=\"open", CHALLENGE_BEARER, "open", "", "" },
		{ "Bearer =,=,\"", CHALLENGE_NONE, "", "", "" },
		{ "", CHALLENGE_NONE, "", "", "" },
		{ "\"Bearer realm=x", CHALLENGE_NONE, "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct challenge c;

		challenge_parse(t[i].header, &c);
		assert_int_equal(c.scheme, t[i].scheme);
		assert_string_equal(c.realm, t[i].realm);
		assert_string_equal(c.service, t[i].service);
		assert_string_equal(c.scope, t[i].scope);
	}
}

/* What does not fit is left out, never cut: half of an address is another one. */
static void test_long(void **state)
{
	struct buf b = { 0 };
	struct challenge c;

	(void)state;
	buf_puts(&b, "Bearer service=s, realm=\"https://");
	for (int i = 0; i < 2000; i++)
		buf_putc(&b, 'a');
	buf_puts(&b, "\"");
	challenge_parse(buf_str(&b), &c);
	assert_int_equal(c.scheme, CHALLENGE_NONE);
	assert_string_equal(c.realm, "");
	buf_fini(&b);
}

static void test_values(void **state)
{
	static const struct {
		const char *header;
		int rc;
		uint64_t from;
	} ranges[] = { { "bytes 100-199/200", 0, 100 },
		       { "Bytes 0-0/*", 0, 0 },
		       { "bytes */200", -1, 0 },
		       { "bytes -5/10", -1, 0 },
		       { "items 1-2/3", -1, 0 },
		       { "bytes 1", -1, 0 },
		       { "bytes 9999999999999999999-", -1, 0 } };
	char text[65], type[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		uint64_t from = 0;

		assert_int_equal(challenge_range(ranges[i].header, &from), ranges[i].rc);
		assert_int_equal(from, ranges[i].from);
	}
	assert_int_equal(challenge_retry("7"), 7);
	assert_int_equal(challenge_retry("86400"), 120);
	assert_int_equal(challenge_retry("Wed, 21 Oct 2026 07:28:00 GMT"), 0);
	assert_int_equal(challenge_retry("7 "), 0);
	assert_int_equal(challenge_retry("99999999999"), 0);
	challenge_type("Application/JSON; charset=utf-8", type, sizeof(type));
	assert_string_equal(type, "application/jso");
	challenge_digest("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
			 text);
	assert_int_equal(strlen(text), 64);
	challenge_digest("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
			 text);
	assert_string_equal(text, "");
	challenge_digest("sha512:00", text);
	assert_string_equal(text, "");
}

static void test_loopback(void **state)
{
	static const char *const ours[] = { "localhost",   "LOCALHOST", "127.0.0.1",
					    "127.255.1.2", "::1",	"[::1]" };
	static const char *const others[] = { "localhost.evil.com",
					      "127.0.0.1.evil.com",
					      "10.0.0.1",
					      "0.0.0.0",
					      "::2",
					      "[::]",
					      "",
					      "1270.0.0.1",
					      "[::ffff:1.2.3.4]" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		assert_true(challenge_is_loopback(ours[i]));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_false(challenge_is_loopback(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
