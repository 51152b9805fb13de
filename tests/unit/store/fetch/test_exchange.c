/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exchange, login: where a registry may send us, what its complaints and the answers of token servers come to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/fetch/fetch.h"

static void test_follow(void **state)
{
	static const struct {
		const char *from, *to;
		int rc;
	} t[] = {
		{ "https://a.b/v2/", "https://cdn.c/x", 0 },
		{ "https://a.b/v2/", "http://a.b/x", -1 },
		{ "https://a.b/v2/", "http://127.0.0.1/x", -1 },
		{ "http://127.0.0.1:5000/", "http://localhost:5001/x", 0 },
		{ "http://127.0.0.1:5000/", "https://cdn.c/x", 0 },
		{ "http://127.0.0.1:5000/", "http://10.0.0.1/x", -1 },
		{ "https://a.b/v2/", "file:///etc/passwd", -1 },
		{ "https://a.b/v2/", "ftp://a.b/x", -1 },
		{ "https://a.b/v2/", "nonsense", -1 },
		{ "https://a.b/v2/", "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err err = { 0 };

		assert_int_equal(exchange_may_follow(t[i].from, t[i].to, &err), t[i].rc);
		assert_int_equal(!err.text[0], !t[i].rc);
	}
}

/* Who is told the login. */
static void test_origin(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} t[] = {
		{ "https://a.b/v2/", "https://a.b/other?x=1", true },
		{ "https://a.b/v2/", "https://A.b:443/", true },
		{ "https://a.b/v2/", "https://a.b:8443/", false },
		{ "https://a.b/v2/", "http://a.b/", false },
		{ "https://a.b/v2/", "https://a.b.c/", false },
		{ "https://a.b/v2/", "https://a.b@evil/", false },
		{ "https://a.b/v2/", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(exchange_same_origin(t[i].a, t[i].b), t[i].same);
}

static void test_complaints(void **state)
{
	static const struct {
		const char *body, *text;
	} t[] = {
		{ "{\"errors\": [{\"code\": \"X\", \"message\": \"no such\\nthing\"}]}",
		  "HTTP 404: no such?thing" },
		{ "{\"errors\": [{\"code\": \"DENIED\"}]}", "HTTP 404: DENIED" },
		{ "{\"details\": \"wrong\"}", "HTTP 404: wrong" },
		{ "{\"errors\": 7}", "HTTP 404" },
		{ "<html>", "HTTP 404" },
		{ "", "HTTP 404" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct buf b = { 0 };
		struct err err = { 0 };

		buf_puts(&b, t[i].body);
		assert_int_equal(exchange_fail(&err, 404, &b), -1);
		assert_string_equal(err.text, t[i].text);
		buf_fini(&b);
	}
}

/* Nothing that could end the header that it becomes. */
static void test_tokens(void **state)
{
	static const struct {
		const char *answer, *token;
	} t[] = {
		{ "{\"token\": \"a.b-c\"}", "a.b-c" },
		{ "{\"access_token\": \"x\"}", "x" },
		{ "{\"token\": \"\", \"access_token\": \"x\"}", "x" },
		{ "{\"token\": \"a\\r\\nHost: evil\"}", NULL },
		{ "{\"token\": \"a b\"}", NULL },
		{ "{\"token\": 7}", NULL },
		{ "{}", NULL },
		{ "[", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		_cleanup_free_ char *token = login_token(t[i].answer, strlen(t[i].answer));

		if (t[i].token)
			assert_string_equal(token, t[i].token);
		else
			assert_null(token);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_origin),
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
