/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vlan: the bytes of the messages about VLANs; what a kernel makes of them is seen in the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "net/vlan.h"

/* All messages of a batch about link 7: their type, and number and flags of each entry. */
static void read_back(const struct nl_batch *b, struct buf *ret)
{
	const struct nlmsghdr *m = (const void *)b->data;
	int left = (int)b->len;

	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		const struct ifinfomsg *head = mnl_nlmsg_get_payload(m);
		const struct nlattr *spec, *a;

		assert_int_equal(head->ifi_family, AF_BRIDGE);
		assert_int_equal(head->ifi_index, 7);
		buf_puts(ret, m->nlmsg_type == RTM_SETLINK ? "set" : "delete");
		mnl_attr_for_each(spec, m, sizeof(*head))
		{
			assert_int_equal(mnl_attr_get_type(spec), IFLA_AF_SPEC);
			mnl_attr_for_each_nested(a, spec)
			{
				const struct bridge_vlan_info *info = mnl_attr_get_payload(a);

				assert_int_equal(mnl_attr_get_type(a), IFLA_BRIDGE_VLAN_INFO);
				buf_printf(ret, " %u/%u", info->vid, info->flags);
			}
		}
		buf_putc(ret, '\n');
	}
}

/* 2 PVID, 4 UNTAGGED, 8 RANGE_BEGIN, 16 RANGE_END. */
static void test_ports(void **state)
{
	static const struct net_vids trunk[] = { { 20, 20 }, { 30, 32 } };
	static const struct {
		struct net_port_spec port;
		const char *want;
	} cases[] = {
		{ { 0 }, "" },
		{ { .pvid = 1 }, "set 1/6\n" },
		{ { .pvid = 10 }, "delete 1/0\nset 10/6\n" },
		{ { .trunk = trunk, .n_trunk = 2 }, "set 20/0 30/8 32/16 1/6\n" },
		{ { .pvid = 10, .trunk = trunk, .n_trunk = 1 }, "delete 1/0\nset 20/0 10/6\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text = { 0 };
		struct nl_batch b;

		nl_batch_init(&b);
		vlan_put_port(&b, 7, &cases[i].port);
		if (b.len)
			read_back(&b, &text);
		assert_string_equal(buf_str(&text), cases[i].want);
		buf_fini(&text);
		nl_batch_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ports) };

	return cmocka_run_group_tests_name("vlan", tests, NULL, NULL);
}
