/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr: masks, overlaps, and the kernel's view of an address that was set.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/addr.h"
#include "world.h"

static void test_mask(void **state)
{
	(void)state;
	assert_int_equal(addr_mask(0).s_addr, 0);
	assert_int_equal(ntohl(addr_mask(1).s_addr), 0x80000000);
	assert_int_equal(ntohl(addr_mask(24).s_addr), 0xffffff00);
	assert_int_equal(ntohl(addr_mask(32).s_addr), 0xffffffff);
}

static void test_overlap(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned a_prefix, b_prefix;
		bool want;
	} rows[] = {
		{ "10.0.0.0", "10.0.0.0", 24, 24, true },
		{ "10.0.0.0", "10.0.1.0", 24, 24, false },
		{ "10.0.0.0", "10.0.1.0", 16, 24, true },
		{ "10.0.1.7", "10.0.0.0", 32, 23, true },
		{ "10.0.2.7", "10.0.0.0", 32, 23, false },
		{ "0.0.0.0", "10.0.0.0", 0, 24, true },
		{ "192.168.1.1", "192.168.1.2", 32, 32, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct in_addr a = world_ip(rows[i].a), b = world_ip(rows[i].b);

		assert_int_equal(addr_overlap(a, rows[i].a_prefix, b, rows[i].b_prefix),
				 rows[i].want);
		assert_int_equal(addr_overlap(b, rows[i].b_prefix, a, rows[i].a_prefix),
				 rows[i].want);
	}
}

static void test_bytes(void **state)
{
	/* clang-format off */
	static const uint8_t want[] = {
		48, 0, 0, 0, 20, 0, 0x01, 0x06, 1, 0, 0, 0, 0, 0, 0, 0,		/* RTM_NEWADDR */
		2, 24, 0, 0, 6, 0, 0, 0,					/* AF_INET/24 of link 6 */
		8, 0, 2, 0, 10, 1, 2, 3, 8, 0, 1, 0, 10, 1, 2, 3,		/* IFA_LOCAL, IFA_ADDRESS */
		8, 0, 4, 0, 10, 1, 2, 255,					/* IFA_BROADCAST */
	};
	/* clang-format on */
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	b.first = 1;
	addr_put(&b, 6, world_ip("10.1.2.3"), 24);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
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
	assert_int_equal(n, 2); /* lo and up0 */
	for (size_t i = 0; i < n; i++)
		found += addrs[i].addr.s_addr == world_ip("192.0.2.1").s_addr &&
			 addrs[i].prefix == 24;
	assert_int_equal(found, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests_name("addr", tests, world_setup, world_teardown);
}
