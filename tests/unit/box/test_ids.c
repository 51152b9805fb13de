/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the ranges of ids: the pool's text, the choice by name, and who has one.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/ids.h"
#include "unit/box/rig.h"

static void test_pool(void **state)
{
	static const struct {
		const char *text;
		uint32_t first, ranges;
	} good[] = {
		{ NULL, 1879048192, 4094 },	      { "", 1879048192, 4094 },
		{ "65536:65536", 65536, 1 },	      { "100000:131071", 100000, 1 },
		{ "100000:131072", 100000, 2 },	      { "4294836224:131071", 4294836224U, 1 },
		{ "65536:4294901759", 65536, 65534 },
	};
	struct ids_pool pool;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(ids_pool_parse(good[i].text, &pool, NULL), 0);
		assert_int_equal(pool.first, good[i].first);
		assert_int_equal(pool.ranges, good[i].ranges);
	}
	/* The default ends where the foreign ids of systemd begin. */
	assert_int_equal(IDS_POOL_FIRST + IDS_POOL_RANGES * IDS_SIZE, 0x7FFE0000);
}

static void test_wrong_pools(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "x", "write FIRST:COUNT" },
		{ "100000", "write FIRST:COUNT" },
		{ "100000:", "write FIRST:COUNT" },
		{ "100000:65536 ", "write FIRST:COUNT" },
		{ "-1:65536", "write FIRST:COUNT" },
		{ " 100000:65536", "write FIRST:COUNT" },
		{ "100000:99999999999999999999999", "write FIRST:COUNT" },
		{ "0:65536", "host's own users" },
		{ "65535:65536", "host's own users" },
		{ "100000:65535", "needs 65536" },
		{ "4294901760:65536", "ids end at" },
		{ "65536:4294901760", "ids end at" },
		{ "4294967296:65536", "ids end at" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct ids_pool pool;
		struct err err = { 0 };

		assert_int_equal(ids_pool_parse(bad[i].text, &pool, &err), -1);
		assert_non_null(strstr(err.text, "MSTACK_ID_POOL"));
		assert_non_null(strstr(err.text, bad[i].says));
	}
}

/* Every range once, beginning where the name says, and never across the end of the pool. */
static void test_choice(void **state)
{
	const struct ids_pool pool = { 100000, 100 };
	bool seen[100] = { false };

	(void)state;
	for (uint32_t i = 0; i < pool.ranges; i++) {
		uint32_t first = ids_choose(&pool, "shop", i), nr = (first - pool.first) / IDS_SIZE;

		assert_true(first >= pool.first && nr < pool.ranges);
		assert_int_equal((first - pool.first) % IDS_SIZE, 0);
		assert_false(seen[nr]);
		seen[nr] = true;
	}
	assert_int_equal(ids_choose(&pool, "shop", 0), ids_choose(&pool, "shop", 0));
	assert_int_not_equal(ids_choose(&pool, "shop", 0), ids_choose(&pool, "shop2", 0));
	/* The names of files on disks depend on it. */
	assert_int_equal(ids_choose(&(struct ids_pool){ IDS_POOL_FIRST, IDS_POOL_RANGES }, "t", 0),
			 IDS_POOL_FIRST + hash64_str("t") % 4094 * 65536);
}

static void test_lease(void **state)
{
	struct rig *r = *state;
	_cleanup_free_ char *path =
		xasprintf("%s/.ids/%u", path_run_dir(), (unsigned)box_ids(r->rt));
	const struct ledger_item *item = ledger_next(r->ledger, IDS_KIND, NULL);
	char owner[64] = "";
	uint32_t again = 0;

	assert_non_null(item);
	assert_int_equal(item->state, LEDGER_DONE);
	assert_true(readlink(path, owner, sizeof(owner) - 1) > 0);
	assert_string_equal(owner, r->project);
	assert_int_equal(ids_kind.same(item), 1);
	/* The stack's own from an earlier run is taken over. */
	assert_int_equal(ids_lease(r->project, r->ledger, &again, NULL), 0);
	assert_int_equal(again, box_ids(r->rt));
	assert_int_equal(ids_find(r->project, NULL, NULL), 1);
	assert_int_equal(ids_find("nobody", NULL, NULL), 0);
}

static void test_collision(void **state)
{
	struct rig *r = *state;
	uint32_t a = 0, b = 0, c = 0;
	struct err err = { 0 };

	setenv("MSTACK_ID_POOL", "200000:131072", 1);
	assert_int_equal(ids_lease("a", r->ledger, &a, NULL), 0);
	assert_int_equal(ids_lease("b", r->ledger, &b, NULL), 0);
	assert_int_equal(a > b ? a - b : b - a, IDS_SIZE);
	assert_int_equal(ids_lease("c", r->ledger, &c, &err), -1);
	assert_non_null(strstr(err.text, "all 2 ranges"));
	/* What is another's is not ours to remove. */
	assert_int_equal(ids_kind.same(&(struct ledger_item){ .key = "200000:c" }), -1);
	assert_int_equal(ids_kind.same(&(struct ledger_item){ .key = "x:c" }), -1);
	/* A stack that has gone leaves room. */
	for (const struct ledger_item *i = NULL; (i = ledger_next(r->ledger, IDS_KIND, i));)
		if (strstr(i->key, ":a"))
			assert_int_equal(ids_kind.destroy(i, NULL), 0);
	assert_int_equal(ids_lease("c", r->ledger, &c, NULL), 0);
	assert_int_equal(c, a);
	setenv("MSTACK_ID_POOL", "nonsense", 1);
	assert_int_equal(ids_lease("d", r->ledger, &c, &err), -1);
	unsetenv("MSTACK_ID_POOL");
}

/* Killed before the link was there: the folder that was made for it goes as well. */
static void test_killed_between(void **state)
{
	_cleanup_free_ char *folder = xasprintf("%s/.ids", path_run_dir());
	const struct rig *r = *state;

	for (const struct ledger_item *i = NULL; (i = ledger_next(r->ledger, IDS_KIND, i));)
		assert_int_equal(ids_kind.destroy(i, NULL), 0);
	assert_int_not_equal(access(folder, F_OK), 0);
	assert_int_equal(path_mkdirs(AT_FDCWD, folder, 0700), 0);
	assert_int_equal(ids_kind.same(&(struct ledger_item){ .key = "200000:t" }), -1);
	ids_kind.tidy(&(struct ledger_item){ .key = "200000:t" });
	assert_int_not_equal(access(folder, F_OK), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_wrong_pools),
		cmocka_unit_test(test_choice),
		T(test_lease),
		T(test_collision),
		T(test_killed_between),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
