/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire: wires are made as the specs say, carry what comes in at either end, lose and get their
 * carrier together, and go with the ledger. One that fails is told by itself and leaves nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/net_resume.h"
#include "net/addr.h"
#include "net/link.h"
#include "net/net.h"
#include "net/nft.h"
#include "world.h"

/* Behind glibc's own, which lacks IFF_LOWER_UP. */
#include <linux/if.h>

#define TABLE "netdev mstk_lab"

/* Two slots, a wire between them and one from the first to the host. */
struct lab {
	struct world *w;
	struct net_spec spec;
	struct net_wire_spec wires[2];
	struct net_connect connects[2];
	struct net *net;
	struct world_ns ns[2];
};

static struct ip_net address(const char *text)
{
	struct ip_net net = { 0 };

	assert_true(ip_net_parse(text, &net));
	return net;
}

static void set_end(struct net_end_spec *e, enum net_end_kind kind, const char *text,
		    const char *host_ifname, uint8_t mac)
{
	*e = (struct net_end_spec){ .kind = kind, .text = text, .alias = "mstack:lab:end" };
	snprintf(e->host_ifname, sizeof(e->host_ifname), "%s", host_ifname);
	snprintf(e->ifname, sizeof(e->ifname), "%s", strchr(text, ':') + 1);
	e->mac[0] = 2;
	e->mac[5] = mac;
}

static void lab_open(struct world *w, struct lab *lab)
{
	struct err err = { 0 };

	*lab = (struct lab){ .w = w, .spec = { .project = "lab", .id = 77, .table = "mstk_lab" } };
	set_end(&lab->wires[0].ends[0], NET_END_SLOT, "r1:eth1", "mwaaaaaaaa01", 1);
	set_end(&lab->wires[0].ends[1], NET_END_SLOT, "r2:eth1", "mwaaaaaaaa02", 2);
	lab->wires[0].ends[0].addrs[0] = address("10.1.0.1/30");
	lab->wires[0].ends[1].addrs[0] = address("10.1.0.2/30");
	lab->wires[0].ends[1].addrs[1] = address("fd00::2/64");
	lab->wires[0].mtu = 9000;
	set_end(&lab->wires[1].ends[0], NET_END_SLOT, "r1:eth2", "mwaaaaaaaa03", 3);
	set_end(&lab->wires[1].ends[1], NET_END_HOST, "host:lab0", "mwaaaaaaaa04", 4);
	lab->wires[1].ends[1].addrs[0] = address("10.2.0.1/30");
	lab->wires[1].line = 9;
	lab->spec.wires = lab->wires;
	lab->spec.n_wires = 2;
	for (size_t i = 0; i < 2; i++)
		world_ns_make(&lab->ns[i]);
	for (size_t i = 0; i < 4; i++) {
		struct net_connect *c = &lab->connects[i / 2];

		c->wire = i / 2;
		c->ends[i % 2].netns_fd = i < 3 ? lab->ns[i == 1].netns : -1;
		c->ends[i % 2].rtnl_fd = i < 3 ? lab->ns[i == 1].rtnl : -1;
	}
	lab->net = net_open(w->loop, &lab->spec, w->ledger, world_event, w, &err);
	if (!lab->net)
		fail_msg("net_open: %s", err.text);
	w->nets[0] = lab->net;
	w->n_events = 0;
}

static void lab_connect(struct lab *lab)
{
	struct err err = { 0 };

	if (net_up(lab->net, &err) || net_connect(lab->net, lab->connects, 2, &err))
		fail_msg("%s", err.text);
}

static void lab_close(struct lab *lab)
{
	lab->w->nets[0] = NULL;
	net_close(lab->net);
	for (size_t i = 0; i < 2; i++)
		world_ns_free(&lab->ns[i]);
}

static struct link_info look(int rtnl, const char *ifname)
{
	struct link_info l = { 0 };
	struct err err = { 0 };

	if (link_find(rtnl, ifname, &l, &err))
		fail_msg("%s: %s", ifname, err.text);
	return l;
}

static bool is_there(const char *ifname)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct link_info l;

	return link_find(fd, ifname, &l, NULL) == 0;
}

static bool has_carrier(const struct world_ns *ns, const char *ifname)
{
	return look(ns->rtnl, ifname).flags & IFF_LOWER_UP;
}

/* What the loop does about a wire follows from events. */
static void assert_state(struct lab *lab, size_t wire, enum net_carrier want)
{
	uint64_t until = time_mono_ms() + 10000;
	struct net_link_state s;

	while ((s = net_wire_state(lab->net, wire)).carrier != want && time_mono_ms() < until)
		world_run(lab->w, SIZE_MAX, 20);
	assert_int_equal(s.carrier, want);
}

static void set_inside(const struct world_ns *ns, const char *ifname, bool up)
{
	struct nl_batch b;
	struct err err = { 0 };

	nl_batch_init(&b);
	link_put_state(&b, look(ns->rtnl, ifname).index, up);
	assert_int_equal(nl_transact(ns->rtnl, &b, NULL, &err), 0);
	nl_batch_fini(&b);
}

static void test_made(void **state)
{
	struct world *w = *state;
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	_cleanup_free_ struct addr_info *addrs = NULL;
	struct link_info l;
	struct lab lab;
	struct err err = { 0 };
	size_t n, mine = 0;

	lab_open(w, &lab);
	assert_int_equal(net_wire_state(lab.net, 0).carrier, NET_ABSENT);
	lab_connect(&lab);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(lab.connects[i].err.text, "");
	l = look(fd, "mwaaaaaaaa01");
	assert_string_equal(l.alias, "mstack:lab:end");
	assert_int_equal(l.group, link_group(77));
	assert_int_equal(l.mtu, 65535);
	l = look(lab.ns[1].rtnl, "eth1");
	assert_int_equal(l.mtu, 9000);
	assert_int_equal(l.mac[5], 2);
	assert_int_equal(look(fd, "lab0").mtu, 1500);
	assert_int_equal(addr_list(lab.ns[1].rtnl, &addrs, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		struct ip_net want = lab.wires[0].ends[1].addrs[addrs[i].net.ip.family != AF_INET];

		mine += ip_equal(&addrs[i].net.ip, &want.ip) && addrs[i].net.prefix == want.prefix;
	}
	assert_int_equal(mine, 2);
	world_run(w, 2, 10000);
	assert_int_equal(w->n_events, 2);
	assert_int_equal(w->events[0].kind, NET_WIRED);
	assert_state(&lab, 0, NET_CARRIER);
	assert_int_equal(net_wire_state(lab.net, 0).mtu, 9000);
	assert_non_null(ledger_find(w->ledger, "veth", "mwaaaaaaaa02"));
	assert_non_null(ledger_find(w->ledger, "nft-table", TABLE));
	lab_close(&lab);
}

/* Host ends and rules of both ways: a connection from end to end. */
static void test_carries(void **state)
{
	struct world *w = *state;
	_cleanup_fd_ int server = -1, client = -1, host = -1;
	struct lab lab;

	lab_open(w, &lab);
	lab_connect(&lab);
	server = world_server(lab.ns[1].netns, SOCK_STREAM, 99);
	assert_int_equal(world_connect(lab.ns[0].netns, "10.1.0.2", 99, &client), 0);
	/* Past the host, which has no way there. */
	assert_int_not_equal(world_no_connect(-1, "10.1.0.2", 99), 0);
	host = world_server(-1, SOCK_STREAM, 98);
	cleanup_fd(&client);
	world_set_address(lab.ns[0].rtnl, "eth2", "10.2.0.2", 30, NULL);
	assert_int_equal(world_connect(lab.ns[0].netns, "10.2.0.1", 98, &client), 0);
	lab_close(&lab);
}

static void test_pull(void **state)
{
	struct world *w = *state;
	struct lab lab;
	struct err err = { 0 };

	lab_open(w, &lab);
	assert_int_equal(net_wire_pull(lab.net, 0, true, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	lab_connect(&lab);
	assert_int_equal(net_wire_pull(lab.net, 0, true, &err), 0);
	assert_false(has_carrier(&lab.ns[0], "eth1"));
	assert_false(has_carrier(&lab.ns[1], "eth1"));
	assert_true(has_carrier(&lab.ns[0], "eth2"));
	world_run(w, SIZE_MAX, 50); /* its events bring it back by no means */
	assert_state(&lab, 0, NET_PULLED);
	assert_int_equal(net_wire_pull(lab.net, 0, false, &err), 0);
	assert_state(&lab, 0, NET_CARRIER);
	assert_true(has_carrier(&lab.ns[1], "eth1"));
	lab_close(&lab);
}

static void test_cable(void **state)
{
	struct world *w = *state;
	struct lab lab;

	lab_open(w, &lab);
	lab_connect(&lab);
	set_inside(&lab.ns[0], "eth1", false);
	assert_state(&lab, 0, NET_NO_CARRIER);
	world_run(w, SIZE_MAX, 50);
	assert_false(has_carrier(&lab.ns[1], "eth1"));
	set_inside(&lab.ns[1], "eth1", false);
	set_inside(&lab.ns[0], "eth1", true);
	world_run(w, SIZE_MAX, 50);
	assert_state(&lab, 0, NET_NO_CARRIER);
	assert_false(has_carrier(&lab.ns[0], "eth1"));
	set_inside(&lab.ns[1], "eth1", true);
	assert_state(&lab, 0, NET_CARRIER);
	assert_true(has_carrier(&lab.ns[0], "eth1"));
	lab_close(&lab);
}

/* A name inside is taken: that wire says so, the other one is there, and another try works. */
static void test_one_fails(void **state)
{
	struct world *w = *state;
	struct lab lab;
	struct nl_batch b;
	struct err err = { 0 };

	lab_open(w, &lab);
	nl_batch_init(&b);
	link_put_bridge(&b, "eth1", 5, 0);
	assert_int_equal(nl_transact(lab.ns[1].rtnl, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	lab_connect(&lab);
	assert_non_null(strstr(lab.connects[0].err.text, "x-links: 'r2:eth1': create: "));
	assert_string_equal(lab.connects[1].err.text, "");
	assert_false(is_there("mwaaaaaaaa01"));
	assert_false(is_there("mwaaaaaaaa02"));
	assert_null(ledger_find(w->ledger, "veth", "mwaaaaaaaa01"));
	assert_int_equal(net_wire_state(lab.net, 0).carrier, NET_ABSENT);
	assert_state(&lab, 1, NET_CARRIER);
	nl_batch_init(&b);
	link_put_delete(&b, look(lab.ns[1].rtnl, "eth1").index);
	assert_int_equal(nl_transact(lab.ns[1].rtnl, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_int_equal(net_connect(lab.net, lab.connects, 1, &err), 0);
	assert_string_equal(lab.connects[0].err.text, "");
	assert_state(&lab, 0, NET_CARRIER);
	lab_close(&lab);
}

/* A supervisor died when it had made them, and before anybody knew: who takes the stack up makes them again. */
static void test_forgotten(void **state)
{
	struct world *w = *state;
	_cleanup_fd_ int server = -1, client = -1;
	struct err err = { 0 };
	struct lab lab;

	lab_open(w, &lab);
	lab_connect(&lab);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 2; i++)
			lab.net->wires[i] = (struct wire){ .mtu = lab.net->wires[i].mtu };
		/* The table may be known. */
		lab.net->has_fwd = round;
		assert_int_equal(net_connect(lab.net, lab.connects, 2, &err), 0);
		for (size_t i = 0; i < 2; i++)
			assert_string_equal(lab.connects[i].err.text, "");
	}
	assert_true(lab.net->has_fwd);
	server = world_server(lab.ns[1].netns, SOCK_STREAM, 99);
	assert_int_equal(world_connect(lab.ns[0].netns, "10.1.0.2", 99, &client), 0);
	lab_close(&lab);
}

/* Wires that were made, and of which nobody knows. */
static void lab_forgotten(struct world *w, struct lab *lab)
{
	lab_open(w, lab);
	lab_connect(lab);
	for (size_t i = 0; i < 2; i++)
		lab->net->wires[i] = (struct wire){ 0 };
	lab->net->has_fwd = false;
}

static bool is_entered(const struct lab *lab, const char *ifname)
{
	return ledger_find(lab->w->ledger, "veth", ifname) != NULL;
}

/* Who takes the stack up takes them away, whether they are made again or not, and the table is its own. */
static void test_forgotten_goes(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	struct lab lab;

	lab_forgotten(w, &lab);
	net_forgotten(lab.net);
	assert_false(is_there("lab0") || is_there("mwaaaaaaaa01") || is_there("mwaaaaaaaa04"));
	assert_false(is_entered(&lab, "mwaaaaaaaa01") || is_entered(&lab, "mwaaaaaaaa04"));
	assert_true(lab.net->has_fwd);
	lab_connect(&lab);
	/* What is known stays. */
	net_forgotten(lab.net);
	assert_true(is_there("lab0") && is_there("mwaaaaaaaa01"));
	net_down(lab.net);
	assert_int_equal(nft_find(lab.net->nft, TABLE, (char[64]){ 0 }, 64, &err), 1);
	lab_close(&lab);
}

/* A link of ours by a name that is to be made is no stranger's. */
static void test_own_name(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	struct lab lab;

	lab_forgotten(w, &lab);
	assert_int_equal(net_change(lab.net, &lab.spec, &err), 0);
	assert_int_equal(net_connect(lab.net, lab.connects, 2, &err), 0);
	assert_true(is_there("lab0"));
	lab_close(&lab);
}

/* The kernel has made them, and its answer is lost: what may be there stays in the ledger. */
static void test_answer_lost(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	struct lab lab;
	int few = 1;

	lab_open(w, &lab);
	assert_int_equal(net_up(lab.net, &err), 0);
	assert_int_equal(setsockopt(lab.net->rtnl, SOL_SOCKET, SO_RCVBUF, &few, sizeof(few)), 0);
	assert_int_equal(net_connect(lab.net, lab.connects, 2, &err), -1);
	assert_non_null(strstr(err.text, "netlink: receive"));
	assert_true(is_there("lab0") == is_entered(&lab, "mwaaaaaaaa04"));
	assert_true(is_there("mwaaaaaaaa01") == is_entered(&lab, "mwaaaaaaaa01"));
	nl_tune(lab.net->rtnl);
	lab_connect(&lab);
	lab_close(&lab);
}

/* Before anything is made. */
static void test_refused(void **state)
{
	struct world *w = *state;
	struct lab lab;
	struct err err = { 0 };

	lab_open(w, &lab);
	snprintf(lab.wires[1].ends[1].ifname, IFNAMSIZ, "up0");
	assert_int_equal(net_up(lab.net, &err), -1);
	assert_string_equal(err.text, "x-links: 'host:lab0': this host has an interface 'up0' "
				      "already: choose another name");
	assert_int_equal(err.line, 9);
	lab.wires[1].ends[1].kind = NET_END_MACVLAN;
	snprintf(lab.wires[1].ends[1].ifname, IFNAMSIZ, "up1");
	assert_int_equal(net_up(lab.net, &err), -1);
	assert_non_null(strstr(err.text, "this host has no interface 'up1'"));
	lab_close(&lab);
}

static void test_far_ends(void **state)
{
	struct world *w = *state;
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct lab lab;

	lab_open(w, &lab);
	set_end(&lab.wires[0].ends[1], NET_END_MACVLAN, "macvlan:up0", "mwaaaaaaaa02", 0);
	lab.wires[0].mtu = 0;
	set_end(&lab.wires[1].ends[1], NET_END_VXLAN, "vxlan:192.0.2.2/7", "mwaaaaaaaa04", 0);
	lab.wires[1].ends[1].vni = 7;
	assert_true(ip_parse("192.0.2.2", &lab.wires[1].ends[1].remote));
	lab.wires[1].mtu = 1450;
	lab_connect(&lab);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(lab.connects[i].err.text, "");
	assert_string_equal(look(fd, "mwaaaaaaaa02").kind, "macvlan");
	assert_memory_equal(look(fd, "mwaaaaaaaa02").mac, lab.wires[0].ends[0].mac, 6);
	assert_int_equal(look(lab.ns[0].rtnl, "eth1").mtu, look(fd, "up0").mtu);
	assert_string_equal(look(fd, "mwaaaaaaaa04").kind, "vxlan");
	assert_non_null(ledger_find(w->ledger, "vxlan", "mwaaaaaaaa04"));
	assert_state(&lab, 0, NET_CARRIER);
	assert_state(&lab, 1, NET_CARRIER);
	net_close(lab.net); /* as if it had died: the ledger takes all away */
	lab.net = w->nets[0] = NULL;
	world_undo(w);
	assert_false(is_there("mwaaaaaaaa02"));
	assert_false(is_there("mwaaaaaaaa04"));
	for (size_t i = 0; i < 2; i++)
		world_ns_free(&lab.ns[i]);
}

static void test_down(void **state)
{
	struct world *w = *state;
	_cleanup_fd_ int nft = nl_socket(NETLINK_NETFILTER, NULL);
	char comment[128];
	struct lab lab;
	struct err err = { 0 };

	lab_open(w, &lab);
	lab_connect(&lab);
	assert_int_equal(nft_find(nft, TABLE, comment, sizeof(comment), &err), 0);
	assert_string_equal(comment, "mstack:lab");
	net_down(lab.net);
	assert_false(is_there("mwaaaaaaaa01"));
	assert_false(is_there("lab0"));
	assert_int_equal(nft_find(nft, TABLE, comment, sizeof(comment), &err), 1);
	lab_close(&lab);
	world_undo(w);
}

/* The ledger was lost. */
static void test_found(void **state)
{
	struct world *w = *state;
	struct lab lab;
	struct err err = { 0 };

	lab_open(w, &lab);
	lab_connect(&lab);
	assert_int_equal(net_find(&lab.spec, NULL, &err), -1);
	assert_int_equal(err.sys, EBUSY);
	net_close(lab.net);
	lab.net = w->nets[0] = NULL;
	world_reset(state);
	/* What the undo of the reset has taken is made again, without a ledger's knowing. */
	lab.net = w->nets[0] = net_open(w->loop, &lab.spec, w->ledger, world_event, w, &err);
	assert_non_null(lab.net);
	lab_connect(&lab);
	for (const struct ledger_item *i; (i = ledger_next(w->ledger, NULL, NULL));)
		assert_int_equal(ledger_gone(w->ledger, i->id, &err), 0);
	net_close(lab.net);
	lab.net = w->nets[0] = NULL;
	for (uint64_t until = time_mono_ms() + 10000;
	     net_find(&lab.spec, NULL, &err) < 0 && time_mono_ms() < until;)
		usleep(20000);
	assert_int_equal(net_find(&lab.spec, w->ledger, &err), 1);
	assert_non_null(ledger_find(w->ledger, "veth", "mwaaaaaaaa04"));
	world_undo(w);
	assert_false(is_there("mwaaaaaaaa01"));
	for (size_t i = 0; i < 2; i++)
		world_ns_free(&lab.ns[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_made, world_reset),
		cmocka_unit_test_setup(test_carries, world_reset),
		cmocka_unit_test_setup(test_pull, world_reset),
		cmocka_unit_test_setup(test_cable, world_reset),
		cmocka_unit_test_setup(test_one_fails, world_reset),
		cmocka_unit_test_setup(test_forgotten, world_reset),
		cmocka_unit_test_setup(test_forgotten_goes, world_reset),
		cmocka_unit_test_setup(test_own_name, world_reset),
		cmocka_unit_test_setup(test_answer_lost, world_reset),
		cmocka_unit_test_setup(test_refused, world_reset),
		cmocka_unit_test_setup(test_far_ends, world_reset),
		cmocka_unit_test_setup(test_down, world_reset),
		cmocka_unit_test_setup(test_found, world_reset),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
