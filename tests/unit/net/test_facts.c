/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts: what of the made-up host the plan gets to know.
 */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/addr.h"
#include "net/link.h"
#include "net/route.h"
#include "world.h"

static size_t count(const struct net_facts *f, const char *ip, unsigned len, const char *dev)
{
	struct ip want = world_ip(ip);
	size_t n = 0;

	for (size_t i = 0; i < f->n_prefixes; i++)
		n += ip_equal(&f->prefixes[i].net.ip, &want) && f->prefixes[i].net.prefix == len &&
		     !strcmp(f->prefixes[i].dev, dev);
	return n;
}

static void test_prefixes(void **state)
{
	struct ip_net local = world_net("127.0.0.0", 8);
	struct net_facts f;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(net_facts_get(&f, &err), 0);
	assert_true(f.has_default);
	assert_int_equal(f.mtu, 1500);
	/* once by its address, once by its route */
	assert_int_equal(count(&f, "192.0.2.0", 24, "up0"), 2);
	for (size_t i = 0; i < f.n_prefixes; i++)
		assert_true(f.prefixes[i].net.prefix && !ip_overlap(&f.prefixes[i].net, &local));
	net_facts_fini(&f);
	net_facts_fini(&f);
	net_facts_fini(NULL);
}

/*
 * The default route with the lowest metric decides, and a route without an address counts
 * as taken.
 */
static void test_routes(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct ip_net net = world_net("172.30.5.9", 20);
	struct net_facts f;
	struct link_info l;
	struct nl_batch b;
	struct err err = { 0 };

	(void)state;
	nl_batch_init(&b);
	link_put_bridge(&b, "mstkmtu", 1, 1280);
	link_put_up(&b, "mstkmtu");
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_int_equal(link_find(fd, "mstkmtu", &l, &err), 0);
	nl_batch_init(&b);
	addr_put(&b, l.index, &net);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_int_equal(net_facts_get(&f, &err), 0);
	assert_int_equal(count(&f, "172.30.0.0", 20, "mstkmtu"), 2);
	assert_int_equal(f.mtu, 1500);
	net_facts_fini(&f);
}

/* A host without any way out still has facts. */
static void test_no_default(void **state)
{
	struct world_ns ns;
	struct net_facts f;
	struct err err = { 0 };
	_cleanup_fd_ int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	(void)state;
	world_ns_make(&ns);
	assert_int_equal(setns(ns.netns, CLONE_NEWNET), 0);
	assert_int_equal(net_facts_get(&f, &err), 0);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	assert_false(f.has_default);
	assert_int_equal(f.mtu, 1500);
	assert_int_equal(f.n_prefixes, 0);
	net_facts_fini(&f);
	world_ns_free(&ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_no_default),
	};

	return cmocka_run_group_tests_name("facts", tests, world_setup, world_teardown);
}
