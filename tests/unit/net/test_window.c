/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another namespace's interfaces with their addresses, and word when they change; sockets that are born there. */
#include <errno.h>
#include <net/if_arp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/window.h"
#include "world.h"

static const struct net_window_link *by_name(const struct net_window_links *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].name, name))
			return &l->v[i];
	return NULL;
}

static void list(struct net_window *w, struct net_window_links *ret)
{
	struct err err = { 0 };

	if (net_window_list(w, ret, &err))
		fail_msg("%s", err.text);
}

static bool has_news(const struct net_window *w, int ms)
{
	return poll(&(struct pollfd){ .fd = net_window_fd(w), .events = POLLIN }, 1, ms) == 1;
}

static ino_t own_network(void)
{
	struct stat st;

	assert_return_code(stat("/proc/self/ns/net", &st), errno);
	return st.st_ino;
}

static void test_list(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	ino_t home = own_network();
	struct net_window *window = net_window_open(w->outside.netns, &err);
	const struct net_window_link *out0, *lo;
	struct net_window_links links;
	static const uint8_t addr[] = { 192, 0, 2, 2 };

	assert_non_null(window);
	list(window, &links);
	out0 = by_name(&links, "out0");
	lo = by_name(&links, "lo");
	assert_non_null(out0);
	assert_non_null(lo);
	assert_true(lo->loopback);
	assert_false(out0->loopback);
	assert_int_equal(out0->type, ARPHRD_ETHER);
	assert_memory_equal(out0->mac, "\x02\0\0\0\0\x02", 6);
	assert_true(out0->n_addrs >= 1);
	assert_int_equal(out0->addrs[0].family, AF_INET);
	assert_memory_equal(out0->addrs[0].addr, addr, 4);
	assert_int_equal(out0->addrs[0].prefix, 24);
	assert_null(by_name(&links, "up0")); /* the other end is ours */
	assert_int_equal(own_network(), home);
	net_window_links_fini(&links);
	net_window_close(window);
}

static void test_news(void **state)
{
	struct world_ns ns;
	struct err err = { 0 };
	struct net_window *window;
	struct net_window_links links;
	struct link_info l;
	struct nl_batch b;

	(void)state;
	world_ns_make(&ns);
	window = net_window_open(ns.netns, &err);
	assert_non_null(window);
	list(window, &links);
	net_window_links_fini(&links);
	assert_false(has_news(window, 0));

	nl_batch_init(&b);
	link_put_bridge(&b, "br7", 1, 0);
	assert_int_equal(nl_transact(ns.rtnl, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_true(has_news(window, 10000));
	list(window, &links);
	assert_non_null(by_name(&links, "br7"));
	net_window_links_fini(&links);

	assert_int_equal(link_find(ns.rtnl, "br7", &l, &err), 0);
	nl_batch_init(&b);
	link_put_delete(&b, l.index);
	assert_int_equal(nl_transact(ns.rtnl, &b, NULL, &err), 0);
	nl_batch_fini(&b);
	assert_true(has_news(window, 10000));
	list(window, &links);
	assert_null(by_name(&links, "br7"));
	net_window_links_fini(&links);
	net_window_close(window);
	world_ns_free(&ns);
}

static void test_wrong(void **state)
{
	_cleanup_fd_ int none = dup(STDIN_FILENO);
	struct err err = { 0 };

	(void)state;
	assert_null(net_window_open(none, &err));
	assert_int_equal(err.sys, EINVAL);
	assert_null(net_window_open(-1, &err));
	assert_int_equal(err.sys, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_list, world_reset),
		cmocka_unit_test_setup(test_news, world_reset),
		cmocka_unit_test_setup(test_wrong, world_reset),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
