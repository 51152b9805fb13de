/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reference: how Docker completes names, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/catalog.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_complete(void **state)
{
	static const struct {
		const char *text, *repo, *tag, *digest, *familiar;
	} cases[] = {
		{ "alpine", "docker.io/library/alpine", "latest", "", "alpine" },
		{ "alpine:3.19", "docker.io/library/alpine", "3.19", "", "alpine" },
		{ "library/alpine", "docker.io/library/alpine", "latest", "", "alpine" },
		{ "docker.io/alpine", "docker.io/library/alpine", "latest", "", "alpine" },
		{ "docker.io/library/alpine:x", "docker.io/library/alpine", "x", "", "alpine" },
		{ "index.docker.io/alpine", "docker.io/library/alpine", "latest", "", "alpine" },
		{ "team/app", "docker.io/team/app", "latest", "", "team/app" },
		{ "a/b/c", "docker.io/a/b/c", "latest", "", "a/b/c" },
		{ "localhost/app", "localhost/app", "latest", "", "localhost/app" },
		{ "localhost:5000/app:V1", "localhost:5000/app", "V1", "", "localhost:5000/app" },
		{ "ghcr.io/a/b:1", "ghcr.io/a/b", "1", "", "ghcr.io/a/b" },
		{ "[::1]:5000/app", "[::1]:5000/app", "latest", "", "[::1]:5000/app" },
		{ "Reg/app", "Reg/app", "latest", "", "Reg/app" },
		{ "a__b/c-d--e.f", "docker.io/a__b/c-d--e.f", "latest", "", "a__b/c-d--e.f" },
		{ "docker.io/a.b/c", "docker.io/a.b/c", "latest", "", "docker.io/a.b/c" },
		{ "docker.io/library/a/b", "docker.io/library/a/b", "latest", "", "library/a/b" },
		{ "library/" HEX, "docker.io/library/" HEX, "latest", "", "library/" HEX },
		{ "example-1.com/a", "example-1.com/a", "latest", "", "example-1.com/a" },
		{ "alpine@sha256:" HEX, "docker.io/library/alpine", NULL, HEX, "alpine" },
		{ "alpine:3@sha256:" HEX, "docker.io/library/alpine", "3", HEX, "alpine" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store_reference r;
		struct err err = { 0 };
		_cleanup_free_ char *familiar = NULL;

		if (store_reference_parse(cases[i].text, &r, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_string_equal(r.repo, cases[i].repo);
		assert_string_equal(r.tag ? r.tag : "-", cases[i].tag ? cases[i].tag : "-");
		assert_string_equal(r.digest, cases[i].digest);
		familiar = store_reference_familiar(r.repo);
		assert_string_equal(familiar, cases[i].familiar);
		store_reference_fini(&r);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"",
		":",
		"@",
		"/",
		"a/",
		"/a",
		"a//b",
		"Alpine",
		"alpine:",
		"alpine:-x",
		"alpine:.x",
		"a:b:c",
		"alpine@",
		"a..b",
		"a___b",
		"-a",
		"a-",
		"_a",
		"a b",
		"a\nb",
		"alpine@sha256:abc",
		"alpine@md5:" HEX,
		"alpine:x/",
		HEX,
		"ex ample.com/a",
		"ex..ample.com/a",
		".example.com/a",
		"example.com./a",
		"-example.com/a",
		"example-.com/a",
		"example.com:/a",
		"example.com:x/a",
		"a:1:2/a",
		":5000/a",
		"[::1/a",
		"[]/a",
		"[::1]x/a",
		"[::1]:/a",
		"[g::]:1/a",
		"../a",
		"a/../b",
		"alpine@sha256:" HEX "0",
		"\xc3\xbc",
	};
	char tag[140] = "a:", repo[300];
	struct store_reference r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };

		if (!store_reference_parse(cases[i], &r, &err))
			fail_msg("'%s' is a name", cases[i]);
		assert_non_null(strstr(err.text, "not a name of an image"));
	}
	memset(tag + 2, 't', 129);
	memset(repo, 'r', 240);
	repo[240] = '\0'; /* with docker.io/library/ too long */
	assert_int_equal(store_reference_parse(tag, &r, &(struct err){ 0 }), -1);
	assert_int_equal(store_reference_parse(repo, &r, &(struct err){ 0 }), -1);
	tag[130] = '\0';
	assert_int_equal(store_reference_parse(tag, &r, &(struct err){ 0 }), 0);
	store_reference_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
