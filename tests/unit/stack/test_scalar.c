/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scalar: which words need quotes in YAML, and how its numbers are written in JSON. */
#include "stack/scalar.h"
#include "unit/stack/fixture.h"

static void test_plain(void **state)
{
	static const char *const plain[] = {
		"a",	       "nginx:1.27-alpine", "/a b",	   "echo hello world", "--flag",
		"-c",	       "./data",	    "../up/x",	   "30s",	       "1m30s",
		"64m",	       "a=b",		    "echo \"x\"",  "a,b",	       "a#b",
		"${A:-b}",     "$HOME",		    "_x",	   "http://a/b?c=d",   "x{y}[z]",
		"caf\xc3\xa9", "\xe4\xb8\xad",	    "a:b",
	};
	static const char *const quoted[] = {
		"",	"yes",	"No",	"ON",	  "off",     "y",      "N",	   "true",     "Null",
		"~",	"12",	"1.5",	"0x1f",	  "1e3",     "0b1",    "0o7",	   "1_000",    ".5",
		".inf", "-.inf", "+1",	"-1",	  "22:22",   "10.0.0.1", "2024-01-01",
		"2001-12-14t21:59:43.10-05:00",	  " a",	     "a ",     "a: b",	   "a:",       "a #b",
		"#a",	"- a",	"-",	"--",	  "---",     "?",      "? a",	   ":",	       "*a",
		"&a",	"!a",	"%a",	"@a",	  "`a",	     "{a}",    "[a]",	   "|",	       ">",
		"'a'",	"\"a\"", "<<",	"=",	  ".",	     "..",     "...",	   "a\nb",     "a\tb",
		"\xff", "a\xe2\x80\xae", "a\xc2\xa0", "~/x", "0xdef",  "12e03",	   "1:30",     "+.inf",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (!scalar_is_plain(plain[i]))
			fail_msg("'%s' would be quoted", plain[i]);
	for (size_t i = 0; i < ARRAY_LEN(quoted); i++)
		if (scalar_is_plain(quoted[i]))
			fail_msg("'%s' would not be quoted", quoted[i]);
}

static void test_lines(void **state)
{
	static const char *const yes[] = { "a\nb", "a\nb\n", "a\n\nb", "a\n  b\n\tc", "a\n" };
	static const char *const no[] = { "",	    "a",      "\na",	" a\nb",	      "a\n\n", "a \nb",
					  "a\n \nb", "a\r\nb", "a\n\x1b", "a\n\xe2\x80\xa8", "\n",    "a\n\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(scalar_has_lines(yes[i]));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(scalar_has_lines(no[i]));
}

static void test_truth(void **state)
{
	(void)state;
	assert_true(scalar_is_true("true") && scalar_is_true("True") && scalar_is_true("yes") &&
		    scalar_is_true("ON"));
	assert_false(scalar_is_true("false") || scalar_is_true("no") || scalar_is_true("Off") ||
		     scalar_is_true(""));
}

static void test_numbers(void **state)
{
	static const struct {
		const char *yaml, *json; /* NULL: JSON has none */
	} cases[] = {
		{ "0", "0" },
		{ "-12", "-12" },
		{ "1.50", "1.50" },
		{ "1e3", "1e3" },
		{ "123456789012345678901234567890", "123456789012345678901234567890" },
		{ "+5", "5" },
		{ "1_000", "1000" },
		{ "0x1F", "31" },
		{ "-0x10", "-16" },
		{ "0o17", "15" },
		{ "0b101", "5" },
		{ "0440", "288" },
		{ "00", "0" },
		{ "-00", "0" },
		{ "0899", "899" },
		{ ".5", "0.5" },
		{ "5.", "5" },
		{ "-.1", "-0.1" },
		{ "1.e2", "100" },
		{ "0xffffffffffffffff", "18446744073709551615" },
		{ "0x1ffffffffffffffff", NULL },
		{ ".inf", NULL },
		{ "-.Inf", NULL },
		{ ".nan", NULL },
		{ "1e999.", NULL },
		{ "abc", NULL },
		{ "", NULL },
		{ "0x", NULL },
		{ "12a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(buf_fini) struct buf out = { 0 };

		assert_int_equal(scalar_put_number(&out, cases[i].yaml), cases[i].json != NULL);
		assert_string_equal(buf_str(&out), cases[i].json ? cases[i].json : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_truth),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
