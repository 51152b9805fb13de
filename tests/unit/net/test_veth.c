/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * veth: slots are attached as the specs say, failures hit their own slot alone, leftovers
 * of dead slots are taken away.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/addr.h"
#include "net/link.h"
#include "net/route.h"
#include "world.h"

static void up(struct world *w, struct world_stack *s)
{
	struct err err = { 0 };

	world_stack_open(w, s, "demo", 77);
	if (net_up(s->net, &err))
		fail_msg("net_up: %s", err.text);
}

static const struct link_info *by_name(const struct link_info *links, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(links[i].name, name))
			return &links[i];
	return NULL;
}

static void test_host_ends(void **state)
{
	struct world *w = *state;
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	_cleanup_free_ struct link_info *links = NULL;
	struct world_stack s;
	struct err err = { 0 };
	size_t n;

	up(w, &s);
	world_stack_attach(w, &s);
	assert_int_equal(link_list(fd, &links, &n, &err), 0);
	assert_int_equal(n, 2 + 2 + 4);
	for (size_t i = 0; i < ARRAY_LEN(s.ports); i++) {
		const struct link_info *l = by_name(links, n, s.ports[i].host_ifname);

		assert_non_null(l);
		assert_string_equal(l->kind, "veth");
		assert_string_equal(l->alias, "mstack:demo:slot");
		assert_int_equal(l->group, link_group(s.spec.id));
		assert_int_equal(l->mtu, 1400);
		assert_int_equal(l->master,
				 by_name(links, n, s.bridges[s.ports[i].bridge].ifname)->index);
	}
	assert_non_null(ledger_find(w->ledger, "veth", s.ports[3].host_ifname));
	world_stack_close(w, &s);
}

static void test_inner_ends(void **state)
{
	struct world *w = *state;
	_cleanup_free_ struct link_info *links = NULL;
	_cleanup_free_ struct addr_info *addrs = NULL;
	_cleanup_free_ struct route_info *routes = NULL;
	const struct link_info *eth0, *eth1;
	struct world_stack s;
	struct err err = { 0 };
	size_t n, defaults = 0, defaults6 = 0, four = 0;

	up(w, &s);
	world_stack_attach(w, &s);
	assert_int_equal(link_list(s.ns[1].rtnl, &links, &n, &err), 0);
	eth0 = by_name(links, n, "eth0");
	eth1 = by_name(links, n, "eth1");
	assert_non_null(eth0);
	assert_non_null(eth1);
	assert_memory_equal(eth0->mac, s.ports[1].mac, 6);
	assert_int_equal(eth0->mtu, 1400);
	assert_int_equal(addr_list(s.ns[1].rtnl, &addrs, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		if (addrs[i].net.ip.family != AF_INET)
			continue;
		four++;
		if (addrs[i].index == eth0->index)
			assert_string_equal(ip_net_text(&addrs[i].net).text, "10.77.0.3/24");
		if (addrs[i].index == eth1->index)
			assert_string_equal(ip_net_text(&addrs[i].net).text, "10.88.0.3/24");
	}
	assert_int_equal(four, 3); /* 127.0.0.1: lo is up */
	assert_int_equal(route_list(s.ns[1].rtnl, &routes, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		defaults += !routes[i].dst.prefix && routes[i].dst.ip.family == AF_INET;
		defaults6 += !routes[i].dst.prefix && routes[i].dst.ip.family == AF_INET6;
		if (!routes[i].dst.prefix)
			assert_int_equal(routes[i].index, eth0->index);
	}
	assert_int_equal(defaults, 1);
	assert_int_equal(defaults6, 1);
	world_stack_close(w, &s);
}

/*
 * One slot's name is taken by a stranger: it says so, the others are attached, the
 * stranger is as before.
 */
static void test_one_fails(void **state)
{
	struct world *w = *state;
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct link_info before, after;
	struct world_stack s;
	struct net_attach slots[3];
	struct nl_batch b;
	struct err err = { 0 };

	up(w, &s);
	nl_batch_init(&b);
	link_put_bridge(&b, s.ports[0].host_ifname, 99, 0);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_int_equal(link_find(fd, s.ports[0].host_ifname, &before, &err), 0);
	for (size_t i = 0; i < 3; i++) {
		world_ns_make(&s.ns[i]);
		slots[i] = (struct net_attach){ .token = 10 + i,
						.netns_fd = s.ns[i].netns,
						.rtnl_fd = s.ns[i].rtnl,
						.ports = &s.ports[i],
						.n_ports = 1 };
	}
	assert_int_equal(net_attach(s.net, slots, 3, &err), 0);
	assert_int_equal(slots[0].err.sys, EEXIST);
	assert_non_null(strstr(slots[0].err.text, s.ports[0].host_ifname));
	assert_string_equal(slots[1].err.text, "");
	assert_string_equal(slots[2].err.text, "");
	world_run(w, 2, 10000);
	world_run(w, 3, 250);
	assert_int_equal(w->n_events, 2);
	assert_int_equal(link_find(fd, s.ports[0].host_ifname, &after, &err), 0);
	assert_int_equal(before.index, after.index);
	assert_string_equal(after.alias, "");

	nl_batch_init(&b);
	link_put_delete_group(&b, 99);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	world_stack_close(w, &s);
}

/* A slot is made again while the kernel has not yet taken its old namespace apart. */
static void test_leftover(void **state)
{
	struct world *w = *state;
	struct world_ns alive;
	struct world_stack s;

	up(w, &s);
	world_stack_attach(w, &s);
	alive = s.ns[0]; /* this one is not even on its way out */
	world_ns_free(&s.ns[1]);
	world_ns_free(&s.ns[2]);
	world_stack_attach(w, &s);
	world_ns_free(&alive);
	world_stack_close(w, &s);
}

/* Without any port there is still a lo to be raised, and an event, from the loop. */
static void test_no_ports(void **state)
{
	struct world *w = *state;
	_cleanup_free_ struct addr_info *addrs = NULL;
	struct net_attach slot = { .token = 42 };
	struct world_stack s;
	struct err err = { 0 };
	size_t n;

	up(w, &s);
	world_ns_make(&s.ns[0]);
	slot.netns_fd = s.ns[0].netns;
	slot.rtnl_fd = s.ns[0].rtnl;
	assert_int_equal(net_attach(s.net, &slot, 1, &err), 0);
	assert_string_equal(slot.err.text, "");
	assert_int_equal(w->n_events, 0);
	world_run(w, 1, 10000);
	assert_int_equal(w->n_events, 1);
	assert_int_equal(w->events[0].token, 42);
	assert_int_equal(addr_list(s.ns[0].rtnl, &addrs, &n, &err), 0);
	assert_int_equal(n, 2); /* of lo */
	assert_int_equal(net_attach(s.net, NULL, 0, &err), 0);
	world_stack_close(w, &s);
}

static void bridge_down(const char *ifname)
{
	struct ifreq r = { 0 };
	_cleanup_fd_ int fd = world_socket(-1, SOCK_DGRAM);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", ifname);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
}

/* The wait has an end even if a port never forwards: here its bridge is taken down. */
static void test_wait_ends(void **state)
{
	struct world *w = *state;
	struct net_attach slot = { .token = 7, .n_ports = 1 };
	struct world_stack s;
	struct err err = { 0 };

	up(w, &s);
	world_ns_make(&s.ns[0]);
	slot.netns_fd = s.ns[0].netns;
	slot.rtnl_fd = s.ns[0].rtnl;
	slot.ports = &s.ports[0];
	bridge_down(s.bridges[0].ifname);
	assert_int_equal(net_attach(s.net, &slot, 1, &err), 0);
	assert_string_equal(slot.err.text, "");
	world_run(w, 1, 10000);
	assert_int_equal(w->n_events, 1);
	world_stack_close(w, &s);
}

/* Of a slot's interface, as one in its network reads it. */
static int setting_in(const struct world_ns *ns, const char *path)
{
	_cleanup_(buf_fini) struct buf b = { 0 };
	_cleanup_fd_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_int_equal(setns(ns->netns, CLONE_NEWNET), 0);
	file_read(AT_FDCWD, path, 16, &b);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	return atoi(buf_str(&b));
}

static void test_sysctls(void **state)
{
	static const char martians[] = "/proc/sys/net/ipv4/conf/eth0/log_martians",
			  answers[] = "/proc/sys/net/ipv4/conf/eth1/arp_ignore";
	static const struct net_sysctl first[] = { { "net/ipv4/conf/eth0/log_martians", "1", 3 } },
				       second[] = { { "net/ipv4/conf/eth1/arp_ignore", "2", 4 } },
				       wrong[] = { { "net/ipv4/conf/eth0/no_such_thing", "1", 5 } };
	struct world *w = *state;
	struct world_stack s;
	struct err err = { 0 };
	struct stat before, after;

	up(w, &s);
	s.ports[1].sysctls = first;
	s.ports[2].sysctls = second;
	s.ports[1].n_sysctls = s.ports[2].n_sysctls = 1;
	assert_int_equal(stat("/proc/self/ns/net", &before), 0);
	world_stack_attach(w, &s);
	assert_int_equal(stat("/proc/self/ns/net", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(setting_in(&s.ns[1], martians), 1);
	assert_int_equal(setting_in(&s.ns[1], answers), 2);
	assert_int_equal(setting_in(&s.ns[2], martians), 0);
	/* What no kernel has is told with its place, and we are at home again. */
	s.ports[3].sysctls = wrong;
	s.ports[3].n_sysctls = 1;
	world_ns_free(&s.ns[2]);
	world_ns_make(&s.ns[2]);
	s.slots[2].netns_fd = s.ns[2].netns;
	s.slots[2].rtnl_fd = s.ns[2].rtnl;
	assert_int_equal(net_attach(s.net, &s.slots[2], 1, &err), 0);
	assert_non_null(strstr(s.slots[2].err.text,
			       "link 'eth0': sysctls: 'net/ipv4/conf/eth0/no_such_thing' is not a "
			       "setting that this kernel has"));
	assert_int_equal(s.slots[2].err.line, 5);
	assert_int_equal(stat("/proc/self/ns/net", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	world_stack_close(w, &s);
}

static void test_bad_namespace(void **state)
{
	struct world *w = *state;
	struct net_attach slot = { .token = 7, .netns_fd = 9999, .rtnl_fd = -1, .n_ports = 1 };
	struct world_stack s;
	struct err err = { 0 };

	up(w, &s);
	slot.ports = &s.ports[0];
	assert_int_equal(net_attach(s.net, &slot, 1, &err), 0);
	assert_int_equal(slot.err.sys, EBADF);
	world_stack_close(w, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_host_ends, world_reset),
		cmocka_unit_test_teardown(test_inner_ends, world_reset),
		cmocka_unit_test_teardown(test_one_fails, world_reset),
		cmocka_unit_test_teardown(test_no_ports, world_reset),
		cmocka_unit_test_teardown(test_wait_ends, world_reset),
		cmocka_unit_test_teardown(test_sysctls, world_reset),
		cmocka_unit_test_teardown(test_bad_namespace, world_reset),
		cmocka_unit_test_teardown(test_leftover, world_reset),
	};

	return cmocka_run_group_tests_name("veth", tests, world_setup, world_teardown);
}
