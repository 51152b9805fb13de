/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hold: published ports are reserved, conflicts are told with both sides, what arrives is
 * reset.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/net.h"
#include "world.h"

static struct net_publish_spec tcp(uint16_t port, const char *owner)
{
	return (struct net_publish_spec){
		.protocol = IPPROTO_TCP, .host_port = port, .port = 80, .owner = owner, .line = 7
	};
}

static struct net_publish_spec udp(uint16_t port, const char *owner)
{
	struct net_publish_spec p = tcp(port, owner);

	p.protocol = IPPROTO_UDP;
	return p;
}

static int bind_port(int type, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	_cleanup_fd_ int fd = world_socket(-1, type);

	return bind(fd, (struct sockaddr *)&a, sizeof(a)) || (type == SOCK_STREAM && listen(fd, 1))
		       ? -errno
		       : 0;
}

static void test_reserves(void **state)
{
	struct net_publish_spec pubs[] = { tcp(8080, "web-1"), udp(5353, "dns-1"),
					   tcp(0, "any-1") };
	struct world_stack s;
	struct err err = { 0 };

	world_stack_open(*state, &s, "demo", 77);
	assert_int_equal(net_reserve(s.net, pubs, 3, &err), 0);
	assert_int_equal(bind_port(SOCK_STREAM, 8080), -EADDRINUSE);
	assert_int_equal(bind_port(SOCK_DGRAM, 5353), -EADDRINUSE);
	assert_int_not_equal(pubs[2].host_port, 0);
	assert_int_equal(bind_port(SOCK_STREAM, pubs[2].host_port), -EADDRINUSE);
	world_stack_close(*state, &s);
	assert_int_equal(bind_port(SOCK_STREAM, 8080), 0);
	assert_int_equal(bind_port(SOCK_DGRAM, 5353), 0);
}

/* The kernel takes the connection before we see it; then it is reset. */
/* However long their names are: what one replica gives back stays the other's. */
static void test_long_names(void **state)
{
	static const char
		one[] = "service-whose-name-is-as-long-as-the-label-of-a-host-may-be-xx-1",
		two[] = "service-whose-name-is-as-long-as-the-label-of-a-host-may-be-xx-2";
	struct net_publish_spec pubs[] = { tcp(8080, one), tcp(8081, two) };
	struct world_stack s;
	struct err err = { 0 };

	world_stack_open(*state, &s, "demo", 77);
	assert_int_equal(net_reserve(s.net, pubs, 2, &err), 0);
	net_release(s.net, two);
	assert_int_equal(bind_port(SOCK_STREAM, 8081), 0);
	assert_int_equal(bind_port(SOCK_STREAM, 8080), -EADDRINUSE);
	world_stack_close(*state, &s);
}

static void test_resets(void **state)
{
	struct world *w = *state;
	struct net_publish_spec pub = tcp(8080, "web-1");
	struct world_stack s;
	struct err err = { 0 };
	_cleanup_fd_ int fd = -1;
	char c;

	world_stack_open(w, &s, "demo", 77);
	assert_int_equal(net_reserve(s.net, &pub, 1, &err), 0);
	assert_int_equal(world_connect(-1, "127.0.0.1", 8080, &fd), 0);
	for (int i = 0; i < 200 && recv(fd, &c, 1, 0) < 0 && errno == EAGAIN; i++)
		world_run(w, 1, 50);
	assert_int_equal(errno, ECONNRESET);
	world_stack_close(w, &s);
}

static void test_conflicts(void **state)
{
	struct net_publish_spec pub = tcp(8080, "web-1"),
				twice[] = { tcp(8081, "web-1"), tcp(8081, "db-1") };
	struct net_publish_spec far = tcp(8082, "web-1"), dns = udp(5353, "dns-1");
	int taken = world_server(-1, SOCK_STREAM, 8080), bound = world_server(-1, SOCK_DGRAM, 5353);
	char want[128];
	struct world_stack s;
	struct err err = { 0 };

	world_stack_open(*state, &s, "demo", 77);
	assert_int_equal(net_reserve(s.net, &pub, 1, &err), -1);
	snprintf(want, sizeof(want), "already in use on this host by 'test_hold' (pid %d)",
		 getpid());
	assert_int_equal(strncmp(err.text, "port 8080/tcp (web-1): already", 30), 0);
	assert_non_null(strstr(err.text, want));
	assert_int_equal(err.sys, EADDRINUSE);
	assert_int_equal(err.line, 7);
	assert_int_equal(net_reserve(s.net, &dns, 1, &err), -1);
	assert_int_equal(
		strncmp(err.text, "port 5353/udp (dns-1): already in use on this host by", 53), 0);
	assert_int_equal(net_reserve(s.net, twice, 2, &err), -1);
	assert_string_equal(
		err.text,
		"port 8081/tcp (db-1): also published by web-1: give one of them another port");
	far.host_ip = world_ip("203.0.113.9");
	assert_int_equal(net_reserve(s.net, &far, 1, &err), -1);
	assert_non_null(strstr(err.text, "this host has no address 203.0.113.9"));
	close(taken);
	close(bound);
	world_stack_close(*state, &s);
}

/* A long range is tried but takes no descriptors. */
static void test_range(void **state)
{
	struct net_publish_spec pubs[65];
	struct world_stack s;
	struct err err = { 0 };
	int taken;

	world_stack_open(*state, &s, "demo", 77);
	for (uint16_t i = 0; i < 65; i++)
		pubs[i] = tcp(20000 + i, "ftp-1");
	assert_int_equal(net_reserve(s.net, pubs, 65, &err), 0);
	assert_int_equal(bind_port(SOCK_STREAM, 20010), 0);
	assert_int_equal(net_reserve(s.net, pubs, 64, &err), 0);
	assert_int_equal(bind_port(SOCK_STREAM, 20010), -EADDRINUSE);
	world_stack_close(*state, &s);

	taken = world_server(-1, SOCK_STREAM, 20064);
	world_stack_open(*state, &s, "demo", 77);
	assert_int_equal(net_reserve(s.net, pubs, 65, &err), -1);
	assert_int_equal(strncmp(err.text, "port 20064/tcp (ftp-1)", 22), 0);
	close(taken);
	world_stack_close(*state, &s);
}

static struct net_publish_spec tcp6(uint16_t port, const char *owner)
{
	struct net_publish_spec p = tcp(port, owner);

	p.host_ip.family = p.addr.family = AF_INET6;
	return p;
}

static int listen6(uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1)) {
		int sys = errno;

		close(fd);
		return -sys;
	}
	return fd;
}

/* One number for both; of IPv6 nobody listens, so that `localhost` goes on to 127.0.0.1, but nobody else can either. */
static void test_both_families(void **state)
{
	struct net_publish_spec pubs[] = { tcp(0, "web-1"), tcp6(0, "web-1"), tcp(8080, "web-1"),
					   tcp6(8080, "web-1") };
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	_cleanup_fd_ int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_fd_ int after = -1;
	struct net_publish_spec other = tcp6(8080, "b-1");
	struct world_stack s, t;
	struct err err = { 0 };

	pubs[1].twin = pubs[3].twin = true;
	world_stack_open(*state, &s, "demo", 77);
	if (net_reserve(s.net, pubs, 4, &err))
		fail_msg("%s", err.text);
	assert_true(pubs[0].host_port && pubs[0].host_port == pubs[1].host_port);
	a.sin6_port = htons(8080);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(listen6(8080), -EADDRINUSE);
	world_stack_open(*state, &t, "other", 99);
	assert_int_equal(net_reserve(t.net, &other, 1, &err), -1);
	assert_int_equal(err.sys, EADDRINUSE);
	world_stack_close(*state, &t);
	world_stack_close(*state, &s);
	after = listen6(8080);
	assert_true(after >= 0);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 a = { 0 };
	socklen_t len = sizeof(a);

	return getsockname(fd, (struct sockaddr *)&a, &len) ? 0 : ntohs(a.sin6_port);
}

/* A port that the kernel has chosen is the same one when somebody hands on what comes. */
static void test_chosen(void **state)
{
	const struct net_publish_spec pubs[] = { tcp(0, "web-1"), tcp6(0, "web-1") };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		_cleanup_fd_ int fd = hold_bind(&pubs[i], true);
		uint16_t port = port_of(fd);

		assert_int_not_equal(port, 0);
		assert_int_equal(listen(fd, 1), 0);
		assert_int_equal(port_of(fd), port);
	}
}

/* Ranges of both families stand in turns. */
static void test_held(void **state)
{
	struct net_publish_spec pubs[132];

	(void)state;
	for (uint16_t i = 0; i < 66; i++) {
		pubs[2 * i] = tcp(20000 + i, "ftp-1");
		pubs[2 * i + 1] = tcp6(20000 + i, "ftp-1");
	}
	assert_int_equal(net_held(pubs, 132), 0);
	assert_int_equal(net_held(pubs, 128), 128);
	assert_int_equal(net_held(pubs, 129), 64);
	assert_int_equal(net_held(pubs, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_reserves, world_reset),
		cmocka_unit_test_teardown(test_long_names, world_reset),
		cmocka_unit_test_teardown(test_resets, world_reset),
		cmocka_unit_test_teardown(test_conflicts, world_reset),
		cmocka_unit_test_teardown(test_range, world_reset),
		cmocka_unit_test_teardown(test_both_families, world_reset),
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_held),
	};

	return cmocka_run_group_tests_name("hold", tests, world_setup, world_teardown);
}
