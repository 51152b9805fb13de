/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr: messages, and the kernel's view of an address that was set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/addr.h"
#include "world.h"

static void test_bytes(void **state)
{
	/* clang-format off */
	static const uint8_t want[] = {
		48, 0, 0, 0, 20, 0, 0x01, 0x06, 1, 0, 0, 0, 0, 0, 0, 0,		/* RTM_NEWADDR */
		2, 24, 0, 0, 6, 0, 0, 0,					/* AF_INET/24 of link 6 */
		8, 0, 2, 0, 10, 1, 2, 3, 8, 0, 1, 0, 10, 1, 2, 3,		/* IFA_LOCAL, IFA_ADDRESS */
		8, 0, 4, 0, 10, 1, 2, 255,					/* IFA_BROADCAST */
	};
	static const uint8_t want6[] = {
		64, 0, 0, 0, 20, 0, 0x01, 0x06, 1, 0, 0, 0, 0, 0, 0, 0,
		10, 64, 2, 0, 6, 0, 0, 0,					/* AF_INET6/64, IFA_F_NODAD */
		20, 0, 2, 0, 0xfd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
		20, 0, 1, 0, 0xfd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
	};
	/* clang-format on */
	struct ip_net four = world_net("10.1.2.3", 24), six = world_net("fd01::7", 64);
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	b.first = 1;
	addr_put(&b, 6, &four);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
	nl_batch_fini(&b);
	nl_batch_init(&b);
	b.first = 1;
	addr_put(&b, 6, &six);
	assert_int_equal(b.len, sizeof(want6));
	assert_memory_equal(b.data, want6, sizeof(want6));
	nl_batch_fini(&b);
}

static void test_list(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	_cleanup_free_ struct addr_info *addrs = NULL;
	struct err err = { 0 };
	size_t n, found = 0;

	(void)state;
	assert_int_equal(addr_list(fd, &addrs, &n, &err), 0);
	for (size_t i = 0; i < n; i++)
		found += !strcmp(ip_net_text(&addrs[i].net).text, "192.0.2.1/24") ||
			 !strcmp(ip_net_text(&addrs[i].net).text, "::1/128");
	assert_int_equal(found, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests_name("addr", tests, world_setup, world_teardown);
}
