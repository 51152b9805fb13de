/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: the small grammars of base: sizes, durations, time stamps, signals, names, impairments. What was
 * read and is printed must read as the same again, and nothing that is printed is longer than its
 * place.
 */
#include <stdio.h>

#include "mstack/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

/* A span is printed as the same span, and always in the same way. */
static void check_duration(int64_t ns)
{
	char once[64], twice[64], cut[6];
	int64_t again;

	duration_format(ns, once, sizeof(once));
	CHECK(strlen(once) < sizeof(once) - 1);
	CHECK(duration_parse(once, &again) == 0 || ns == INT64_MIN);
	if (ns == INT64_MIN)
		return;
	duration_format(again, twice, sizeof(twice));
	CHECK(again == ns && !strcmp(once, twice));
	duration_format(ns, cut, sizeof(cut));
	CHECK(strlen(cut) < sizeof(cut));
}

static void check_size(int64_t bytes)
{
	char text[32], number[32];
	int64_t again;

	size_format((uint64_t)bytes, text, sizeof(text));
	CHECK(*text && strlen(text) < sizeof(text) - 1);
	snprintf(number, sizeof(number), "%jd", (intmax_t)bytes);
	CHECK(bytes >= -1 && size_parse(number, &again) == 0 && again == bytes);
}

static void check_stamp(uint64_t wall_ns)
{
	char text[TIME_STAMP_SIZE];
	uint64_t again;

	CHECK(time_stamp(wall_ns, text) == strlen(text));
	CHECK(time_parse_stamp(text, &again) == 0 && again == wall_ns);
}

static void check_impair(const char *text)
{
	for (enum impair_key key = 0; key < IMPAIR_KEYS; key++) {
		_cleanup_(buf_fini) struct buf once = { 0 };
		struct impair im = { 0 }, again = { 0 };
		struct err err = { 0 };

		if (impair_parse(key, text, &im, &err) < 0) {
			CHECK(*err.text && !im.given);
			continue;
		}
		impair_value_text(&im, key, &once);
		CHECK(impair_parse(key, buf_str(&once), &again, &err) == 0);
		CHECK(impair_same(&im, &again));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "ports", "volumes", "environment", "x", "" };
	char *text = xcalloc(size + 1, 1);
	int64_t number = 0;
	uint64_t stamp;

	memcpy(text, data, size);
	if (duration_parse(text, &number) == 0)
		check_duration(number);
	if (size_parse(text, &number) == 0)
		check_size(number);
	if (time_parse_stamp(text, &stamp) == 0)
		check_stamp(stamp);
	check_impair(text);
	if (sig_parse(text) >= 0)
		CHECK(*sig_name(sig_parse(text)));
	(void)nearest_name(text, names, ARRAY_LEN(names));
	/* The printing alone, with any number. */
	if (size >= sizeof(number)) {
		memcpy(&number, data, sizeof(number));
		check_duration(number);
		size_format((uint64_t)number, (char[32]){ 0 }, 32);
	}
	free(text);
	return 0;
}
