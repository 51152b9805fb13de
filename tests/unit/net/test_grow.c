/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks that a stack gets while it runs (net_grow): they have what the first ones have, and what goes wrong with them does
 * nothing to those.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/link.h"
#include "world.h"

static void must(int rc, const struct err *err)
{
	if (rc)
		fail_msg("%s", err->text);
}

/* Up with the first of its two networks. */
static void up_with_one(struct world *w, struct world_stack *s)
{
	struct err err = { 0 };

	world_stack_open(w, s, "demo", 77);
	s->spec.n_bridges = 1;
	must(net_up(s->net, &err), &err);
	s->spec.n_bridges = 2;
}

static void test_traffic(void **state)
{
	struct world *w = *state;
	struct world_stack s;
	struct err err = { 0 };
	_cleanup_fd_ int web = -1, out = world_server(w->outside.netns, SOCK_STREAM, 80);

	up_with_one(w, &s);
	assert_int_equal(if_nametoindex(s.bridges[1].ifname), 0);
	must(net_grow(s.net, &err), &err);
	assert_int_not_equal(if_nametoindex(s.bridges[1].ifname), 0);
	world_stack_attach(w, &s);
	web = world_server(s.ns[2].netns, SOCK_STREAM, 80);
	/* The new one is internal: within it and by the host, but neither from the other one nor to the outside. */
	assert_int_equal(world_connect(s.ns[1].netns, "10.88.0.4", 80, NULL), 0);
	assert_int_equal(world_connect(-1, "10.88.0.4", 80, NULL), 0);
	assert_int_equal(world_no_connect(s.ns[0].netns, "10.88.0.4", 80), -1);
	assert_int_equal(world_no_connect(s.ns[2].netns, "192.0.2.2", 80), -1);
	assert_int_equal(world_connect(s.ns[0].netns, "192.0.2.2", 80, NULL), 0);
	world_stack_close(w, &s);
}

/* The first one that leads outside brings the forwarding along. */
static void test_way_out(void **state)
{
	struct world *w = *state;
	struct world_stack s;
	struct err err = { 0 };

	world_stack_open(w, &s, "demo", 77);
	s.bridges[0].internal = true;
	s.bridges[1].internal = false;
	s.spec.n_bridges = 1;
	must(net_up(s.net, &err), &err);
	assert_int_equal(world_forwarding("up0"), 0);
	s.spec.n_bridges = 2;
	must(net_grow(s.net, &err), &err);
	assert_int_equal(world_forwarding("up0"), 1);
	/* Nothing new, nothing done. */
	must(net_grow(s.net, &err), &err);
	net_down(s.net);
	assert_int_equal(if_nametoindex(s.bridges[0].ifname), 0);
	assert_int_equal(if_nametoindex(s.bridges[1].ifname), 0);
	net_close(s.net);
	w->nets[0] = NULL;
	world_undo(w);
	assert_int_equal(world_forwarding("up0"), 0);
}

/* Somebody was quick: what is asked for first makes all, and net_up finds it done. */
static void test_before_up(void **state)
{
	struct world *w = *state;
	struct world_stack s;
	struct err err = { 0 };

	world_stack_open(w, &s, "demo", 77);
	must(net_grow(s.net, &err), &err);
	must(net_up(s.net, &err), &err);
	world_stack_attach(w, &s);
	world_stack_close(w, &s);
}

static void test_taken(void **state)
{
	struct world *w = *state;
	struct world_stack s;
	struct err err = { 0 };
	_cleanup_fd_ int rtnl = nl_socket(NETLINK_ROUTE, NULL),
			 out = world_server(w->outside.netns, SOCK_STREAM, 80);
	struct nl_batch b;

	up_with_one(w, &s);
	nl_batch_init(&b);
	link_put_bridge(&b, s.bridges[1].ifname, 0, 1400);
	assert_int_equal(nl_transact(rtnl, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	nl_batch_init(&b);
	link_put_alias(&b, (int)if_nametoindex(s.bridges[1].ifname), "theirs");
	assert_int_equal(nl_transact(rtnl, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_int_equal(net_grow(s.net, &err), -1);
	if (!strstr(err.text, "something else has this name"))
		fail_msg("%s", err.text);
	assert_int_equal(err.line, s.bridges[1].line);
	/* The first one is as it was, and the stranger's stays. */
	s.spec.n_bridges = 1;
	net_down(s.net);
	assert_int_equal(if_nametoindex(s.bridges[0].ifname), 0);
	assert_int_not_equal(if_nametoindex(s.bridges[1].ifname), 0);
	net_close(s.net);
	w->nets[0] = NULL;
	world_undo(w);
	nl_batch_init(&b);
	link_put_delete(&b, (int)if_nametoindex(s.bridges[1].ifname));
	assert_int_equal(nl_transact(rtnl, &b, NULL, &err), 0);
	nl_batch_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_traffic, world_reset),
		cmocka_unit_test_teardown(test_way_out, world_reset),
		cmocka_unit_test_teardown(test_before_up, world_reset),
		cmocka_unit_test_teardown(test_taken, world_reset),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
