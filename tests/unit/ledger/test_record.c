/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record: bytes and back; nothing that is cut, flipped or made up is taken for a record.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ledger/record.h"

static const struct ledger_record sample = {
	.id = 7,
	.parent = 3,
	.ident = { 0x1122334455667788, 42 },
	.state = LEDGER_DONE,
	.flags = LEDGER_HOST_WIDE,
	.kind = "bridge",
	.key = "ms-lab",
};

static void test_round_trip(void **state)
{
	uint8_t bytes[LEDGER_RECORD_MAX];
	struct ledger_record r;
	size_t n = ledger_record_encode(&sample, bytes);

	(void)state;
	assert_int_equal(n, ledger_record_decode(bytes, sizeof(bytes), &r));
	assert_int_equal(r.id, 7);
	assert_int_equal(r.parent, 3);
	assert_int_equal(r.ident[0], 0x1122334455667788);
	assert_int_equal(r.ident[1], 42);
	assert_int_equal(r.state, LEDGER_DONE);
	assert_int_equal(r.flags, LEDGER_HOST_WIDE);
	assert_string_equal(r.kind, "bridge");
	assert_string_equal(r.key, "ms-lab");
}

static void test_without_texts(void **state)
{
	struct ledger_record in = { .id = 1, .state = LEDGER_GONE }, r;
	uint8_t bytes[LEDGER_RECORD_MAX];
	size_t n = ledger_record_encode(&in, bytes);

	(void)state;
	assert_int_equal(n, 40);
	assert_int_equal(n, ledger_record_decode(bytes, n, &r));
	assert_null(r.kind);
	assert_null(r.key);
}

static void test_cut_anywhere(void **state)
{
	uint8_t bytes[LEDGER_RECORD_MAX];
	struct ledger_record r;
	size_t n = ledger_record_encode(&sample, bytes);

	(void)state;
	for (size_t len = 0; len < n; len++)
		assert_int_equal(ledger_record_decode(bytes, len, &r), 0);
}

static void test_flipped_anywhere(void **state)
{
	uint8_t bytes[LEDGER_RECORD_MAX];
	struct ledger_record r;
	size_t n = ledger_record_encode(&sample, bytes);

	(void)state;
	for (size_t bit = 0; bit < n * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(ledger_record_decode(bytes, sizeof(bytes), &r), 0);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(ledger_record_decode(bytes, sizeof(bytes), &r), n);
}

/* A sound check sum does not make a record sensible. */
static void test_nonsense(void **state)
{
	struct ledger_record cases[] = { sample, sample, sample, sample };
	uint8_t bytes[LEDGER_RECORD_MAX];
	struct ledger_record r;

	(void)state;
	cases[0].id = 0;
	cases[1].parent = 7;
	cases[2].state = 4;
	cases[3].kind = NULL;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ledger_record_encode(&cases[i], bytes);
		assert_int_equal(ledger_record_decode(bytes, sizeof(bytes), &r), 0);
	}
}

static void test_head(void **state)
{
	struct ledger_head h;
	char boot[40];

	(void)state;
	ledger_boot_id(boot);
	assert_int_equal(strlen(boot), 36);
	ledger_head_make(&h, sizeof(h), boot);
	assert_int_equal(ledger_head_check(&h, sizeof(h)), LEDGER_HEAD_GOOD);
	for (size_t len = 0; len < sizeof(h); len++)
		assert_int_equal(ledger_head_check(&h, len), LEDGER_HEAD_TORN);
	h.start++;
	assert_int_equal(ledger_head_check(&h, sizeof(h)), LEDGER_HEAD_TORN);
	/* Room for it, and it was not written. */
	memset(&h, 0, sizeof(h));
	assert_int_equal(ledger_head_check(&h, sizeof(h)), LEDGER_HEAD_TORN);
	memset(&h, 1, sizeof(h));
	assert_int_equal(ledger_head_check(&h, sizeof(h)), LEDGER_HEAD_FOREIGN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_without_texts),
		cmocka_unit_test(test_cut_anywhere), cmocka_unit_test(test_flipped_anywhere),
		cmocka_unit_test(test_nonsense),     cmocka_unit_test(test_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
