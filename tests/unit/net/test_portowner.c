/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portowner: this very program is found by the port it listens on, by IPv4 and IPv6;
 * nobody else is.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/portowner.h"
#include "world.h"

static void expect_me(uint8_t protocol, uint16_t port)
{
	char who[96], want[96];

	snprintf(want, sizeof(want), "'test_portowner' (pid %d)", getpid());
	assert_int_equal(port_owner(protocol, port, who, sizeof(who)), 0);
	assert_string_equal(who, want);
}

static void test_found(void **state)
{
	_cleanup_fd_ int tcp = world_server(-1, SOCK_STREAM, 4711),
			 udp = world_server(-1, SOCK_DGRAM, 4712);
	char who[96];

	(void)state;
	expect_me(IPPROTO_TCP, 4711);
	expect_me(IPPROTO_UDP, 4712);
	assert_int_equal(port_owner(IPPROTO_UDP, 4711, who, sizeof(who)), -1);
	assert_int_equal(port_owner(IPPROTO_TCP, 4713, who, sizeof(who)), -1);
}

static void test_ipv6(void **state)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(4714) };
	_cleanup_fd_ int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a))) {
		print_message("skipped: no IPv6 here\n");
		skip();
	}
	assert_int_equal(listen(fd, 1), 0);
	expect_me(IPPROTO_TCP, 4714);
}

/* A connected socket is not one that holds the port. */
static void test_not_listening(void **state)
{
	_cleanup_fd_ int server = world_server(-1, SOCK_STREAM, 4715), client = -1;
	struct sockaddr_in local;
	socklen_t len = sizeof(local);
	char who[96];

	(void)state;
	assert_int_equal(world_connect(-1, "127.0.0.1", 4715, &client), 0);
	assert_int_equal(getsockname(client, (struct sockaddr *)&local, &len), 0);
	assert_int_equal(port_owner(IPPROTO_TCP, ntohs(local.sin_port), who, sizeof(who)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_not_listening),
	};

	return cmocka_run_group_tests_name("portowner", tests, world_setup, world_teardown);
}
