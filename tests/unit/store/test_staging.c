/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * staging: who may fetch a blob, what the next one finds, and what is removed when.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/remote.h"
#include "unit/store/scratch.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct store_staging open_staging(const struct scratch *s)
{
	struct store_staging st;
	struct err err = { 0 };

	assert_int_equal(store_staging_open(s->store, &st, &err), 0);
	return st;
}

static int take(const struct store_staging *st, bool wait, struct store_staged *b)
{
	struct err err = { 0 };

	*b = (struct store_staged){ .fd = -1 };
	return store_staging_take(st, A, wait, b, &err);
}

static bool there(const struct store_staging *st, const char *name)
{
	return !faccessat(st->blobs, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static void test_one_fetches(void **state)
{
	struct store_staging st = open_staging(*state), other = open_staging(*state);
	struct timespec ahead[2] = { { time(NULL) + 1, 0 }, { time(NULL) + 1, 0 } };
	struct store_staged mine, theirs;
	struct err err = { 0 };

	assert_int_equal(take(&st, false, &mine), 0);
	assert_int_equal(take(&other, false, &theirs), 2);
	assert_int_equal(write(mine.fd, "half", 4), 4);
	/* Given up: the next one finds what there is. */
	store_staging_drop(&st, &mine, false);
	assert_int_equal(take(&other, false, &theirs), 0);
	assert_int_equal(lseek(theirs.fd, 0, SEEK_END), 4);
	assert_int_equal(store_staging_finish(&other, &theirs, &err), 0);
	assert_true(there(&st, A) && !there(&st, A ".part"));
	/* Of no age, as it may seem where the clock of files is ahead of ours. */
	assert_int_equal(futimens(theirs.fd, ahead), 0);
	/* Whole: both have it, and the last one to go takes it along. */
	assert_int_equal(take(&st, true, &mine), 1);
	store_staging_drop(&other, &theirs, true);
	assert_true(there(&st, A));
	store_staging_drop(&st, &mine, true);
	assert_false(there(&st, A));
	store_staging_close(&st);
	store_staging_close(&other);
}

static void test_sweep(void **state)
{
	const struct scratch *s = *state;
	struct store_staging st = open_staging(s);
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct store_staged b;
	uint64_t bytes = 0;

	assert_int_equal(take(&st, false, &b), 0);
	assert_int_equal(write(b.fd, "half", 4), 4);
	assert_int_equal(futimens(b.fd, old), 0);
	/* Old, but somebody is at it. */
	store_staging_sweep(s->store, 0, &bytes);
	assert_true(there(&st, A ".part"));
	store_staging_drop(&st, &b, false);
	store_staging_sweep(s->store, UINT32_MAX, &bytes);
	assert_true(there(&st, A ".part"));
	store_staging_sweep(s->store, 86400, &bytes);
	assert_false(there(&st, A ".part"));
	assert_int_equal(bytes, 4);
	store_staging_close(&st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_fetches, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_sweep, scratch_make, scratch_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
