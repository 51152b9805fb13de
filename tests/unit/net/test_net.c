/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network of a stack as a whole, in a made-up host: up, attached, traffic in all
 * directions, and gone again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/nft.h"
#include "net/route.h"
#include "world.h"

static void up(struct world_stack *s)
{
	struct err err = { 0 };

	if (net_up(s->net, &err))
		fail_msg("net_up: %s", err.text);
}

static void test_traffic(void **state)
{
	struct world *w = *state;
	struct world_stack s;
	_cleanup_fd_ int web = -1, out = -1, internal = -1;

	world_stack_open(w, &s, "demo", 77);
	up(&s);
	world_stack_attach(w, &s);
	web = world_server(s.ns[0].netns, SOCK_STREAM, 80);
	internal = world_server(s.ns[2].netns, SOCK_STREAM, 80);
	out = world_server(w->outside.netns, SOCK_STREAM, 80);

	/*
	 * within a network, by the host, and to the outside (which knows no way back but
	 * by masquerade)
	 */
	assert_int_equal(world_connect(s.ns[1].netns, "10.77.0.2", 80, NULL), 0);
	assert_int_equal(world_connect(s.ns[1].netns, "10.88.0.4", 80, NULL), 0);
	assert_int_equal(world_connect(-1, "10.77.0.2", 80, NULL), 0);
	assert_int_equal(world_connect(s.ns[0].netns, "192.0.2.2", 80, NULL), 0);
	/* the internal network has no way out, to the outside or to the other network */
	assert_int_equal(world_no_connect(s.ns[2].netns, "192.0.2.2", 80), -1);
	assert_int_equal(world_no_connect(s.ns[2].netns, "10.77.0.2", 80), -1);
	assert_int_equal(world_no_connect(s.ns[0].netns, "10.88.0.4", 80), -1);
	world_stack_close(w, &s);
}

/*
 * Two stacks side by side: apart from each other but for what is published; the first to
 * go leaves the second alone.
 */
static void test_two_stacks(void **state)
{
	struct net_publish_spec pub = {
		.protocol = IPPROTO_TCP, .host_port = 8080, .port = 80, .owner = "web-1"
	};
	struct world *w = *state;
	struct world_stack a, b;
	_cleanup_fd_ int web = -1, out = world_server(w->outside.netns, SOCK_STREAM, 80);
	struct err err = { 0 };

	world_stack_open(w, &a, "demo", 77);
	up(&a);
	world_stack_attach(w, &a);
	world_stack_open(w, &b, "other", 120);
	up(&b);
	world_stack_attach(w, &b);
	web = world_server(a.ns[0].netns, SOCK_STREAM, 80);
	pub.addr = world_ip("10.77.0.2");
	assert_int_equal(net_publish(a.net, &pub, 1, true, &err), 0);

	assert_int_equal(world_no_connect(b.ns[0].netns, "10.77.0.2", 80), -1);
	assert_int_equal(world_connect(b.ns[0].netns, "192.0.2.1", 8080, NULL), 0);
	assert_int_equal(world_connect(b.ns[0].netns, "192.0.2.2", 80, NULL), 0);
	assert_int_equal(world_connect(a.ns[0].netns, "192.0.2.2", 80, NULL), 0);

	world_stack_close(w, &a);
	assert_int_equal(
		ledger_undo_item(w->ledger,
				 ledger_find(w->ledger, "lease", "forwarding:up0:demo")->id, 500,
				 &err),
		0);
	assert_int_equal(world_forwarding("up0"), 1);
	assert_int_equal(world_connect(b.ns[0].netns, "192.0.2.2", 80, NULL), 0);
	world_stack_close(w, &b);
	world_undo(w);
	assert_int_equal(world_forwarding("up0"), 0);
}

/*
 * Another network of the host, "lan": 198.51.100.2 behind lan0. The outside is told to
 * reach it through the host.
 */
static void make_lan(struct world *w, struct world_ns *lan)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 3 };
	struct link_veth veth = { .host_ifname = "lan0", .ifname = "eth0", .mac = mac, .up = true };
	_cleanup_fd_ int rtnl = nl_socket(NETLINK_ROUTE, NULL);
	struct ip us = world_ip("192.0.2.1");
	struct link_info l;
	struct nl_batch b;
	struct err err = { 0 };

	world_ns_make(lan);
	veth.netns_fd = lan->netns;
	nl_batch_init(&b);
	link_put_veth(&b, &veth);
	assert_int_equal(nl_transact(rtnl, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	world_set_address(rtnl, "lan0", "198.51.100.1", 24, NULL);
	world_set_address(lan->rtnl, "eth0", "198.51.100.2", 24, "198.51.100.1");
	assert_int_equal(link_find(w->outside.rtnl, "out0", &l, &err), 0);
	nl_batch_init(&b);
	route_put_default(&b, l.index, &us);
	assert_int_equal(nl_transact(w->outside.rtnl, &b, NULL, &err), 0);
	nl_batch_fini(&b);
}

/*
 * Forwarding that we switched on carries our own traffic only; a host that was a router
 * before stays one.
 */
static void test_no_router(void **state)
{
	struct world *w = *state;
	struct world_ns lan;
	struct world_stack s;
	_cleanup_fd_ int server = -1, out = world_server(w->outside.netns, SOCK_STREAM, 80);

	make_lan(w, &lan);
	server = world_server(lan.netns, SOCK_STREAM, 80);
	assert_int_equal(world_no_connect(w->outside.netns, "198.51.100.2", 80), -1);
	world_stack_open(w, &s, "demo", 77);
	up(&s);
	world_stack_attach(w, &s);
	assert_int_equal(world_forwarding("up0"), 1);
	assert_int_equal(world_forwarding("lan0"), 1);
	assert_int_equal(world_no_connect(w->outside.netns, "198.51.100.2", 80), -1);
	assert_int_equal(world_connect(s.ns[0].netns, "198.51.100.2", 80, NULL), 0);
	assert_int_equal(world_connect(s.ns[0].netns, "192.0.2.2", 80, NULL), 0);
	world_stack_close(w, &s);
	world_undo(w);

	world_set_forwarding("up0", "1");
	world_set_forwarding("lan0", "1");
	world_stack_open(w, &s, "demo", 77);
	up(&s);
	assert_int_equal(world_connect(w->outside.netns, "198.51.100.2", 80, NULL), 0);
	world_stack_close(w, &s);
	world_undo(w);
	assert_int_equal(world_forwarding("up0"), 1);
	world_set_forwarding("up0", "0");
	world_ns_free(&lan);
}

static size_t count_links(int rtnl)
{
	_cleanup_free_ struct link_info *links = NULL;
	struct err err = { 0 };
	size_t n;

	assert_int_equal(link_list(rtnl, &links, &n, &err), 0);
	return n;
}

/* What the guard does: another process, which knows the ledger only, finds everything. */
static void test_supervisor_killed(void **state)
{
	_cleanup_fd_ int rtnl = nl_socket(NETLINK_ROUTE, NULL),
			 nft = nl_socket(NETLINK_NETFILTER, NULL);
	struct world *w = *state;
	size_t before = count_links(rtnl);
	char comment[64];
	struct world_stack s;
	struct err err = { 0 };

	world_stack_open(w, &s, "demo", 77);
	up(&s);
	world_stack_attach(w, &s);
	assert_int_equal(count_links(rtnl), before + 6);
	/* the slots' namespaces are still held by somebody, so no veth goes by itself */
	net_close(s.net);
	s.net = w->nets[0] = NULL;
	assert_int_equal(nft_find(nft, s.spec.table, comment, sizeof(comment), &err), 1);
	world_undo(w);
	world_undo(w);
	assert_int_equal(count_links(rtnl), before);
	assert_int_equal(world_forwarding("up0"), 0);
	world_stack_close(w, &s);
}

/* Links and table go at once, with the slots' namespaces still there; a stack that never came up takes nothing. */
static void test_down(void **state)
{
	_cleanup_fd_ int rtnl = nl_socket(NETLINK_ROUTE, NULL),
			 nft = nl_socket(NETLINK_NETFILTER, NULL);
	struct world *w = *state;
	size_t before = count_links(rtnl);
	struct world_stack s, again;
	char comment[64];
	struct err err = { 0 };

	world_stack_open(w, &s, "demo", 77);
	up(&s);
	world_stack_attach(w, &s);
	world_stack_open(w, &again, "demo", 77);
	assert_int_equal(net_up(again.net, &err), -1);
	net_down(again.net);
	assert_int_equal(count_links(rtnl), before + 6);
	assert_int_equal(nft_find(nft, s.spec.table, comment, sizeof(comment), &err), 0);
	world_stack_close(w, &again);
	net_down(s.net);
	assert_int_equal(count_links(rtnl), before);
	assert_int_equal(nft_find(nft, s.spec.table, comment, sizeof(comment), &err), 1);
	world_undo(w);
	world_stack_close(w, &s);
}

/* A stack of internal networks alone leaves the host's forwarding as it is. */
static void test_only_internal(void **state)
{
	struct world *w = *state;
	struct world_stack s;

	world_stack_open(w, &s, "demo", 77);
	s.bridges[0].internal = true;
	up(&s);
	assert_int_equal(world_forwarding("up0"), 0);
	assert_null(ledger_next(w->ledger, "lease", NULL));
	world_stack_close(w, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_two_stacks, world_reset),
		cmocka_unit_test_teardown(test_supervisor_killed, world_reset),
		cmocka_unit_test_teardown(test_down, world_reset),
		cmocka_unit_test_teardown(test_only_internal, world_reset),
		cmocka_unit_test_teardown(test_no_router, world_reset),
		cmocka_unit_test_teardown(test_traffic, world_reset),
	};

	return cmocka_run_group_tests_name("net", tests, world_setup, world_teardown);
}
