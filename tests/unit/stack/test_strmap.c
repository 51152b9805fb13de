/* SPDX-License-Identifier: GPL-2.0-or-later */
/* strmap and envset: what is put in is found, the first or the last of two as promised, through all growth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "stack/envset.h"
#include <cmocka.h>

static void test_first_stays(void **state)
{
	struct strmap m = { 0 };
	size_t value = 7;

	(void)state;
	assert_false(strmap_get(&m, "a", 1, &value));
	assert_true(strmap_put(&m, "a", 1, 1, &value));
	assert_false(strmap_put(&m, "a", 1, 2, &value));
	assert_int_equal(value, 1);
	assert_false(strmap_put(&m, "a", 1, 3, NULL));
	assert_true(strmap_get(&m, "a", 1, &value));
	assert_int_equal(value, 1);
	assert_false(strmap_get(&m, "ab", 2, &value));
	strmap_fini(&m);
	assert_false(strmap_get(&m, "a", 1, &value));
}

/* Keys are bytes: of any length, also none, and with NUL in them. */
static void test_any_bytes(void **state)
{
	struct strmap m = { 0 };
	size_t value;

	(void)state;
	assert_true(strmap_put(&m, "", 0, 1, NULL));
	assert_true(strmap_put(&m, "\0", 1, 2, NULL));
	assert_true(strmap_put(&m, "\0\0", 2, 3, NULL));
	assert_true(strmap_get(&m, "", 0, &value));
	assert_int_equal(value, 1);
	assert_true(strmap_get(&m, "\0\0", 2, &value));
	assert_int_equal(value, 3);
	strmap_fini(&m);
}

static void test_growth(void **state)
{
	enum { MANY = 5000 };
	static char keys[MANY][8];
	struct strmap m = { 0 };
	size_t value;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		assert_true(strmap_put(&m, keys[i], strlen(keys[i]), i, NULL));
	}
	for (size_t i = 0; i < MANY; i++) {
		assert_true(strmap_get(&m, keys[i], strlen(keys[i]), &value));
		assert_int_equal(value, i);
	}
	assert_int_equal(m.n, MANY);
	strmap_fini(&m);
}

static void test_last_wins(void **state)
{
	struct envset e = { 0 };

	(void)state;
	envset_put(&e, (struct stack_kv){ "A", "1", { 0, 1, 1 } });
	envset_put(&e, (struct stack_kv){ "B", NULL, { 0, 2, 1 } });
	envset_put(&e, (struct stack_kv){ "A", "2", { 0, 3, 1 } });
	assert_int_equal(e.kvs.n, 2);
	assert_string_equal(e.kvs.v[0].key, "A");
	assert_string_equal(envset_get(&e, "A", 1)->value, "2");
	assert_int_equal(envset_get(&e, "A", 1)->pos.line, 3);
	assert_non_null(envset_get(&e, "B", 1));
	assert_null(envset_get(&e, "B", 1)->value);
	assert_null(envset_get(&e, "AB", 2));
	assert_null(envset_get(&e, "", 0));
	envset_fini(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_stays),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_last_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
