/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netresume: a second net takes up what the first one has written down, with the same sockets, as the next program does. The first one
 * stays in memory and is never asked again.
 */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/net_resume.h"
#include "net/net.h"
#include "net/nft.h"
#include "unit/openfds.h"
#include "world.h"

enum { LEFT_MAX = 8 };
/* What a real program would have lost with its memory. */
static struct {
	void *v[LEFT_MAX];
	size_t n;
} left;

static void leave(void *p)
{
	assert_true(left.n < LEFT_MAX);
	left.v[left.n++] = p;
}

static void take_up(struct world *w, struct world_stack *s)
{
	struct carry *root = carry_new();
	struct err err = { 0 };
	int before;

	assert_false(net_busy(s->net));
	net_carry(s->net, root);
	leave(s->net);
	leave(w->loop);
	w->loop = ev_loop_new(0);
	before = open_fds();
	s->net = net_resume(w->loop, &s->spec, root, w->ledger, world_event, w, &err);
	if (!s->net)
		fail_msg("%s", err.text);
	w->nets[0] = s->net;
	assert_int_equal(open_fds(), before);
	carry_free(root);
}

static void up(struct world *w, struct world_stack *s)
{
	struct err err = { 0 };

	world_stack_open(w, s, "demo", 77);
	assert_true(net_busy(s->net)); /* its bridges are not there yet */
	if (net_up(s->net, &err))
		fail_msg("net_up: %s", err.text);
	world_stack_attach(w, s);
}

static struct net_publish_spec pub(uint16_t host_port)
{
	return (struct net_publish_spec){ .protocol = IPPROTO_TCP,
					  .host_port = host_port,
					  .port = 80,
					  .host_ip = world_ip("0.0.0.0"),
					  .addr = world_ip("10.77.0.2"),
					  .owner = "web-1",
					  .line = 3 };
}

static bool has_table(const struct world_stack *s)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, NULL);
	char comment[128];

	return nft_find(fd, s->spec.table, comment, sizeof(comment), NULL) == 0;
}

/* A connection that goes on is one, and what comes later is as it would have been: ports, links, the end. */
static void test_traffic(void **state)
{
	struct net_publish_spec first = pub(8080), second = pub(8081);
	struct world *w = *state;
	struct world_stack s;
	_cleanup_fd_ int web = -1, client = -1, server = -1;
	struct err err = { 0 };
	char got[8] = "";

	up(w, &s);
	web = world_server(s.ns[0].netns, SOCK_STREAM, 80);
	assert_int_equal(net_reserve(s.net, &first, 1, &err), 0);
	assert_int_equal(net_publish(s.net, &first, 1, true, &err), 0);
	assert_int_equal(world_connect(w->outside.netns, "192.0.2.1", 8080, &client), 0);
	world_readable(web);
	server = accept(web, NULL, NULL);
	assert_true(server >= 0);

	take_up(w, &s);
	assert_int_equal(write(client, "hello", 5), 5);
	world_readable(server);
	assert_int_equal(read(server, got, sizeof(got)), 5);
	assert_string_equal(got, "hello");
	assert_int_equal(world_connect(w->outside.netns, "192.0.2.1", 8080, NULL), 0);
	assert_int_equal(world_no_connect(s.ns[2].netns, "192.0.2.2", 80), -1);
	/* It is still ours, and told so in the same words. */
	assert_int_equal(net_reserve(s.net, &first, 1, &err), -1);
	assert_non_null(strstr(err.text, "also published by web-1"));
	if (net_reserve(s.net, &second, 1, &err) || net_publish(s.net, &second, 1, true, &err))
		fail_msg("%s", err.text);
	assert_int_equal(world_connect(w->outside.netns, "192.0.2.1", 8081, NULL), 0);
	net_release(s.net, "web-1");
	{
		_cleanup_fd_ int free_now = world_server(-1, SOCK_STREAM, 8080);

		assert_true(free_now >= 0);
	}
	assert_true(has_table(&s));
	net_down(s.net);
	assert_false(has_table(&s));
	assert_int_equal(if_nametoindex(s.bridges[0].ifname), 0);
	world_stack_close(w, &s);
}

/* Links that are made afterwards are heard of: whoever waits is told. */
static void test_events(void **state)
{
	struct world *w = *state;
	struct world_stack s;
	struct err err = { 0 };
	struct net_attach again;

	up(w, &s);
	take_up(w, &s);
	world_ns_free(&s.ns[2]);
	world_ns_make(&s.ns[2]);
	again = s.slots[2];
	again.netns_fd = s.ns[2].netns;
	again.rtnl_fd = s.ns[2].rtnl;
	w->n_events = 0;
	if (net_attach(s.net, &again, 1, &err) || again.err.text[0])
		fail_msg("net_attach: %s%s", err.text, again.err.text);
	assert_true(net_busy(s.net));
	world_run(w, 1, 10000);
	assert_int_equal(w->n_events, 1);
	assert_int_equal(w->events[0].kind, NET_READY);
	assert_int_equal(w->events[0].token, again.token);
	assert_false(net_busy(s.net));
	world_stack_close(w, &s);
}

/* Numbers are those of the new spec; what is not there is told by its name. */
static void test_other_order(void **state)
{
	struct world *w = *state;
	struct world_stack s;
	struct net_bridge_spec swap;
	struct carry *root = carry_new();
	struct err err = { 0 };
	_cleanup_fd_ int web = -1;

	up(w, &s);
	net_carry(s.net, root);
	leave(s.net);
	swap = s.bridges[0];
	s.bridges[0] = s.bridges[1];
	s.bridges[1] = swap;
	s.net = net_resume(w->loop, &s.spec, root, w->ledger, world_event, w, &err);
	if (!s.net)
		fail_msg("%s", err.text);
	w->nets[0] = s.net;
	assert_int_equal(s.net->bridges[0], if_nametoindex(s.bridges[0].ifname));
	assert_int_equal(s.net->bridges[1], if_nametoindex(s.bridges[1].ifname));
	carry_free(root);

	root = carry_new();
	net_carry(s.net, root);
	leave(s.net);
	w->nets[0] = NULL;
	snprintf(s.bridges[1].ifname, IFNAMSIZ, "mstkother");
	s.net = net_resume(w->loop, &s.spec, root, w->ledger, world_event, w, &err);
	assert_null(s.net);
	assert_string_equal(err.text, "network: bridge 'mstkother' was not carried over");
	carry_close_rest(root);
	carry_free(root);
	for (size_t i = 0; i < 3; i++)
		world_ns_free(&s.ns[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_traffic, world_reset),
		cmocka_unit_test_setup(test_events, world_reset),
		cmocka_unit_test_setup(test_other_order, world_reset),
	};

	return cmocka_run_group_tests_name("netresume", tests, world_setup, world_teardown);
}
