/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts: what the plan must know of the host: which addresses are in use, how large a
 * packet may be. Called by sup and `mstack plan` through net_facts_get. Only reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#include "net/addr.h"
#include "net/link.h"
#include "net/route.h"

#define MTU_DEFAULT 1500

struct prefixes VEC(struct net_prefix);

static const struct link_info *link_of(int index, const struct link_info *links, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (links[i].index == index)
			return &links[i];
	return NULL;
}

static bool is_loopback(const struct ip *ip)
{
	static const struct ip six = { AF_INET6, { [15] = 1 } };

	return ip->family == AF_INET ? ip->bytes[0] == IN_LOOPBACKNET : ip_equal(ip, &six);
}

/* Every link has them, and they are its own business. */
static bool is_link_local(const struct ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static void add_prefix(struct prefixes *all, const struct ip_net *net, const struct link_info *l)
{
	struct net_prefix p = { .net = { ip_first(net), net->prefix } };

	if (!net->prefix || is_loopback(&net->ip) || is_link_local(&net->ip))
		return;
	if (l)
		memcpy(p.dev, l->name, sizeof(p.dev));
	vec_push(all, p);
}

static int take_addresses(int fd, struct prefixes *all, const struct link_info *links, size_t n,
			  struct err *err)
{
	_cleanup_free_ struct addr_info *addrs = NULL;
	size_t n_addrs;

	if (addr_list(fd, &addrs, &n_addrs, err))
		return -1;
	for (size_t i = 0; i < n_addrs; i++)
		add_prefix(all, &addrs[i].net, link_of(addrs[i].index, links, n));
	return 0;
}

/*
 * The best default route of the main table says how large a packet to the outside may be.
 */
static int take_routes(int fd, struct prefixes *all, const struct link_info *links, size_t n,
		       struct net_facts *f, struct err *err)
{
	_cleanup_free_ struct route_info *routes = NULL;
	uint32_t best = UINT32_MAX;
	size_t n_routes;

	if (route_list(fd, &routes, &n_routes, err))
		return -1;
	for (size_t i = 0; i < n_routes; i++) {
		const struct link_info *l = link_of(routes[i].index, links, n);

		add_prefix(all, &routes[i].dst, l);
		if (routes[i].dst.prefix || routes[i].dst.ip.family != AF_INET ||
		    routes[i].table != RT_TABLE_MAIN ||
		    (f->has_default && routes[i].metric >= best))
			continue;
		f->has_default = true;
		best = routes[i].metric;
		if (l && l->mtu)
			f->mtu = l->mtu;
	}
	return 0;
}

int net_facts_get(struct net_facts *ret, struct err *err)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, err);
	_cleanup_free_ struct link_info *links = NULL;
	struct net_facts f = { .mtu = MTU_DEFAULT };
	struct prefixes all = { 0 };
	size_t n;

	if (fd < 0 || link_list(fd, &links, &n, err))
		return -1;
	if (take_addresses(fd, &all, links, n, err) || take_routes(fd, &all, links, n, &f, err)) {
		vec_fini(&all);
		return -1;
	}
	f.prefixes = all.v;
	f.n_prefixes = all.n;
	*ret = f;
	return 0;
}

void net_facts_fini(struct net_facts *f)
{
	if (!f)
		return;
	free(f->prefixes);
	*f = (struct net_facts){ 0 };
}
