/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * impairing: what a link of a slot is told to lose, each way, is lost by this very kernel, with netem or without; what is cleared
 * is as before.
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
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "net/link.h"
#include "net/net.h"
#include "net/nft.h"
#include "net/qdisc.h"
#include "world.h"

enum { DATAGRAMS = 2000, PORT = 9 };

static struct impair_facts facts(void)
{
	struct impair_facts f = { 0 };
	struct err err = { 0 };

	if (net_impair_probe(&f, &err))
		fail_msg("net_impair_probe: %s", err.text);
	return f;
}

static void up(struct world *w, struct world_stack *s)
{
	struct err err = { 0 };

	world_stack_open(w, s, "demo", 77);
	if (net_up(s->net, &err))
		fail_msg("net_up: %s", err.text);
	world_stack_attach(w, s);
	world_run(w, 3, 5000);
}

static struct net_impair_spec spec_of(const struct world_stack *s)
{
	return (struct net_impair_spec){ .ends = { { s->slots[0].ports[0].host_ifname, "eth0",
						     s->ns[0].netns, s->ns[0].rtnl },
						   { .rtnl_fd = -1 } } };
}

static void set(struct world_stack *s, struct net_impair_spec *spec, const char *egress,
		const char *ingress)
{
	const char *loss[] = { [IMPAIR_EGRESS] = egress, [IMPAIR_INGRESS] = ingress };
	struct impair_facts f = facts();
	struct err err = { 0 };

	for (size_t i = 0; i < IMPAIR_WAYS; i++)
		assert_int_equal(impair_parse(IMPAIR_LOSS, loss[i], &spec->want.way[i], &err), 0);
	if (net_impair(s->net, &f, spec, &err))
		fail_msg("net_impair: %s", err.text);
	spec->now = spec->want;
}

/* How many of DATAGRAMS from one namespace come in in the other. */
static unsigned arrive(int from, int to, const char *ip)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	_cleanup_fd_ int in = world_server(to, SOCK_DGRAM, PORT);
	_cleanup_fd_ int out = world_socket(from, SOCK_DGRAM);
	unsigned n = 0;
	char c;

	assert_int_equal(inet_pton(AF_INET, ip, &addr.sin_addr), 1);
	for (int i = 0; i < DATAGRAMS; i++) {
		if (sendto(out, "x", 1, 0, (void *)&addr, sizeof(addr)) != 1)
			fail_msg("sendto: %s", strerror(errno));
		while (recv(in, &c, 1, MSG_DONTWAIT) == 1)
			n++;
	}
	for (struct pollfd p = { .fd = in, .events = POLLIN }; poll(&p, 1, 200) == 1;)
		n += recv(in, &c, 1, MSG_DONTWAIT) == 1;
	return n;
}

/* Within six standard deviations. */
static void expect_quarter_lost(unsigned came)
{
	assert_in_range(came, DATAGRAMS * 3 / 4 - 120, DATAGRAMS * 3 / 4 + 120);
}

static void test_each_way(void **state)
{
	struct world *w = *state;
	struct world_stack s;
	struct net_impair_spec spec;

	up(w, &s);
	spec = spec_of(&s);
	/* From now on both know each other's hardware address: asking for it may be lost as well. */
	assert_int_equal(arrive(-1, s.ns[0].netns, "10.77.0.2"), DATAGRAMS);
	assert_int_equal(arrive(s.ns[0].netns, -1, "10.77.0.1"), DATAGRAMS);
	set(&s, &spec, "0", "25%");
	expect_quarter_lost(arrive(-1, s.ns[0].netns, "10.77.0.2"));
	assert_int_equal(arrive(s.ns[0].netns, -1, "10.77.0.1"), DATAGRAMS);
	set(&s, &spec, "25%", "0");
	assert_int_equal(arrive(-1, s.ns[0].netns, "10.77.0.2"), DATAGRAMS);
	expect_quarter_lost(arrive(s.ns[0].netns, -1, "10.77.0.1"));
	/* The others on the network lose nothing. */
	assert_int_equal(arrive(-1, s.ns[1].netns, "10.77.0.3"), DATAGRAMS);
	set(&s, &spec, "100%", "0");
	assert_int_equal(arrive(s.ns[0].netns, -1, "10.77.0.1"), 0);
	set(&s, &spec, "0", "0");
	assert_int_equal(arrive(s.ns[0].netns, -1, "10.77.0.1"), DATAGRAMS);
	world_stack_close(w, &s);
}

/* By chains, where the kernel has no netem: a supervisor that died may have made them, or taken them away, before anybody knew of it. */
static void test_forgotten(void **state)
{
	static const char *const ways[][2] = { { "100%", "0" }, { "0", "100%" } };
	struct world *w = *state;
	struct impair_facts f = facts();
	struct impair_ways none = { 0 }, lossy;
	struct world_stack s;
	struct err err = { 0 };

	f.netem = false;
	up(w, &s);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct net_impair_spec spec = spec_of(&s);

		lossy = none;
		assert_int_equal(impair_parse(IMPAIR_LOSS, ways[i][0], &lossy.way[IMPAIR_EGRESS], &err), 0);
		assert_int_equal(impair_parse(IMPAIR_LOSS, ways[i][1], &lossy.way[IMPAIR_INGRESS], &err), 0);
		spec.want = lossy;
		for (int k = 0; k < 2; k++) {
			s.net->has_drops = k;
			if (net_impair(s.net, &f, &spec, &err))
				fail_msg("set: %s", err.text);
		}
		spec.now = lossy;
		spec.want = none;
		assert_int_equal(net_impair(s.net, &f, &spec, &err), 0);
		spec.want = lossy;
		spec.want.way[i].value[IMPAIR_LOSS] /= 2;
		if (net_impair(s.net, &f, &spec, &err))
			fail_msg("change: %s", err.text);
		spec.now = spec.want;
		spec.want = none;
		assert_int_equal(net_impair(s.net, &f, &spec, &err), 0);
	}
	assert_int_equal(arrive(s.ns[0].netns, -1, "10.77.0.1"), DATAGRAMS);
	world_stack_close(w, &s);
}

static void count_queue(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	const struct tcmsg *head = mnl_nlmsg_get_payload(m);

	(void)tag;
	if (m->nlmsg_type == RTM_NEWQDISC && (head->tcm_handle >> 16) >= 0x4d53)
		++*(unsigned *)arg;
}

/* Queues of ours in this namespace. */
static unsigned queues(int fd)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	unsigned n = 0;
	struct nl_sink sink = { .message = count_queue, .arg = &n };
	struct err err = { 0 };

	nl_batch_init(&b);
	qdisc_put_list(&b, 0);
	if (nl_transact(fd, &b, &sink, &err))
		fail_msg("list queues: %s", err.text);
	return n;
}

static void test_nothing_stays(void **state)
{
	_cleanup_fd_ int rtnl = nl_socket(NETLINK_ROUTE, NULL);
	struct impair_facts f = facts();
	struct world *w = *state;
	struct world_stack s;
	struct net_impair_spec spec;

	up(w, &s);
	spec = spec_of(&s);
	assert_int_equal(queues(rtnl) + queues(s.ns[0].rtnl), 0);
	set(&s, &spec, "1%", "1%");
	assert_int_equal(queues(rtnl), 2);
	assert_int_equal(queues(s.ns[0].rtnl), 2);
	assert_int_equal(!ledger_find(w->ledger, "nft-table", "netdev mstk_demo_loss"), f.netem);
	set(&s, &spec, "2%", "0");
	assert_int_equal(queues(rtnl), 0);
	set(&s, &spec, "0", "0");
	assert_int_equal(queues(s.ns[0].rtnl), 0);
	world_stack_close(w, &s);
}

/* A stack that ends without its supervisor's last word: the ledger knows the table. */
static void test_undone_by_the_ledger(void **state)
{
	_cleanup_fd_ int nft = nl_socket(NETLINK_NETFILTER, NULL);
	struct world *w = *state;
	char comment[64];
	struct world_stack s;
	struct net_impair_spec spec;
	struct err err = { 0 };

	if (facts().netem) {
		print_message("with netem there is no table\n");
		skip();
	}
	up(w, &s);
	spec = spec_of(&s);
	set(&s, &spec, "1%", "0");
	assert_int_equal(nft_find(nft, "netdev mstk_demo_loss", comment, sizeof(comment), &err), 0);
	assert_string_equal(comment, "mstack:demo");
	net_close(take_ptr(&s.net));
	w->nets[0] = NULL;
	world_undo(w);
	assert_int_equal(nft_find(nft, "netdev mstk_demo_loss", comment, sizeof(comment), &err), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_each_way, world_reset),
		cmocka_unit_test_setup(test_forgotten, world_reset),
		cmocka_unit_test_setup(test_nothing_stays, world_reset),
		cmocka_unit_test_setup(test_undone_by_the_ledger, world_reset),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
