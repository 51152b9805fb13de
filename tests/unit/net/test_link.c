/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link: names and groups, the bytes of the one message that makes a link, and reading back
 * what the kernel made of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/link.h"
#include "world.h"

static void test_mac(void **state)
{
	static const uint8_t want[6] = { 0x02, 0xe6, 0xc3, 0x3d, 0x19, 0x4b };
	uint8_t mac[6], other[6];

	(void)state;
	link_mac("up0", mac);
	assert_memory_equal(mac, want, sizeof(mac));
	link_mac("up1", other);
	assert_memory_not_equal(mac, other, sizeof(mac));
}

static void test_groups(void **state)
{
	static const uint32_t ids[] = { 0, 1, 0x20000000, 0x40000000, 0x80000000, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		assert_int_not_equal(link_group(ids[i]), 0);
	}
}

static void test_ours(void **state)
{
	struct link_info l = { .name = "mvabc" };

	(void)state;
	assert_false(link_is_ours(&l));
	link_mac(l.name, l.mac);
	assert_true(link_is_ours(&l)); /* made, but the alias was not set any more */
	strcpy(l.alias, "somebody's");
	assert_false(link_is_ours(&l));
	strcpy(l.alias, "mstack:demo:web-1");
	memset(l.mac, 0, sizeof(l.mac));
	assert_true(link_is_ours(&l));
}

static void test_veth_bytes(void **state)
{
	/* clang-format off */
	static const uint8_t want[] = {
		188, 0, 0, 0, 16, 0, 0x01, 0x06, 1, 0, 0, 0, 0, 0, 0, 0,	/* RTM_NEWLINK, request|create|excl */
		0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0,			/* ifinfomsg: up */
		8, 0, 3, 0, 'u', 'p', '0', 0,					/* IFLA_IFNAME */
		8, 0, 27, 0, 4, 0, 0, 0,					/* IFLA_GROUP */
		10, 0, 1, 0, 0x02, 0xe6, 0xc3, 0x3d, 0x19, 0x4b, 0, 0,		/* IFLA_ADDRESS */
		8, 0, 4, 0, 0xdc, 5, 0, 0,					/* IFLA_MTU */
		8, 0, 10, 0, 3, 0, 0, 0,					/* IFLA_MASTER */
		8, 0, 31, 0, 1, 0, 0, 0,					/* IFLA_NUM_TX_QUEUES */
		8, 0, 32, 0, 1, 0, 0, 0,					/* IFLA_NUM_RX_QUEUES */
		96, 0, 18, 0x80,						/* IFLA_LINKINFO */
		9, 0, 1, 0, 'v', 'e', 't', 'h', 0, 0, 0, 0,			/*   IFLA_INFO_KIND */
		80, 0, 2, 0x80,							/*   IFLA_INFO_DATA */
		76, 0, 1, 0x80,							/*     VETH_INFO_PEER */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,			/*       ifinfomsg: not up */
		9, 0, 3, 0, 'e', 't', 'h', '0', 0, 0, 0, 0,
		10, 0, 1, 0, 2, 0, 0, 0, 0, 9, 0, 0,
		8, 0, 4, 0, 0xdc, 5, 0, 0,
		8, 0, 31, 0, 1, 0, 0, 0,
		8, 0, 32, 0, 1, 0, 0, 0,
		8, 0, 28, 0, 5, 0, 0, 0,					/*       IFLA_NET_NS_FD */
	};
	/* clang-format on */
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	struct link_veth veth = {
		.host_ifname = "up0",
		.ifname = "eth0",
		.mac = mac,
		.master = 3,
		.netns_fd = 5,
		.group = 4,
		.mtu = 1500,
		.host_mtu = 1500,
		.up = true,
	};
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	b.first = 1;
	link_put_veth(&b, &veth);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
	nl_batch_fini(&b);
}

static void test_bridge_read_back(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	_cleanup_free_ struct link_info *links = NULL;
	struct link_info l = { 0 };
	struct nl_batch b;
	struct err err = { 0 };
	size_t n;

	(void)state;
	assert_int_equal(link_find(fd, "mstkaa", &l, &err), 1);
	nl_batch_init(&b);
	link_put_bridge(&b, "mstkaa", 77, 1300);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_int_equal(link_find(fd, "mstkaa", &l, &err), 0);
	assert_string_equal(l.kind, "bridge");
	assert_int_equal(l.group, 77);
	assert_int_equal(l.mtu, 1300);
	assert_true(link_is_ours(&l));

	nl_batch_init(&b);
	link_put_quiet(&b, l.index);
	link_put_altname(&b, l.index, "demo_front");
	link_put_bridge_up(&b, l.index, false, "mstack:demo:front");
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_int_equal(world_forwarding("mstkaa"), 1);
	assert_int_equal(link_find(fd, "demo_front", &l, &err), 0);
	assert_string_equal(l.name, "mstkaa");
	assert_string_equal(l.alias, "mstack:demo:front");

	assert_int_equal(link_list(fd, &links, &n, &err), 0);
	assert_int_equal(n, 3); /* lo, up0, mstkaa */
	nl_batch_init(&b);
	link_put_delete_group(&b, 77);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_int_equal(link_find(fd, "mstkaa", &l, &err), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_veth_bytes),
		cmocka_unit_test(test_bridge_read_back),
	};

	return cmocka_run_group_tests_name("link", tests, world_setup, world_teardown);
}
