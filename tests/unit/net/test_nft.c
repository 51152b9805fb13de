/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft: transactions are all or nothing, elements are split where an attribute ends, tables
 * are found by name and comment.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/nft.h"
#include "world.h"

static struct nft_elem port_elem(uint16_t port)
{
	struct nft_elem e = { .key = { IPPROTO_TCP, 0, 0, 0, port >> 8, port & 255 },
			      .key_len = 8,
			      .data = { 10, 0, 0, 2, 0, 80 },
			      .data_len = 8 };

	return e;
}

struct counter {
	size_t n;
};

static void take_elems(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	struct counter *c = arg;
	const struct nlattr *a, *e;

	(void)tag;
	mnl_attr_for_each(a, m, 4) if (mnl_attr_get_type(a) == NFTA_SET_ELEM_LIST_ELEMENTS)
		mnl_attr_for_each_nested(e, a) c->n++;
}

static size_t count_elems(int fd, const char *table, const char *set)
{
	struct counter c = { 0 };
	struct nl_sink sink = { .message = take_elems, .arg = &c };
	struct nl_batch b;
	struct err err = { 0 };

	nl_batch_init(&b);
	nft_message(&b, "list", NFT_MSG_GETSETELEM, NLM_F_DUMP);
	nl_put_str(&b, NFTA_SET_ELEM_LIST_TABLE, table);
	nl_put_str(&b, NFTA_SET_ELEM_LIST_SET, set);
	if (nl_transact(fd, &b, &sink, &err))
		fail_msg("%s", err.text);
	nl_batch_fini(&b);
	return c.n;
}

static int make(int fd, const char *table, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b;

	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_table(&b, table, "mstack:demo");
	ruleset_put(&b, table);
	nft_end(&b);
	return nl_transact(fd, &b, NULL, err);
}

static void test_owner(void **state)
{
	int fd = nl_socket(NETLINK_NETFILTER, NULL);
	_cleanup_fd_ int other = nl_socket(NETLINK_NETFILTER, NULL);
	char comment[64];
	struct nl_batch b;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(nft_find(fd, "mstk_a", comment, sizeof(comment), &err), 1);
	assert_int_equal(make(fd, "mstk_a", &err), 0);
	assert_int_equal(nft_find(other, "mstk_a", comment, sizeof(comment), &err), 0);
	assert_string_equal(comment, "mstack:demo");
	/* nobody else may change it, and a second one of the name is refused */
	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_delete(&b, "mstk_a");
	nft_end(&b);
	assert_int_equal(nl_transact(other, &b, NULL, &err), -1);
	assert_int_equal(err.sys, EPERM);
	nl_batch_fini(&b);
	assert_int_equal(make(other, "mstk_a", &err), -1);
	/* it goes with its socket */
	close(fd);
	assert_int_equal(nft_find(other, "mstk_a", comment, sizeof(comment), &err), 1);
}

static void test_many_elements(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, NULL);
	struct nft_elem *elems = xcalloc(4096, sizeof(*elems));
	struct nl_batch b;
	struct err err = { 0 };

	(void)state;
	for (uint16_t i = 0; i < 4096; i++)
		elems[i] = port_elem(10000 + i);
	assert_int_equal(make(fd, "mstk_b", &err), 0);
	for (int add = 1; add >= 0; add--) {
		nl_batch_init(&b);
		nft_begin(&b);
		nft_put_elems(&b, "mstk_b", "pub4", elems, 4096, add);
		nft_end(&b);
		assert_true(b.labels.n > 3); /* more than one message of elements */
		if (nl_transact(fd, &b, NULL, &err))
			fail_msg("%s", err.text);
		nl_batch_fini(&b);
		assert_int_equal(count_elems(fd, "mstk_b", "pub4"), add ? 4096 : 0);
	}
	free(elems);
}

static void test_all_or_nothing(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, NULL);
	struct nft_elem e = port_elem(1);
	char comment[64];
	struct nl_batch b;
	struct err err = { 0 };

	(void)state;
	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_table(&b, "mstk_c", "mstack:demo");
	nft_put_elems(&b, "mstk_c", "absent", &e, 1, true);
	nft_end(&b);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(strncmp(err.text, "add elements", 12), 0);
	nl_batch_fini(&b);
	assert_int_equal(nft_find(fd, "mstk_c", comment, sizeof(comment), &err), 1);
}

/*
 * What nft prints of our table it reads again: run nft here to see; mstack itself never
 * does.
 */
static void test_listing_loads_again(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, NULL);
	struct err err = { 0 };
	struct nft_elem port = port_elem(8080), name = { .key = "br0", .key_len = 16 };
	struct nft_elem pair = { .key = "br0", .key_len = 32, .accept = true };
	struct nft_elem first = { .key = { 10, 77 }, .key_len = 4 };
	struct nft_elem behind = { .key = { 10, 77, 1 }, .key_len = 4, .end = true };
	struct nft_elem net[] = { first, behind };
	struct nl_batch b;

	(void)state;
	if (system("nft --version >/dev/null 2>&1")) {
		print_message("skipped: no nft on this machine\n");
		skip();
	}
	memcpy(pair.key + 16, "br0", 3);
	assert_int_equal(make(fd, "mstk_d", &err), 0);
	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_elems(&b, "mstk_d", "pub4", &port, 1, true);
	nft_put_elems(&b, "mstk_d", "brs", &name, 1, true);
	nft_put_elems(&b, "mstk_d", "pairs", &pair, 1, true);
	nft_put_elems(&b, "mstk_d", "sub4", net, 2, true);
	nft_end(&b);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_int_equal(system("nft list ruleset | unshare -n nft -f -"), 0);
	assert_int_equal(system("nft list ruleset | grep -q 'tcp . 8080 : 10.0.0.2 . 80'"), 0);
	assert_int_equal(system("nft list ruleset | grep -q '\"br0\" . \"br0\" : accept'"), 0);
	assert_int_equal(system("nft list ruleset | grep -q 'elements = { 10.77.0.0/24 }'"), 0);
	assert_int_equal(
		system("nft list ruleset | grep -q 'meta nfproto ipv4 dnat ip to meta l4proto . th dport map @pub4'"),
		0);
	assert_int_equal(
		system("nft list ruleset | grep -q 'iifname @uplinks oifname != \"mstk\\*\" counter'"),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_many_elements),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_listing_loads_again),
	};

	return cmocka_run_group_tests_name("nft", tests, world_setup, world_teardown);
}
