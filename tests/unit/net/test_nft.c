/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft: transactions are all or nothing, elements are split where an attribute ends, tables
 * are found by name and comment; the whole of a stack's table is as in table.nft.
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

static struct net_publish_spec publication(uint16_t port, uint16_t target, const char *host_ip,
					   const char *addr)
{
	return (struct net_publish_spec){ .protocol = IPPROTO_TCP,
					  .host_ip = world_ip(host_ip),
					  .host_port = port,
					  .addr = world_ip(addr),
					  .port = target,
					  .owner = "web-1" };
}

/* One of each kind in each family, and a range. */
static void publish_all(struct world_stack *s)
{
	static struct ip_net allow[5];
	struct net_publish_spec pubs[10];
	struct err err = { 0 };
	size_t n = 0;

	allow[0] = world_net("192.0.2.0", 25);
	allow[1] = world_net("198.51.100.7", 32);
	allow[2] = world_net("2001:db8::", 32);
	allow[3] = world_net("192.0.2.64", 27); /* a part of the first */
	allow[4] = allow[2];
	pubs[n++] = publication(8080, 80, "0.0.0.0", "10.77.0.2");
	pubs[n++] = publication(8080, 80, "::", "fd10:0:0:4d::2");
	pubs[n++] = publication(8081, 80, "127.0.0.1", "10.77.0.2");
	pubs[n++] = publication(8081, 80, "2001:db8::1", "fd10:0:0:4d::2");
	for (uint16_t i = 0; i < 3; i++) {
		pubs[n++] = publication(9000 + i, 9000 + i, "0.0.0.0", "10.77.0.3");
		pubs[n++] = publication(9000 + i, 9000 + i, "::", "fd10:0:0:4d::3");
	}
	for (size_t i = 0; i < n; i++) {
		pubs[i].allow = allow;
		pubs[i].n_allow = i < 2 || i > 3 ? 5 : 0;
	}
	if (net_publish(s->net, pubs, n, true, &err) || net_publish(s->net, pubs, n, false, &err) ||
	    net_publish(s->net, pubs, n, true, &err))
		fail_msg("%s", err.text);
}

/*
 * What nft prints of our table is as written down, and it reads it again: nft is run here to see; mstack itself
 * never does.
 */
static void test_listing(void **state)
{
	struct world *w = *state;
	struct world_stack s;
	struct err err = { 0 };
	char path[160];

	if (system("nft --version >/dev/null 2>&1")) {
		print_message("skipped: no nft on this machine\n");
		skip();
	}
	world_stack_open(w, &s, "demo", 77);
	if (net_up(s.net, &err))
		fail_msg("%s", err.text);
	publish_all(&s);
	snprintf(path, sizeof(path), "nft list table inet mstk_demo > %s/list", w->dir);
	assert_int_equal(system(path), 0);
	assert_int_equal(system("nft list ruleset | unshare -n nft -f -"), 0);
	snprintf(path, sizeof(path), "diff -u tests/unit/net/table.nft %s/list", w->dir);
	assert_int_equal(system(path), 0);
	world_stack_close(w, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_many_elements),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test_teardown(test_listing, world_reset),
	};

	return cmocka_run_group_tests_name("nft", tests, world_setup, world_teardown);
}
