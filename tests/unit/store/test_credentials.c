/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * credentials: what `docker login` writes, in all the forms that it has had, and what nobody should have written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/remote.h"
#include "unit/store/scratch.h"

static int look(const struct scratch *s, const char *config, const char *registry,
		struct fetch_open *ret, struct err *err)
{
	*ret = (struct fetch_open){ 0 };
	scratch_text(s, "config.json", config);
	setenv("DOCKER_CONFIG", s->dir, 1);
	return store_credentials(registry, ret, err);
}

static void test_found(void **state)
{
	static const struct {
		const char *config, *registry;
		enum fetch_login login;
		const char *user, *secret;
	} t[] = {
		{ "{\"auths\": {\"host:5000\": {\"auth\": \"dXNlcjpwYTpzcw==\"}}}", "host:5000",
		  FETCH_PASSWORD, "user", "pa:ss" },
		{ "{\"auths\": {\"https://host/v2/\": {\"auth\": \"dXNlcjpwdw==\"}}}", "host",
		  FETCH_PASSWORD, "user", "pw" },
		{ "{\"auths\": {\"https://index.docker.io/v1/\": {\"auth\": \"dTpw\"}}}",
		  "docker.io", FETCH_PASSWORD, "u", "p" },
		{ "{\"auths\": {\"host\": {\"username\": \"u\", \"password\": \"p\"}}}", "host",
		  FETCH_PASSWORD, "u", "p" },
		{ "{\"auths\": {\"host\": {\"auth\": \"PHRva2VuPjo=\", \"identitytoken\": \"abc\"}}}",
		  "host", FETCH_IDENTITY, "", "abc" },
		{ "{\"auths\": {\"host\": {\"registrytoken\": \"abc\"}}}", "host", FETCH_TOKEN, "",
		  "abc" },
		/* Others' passwords are nobody's business. */
		{ "{\"auths\": {\"host:5000\": {\"auth\": \"dTpw\"}}}", "host", FETCH_ANONYMOUS, "",
		  "" },
		{ "{\"auths\": {\"host.evil\": {\"auth\": \"dTpw\"}}}", "host", FETCH_ANONYMOUS, "",
		  "" },
		{ "{\"auths\": {\"host\": {}}}", "host", FETCH_ANONYMOUS, "", "" },
		{ "{\"credsStore\": \"x\", \"auths\": {}}", "host", FETCH_ANONYMOUS, "", "" },
		{ "{\"credHelpers\": {\"other\": \"x\"}}", "host", FETCH_ANONYMOUS, "", "" },
		{ "{}", "host", FETCH_ANONYMOUS, "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct fetch_open o;
		struct err err = { 0 };

		assert_int_equal(look(*state, t[i].config, t[i].registry, &o, &err), 0);
		assert_int_equal(o.login, t[i].login);
		assert_string_equal(o.user, t[i].user);
		assert_string_equal(o.secret, t[i].secret);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *config, *why;
	} t[] = {
		{ "{\"auths\": {\"host\": {\"auth\": \"!!\"}}}", "is not readable" },
		{ "{\"auths\": {\"host\": {\"auth\": \"dXNlcg==\"}}}", "is not readable" },
		/* A newline in it, a NUL in it. */
		{ "{\"auths\": {\"host\": {\"auth\": \"dTpwCkhvc3Q6IHg=\"}}}", "is not readable" },
		{ "{\"auths\": {\"host\": {\"auth\": \"dQA6cA==\"}}}", "is not readable" },
		{ "{\"auths\": {\"host\": {\"registrytoken\": \"a\\nb\"}}}", "is not readable" },
		{ "{\"credHelpers\": {\"host\": \"ecr-login\"}}", "docker-credential-ecr-login" },
		{ "{\"credsStore\": \"desktop\", \"auths\": {\"host\": {}}}",
		  "docker-credential-desktop" },
		{ "[]", "not readable" },
		{ "{", "line 1: not readable" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct fetch_open o;
		struct err err = { 0 };

		assert_int_equal(look(*state, t[i].config, "host", &o, &err), -1);
		assert_non_null(strstr(err.text, t[i].why));
		assert_null(strstr(err.text, "dXNlcg"));
	}
}

static void test_no_file(void **state)
{
	const struct scratch *s = *state;
	_cleanup_free_ char *nowhere = scratch_path(s, "nowhere");
	struct fetch_open o = { 0 };
	struct err err = { 0 };

	setenv("DOCKER_CONFIG", nowhere, 1);
	assert_int_equal(store_credentials("host", &o, &err), 0);
	assert_int_equal(o.login, FETCH_ANONYMOUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_wrong, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_no_file, scratch_make, scratch_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
