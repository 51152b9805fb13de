/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syscalls: the table itself. That x86-64 and i386 are right is seen in test_filter.c, by the filters that the kernel has; of
 * arm64, where no test of ours runs, every number is compared with the kernel's own (arm64.tsv).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "box/syscalls.h"
#include "mstack/base.h"

#define MEASURE "tests/unit/box/arm64.tsv"
/* From here on a new call has the same number everywhere, and the measure is older than those. */
#define COMMON_FROM 451

static const struct syscall_row *find(const char *name)
{
	for (size_t i = 0; i < syscall_rows_len; i++)
		if (!strcmp(syscall_rows[i].name, name))
			return &syscall_rows[i];
	return NULL;
}

/* Each call of the kernel's is in the table with its number, and no other has one. */
static void test_arm64(void **state)
{
	FILE *measure = fopen(MEASURE, "re");
	char line[128], name[64];
	size_t n = 0, with_number = 0;
	int nr;

	(void)state;
	assert_non_null(measure);
	while (fgets(line, sizeof(line), measure)) {
		const struct syscall_row *row;

		if (*line == '#')
			continue;
		assert_int_equal(sscanf(line, "%d %63s", &nr, name), 2);
		row = find(name);
		if (!row)
			fail_msg("'%s' is not in the table", name);
		if (row->nr[SYSCALL_ARM64] != nr)
			fail_msg("'%s' is %d instead of %d", name, row->nr[SYSCALL_ARM64], nr);
		n++;
	}
	fclose(measure);
	for (size_t i = 0; i < syscall_rows_len; i++)
		with_number += syscall_rows[i].nr[SYSCALL_ARM64] >= 0 &&
			       syscall_rows[i].nr[SYSCALL_ARM64] < COMMON_FROM;
	assert_true(n > 300);
	assert_int_equal(with_number, n);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < syscall_rows_len; i++) {
		const struct syscall_row *row = &syscall_rows[i];

		assert_ptr_equal(find(row->name), row);
		for (unsigned a = 0; a < SYSCALL_ARCHES; a++)
			assert_in_range(row->nr[a] + 1, 0, SYSCALL_NUMBERS);
		/* A new one has one number. */
		for (unsigned a = 1; a < SYSCALL_ARCHES; a++)
			if (row->nr[0] >= COMMON_FROM && row->nr[a] >= 0)
				assert_int_equal(row->nr[a], row->nr[0]);
	}
}

static void test_by_number(void **state)
{
	const struct syscall_row *by[SYSCALL_NUMBERS];

	(void)state;
	for (unsigned a = 0; a < SYSCALL_ARCHES; a++) {
		size_t n = 0, rows = 0;

		syscall_by_number(a, by);
		for (size_t i = 0; i < SYSCALL_NUMBERS; i++) {
			assert_true(!by[i] || by[i]->nr[a] == (int)i);
			n += by[i] != NULL;
		}
		for (size_t i = 0; i < syscall_rows_len; i++)
			rows += syscall_rows[i].nr[a] >= 0;
		/* No number twice. */
		assert_int_equal(n, rows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arm64),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
