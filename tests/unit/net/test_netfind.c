/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netfind: a stack whose ledger was lost is found as a whole, and nothing else is.
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

static bool there(const char *ifname)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct link_info l;

	return !link_find(fd, ifname, &l, NULL);
}

static void make_bridge(const char *ifname, uint32_t group, const char *alias)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct link_info l;
	struct nl_batch b;
	struct err err = { 0 };

	nl_batch_init(&b);
	link_put_bridge(&b, ifname, group, 0);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	if (!alias)
		return;
	assert_int_equal(link_find(fd, ifname, &l, &err), 0);
	nl_batch_init(&b);
	link_put_alias(&b, l.index, alias);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
}

static void delete_group(uint32_t group)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct nl_batch b;

	nl_batch_init(&b);
	link_put_delete_group(&b, group);
	assert_int_equal(nl_transact(fd, &b, NULL, NULL), 0);
	nl_batch_fini(&b);
}

/* As after the removal of the file: nothing is entered, everything is there. */
static void forget(struct world *w)
{
	const struct ledger_item *i;
	struct err err = { 0 };

	while ((i = ledger_next(w->ledger, NULL, NULL)))
		assert_int_equal(ledger_gone(w->ledger, i->id, &err), 0);
}

static int find(struct world *w, const struct net_spec *spec, bool enter)
{
	struct err err = { 0 };
	int rc = net_find(spec, enter ? w->ledger : NULL, &err);

	if (rc < 0)
		fail_msg("%s", err.text);
	return rc;
}

static size_t count(const struct world *w, const char *kind)
{
	size_t n = 0;

	for (const struct ledger_item *i = NULL; (i = ledger_next(w->ledger, kind, i));)
		n++;
	return n;
}

static void test_nothing(void **state)
{
	struct net_spec spec = { .project = "demo", .id = 5, .table = "mstk_demo" };
	struct world *w = *state;

	assert_int_equal(find(w, &spec, true), 0);
	assert_null(ledger_next(w->ledger, NULL, NULL));
	assert_int_equal(access(w->dir, F_OK), 0);
}

/* While it lives it is not touched; when its process is gone, all of it is found and goes. */
static void test_whole_stack(void **state)
{
	struct world *w = *state;
	struct world_stack s;
	struct err err = { 0 };

	world_stack_open(w, &s, "demo", 77);
	assert_int_equal(net_up(s.net, &err), 0);
	world_stack_attach(w, &s);
	assert_int_equal(world_forwarding("up0"), 1);
	forget(w);
	assert_int_equal(net_find(&s.spec, w->ledger, &err), -1);
	assert_int_equal(err.sys, EBUSY);
	assert_null(ledger_next(w->ledger, NULL, NULL));

	for (size_t i = 0; i < 2; i++)
		w->nets[i] = NULL;
	net_close(s.net); /* the slots' namespaces stay, and their links with them */
	assert_int_equal(find(w, &s.spec, false), 1);
	assert_null(ledger_next(w->ledger, NULL, NULL));
	assert_int_equal(find(w, &s.spec, true), 1);
	assert_int_equal(count(w, "bridge"), 2);
	assert_int_equal(count(w, "veth"), 4);
	assert_true(count(w, "lease") >=
		    2); /* one of each family, or more where the kernel has no force_forwarding */
	world_undo(w);
	assert_false(there(s.bridges[0].ifname) || there(s.bridges[1].ifname));
	assert_false(there(s.ports[0].host_ifname));
	assert_int_equal(world_forwarding("up0"), 0);
	assert_int_equal(find(w, &s.spec, true), 0);
	for (size_t i = 0; i < 3; i++)
		world_ns_free(&s.ns[i]);
}

/* Without an alias, as by a kill right after the creation: the group decides, and the address that is ours. */
static void test_no_alias(void **state)
{
	struct net_spec spec = { .project = "demo", .id = 5, .table = "mstk_demo" };
	struct world *w = *state;

	make_bridge("mstkhalf", link_group(5), NULL);
	make_bridge("mstkother", link_group(6), NULL);
	assert_int_equal(find(w, &spec, true), 1);
	assert_int_equal(count(w, "bridge"), 1);
	world_undo(w);
	assert_false(there("mstkhalf"));
	assert_true(there("mstkother"));
	delete_group(link_group(6));
}

/* Other stacks, links of other people in our group, and a table of our name that is theirs. */
static void test_foreign(void **state)
{
	struct net_spec spec = { .project = "demo", .id = 5, .table = "mstk_demo" };
	struct world *w = *state;
	_cleanup_fd_ int nft = nl_socket(NETLINK_NETFILTER, NULL);
	struct nl_batch b;

	make_bridge("mstka", link_group(5), "somebody's");
	make_bridge("mstkb", link_group(5), "mstack:demo2:net");
	make_bridge("mstkc", link_group(5), "mstack:dem:net");
	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_table(&b, "mstk_demo", "mstack:demo2");
	nft_end(&b);
	assert_int_equal(nl_transact(nft, &b, NULL, NULL), 0);
	nl_batch_fini(&b);
	assert_int_equal(find(w, &spec, true), 0);
	assert_null(ledger_next(w->ledger, NULL, NULL));
	delete_group(link_group(5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_nothing, world_reset),
		cmocka_unit_test_teardown(test_whole_stack, world_reset),
		cmocka_unit_test_teardown(test_no_alias, world_reset),
		cmocka_unit_test_teardown(test_foreign, world_reset),
	};

	return cmocka_run_group_tests_name("netfind", tests, world_setup, world_teardown);
}
