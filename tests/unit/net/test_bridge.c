/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bridge: what somebody else has by now is refused before anything is made, with the line
 * of the stack file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/addr.h"
#include "net/link.h"
#include "world.h"

static void make_bridge(const char *ifname, const char *alias, const char *addr)
{
	struct ip_net net;
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct link_info l;
	struct nl_batch b;
	struct err err = { 0 };

	nl_batch_init(&b);
	link_put_bridge(&b, ifname, 50, 0);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_int_equal(link_find(fd, ifname, &l, &err), 0);
	nl_batch_init(&b);
	link_put_alias(&b, l.index, alias);
	if (addr && ip_net_parse(addr, &net))
		addr_put(&b, l.index, &net);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
}

static size_t count_links(void)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	_cleanup_free_ struct link_info *links = NULL;
	struct err err = { 0 };
	size_t n;

	assert_int_equal(link_list(fd, &links, &n, &err), 0);
	return n;
}

static int clean(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct nl_batch b;

	nl_batch_init(&b);
	link_put_delete_group(&b, 50);
	nl_transact(fd, &b, NULL, NULL);
	nl_batch_fini(&b);
	return world_reset(state);
}

static void refused(struct world *w, struct world_stack *s, unsigned line, const char *words)
{
	size_t before = count_links();
	struct err err = { 0 };

	assert_int_equal(net_up(s->net, &err), -1);
	assert_int_equal(err.line, line);
	if (!strstr(err.text, words))
		fail_msg("'%s' is not in: %s", words, err.text);
	assert_int_equal(count_links(), before);
	assert_null(ledger_next(w->ledger, NULL, NULL));
	assert_int_equal(world_forwarding("up0"), 0);
	world_stack_close(w, s);
}

static void test_foreign_name(void **state)
{
	struct world_stack s;

	world_stack_open(*state, &s, "demo", 77);
	make_bridge(s.bridges[1].ifname, "theirs", NULL);
	refused(*state, &s, 11, "something else has this name");
}

static void test_own_leftover(void **state)
{
	struct world_stack s;

	world_stack_open(*state, &s, "demo", 77);
	make_bridge(s.bridges[0].ifname, "mstack:demo:default", NULL);
	refused(*state, &s, 10, "`mstack down -p demo`");
}

static void test_subnet_taken(void **state)
{
	struct world_stack s;

	world_stack_open(*state, &s, "demo", 77);
	make_bridge("vpn0", "theirs", "10.77.0.130/25");
	refused(*state, &s, 10, "subnet 10.77.0.0/24: in use: 'vpn0' has 10.77.0.130/25");
}

static void test_made(void **state)
{
	struct world *w = *state;
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	_cleanup_free_ struct addr_info *addrs = NULL;
	struct world_stack s;
	struct link_info l;
	struct err err = { 0 };
	size_t n, found = 0;

	world_stack_open(w, &s, "demo", 77);
	if (net_up(s.net, &err))
		fail_msg("%s", err.text);
	assert_int_equal(link_find(fd, s.bridges[0].ifname, &l, &err), 0);
	assert_string_equal(l.alias, "mstack:demo:demo_default");
	assert_int_equal(l.group, link_group(s.spec.id));
	assert_int_equal(l.mtu, 1400);
	assert_int_equal(link_find(fd, "demo_default", &l, &err), 0);
	assert_int_equal(addr_list(fd, &addrs, &n, &err), 0);
	for (size_t i = 0; i < n; i++)
		found += addrs[i].index == l.index &&
			 !strcmp(ip_net_text(&addrs[i].net).text, "10.77.0.1/24");
	assert_int_equal(found, 1);
	assert_int_equal(world_forwarding(s.bridges[0].ifname), 1);
	assert_int_equal(world_forwarding(s.bridges[1].ifname), 0); /* internal */
	world_stack_close(w, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_foreign_name, clean),
		cmocka_unit_test_teardown(test_own_leftover, clean),
		cmocka_unit_test_teardown(test_subnet_taken, clean),
		cmocka_unit_test_teardown(test_made, clean),
	};

	return cmocka_run_group_tests_name("bridge", tests, world_setup, world_teardown);
}
