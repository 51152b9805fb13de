/* SPDX-License-Identifier: GPL-2.0-or-later */
/* logview: prefixes, widths, stamps, colours that stay the same, lines that go on in the next record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/logview.h"

static const char *const names[] = { "web-1", "backend-1", "db-1" };

static struct logs_line line_of(const char *text)
{
	return (struct logs_line){ .fd = LOGS_STDOUT, .text = text, .len = strlen(text) };
}

static char *add(struct cli_logview *v, const char *slot, struct logs_line line)
{
	struct buf b = { 0 };

	cli_logview_add(v, slot, &line, &b);
	return buf_take(&b);
}

static void expect(struct cli_logview *v, const char *slot, struct logs_line line, const char *text)
{
	_cleanup_free_ char *got = add(v, slot, line);

	assert_string_equal(got, text);
}

static struct cli_logview view_of(struct cli_options o, struct cli_term t)
{
	struct cli_logview v;

	cli_logview_init(&v, &o, &t, names, ARRAY_LEN(names));
	return v;
}

static void test_prefix(void **state)
{
	struct cli_logview v = view_of((struct cli_options){ 0 }, (struct cli_term){ 0 });
	struct logs_line own = line_of("restarting");

	(void)state;
	own.fd = LOGS_MSTACK;
	expect(&v, "web-1", line_of("hello"), "web-1      | hello\n");
	expect(&v, "backend-1", line_of("hello"), "backend-1  | hello\n");
	expect(&v, "other-1", line_of(""), "other-1    | \n");
	expect(&v, "web-1", own, "web-1      | mstack: restarting\n");
	expect(&v, "web-1", line_of("\033[2J"), "web-1      | \033[2J\n");
	cli_logview_fini(&v);
}

static void test_without_prefix(void **state)
{
	struct cli_logview v =
		view_of((struct cli_options){ .no_prefix = true, .timestamps = true },
			(struct cli_term){ .out_tty = true });
	struct logs_line line = line_of("a\033[31mb\033[2J");

	(void)state;
	line.wall_ns = 1000000001;
	expect(&v, "web-1", line, "1970-01-01T00:00:01.000000001Z ab^[[2J\n");
	cli_logview_fini(&v);
}

/* The bytes of a long line come out in one piece, unless somebody else speaks in between. */
static void test_partial(void **state)
{
	struct cli_logview v = view_of((struct cli_options){ 0 }, (struct cli_term){ 0 });
	struct logs_line part = line_of("one ");

	(void)state;
	part.partial = true;
	expect(&v, "db-1", part, "db-1       | one ");
	expect(&v, "db-1", line_of("two"), "two\n");
	expect(&v, "db-1", part, "db-1       | one ");
	expect(&v, "web-1", line_of("me"), "\nweb-1      | me\n");
	expect(&v, "db-1", line_of("two"), "db-1       | two\n");
	cli_logview_fini(&v);
}

static void test_colours(void **state)
{
	static const char *const turned[] = { "db-1", "web-1", "backend-1" };
	const struct cli_options o = { 0 }, bare = { .no_color = true };
	const struct cli_term t = { .out_tty = true, .out_colour = true };
	struct cli_logview a, b, c;

	(void)state;
	cli_logview_init(&a, &o, &t, names, ARRAY_LEN(names));
	cli_logview_init(&b, &o, &t, turned, ARRAY_LEN(turned));
	cli_logview_init(&c, &bare, &t, names, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_free_ char *first = add(&a, names[i], line_of("x"));
		_cleanup_free_ char *second = add(&b, names[i], line_of("x"));

		assert_memory_equal(first, "\033[", 2);
		assert_string_equal(first, second);
		for (size_t k = 0; k < i; k++) {
			_cleanup_free_ char *other = add(&a, names[k], line_of("x"));

			assert_memory_not_equal(first, other, 5);
		}
	}
	expect(&c, "web-1", line_of("\033[31mred"), "web-1      | \033[31mred\033[0m\n");
	cli_logview_fini(&a);
	cli_logview_fini(&b);
	cli_logview_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_without_prefix),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_colours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
