/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish: a port is reached from the outside, by all addresses of the host and by the
 * stack itself, until it is withdrawn; one that is published to 127.0.0.1 by the host
 * alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/route.h"
#include "world.h"

static void up(struct world *w, struct world_stack *s)
{
	struct err err = { 0 };

	world_stack_open(w, s, "demo", 77);
	if (net_up(s->net, &err))
		fail_msg("net_up: %s", err.text);
	world_stack_attach(w, s);
}

static struct net_publish_spec pub(uint16_t host_port, const char *host_ip, const char *addr)
{
	return (struct net_publish_spec){ .protocol = IPPROTO_TCP,
					  .host_port = host_port,
					  .port = 80,
					  .host_ip = world_ip(host_ip),
					  .addr = world_ip(addr),
					  .owner = "web-1",
					  .line = 3 };
}

static void publish(struct world_stack *s, const struct net_publish_spec *p, bool add)
{
	struct err err = { 0 };

	if (net_publish(s->net, p, 1, add, &err))
		fail_msg("net_publish: %s", err.text);
}

static void test_everywhere(void **state)
{
	struct net_publish_spec p = pub(8080, "0.0.0.0", "10.77.0.2");
	struct world *w = *state;
	struct world_stack s;
	_cleanup_fd_ int web = -1;
	struct err err = { 0 };

	up(w, &s);
	web = world_server(s.ns[0].netns, SOCK_STREAM, 80);
	assert_int_equal(net_reserve(s.net, &p, 1, &err), 0);
	publish(&s, &p, true);
	assert_int_equal(world_connect(w->outside.netns, "192.0.2.1", 8080, NULL), 0);
	assert_int_equal(world_connect(-1, "192.0.2.1", 8080, NULL), 0);
	assert_int_equal(world_connect(-1, "127.0.0.1", 8080, NULL), 0);
	assert_int_equal(world_connect(-1, "10.77.0.1", 8080, NULL), 0);
	/* from another slot, and from the very slot that it leads to */
	assert_int_equal(world_connect(s.ns[1].netns, "192.0.2.1", 8080, NULL), 0);
	assert_int_equal(world_connect(s.ns[1].netns, "10.77.0.1", 8080, NULL), 0);
	/* an internal network has no way to it */
	assert_int_equal(world_no_connect(s.ns[2].netns, "192.0.2.1", 8080), -1);

	/*
	 * Withdrawn: our own socket answers again, which the loop would reset; nothing
	 * gets to the slot.
	 */
	close(take_fd(&web));
	publish(&s, &p, false);
	assert_int_equal(world_connect(w->outside.netns, "192.0.2.1", 8080, NULL), 0);
	world_stack_close(w, &s);
}

static int serve_source(int server, struct sockaddr_in *ret)
{
	socklen_t len = sizeof(*ret);

	world_readable(server);

	_cleanup_fd_ int fd = accept(server, (struct sockaddr *)ret, &len);

	return fd < 0 ? -1 : 0;
}

/*
 * Who comes from the outside keeps its address; the host itself through 127.0.0.1 cannot.
 */
static void test_source_address(void **state)
{
	struct net_publish_spec p = pub(8080, "0.0.0.0", "10.77.0.2");
	struct world *w = *state;
	struct sockaddr_in from;
	struct world_stack s;
	_cleanup_fd_ int web = -1;

	up(w, &s);
	web = world_server(s.ns[0].netns, SOCK_STREAM, 80);
	publish(&s, &p, true);
	assert_int_equal(world_connect(w->outside.netns, "192.0.2.1", 8080, NULL), 0);
	assert_int_equal(serve_source(web, &from), 0);
	assert_int_equal(from.sin_addr.s_addr, inet_addr("192.0.2.2"));
	assert_int_equal(world_connect(-1, "127.0.0.1", 8080, NULL), 0);
	assert_int_equal(serve_source(web, &from), 0);
	assert_int_equal(from.sin_addr.s_addr, inet_addr("10.77.0.1"));
	world_stack_close(w, &s);
}

static void route_outside(struct world *w, const char *gateway)
{
	struct ip to = world_ip(gateway);
	struct link_info l;
	struct nl_batch b;
	struct err err = { 0 };

	assert_int_equal(link_find(w->outside.rtnl, "out0", &l, &err), 0);
	nl_batch_init(&b);
	route_put_default(&b, l.index, &to);
	assert_int_equal(nl_transact(w->outside.rtnl, &b, NULL, &err), 0);
	nl_batch_fini(&b);
}

static void test_one_address(void **state)
{
	struct net_publish_spec own = pub(8082, "127.0.0.1", "10.77.0.2"),
				up0 = pub(8083, "192.0.2.1", "10.77.0.2");
	struct world *w = *state;
	struct world_stack s;
	_cleanup_fd_ int web = -1;

	up(w, &s);
	web = world_server(s.ns[0].netns, SOCK_STREAM, 80);
	publish(&s, &own, true);
	publish(&s, &up0, true);
	assert_int_equal(world_connect(-1, "127.0.0.1", 8082, NULL), 0);
	assert_int_equal(world_no_connect(w->outside.netns, "192.0.2.1", 8082), -1);
	assert_int_equal(world_connect(w->outside.netns, "192.0.2.1", 8083, NULL), 0);
	assert_int_equal(world_no_connect(-1, "127.0.0.1", 8083), -1);
	/*
	 * A neighbour that routes a container's address to us gets nowhere: only what is
	 * published.
	 */
	route_outside(w, "192.0.2.1");
	assert_int_equal(world_no_connect(w->outside.netns, "10.77.0.2", 80), -1);
	world_stack_close(w, &s);
}

static void test_udp(void **state)
{
	struct net_publish_spec p = pub(5353, "0.0.0.0", "10.77.0.2");
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(5353),
				  .sin_addr.s_addr = inet_addr("192.0.2.1") };
	struct world *w = *state;
	_cleanup_fd_ int server = -1, client = -1;
	struct world_stack s;
	char data[8] = { 0 };

	up(w, &s);
	p.protocol = IPPROTO_UDP;
	p.port = 53;
	publish(&s, &p, true);
	server = world_server(s.ns[0].netns, SOCK_DGRAM, 53);
	client = world_socket(w->outside.netns, SOCK_DGRAM);
	assert_int_equal(sendto(client, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
	world_readable(server);
	assert_int_equal(recv(server, data, sizeof(data), 0), 5);
	assert_string_equal(data, "hello");
	world_stack_close(w, &s);
}

static void test_refused(void **state)
{
	struct net_publish_spec p = pub(8080, "0.0.0.0", "10.88.0.4"), twice[2];
	struct world *w = *state;
	struct world_stack s;
	struct err err = { 0 };

	up(w, &s);
	assert_int_equal(net_publish(s.net, &p, 1, true, &err), -1);
	assert_non_null(strstr(err.text, "internal"));
	assert_int_equal(err.line, 3);
	assert_int_equal(net_publish(s.net, NULL, 0, true, &err), 0);
	/* one transaction: of a good and an impossible one neither is there */
	twice[0] = pub(8080, "0.0.0.0", "10.77.0.2");
	twice[1] = pub(8080, "0.0.0.0", "10.77.0.3");
	assert_int_equal(net_publish(s.net, twice, 2, true, &err), -1);
	publish(&s, &twice[1], true);
	publish(&s, &twice[1], false);
	assert_int_equal(net_publish(s.net, twice, 1, false, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	world_stack_close(w, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_everywhere, world_reset),
		cmocka_unit_test_teardown(test_source_address, world_reset),
		cmocka_unit_test_teardown(test_one_address, world_reset),
		cmocka_unit_test_teardown(test_udp, world_reset),
		cmocka_unit_test_teardown(test_refused, world_reset),
	};

	return cmocka_run_group_tests_name("publish", tests, world_setup, world_teardown);
}
