/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netprobe: on a machine that can run the other tests of this room, every feature is
 * there; and nothing is left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/link.h"
#include "world.h"

static void test_all_there(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	_cleanup_free_ struct link_info *links = NULL;
	struct net_probe probes[16];
	size_t n = net_probe(probes, ARRAY_LEN(probes)), n_links;
	struct err err;

	(void)state;
	assert_int_equal(n, 10);
	for (size_t i = 0; i < n; i++) {
		/* What only few stacks ask for. */
		if (!strcmp(probes[i].what, "x-impair: netem") && !probes[i].ok) {
			assert_string_not_equal(probes[i].why, "");
			continue;
		}
		if (!probes[i].ok)
			print_message("%s: %s\n", probes[i].what, probes[i].why);
		assert_true(probes[i].ok);
		assert_string_equal(probes[i].why, "");
		assert_non_null(probes[i].cure);
	}
	assert_int_equal(link_list(fd, &links, &n_links, &err), 0);
	assert_int_equal(n_links, 2);
}

static void test_room_for_fewer(void **state)
{
	struct net_probe probes[2];

	(void)state;
	assert_int_equal(net_probe(probes, 2), 2);
	assert_string_equal(probes[0].what, "network namespaces");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_there),
		cmocka_unit_test(test_room_for_fewer),
	};

	return cmocka_run_group_tests_name("netprobe", tests, world_setup, world_teardown);
}
