/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * applets: the table is found in made-up binaries, chance hits are not taken for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/store.h"

/* A literal with NULs inside. */
#define add_bytes(b, text) buf_add(b, text, sizeof(text) - 1)

/* "[", "[[" and then c00, c01, ... with "sh" behind them. */
static void add_table(struct buf *b, int commands, const char *last)
{
	add_bytes(b, "\0[\0[[\0");
	for (int i = 0; i < commands; i++) {
		buf_printf(b, "c%02d", i);
		buf_putc(b, '\0');
	}
	buf_puts(b, last);
	add_bytes(b, "\0\0/var/log");
}

static bool in(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void test_found(void **state)
{
	struct buf b = { 0 };
	const char **names;
	size_t n;

	(void)state;
	add_bytes(&b, "\177ELF junk\0[\0more");
	add_table(&b, 40, "sh");
	names = store_applets(b.data, b.len, &n);
	assert_int_equal(n, 43);
	assert_string_equal(names[0], "[");
	assert_string_equal(names[1], "[[");
	assert_string_equal(names[42], "sh");
	free(names);
	buf_fini(&b);
}

/* Too short, unsorted, with names that are no names, without a shell, cut off: then the usual ones. */
static void test_chance_hits(void **state)
{
	struct buf cases[6] = { 0 };

	(void)state;
	add_table(&cases[0], 5, "sh");
	add_table(&cases[1], 40, "a");
	add_table(&cases[2], 40, "t");
	add_bytes(&cases[3], "\0[\0[[\0../../etc/passwd\0sh\0");
	add_bytes(&cases[4], "\0[\0sh");
	add_bytes(&cases[5], "\0[");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n;
		const char **names = store_applets(cases[i].data, cases[i].len, &n);

		assert_true(in(names, n, "sh") && in(names, n, "ls") && in(names, n, "yes"));
		assert_false(in(names, n, "c01"));
		for (size_t k = 0; k < n; k++)
			assert_null(strchr(names[k], '/'));
		free(names);
		buf_fini(&cases[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_chance_hits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
