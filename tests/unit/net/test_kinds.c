/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinds: what the ledger removes and what it must leave alone.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/nft.h"
#include "world.h"

static int rtnl(void)
{
	return nl_socket(NETLINK_ROUTE, NULL);
}

static void make_bridge(const char *ifname, uint32_t group)
{
	_cleanup_fd_ int fd = rtnl();
	struct nl_batch b;
	struct err err = { 0 };

	nl_batch_init(&b);
	link_put_bridge(&b, ifname, group, 0);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
}

static bool there(const char *ifname, struct link_info *ret)
{
	_cleanup_fd_ int fd = rtnl();
	struct err err;

	return !link_find(fd, ifname, ret, &err);
}

static void set_alias(const char *ifname, const char *alias)
{
	_cleanup_fd_ int fd = rtnl();
	struct link_info l;
	struct nl_batch b;
	struct err err = { 0 };

	assert_true(there(ifname, &l));
	nl_batch_init(&b);
	link_put_alias(&b, l.index, alias);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
}

static uint32_t enter(struct world *w, const char *kind, const char *key, uint64_t ident)
{
	struct err err = { 0 };
	uint32_t id = ledger_intend(w->ledger, kind, 0, key, &err);

	assert_int_not_equal(id, 0);
	if (ident)
		assert_int_equal(ledger_done(w->ledger, id, ident, 0, &err), 0);
	return id;
}

static int count_left;

static void remember(void *arg, const char *line)
{
	(void)arg;
	(void)line;
	count_left++;
}

static void delete_group(uint32_t group)
{
	_cleanup_fd_ int fd = rtnl();
	struct nl_batch b;

	nl_batch_init(&b);
	link_put_delete_group(&b, group);
	nl_transact(fd, &b, NULL, NULL);
	nl_batch_fini(&b);
}

/* Killed before, or right after, the creation: an intent alone must do. */
static void test_intent(void **state)
{
	struct world *w = *state;
	struct link_info l;

	enter(w, "bridge", "mstknever", 0);
	enter(w, "bridge", "mstkmade", 0);
	make_bridge("mstkmade", 7);
	world_undo(w);
	assert_false(there("mstkmade", &l));
}

/* A foreign link under our name, and one that came after ours was gone, survive. */
static void test_foreign(void **state)
{
	struct world *w = *state;
	struct link_info l;
	struct err err = { 0 };

	make_bridge("mstkours", 7);
	set_alias("mstkours", "theirs");
	enter(w, "bridge", "mstkours", 0);
	assert_int_equal(ledger_undo(w->ledger, 100, remember, NULL, &err), 1);
	assert_int_equal(count_left, 1);
	assert_true(there("mstkours", &l));

	set_alias("mstkours", "mstack:other:x");
	enter(w, "bridge", "mstkours", (uint64_t)l.index + 1000);
	world_undo(w);
	assert_true(there("mstkours", &l));
	delete_group(7);
}

/* All of a kind by one message, unless somebody else has joined their group. */
static void test_group(void **state)
{
	struct world *w = *state;
	struct link_info l;

	make_bridge("mstka", 9);
	make_bridge("mstkb", 9);
	make_bridge("other0", 9);
	set_alias("other0", "theirs");
	enter(w, "bridge", "mstka", 0);
	enter(w, "bridge", "mstkb", 0);
	world_undo(w);
	assert_false(there("mstka", &l));
	assert_false(there("mstkb", &l));
	assert_true(there("other0", &l));
	delete_group(9);

	make_bridge("mstka", 9);
	make_bridge("mstkb", 9);
	enter(w, "bridge", "mstka", 0);
	enter(w, "bridge", "mstkb", 0);
	world_undo(w);
	assert_false(there("mstka", &l));
	assert_false(there("mstkb", &l));
}

static int make_table(const char *name, const char *comment)
{
	int fd = nl_socket(NETLINK_NETFILTER, NULL);
	struct nl_batch b;
	struct err err = { 0 };

	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_table(&b, name, comment);
	nft_end(&b);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	return fd;
}

/* A table that a living process owns is told, and gone when that process is. */
static void test_owned_table(void **state)
{
	struct world *w = *state;
	int owner = make_table("mstk_x", "mstack:demo");
	struct err err = { 0 };

	enter(w, "nft-table", "mstk_never", 0);
	enter(w, "nft-table", "mstk_x", 0);
	assert_int_equal(ledger_undo(w->ledger, 60, NULL, NULL, &err), 1);
	assert_non_null(strstr(err.text, "mstk_x"));
	assert_non_null(strstr(err.text, "held by a running process"));
	close(owner);
	world_undo(w);
	assert_null(ledger_next(w->ledger, NULL, NULL));
}

static void test_foreign_table(void **state)
{
	struct world *w = *state;
	_cleanup_fd_ int owner = make_table("mstk_x", "somebody's");
	char comment[32];
	struct err err = { 0 };

	enter(w, "nft-table", "mstk_x", 0);
	assert_int_equal(ledger_undo(w->ledger, 100, NULL, NULL, &err), 1);
	assert_int_equal(nft_find(owner, "mstk_x", comment, sizeof(comment), &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_intent, world_reset),
		cmocka_unit_test_teardown(test_foreign, world_reset),
		cmocka_unit_test_teardown(test_group, world_reset),
		cmocka_unit_test_teardown(test_owned_table, world_reset),
		cmocka_unit_test_teardown(test_foreign_table, world_reset),
	};

	return cmocka_run_group_tests_name("kinds", tests, world_setup, world_teardown);
}
