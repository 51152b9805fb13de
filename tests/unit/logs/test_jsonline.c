/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of logs/jsonline.c: docker's lines, its escapes, and what is no such line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "logs/jsonline.h"

#define T0 1769853600000000000ULL

/* Texts as docker's encoder writes them. */
static const struct {
	const char *text;
	size_t len;
	const char *json;
} texts[] = {
	{ "hello", 5, "hello" },
	{ "a\tb\r\n\"\\", 7, "a\\u0009b\\r\\n\\\"\\\\" },
	{ "<b>&", 4, "\\u003cb\\u003e\\u0026" },
	{ "\0\x1b[0m\x7f", 6, "\\u0000\\u001b[0m\x7f" },
	{ "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", 11, "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80" },
	/* Each byte that is no UTF-8: alone, cut off, too long, a surrogate, beyond the last. */
	{ "\xff", 1, "\\ufffd" },
	{ "x\xe2\x82", 3, "x\\ufffd\\ufffd" },
	{ "\xc0\xaf", 2, "\\ufffd\\ufffd" },
	{ "\xed\xa0\x80", 3, "\\ufffd\\ufffd\\ufffd" },
	{ "\xf4\x90\x80\x80", 4, "\\ufffd\\ufffd\\ufffd\\ufffd" },
	{ "\xe2\x80\xa8", 3, "\\u2028" },
};

static void test_escapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct buf out = { 0 };

		logs_json_text(&out, texts[i].text, texts[i].len);
		assert_string_equal(buf_str(&out), texts[i].json);
		buf_fini(&out);
	}
}

static void test_line(void **state)
{
	struct buf out = { 0 };

	(void)state;
	jsonline_put(&out, T0, LOGS_STDERR, "hi", 2, false);
	assert_string_equal(
		buf_str(&out),
		"{\"log\":\"hi\\n\",\"stream\":\"stderr\",\"time\":\"2026-01-31T10:00:00.000000000Z\"}");
	buf_fini(&out);
}

/* Any bytes: what is written is JSON, and what is read of it is the text, but for what was no UTF-8. */
static void test_round(void **state)
{
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct buf out = { 0 }, text = { 0 }, again = { 0 }, second = { 0 };
		struct logs_line line;
		char bytes[24];
		bool partial = round % 3 == 0;
		size_t len;
		json_t *o;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			bytes[i] = (char)(round % 2 ? seed >> 24 : 0xe0 + (seed >> 24) % 32);
			if (seed >> 60 < 9)
				bytes[i] = (char)(0x80 | (bytes[i] & 0x3f));
			if (bytes[i] == '\n')
				bytes[i] = ' ';
		}
		len = seed % sizeof(bytes);
		jsonline_put(&out, T0 + 1, LOGS_STDOUT, bytes, len, partial);
		o = json_loadb(out.data, out.len, JSON_ALLOW_NUL, NULL);
		assert_non_null(o);
		assert_int_equal(jsonline_parse(out.data, out.len, &text, &line), 0);
		assert_int_equal(line.partial, partial);
		assert_int_equal(line.wall_ns, T0 + 1);
		assert_int_equal(json_string_length(json_object_get(o, "log")), text.len);
		assert_memory_equal(json_string_value(json_object_get(o, "log")), text.data,
				    text.len);
		jsonline_put(&again, T0 + 1, LOGS_STDOUT, line.text, line.len, partial);
		len = line.len;
		assert_int_equal(jsonline_parse(again.data, again.len, &second, &line), 0);
		assert_int_equal(line.len, len);
		assert_memory_equal(line.text, text.data, len);
		json_decref(o);
		buf_fini(&out);
		buf_fini(&text);
		buf_fini(&again);
		buf_fini(&second);
	}
}

static void test_others(void **state)
{
	/* As docker writes them with options, and as others may. */
	static const char *const good[] = {
		"{\"log\":\"a\\n\",\"stream\":\"stdout\",\"attrs\":{\"tag\":\"{x\",\"n\":[1,2]},\"time\":\"2026-01-31T10:00:00Z\"}",
		"{\"n\":\"far longer than any of our keys\",\"\":1,\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-31T10:00:00Z\"}",
		"{ \"time\" : \"2026-01-31T10:00:00Z\" , \"stream\":\"stdout\", \"n\": 5, \"log\":\"\\u0061\\/\\n\" }",
	};
	static const char *const bad[] = {
		"",
		"{",
		"{}",
		"{\"log\":\"a\"}",
		"{\"log\":\"a\",\"stream\":\"x\",\"time\":\"2026-01-31T10:00:00Z\"}",
		"{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"now\"}",
		"{\"log\":5,\"stream\":\"stdout\",\"time\":\"2026-01-31T10:00:00Z\"}",
		"{\"log\":\"a\\x\",\"stream\":\"stdout\",\"time\":\"2026-01-31T10:00:00Z\"}",
		"{\"log\":\"a\\u12\",\"stream\":\"stdout\",\"time\":\"2026-01-31T10:00:00Z\"}",
		"{\"log\":\"a,\"stream\":\"stdout\",\"time\":\"2026-01-31T10:00:00Z\"}",
		"{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"2026-01-31T10:00:00Z\"",
		"{\"a\":[[[[,\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"2026-01-31T10:00:00Z\"}",
	};
	struct buf text = { 0 };
	struct logs_line line;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(jsonline_parse(good[i], strlen(good[i]), &text, &line), 0);
		assert_int_equal(line.text[0], 'a');
		assert_int_equal(line.wall_ns, T0);
		assert_false(line.partial);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(jsonline_parse(bad[i], strlen(bad[i]), &text, &line), -1);
	/* Two halves are one character, one half is none. */
	assert_int_equal(
		jsonline_parse(
			"{\"log\":\"\\ud83d\\ude00\\ud83d\",\"stream\":\"stdout\",\"time\":\"2026-01-31T10:00:00Z\"}",
			sizeof("{\"log\":\"\\ud83d\\ude00\\ud83d\",\"stream\":\"stdout\",\"time\":\"2026-01-31T10:00:00Z\"}") -
				1,
			&text, &line),
		0);
	assert_string_equal(text.data, "\xf0\x9f\x98\x80\xef\xbf\xbd");
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
