/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts: what the plan must know of the host: which addresses are in use, which links there are, how large a
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

static void add_own(struct prefixes *own, const struct ip_net *net, const struct link_info *l)
{
	struct net_prefix p = { .net = *net };

	if (!l || is_loopback(&net->ip) || is_link_local(&net->ip))
		return;
	memcpy(p.dev, l->name, sizeof(p.dev));
	vec_push(own, p);
}

static int take_addresses(int fd, struct prefixes *all, const struct link_info *links, size_t n,
			  struct net_facts *f, struct err *err)
{
	_cleanup_free_ struct addr_info *addrs = NULL;
	struct prefixes own = { 0 };
	size_t n_addrs;

	if (addr_list(fd, &addrs, &n_addrs, err))
		return -1;
	for (size_t i = 0; i < n_addrs; i++) {
		const struct link_info *l = link_of(addrs[i].index, links, n);

		add_prefix(all, &addrs[i].net, l);
		add_own(&own, &addrs[i].net, l);
	}
	f->addresses = own.v;
	f->n_addresses = own.n;
	return 0;
}

struct guests VEC(struct net_guest);

/* Alias "mstack:PROJECT:SLOT ADDRESS ADDRESS": what is on a bridge has nowhere else told what it is called there. */
static void add_guests(struct guests *all, const struct link_info *port,
		       const struct link_info *bridge)
{
	const char *project = port->alias + strlen(LINK_OWNER);
	struct net_guest g = { 0 };
	char words[sizeof(port->alias)], *save = NULL;

	if (strncmp(port->alias, LINK_OWNER, strlen(LINK_OWNER)) != 0)
		return;
	memcpy(g.dev, bridge->name, sizeof(g.dev));
	snprintf(g.project, sizeof(g.project), "%.*s", (int)strcspn(project, ":"), project);
	snprintf(words, sizeof(words), "%s", port->alias);
	strtok_r(words, " ", &save);
	for (char *w = strtok_r(NULL, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (ip_parse(w, &g.ip))
			vec_push(all, g);
}

static void take_devices(const struct link_info *links, size_t n, struct net_facts *f)
{
	struct guests guests = { 0 };

	f->devices = xcalloc(n + 1, sizeof(*f->devices));
	for (size_t i = 0; i < n; i++) {
		const struct link_info *bridge =
			links[i].master ? link_of(links[i].master, links, n) : NULL;
		struct net_device *d = &f->devices[f->n_devices++];

		d->mtu = links[i].mtu;
		d->tells_vlans = links[i].tells_vlans;
		memcpy(d->name, links[i].name, sizeof(d->name));
		memcpy(d->kind, links[i].kind, sizeof(d->kind));
		memcpy(d->altname, links[i].altname, sizeof(d->altname));
		if (bridge)
			add_guests(&guests, &links[i], bridge);
	}
	f->guests = guests.v;
	f->n_guests = guests.n;
}

/*
 * The best default route of the main table says how large a packet to the outside may be: that of IPv4, or where there is none
 * that of IPv6.
 */
static bool is_better(const struct route_info *r, const struct route_info *best)
{
	if (r->dst.prefix || r->table != RT_TABLE_MAIN)
		return false;
	if (!best || r->dst.ip.family != best->dst.ip.family)
		return !best || r->dst.ip.family == AF_INET;
	return r->metric < best->metric;
}

static int take_routes(int fd, struct prefixes *all, const struct link_info *links, size_t n,
		       struct net_facts *f, struct err *err)
{
	_cleanup_free_ struct route_info *routes = NULL;
	const struct route_info *best = NULL;
	const struct link_info *out;
	size_t n_routes;

	if (route_list(fd, &routes, &n_routes, err))
		return -1;
	for (size_t i = 0; i < n_routes; i++) {
		add_prefix(all, &routes[i].dst, link_of(routes[i].index, links, n));
		if (is_better(&routes[i], best))
			best = &routes[i];
	}
	out = best ? link_of(best->index, links, n) : NULL;
	f->has_default = best != NULL;
	if (out && out->mtu)
		f->mtu = out->mtu;
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
	take_devices(links, n, &f);
	if (take_addresses(fd, &all, links, n, &f, err) ||
	    take_routes(fd, &all, links, n, &f, err)) {
		vec_fini(&all);
		net_facts_fini(&f);
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
	free(f->addresses);
	free(f->devices);
	free(f->guests);
	*f = (struct net_facts){ 0 };
}
