/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lan: networks that lead out of the stack, in the made-up world: bridges of somebody else, devices for macvlans, tunnels. What
 * packets do there, the end-to-end tests say.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/subif.h"
#include "world.h"

static void make_bridge(const char *name)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct err err = { 0 };
	struct link_info l;
	struct nl_batch b;

	nl_batch_init(&b);
	link_put_bridge(&b, name, 0, 1500);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_int_equal(link_find(fd, name, &l, &err), 0);
	nl_batch_init(&b);
	link_put_alias(&b, l.index, "theirs");
	link_put_altname(&b, l.index, "their_network");
	link_put_state(&b, l.index, true);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
}

static void delete_link(const char *name)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct nl_batch b;

	nl_batch_init(&b);
	link_put_delete(&b, (int)if_nametoindex(name));
	assert_int_equal(nl_transact(fd, &b, NULL, &(struct err){ 0 }), 0);
	nl_batch_fini(&b);
}

/* The first network of the stack becomes this one. */
static void open_as(struct world *w, struct world_stack *s, enum net_lan_kind kind,
		    const char *ifname)
{
	world_stack_open(w, s, "demo", 77);
	s->bridges[0].kind = kind;
	snprintf(s->bridges[0].ifname, sizeof(s->bridges[0].ifname), "%s", ifname);
	/* A bridge follows the smallest of its ports, so plan gives these its own. */
	s->bridges[0].mtu = 1500;
	for (size_t i = 0; kind == NET_LAN_MACVLAN && i < ARRAY_LEN(s->ports); i++)
		if (!s->ports[i].bridge)
			s->ports[i].host_ifname[0] = '\0';
}

static struct link_info find(int fd, const char *name)
{
	struct link_info l = { 0 };

	link_find(fd, name, &l, &(struct err){ 0 });
	return l;
}

static void test_external(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct link_info before, port;
	struct world *w = *state;
	struct err err = { 0 };
	struct world_stack s;

	make_bridge("br0");
	before = find(fd, "br0");
	open_as(w, &s, NET_LAN_EXTERNAL, "br0");
	assert_int_equal(net_up(s.net, &err), 0);
	assert_null(ledger_find(w->ledger, "bridge", "br0"));
	world_stack_attach(w, &s);
	port = find(fd, s.ports[0].host_ifname);
	assert_int_equal(port.master, before.index);
	/* Behind those of others: a bridge without an address of its own takes the lowest. */
	assert_int_equal(port.mac[0], 0xfe);
	assert_true(link_is_ours(&port));
	assert_int_equal(find(fd, "br0").mtu, before.mtu);
	assert_string_equal(find(fd, "br0").alias, "theirs");
	assert_int_equal(world_forwarding("br0"), 0);
	net_down(s.net);
	assert_int_equal(find(fd, "br0").index, before.index);
	world_stack_close(w, &s);
	delete_link("br0");
}

static void refused(struct world *w, enum net_lan_kind kind, const char *ifname, const char *why)
{
	struct err err = { 0 };
	struct world_stack s;

	open_as(w, &s, kind, ifname);
	assert_int_equal(net_up(s.net, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("%s: %s", ifname, err.text);
	assert_int_equal(err.line, s.bridges[0].line);
	assert_null(ledger_next(w->ledger, "bridge", NULL));
	world_stack_close(w, &s);
}

static void test_not_there(void **state)
{
	refused(*state, NET_LAN_EXTERNAL, "br0", "this host has none of this name");
	refused(*state, NET_LAN_EXTERNAL, "up0", "'up0' is no bridge");
	refused(*state, NET_LAN_MACVLAN, "nowhere0", "this host has no such device");
	refused(*state, NET_LAN_MACVLAN, "nowhere0.7", "this host has no such device");
}

/* Born within: nothing of it is on the host, and once it is detached its address is free for the next one at once. */
static void test_macvlan(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct world *w = *state;
	struct err err = { 0 };
	struct world_stack s;
	struct link_info l;

	open_as(w, &s, NET_LAN_MACVLAN, "up0");
	s.bridges[0].mtu = 1300;
	assert_int_equal(net_up(s.net, &err), 0);
	world_stack_attach(w, &s);
	l = find(s.ns[0].rtnl, "eth0");
	assert_string_equal(l.kind, "macvlan");
	assert_memory_equal(l.mac, s.ports[0].mac, 6);
	assert_int_equal(l.mtu, 1300);
	assert_int_equal(net_inner_state(s.ns[0].rtnl, "eth0").carrier, NET_CARRIER);
	assert_int_equal(net_port_state(s.net, s.ports[0].host_ifname).carrier, NET_ABSENT);
	assert_int_equal(net_port_pull(s.net, s.ports[0].host_ifname, true, &err), -1);
	net_detach(&s.slots[0]);
	assert_int_equal(find(s.ns[0].rtnl, "eth0").index, 0);
	assert_int_equal(net_attach(s.net, &s.slots[0], 1, &err), 0);
	assert_string_equal(s.slots[0].err.text, "");
	net_down(s.net);
	assert_int_not_equal(find(fd, "up0").index, 0);
	world_stack_close(w, &s);
}

static void test_tunnel(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	const struct ip peers[] = { world_ip("192.0.2.2"), world_ip("192.0.2.3") };
	const struct net_tunnel t = { .ifname = "mxtest",
				      .alias = "mstack:demo:wide",
				      .vni = 42,
				      .dev = "up0",
				      .peers = peers,
				      .n_peers = 2 };
	struct world *w = *state;
	struct err err = { 0 };
	struct world_stack s;
	struct link_info l;

	world_stack_open(w, &s, "demo", 77);
	s.bridges[0].tunnel = &t;
	assert_int_equal(net_up(s.net, &err), 0);
	l = find(fd, "mxtest");
	assert_string_equal(l.kind, "vxlan");
	assert_string_equal(l.alias, "mstack:demo:wide");
	assert_int_equal(l.master, find(fd, s.bridges[0].ifname).index);
	assert_int_equal(l.mtu, 1400);
	assert_true(link_is_ours(&l));
	assert_non_null(ledger_find(w->ledger, "vxlan", "mxtest"));
	world_stack_close(w, &s);
	world_undo(w);
	assert_int_equal(find(fd, "mxtest").index, 0);
}

static void test_facts(void **state)
{
	struct world *w = *state;
	const struct net_device *br = NULL;
	struct err err = { 0 };
	struct world_stack s;
	struct net_facts f;
	size_t guests = 0;

	make_bridge("br0");
	open_as(w, &s, NET_LAN_EXTERNAL, "br0");
	s.ports[0].alias = "mstack:demo:slot 10.77.0.2 fd77::2";
	assert_int_equal(net_up(s.net, &err), 0);
	world_stack_attach(w, &s);
	assert_int_equal(net_facts_get(&f, &err), 0);
	for (size_t i = 0; i < f.n_devices; i++)
		if (!strcmp(f.devices[i].name, "br0"))
			br = &f.devices[i];
	assert_non_null(br);
	assert_string_equal(br->kind, "bridge");
	assert_string_equal(br->altname, "their_network");
	assert_false(br->tells_vlans);
	for (size_t i = 0; i < f.n_guests; i++)
		if (!strcmp(f.guests[i].dev, "br0")) {
			guests++;
			assert_string_equal(f.guests[i].project, "demo");
		}
	assert_int_equal(guests, 2);
	net_facts_fini(&f);
	net_down(s.net);
	world_stack_close(w, &s);
	delete_link("br0");
}

static void test_names_of_vlans(void **state)
{
	static const struct {
		const char *name, *base;
		uint16_t vid;
	} good[] = { { "eth0.1", "eth0", 1 }, { "a.b.4094", "a.b", 4094 } };
	static const char *const bad[] = { "eth0",    ".7",	   "eth0.",   "eth0.0",
					   "eth0.07", "eth0.4095", "eth0.7x", "eth0.12345" };
	struct subif s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(subif_parse(good[i].name, &s));
		assert_string_equal(s.base, good[i].base);
		assert_int_equal(s.vid, good[i].vid);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(subif_parse(bad[i], &s));
	assert_int_equal(subif_read("up0"), '1');
	assert_int_equal(subif_read("up0.7"), '0');
	assert_int_equal(subif_read("nowhere0.7"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_external, world_reset),
		cmocka_unit_test_teardown(test_not_there, world_reset),
		cmocka_unit_test_teardown(test_macvlan, world_reset),
		cmocka_unit_test_teardown(test_tunnel, world_reset),
		cmocka_unit_test_teardown(test_facts, world_reset),
		cmocka_unit_test_teardown(test_names_of_vlans, world_reset),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
