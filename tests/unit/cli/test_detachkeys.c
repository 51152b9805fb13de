/* SPDX-License-Identifier: GPL-2.0-or-later */
/* detachkeys: how they are written, and that they are found wherever reads cut them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/detachkeys.h"

static struct detachkeys parsed(const char *text)
{
	struct detachkeys k;
	struct err err;

	if (detachkeys_parse(text, &k, &err) < 0)
		fail_msg("%s", err.text);
	return k;
}

static void test_parse(void **state)
{
	static const char *const wrong[] = { ",",
					     "a,",
					     ",a",
					     "ctrl-",
					     "ctrl-1",
					     "ctrl-A",
					     "ctrl-ab",
					     "Ctrl-a",
					     "ab",
					     "a,,b",
					     "1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7" };
	struct detachkeys k = parsed(DETACHKEYS_DEFAULT);

	(void)state;
	assert_int_equal(k.n, 2);
	assert_memory_equal(k.keys, "\020\021", 2);
	k = parsed("ctrl-@,ctrl-[,ctrl-_,x, ");
	assert_int_equal(k.n, 5);
	assert_memory_equal(k.keys, "\0\033\037x ", 5);
	assert_int_equal(parsed("").n, 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct err err = { 0 };

		if (!detachkeys_parse(wrong[i], &k, &err))
			fail_msg("'%s' was taken", wrong[i]);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

/* Typed whole, and one by one. */
static void check(const char *keys, const char *typed, const char *passed, bool found)
{
	for (size_t step = 1; step <= strlen(typed); step++) {
		struct detachkeys k = parsed(keys);
		char out[64 + DETACHKEYS_MAX] = "", part[64 + DETACHKEYS_MAX];
		size_t n = 0, len = strlen(typed);
		bool done = false;

		for (size_t i = 0; i < len && !done; i += step) {
			size_t got = 0;

			done = detachkeys_filter(&k, typed + i, len - i < step ? len - i : step,
						 part, &got);
			memcpy(out + n, part, got);
			n += got;
		}
		out[n] = '\0';
		assert_string_equal(out, passed);
		assert_int_equal(done, found);
	}
}

static void test_filter(void **state)
{
	(void)state;
	check("a,b", "xyz", "xyz", false);
	check("a,b", "xaby", "x", true);
	check("a,b", "aab", "a", true);
	check("a,b", "axab", "ax", true);
	check("a,b", "xa", "x", false);
	check("a,a,b", "aaab", "a", true);
	check("a,b,a,c", "ababac", "ab", true);
	check("x", "aax", "aa", true);
	check("", "abc", "abc", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
