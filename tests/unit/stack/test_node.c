/* SPDX-License-Identifier: GPL-2.0-or-later */
/* node: what an unquoted word is: YAML 1.2, with the numbers of YAML 1.1 that compose keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/node.h"
#include <cmocka.h>

static void test_plain_kinds(void **state)
{
	static const struct { const char *text; enum node_kind kind; } cases[] = {
		{ "", NODE_NULL },	{ "~", NODE_NULL },	 { "null", NODE_NULL },	  { "NULL", NODE_NULL },
		{ "nUll", NODE_STRING }, { "true", NODE_BOOL },	 { "False", NODE_BOOL },  { "TRUE", NODE_BOOL },
		{ "tRUE", NODE_STRING }, { "yes", NODE_STRING }, { "no", NODE_STRING },	  { "on", NODE_STRING },
		{ "off", NODE_STRING },	{ "y", NODE_STRING },	 { "0", NODE_NUMBER },	  { "-12", NODE_NUMBER },
		{ "+3", NODE_NUMBER },	{ "0777", NODE_NUMBER }, { "0x1F", NODE_NUMBER }, { "0o17", NODE_NUMBER },
		{ "0b11", NODE_NUMBER }, { "0x", NODE_STRING },	 { "0b2", NODE_STRING },  { "1_000", NODE_NUMBER },
		{ "1.5", NODE_NUMBER },	{ ".5", NODE_NUMBER },	 { "5.", NODE_NUMBER },	  { ".", NODE_STRING },
		{ "1e3", NODE_NUMBER },	{ "1e", NODE_STRING },	 { "1.2.3", NODE_STRING }, { "22:22", NODE_STRING },
		{ "64m", NODE_STRING },	{ "-", NODE_STRING },	 { ".inf", NODE_NUMBER }, { "-.Inf", NODE_NUMBER },
		{ ".nan", NODE_NUMBER }, { "2024-01-01", NODE_STRING }, { "1e-3", NODE_NUMBER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (node_plain_kind(cases[i].text) != cases[i].kind)
			fail_msg("'%s' is %s", cases[i].text, node_kind_text(node_plain_kind(cases[i].text)));
}

static void test_find(void **state)
{
	struct node value = { .kind = NODE_STRING, .text = "v" };
	struct node_pair pairs[] = { { "a", { 0 }, &value }, { "b", { 0 }, NULL } };
	struct node map = { .kind = NODE_MAP, .n = 2, .pairs = pairs };

	(void)state;
	assert_ptr_equal(node_find(&map, "a"), &pairs[0]);
	assert_ptr_equal(node_find(&map, "b"), &pairs[1]);
	assert_null(node_find(&map, "c"));
	assert_null(node_find(&value, "a"));
	assert_null(node_find(NULL, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_kinds),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
