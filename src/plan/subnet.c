/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subnets. Those of the file come first; a network without one of a family that it carries gets a /24 out of 172.16.0.0/12, or a
 * /64 with the prefix that the stack has got out of fd00::/8 (RFC 4193). Both begin at a place that the name of the network
 * decides and go on until one is free of the host's routes and of the other networks.
 */
#include <stdio.h>

#include "plan/planner.h"

enum {
	BROAD_PREFIX =
		16, /* a route as broad as this may be a VPN's; holes in it are taken when nothing else is left */
};

/* Where subnets that nobody asked for come from. */
struct pool {
	struct ip_net all;
	uint8_t prefix; /* of each */
	uint32_t count; /* so many are tried */
	const char *text;
};

/* The host's route that is in the way, or NULL. Routes broader than `narrowest` do not count. */
static const struct net_prefix *taken_by_host(const struct planner *p, const struct ip_net *subnet,
					      unsigned narrowest)
{
	for (size_t i = 0; i < p->n_routes; i++)
		if (p->routes[i].net.prefix >= narrowest && ip_overlap(&p->routes[i].net, subnet))
			return &p->routes[i];
	return NULL;
}

/* Subnets of the file count before their bridges are planned: one further down must stay free. */
static bool taken_by_us(const struct planner *p, const struct ip_net *subnet)
{
	for (size_t i = 0; i < p->stack->n_networks; i++) {
		const struct stack_network *n = &p->stack->networks[i];

		for (size_t k = 0; k < n->n_subnets; k++)
			if (ip_overlap(&n->subnets[k].net, subnet))
				return true;
	}
	/* The one behind them is the one that is being made. */
	for (size_t i = 0; p->plan->net.bridges && i <= p->plan->net.n_bridges; i++) {
		const struct net_bridge_spec *b = &p->plan->net.bridges[i];

		for (size_t k = 0; k < b->n_subnets; k++)
			if (ip_overlap(&b->subnets[k].net, subnet))
				return true;
	}
	return false;
}

/* The n-th subnet of a pool: the number stands right before the end of the prefix. */
static struct ip_net pool_subnet(const struct pool *pool, uint32_t n)
{
	struct ip_net net = { pool->all.ip, pool->prefix };

	for (unsigned i = pool->prefix / 8; i-- && n; n >>= 8)
		net.ip.bytes[i] |= (uint8_t)n;
	return net;
}

static bool choose(const struct planner *p, const struct pool *pool, uint32_t start,
		   unsigned narrowest, struct ip_net *ret)
{
	for (uint32_t i = 0; i < pool->count; i++) {
		struct ip_net subnet = pool_subnet(pool, (start + i) % pool->count);

		if (taken_by_host(p, &subnet, narrowest) || taken_by_us(p, &subnet))
			continue;
		*ret = subnet;
		return true;
	}
	return false;
}

static void add_subnet(struct net_bridge_spec *b, const struct ip_net *net,
		       const struct ip *gateway)
{
	struct ip first = ip_plus(&net->ip, 1);

	b->subnets[b->n_subnets++] =
		(struct net_subnet){ *net, gateway->family ? *gateway : first };
}

/*
 * The place in the pool comes from the name, so that a stack gets the same subnet each time and two
 * stacks seldom want the same one. What is in use meanwhile is seen in the host's routes.
 */
static void give_subnet(struct planner *p, const struct stack_network *n, const struct pool *pool,
			struct net_bridge_spec *b)
{
	uint32_t start = (uint32_t)(hash64_str(n->name) % pool->count);
	const struct ip by_rule = { 0 };
	struct ip_net subnet;

	if (planner_kept_subnet(p, n, pool->all.ip.family, &subnet)) {
		add_subnet(b, &subnet, &by_rule);
		return;
	}
	if (!choose(p, pool, start, 1, &subnet)) {
		if (!choose(p, pool, start, BROAD_PREFIX + 1, &subnet)) {
			p->host_errors++;
			stack_diag_add(
				p->diags, STACK_ERROR, n->pos,
				"give it one with `ipam: {config: [{subnet: ...}]}`",
				"network '%s': no free subnet is left in %s beside the routes of this host",
				n->key, pool->text);
			return;
		}
		stack_diag_add(
			p->diags, STACK_WARNING, n->pos, NULL,
			"network '%s': its subnet lies inside a broad route of this host (a VPN?)",
			n->key);
	}
	add_subnet(b, &subnet, &by_rule);
}

static void give_ipv4(struct planner *p, const struct stack_network *n, struct net_bridge_spec *b)
{
	static const struct pool pool = {
		{ { AF_INET, { 172, 16 } }, 12 }, 24, 4096, "172.16.0.0/12"
	};

	give_subnet(p, n, &pool, b);
}

/* A prefix that is the stack's own, also beside those of all others: 40 bits of its name. */
static void give_ipv6(struct planner *p, const struct stack_network *n, struct net_bridge_spec *b)
{
	struct pool pool = { { { AF_INET6, { 0xfd } }, 48 }, 64, 65536, "" };
	uint64_t h = hash64_str(p->stack->name);

	for (unsigned i = 1; i <= 5; i++)
		pool.all.ip.bytes[i] = (uint8_t)(h >> (8 * i));
	pool.text = arena_strdup(p->arena, ip_net_text(&pool.all).text);
	give_subnet(p, n, &pool, b);
}

/* Within, an address of the host's surroundings means a neighbour on this network. */
static void warn_of_shadow(struct planner *p, const struct stack_network *n,
			   const struct stack_subnet *s)
{
	const struct net_facts *host = p->host->net;

	for (size_t i = 0; i < host->n_prefixes; i++)
		if (ip_overlap(&host->prefixes[i].net, &s->net)) {
			stack_diag_add(
				p->diags, STACK_WARNING, s->pos, NULL,
				"network '%s': the host has %s (%s) as well; from there published ports are not reached",
				n->key, ip_net_text(&host->prefixes[i].net).text,
				host->prefixes[i].dev);
			return;
		}
}

static void take_subnet(struct planner *p, const struct stack_network *n,
			const struct stack_subnet *s, struct net_bridge_spec *b)
{
	/* On a network that is not ours the host is a neighbour, if it is there at all. */
	const struct net_prefix *r =
		b->kind == NET_LAN_BRIDGE ? taken_by_host(p, &s->net, 1) : NULL;

	if (r) {
		p->host_errors++;
		stack_diag_add(p->diags, STACK_ERROR, s->pos,
			       "choose another subnet, or leave it out",
			       "network '%s': subnet is taken on this host by %s (%s)", n->key,
			       ip_net_text(&r->net).text, r->dev);
	}
	if (p->host->isolated)
		warn_of_shadow(p, n, s);
	if (b->n_subnets < NET_SUBNETS_MAX)
		add_subnet(b, &s->net, &s->gateway);
}

/* Those of the file; false: there are none of this family. */
static bool take_subnets(struct planner *p, const struct stack_network *n, int family,
			 struct net_bridge_spec *b)
{
	size_t had = b->n_subnets;

	for (size_t i = 0; i < n->n_subnets; i++)
		if (n->subnets[i].net.ip.family == family)
			take_subnet(p, n, &n->subnets[i], b);
	return b->n_subnets > had;
}

const struct net_subnet *planner_subnet_of(const struct net_bridge_spec *b, const struct ip *ip)
{
	for (size_t i = 0; i < b->n_subnets; i++)
		if (ip_is_within(ip, &b->subnets[i].net))
			return &b->subnets[i];
	return NULL;
}

const struct stack_subnet *planner_subnet_in_file(const struct stack_network *n,
						  const struct ip_net *net)
{
	for (size_t i = 0; i < n->n_subnets; i++)
		if (n->subnets[i].net.prefix == net->prefix &&
		    ip_equal(&n->subnets[i].net.ip, &net->ip))
			return &n->subnets[i];
	return NULL;
}

/* The plan that it is from may be gone before this one. */
static const struct net_tunnel *copy_tunnel(struct planner *p, const struct net_tunnel *from)
{
	struct net_tunnel *t;
	struct ip *peers;

	if (!from)
		return NULL;
	t = arena_alloc(p->arena, sizeof(*t));
	peers = arena_array(p->arena, struct ip, from->n_peers + 1);
	*t = *from;
	for (size_t i = 0; i < from->n_peers; i++)
		peers[i] = from->peers[i];
	t->peers = peers;
	t->alias = arena_strdup(p->arena, from->alias);
	return t;
}

/* The bridges that are there keep their numbers. */
static void take_running(struct planner *p, size_t room)
{
	struct net_spec *spec = &p->plan->net;
	const struct plan *before = p->running ? p->running : p->host->running;
	const struct net_spec *running = before ? &before->net : spec;

	/* One more: taken_by_us looks at the one that comes next. */
	spec->bridges =
		arena_array(p->arena, struct net_bridge_spec, running->n_bridges + room + 1);
	for (; spec->n_bridges < running->n_bridges; spec->n_bridges++) {
		struct net_bridge_spec *b = &spec->bridges[spec->n_bridges];

		*b = running->bridges[spec->n_bridges];
		b->altname = arena_strdup(p->arena, b->altname);
		b->tunnel = copy_tunnel(p, b->tunnel);
	}
}

/* By its name; its number, or SIZE_MAX. */
static size_t find_running(const struct planner *p, const struct stack_network *n)
{
	for (size_t i = 0; p->running && i < p->running->net.n_bridges; i++)
		if (!p->running->net.bridges[i].gone &&
		    !strcmp(p->running->net.bridges[i].altname, n->name))
			return i;
	return SIZE_MAX;
}

/* By anybody who is still to be started. */
static bool is_wanted(const struct planner *p, const struct stack_network *n)
{
	const struct stack_service *s = p->extra ? p->extra->service : NULL;

	for (size_t i = 0; s && i < s->n_networks; i++)
		if (s->networks[i].network == n)
			return true;
	return !s && n->used;
}

bool planner_has_vlans(const struct planner *p, const struct stack_network *n)
{
	for (size_t i = 0; i < p->stack->n_services; i++) {
		const struct stack_service *s = &p->stack->services[i];

		for (size_t k = 0; k < s->n_networks; k++)
			if (s->networks[k].network == n && s->networks[k].vlan.given)
				return true;
	}
	return false;
}

void planner_choose_subnets(struct planner *p, const struct stack_network *n,
			    struct net_bridge_spec *b)
{
	if (n->ipv4 && !take_subnets(p, n, AF_INET, b))
		give_ipv4(p, n, b);
	if (n->ipv6 && !take_subnets(p, n, AF_INET6, b))
		give_ipv6(p, n, b);
}

void planner_bridge(struct planner *p, const struct stack_network *n, const char *key,
		    struct net_bridge_spec *b)
{
	b->altname = n->name;
	b->line = n->pos.line;
	if (planner_lan(p, n, b))
		return;
	planner_bridge_name(p, key, b->ifname);
	if (n->driver.bridge.text)
		snprintf(b->ifname, sizeof(b->ifname), "%s", n->driver.bridge.text);
	b->internal = n->internal;
	b->routed = n->driver.no_masquerade;
	b->isolated = n->driver.no_icc;
	b->vlans = planner_has_vlans(p, n);
	b->mtu = n->mtu ? n->mtu : p->host->net->mtu;
	if (n->driver.kind == STACK_VXLAN)
		planner_tunnel(p, n, b);
	planner_choose_subnets(p, n, b);
}

void planner_networks(struct planner *p)
{
	struct net_spec *spec = &p->plan->net;

	take_running(p, p->stack->n_networks);
	p->bridge_of = arena_array(p->arena, size_t, p->stack->n_networks);
	for (size_t i = 0; i < p->stack->n_networks; i++) {
		const struct stack_network *n = &p->stack->networks[i];
		struct net_bridge_spec *b;

		p->bridge_of[i] = find_running(p, n);
		if (p->bridge_of[i] != SIZE_MAX || !is_wanted(p, n))
			continue;
		b = &spec->bridges[spec->n_bridges];
		planner_bridge(p, n, n->key, b);
		p->bridge_of[i] = planner_kept_bridge(p, b);
		if (p->bridge_of[i] == SIZE_MAX)
			p->bridge_of[i] = spec->n_bridges++;
		else
			*b = (struct net_bridge_spec){ 0 };
	}
}
