/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of logs/cutter.c: any cutting of the input gives the same lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "logs/cutter.h"
#include "logs/logrecord.h"

/*
 * Writes down what was emitted: the text, then P or F and a mark that cannot be mistaken for text.
 */
static void note(void *arg, const char *text, size_t len, bool partial)
{
	struct buf *b = arg;

	assert_true(len <= RECORD_TEXT_MAX);
	assert_null(memchr(text, '\n', len));
	buf_add(b, text, len);
	buf_puts(b, partial ? "\nP\n" : "\nF\n");
}

static void cut_in_pieces(const char *data, size_t len, size_t piece, struct buf *ret)
{
	struct cutter c = { 0 };

	for (size_t at = 0; at < len; at += piece)
		cutter_feed(&c, data + at, piece < len - at ? piece : len - at, note, ret);
	cutter_end(&c, note, ret);
	assert_int_equal(c.held.cap, 0);
	cutter_fini(&c);
}

static void assert_same(const struct buf *a, const struct buf *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
}

static void small_input_at_every_cut(void **state)
{
	static const char text[] = "one\n\n\nfour \0 4\n five\r\nsix";
	static const char want[] = "one\nF\n\nF\n\nF\nfour \0 4\nF\n five\r\nF\nsix\nF\n";
	const size_t len = sizeof(text) - 1;

	(void)state;
	for (size_t a = 0; a <= len; a++) {
		for (size_t b = a; b <= len; b++) {
			struct buf got = { 0 };
			struct cutter c = { 0 };

			cutter_feed(&c, text, a, note, &got);
			cutter_feed(&c, text + a, b - a, note, &got);
			cutter_feed(&c, text + b, len - b, note, &got);
			cutter_end(&c, note, &got);
			assert_int_equal(got.len, sizeof(want) - 1);
			assert_memory_equal(got.data, want, sizeof(want) - 1);
			buf_fini(&got);
		}
	}
}

/* Lines around every multiple of the limit, then random ones. */
static void fill_with_lines(struct buf *b)
{
	static const size_t lengths[] = {
		RECORD_TEXT_MAX - 1,
		RECORD_TEXT_MAX,
		RECORD_TEXT_MAX + 1,
		2 * RECORD_TEXT_MAX - 1,
		2 * RECORD_TEXT_MAX,
		2 * RECORD_TEXT_MAX + 1,
		3 * RECORD_TEXT_MAX,
		0,
		1,
	};

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		for (size_t k = 0; k < lengths[i]; k++)
			buf_putc(b, (char)('a' + (k * 7 + i) % 26));
		buf_putc(b, '\n');
	}
	srand(1);
	for (size_t i = 0; i < 200000; i++)
		buf_putc(b, (char)(rand() % 40 ? rand() % 256 : '\n'));
	buf_puts(b, "no end");
}

static void big_lines_in_blocks_of_any_size(void **state)
{
	static const size_t pieces[] = { 1,	3,     7,     64,     511,    4095,    4096,
					 65535, 65536, 65537, 131072, 200001, 1u << 30 };
	struct buf text = { 0 }, want = { 0 };

	(void)state;
	fill_with_lines(&text);
	cut_in_pieces(text.data, text.len, text.len, &want);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct buf got = { 0 };

		cut_in_pieces(text.data, text.len, pieces[i], &got);
		assert_same(&got, &want);
		buf_fini(&got);
	}
	buf_fini(&want);
	buf_fini(&text);
}

static void limit_is_exact(void **state)
{
	struct buf text = { 0 }, got = { 0 };

	(void)state;
	for (size_t i = 0; i < RECORD_TEXT_MAX; i++)
		buf_putc(&text, 'x');
	buf_putc(&text, '\n');
	cut_in_pieces(text.data, text.len, 1000, &got);
	assert_int_equal(got.len, RECORD_TEXT_MAX + 3);
	assert_string_equal(got.data + RECORD_TEXT_MAX, "\nF\n");
	got.len = 0;
	text.data[RECORD_TEXT_MAX] = 'y';
	cut_in_pieces(text.data, text.len, 1000, &got);
	assert_int_equal(got.len, RECORD_TEXT_MAX + 3 + 4);
	assert_string_equal(got.data + RECORD_TEXT_MAX, "\nP\ny\nF\n");
	buf_fini(&text);
	buf_fini(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_input_at_every_cut),
		cmocka_unit_test(big_lines_in_blocks_of_any_size),
		cmocka_unit_test(limit_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
