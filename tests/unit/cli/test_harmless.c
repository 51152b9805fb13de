/* SPDX-License-Identifier: GPL-2.0-or-later */
/* harmless: what passes to a terminal, what becomes visible, and that nothing else can come out for any bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/term.h"

struct sample {
	const char *in, *out, *plain; /* plain: without colour; NULL is the same */
	size_t len;		      /* 0: strlen */
	bool passed;
};

#define MARKED "\033[31mred\033[0m"

static const struct sample samples[] = {
	{ .in = "", .out = "" },
	{ .in = "plain text\twith a tab", .out = "plain text\twith a tab" },
	{ .in = "Grüße 漢字 🐧", .out = "Grüße 漢字 🐧" },
	{ .in = MARKED, .out = MARKED, .plain = "red", .passed = true },
	{ .in = "\033[38:2::1:2:3mx", .out = "\033[38:2::1:2:3mx", .plain = "x", .passed = true },
	{ .in = "\033[m", .out = "\033[m", .plain = "", .passed = true },
	{ .in = "\033[2J", .out = "^[[2J" },
	{ .in = "\033[31", .out = "^[[31" },
	{ .in = "\033[?1049h", .out = "^[[?1049h" },
	{ .in = "\033]0;title\a", .out = "^[]0;title^G" },
	{ .in = "\033", .out = "^[" },
	{ .in = "\x9b"
		"2J",
	  .out = "\\x9b2J" },
	{ .in = "\xc2\x9b"
		"2J",
	  .out = "\\xc2\\x9b2J" },
	{ .in = "\xc0\xaf", .out = "\\xc0\\xaf" },
	{ .in = "\xed\xa0\x80", .out = "\\xed\\xa0\\x80" },
	{ .in = "\xf4\x90\x80\x80", .out = "\\xf4\\x90\\x80\\x80" },
	{ .in = "\xe6\xbc", .out = "\\xe6\\xbc" },
	{ .in = "a\xe2\x80\xaez", .out = "a\\xe2\\x80\\xaez" },
	{ .in = "\xe2\x81\xa6", .out = "\\xe2\\x81\\xa6" },
	{ .in = "\xe2\x80\x8f\xe2\x82\xac", .out = "\xe2\x80\x8f\xe2\x82\xac" },
	{ .in = "line\r", .out = "line" },
	{ .in = "10%\r20%", .out = "10%^M20%" },
	{ .in = "a\0b", .len = 3, .out = "a^@b" },
	{ .in = "\x7f", .out = "^?" },
};

static void test_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *s = &samples[i];
		size_t len = s->len ? s->len : strlen(s->in);
		struct buf b = { 0 };

		assert_int_equal(cli_harmless(s->in, len, true, &b), s->passed);
		assert_string_equal(buf_str(&b), s->out);
		buf_fini(&b);
		assert_false(cli_harmless(s->in, len, false, &b));
		assert_string_equal(buf_str(&b), s->plain ? s->plain : s->out);
		buf_fini(&b);
	}
}

/* Whatever comes in: without colour no control character but a tab, and no lone byte of C1, goes out. */
static void test_any_bytes(void **state)
{
	static const char alphabet[] = "\033[0;:m]\x9b\xc2\xe0\xf4\x80\xa0\t\r\n\a Az";
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[16];
		struct buf b = { 0 };

		for (size_t i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		cli_harmless(text, sizeof(text), false, &b);
		for (size_t i = 0; i < b.len; i++) {
			unsigned char c = (unsigned char)b.data[i];

			assert_true(c >= ' ' || c == '\t');
			assert_int_not_equal(c, 0x7f);
			if (c == 0xc2)
				assert_true((unsigned char)b.data[i + 1] >= 0xa0);
		}
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
