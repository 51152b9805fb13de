/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subnets. Those of the file come first; the others get a /24 out of 172.16.0.0/12, beginning at a place that the name of
 * the network decides and going on until one is free of the host's routes and of the other networks.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "plan/planner.h"

enum {
	POOL = 0xac100000,   /* 172.16.0.0 */
	POOL_SUBNETS = 4096, /* /24s in a /12 */
	POOL_PREFIX = 24,
	BROAD_PREFIX =
		16, /* a route as broad as this may be a VPN's; holes in it are taken when nothing else is left */
};

static bool overlap(uint32_t a, unsigned a_len, uint32_t b, unsigned b_len)
{
	uint32_t mask = planner_mask(a_len < b_len ? a_len : b_len);

	return (a & mask) == (b & mask);
}

/* The host's route that is in the way, or NULL. Routes broader than `narrowest` do not count. */
static const struct net_prefix *taken_by_host(const struct planner *p, uint32_t subnet,
					      unsigned len, unsigned narrowest)
{
	const struct net_facts *net = p->host->net;

	for (size_t i = 0; i < net->n_prefixes; i++) {
		const struct net_prefix *r = &net->prefixes[i];

		if (r->len >= narrowest && overlap(ntohl(r->addr.s_addr), r->len, subnet, len))
			return r;
	}
	return NULL;
}

/* Subnets of the file count before their bridges are planned: one further down must stay free. */
static bool taken_by_us(const struct planner *p, uint32_t subnet, unsigned len)
{
	for (size_t i = 0; i < p->stack->n_networks; i++) {
		const struct stack_network *n = &p->stack->networks[i];

		if (n->prefix && overlap(ntohl(n->subnet.s_addr), n->prefix, subnet, len))
			return true;
	}
	for (size_t i = 0; i < p->plan->net.n_bridges; i++) {
		const struct net_bridge_spec *b = &p->plan->net.bridges[i];

		if (b->prefix && overlap(ntohl(b->subnet.s_addr), b->prefix, subnet, len))
			return true;
	}
	return false;
}

static bool choose(const struct planner *p, uint32_t start, unsigned narrowest, uint32_t *ret)
{
	for (uint32_t i = 0; i < POOL_SUBNETS; i++) {
		uint32_t subnet = POOL + ((start + i) % POOL_SUBNETS << (32 - POOL_PREFIX));

		if (taken_by_host(p, subnet, POOL_PREFIX, narrowest) ||
		    taken_by_us(p, subnet, POOL_PREFIX))
			continue;
		*ret = subnet;
		return true;
	}
	return false;
}

/*
 * The place in the pool comes from the name, so that a stack gets the same subnet each time and two
 * stacks seldom want the same one. What is in use meanwhile is seen in the host's routes.
 */
static void give_subnet(struct planner *p, const struct stack_network *n, struct net_bridge_spec *b)
{
	uint32_t start = (uint32_t)(hash64_str(n->name) % POOL_SUBNETS);
	uint32_t subnet = 0;

	if (!choose(p, start, 1, &subnet)) {
		if (!choose(p, start, BROAD_PREFIX + 1, &subnet)) {
			p->host_errors++;
			stack_diag_add(
				p->diags, STACK_ERROR, n->pos,
				"give it one with `ipam: {config: [{subnet: ...}]}`",
				"network '%s': no free subnet is left in 172.16.0.0/12 beside the routes of this host",
				n->key);
			return;
		}
		stack_diag_add(
			p->diags, STACK_WARNING, n->pos, NULL,
			"network '%s': its subnet lies inside a broad route of this host (a VPN?)",
			n->key);
	}
	b->subnet = planner_addr(subnet);
	b->prefix = POOL_PREFIX;
	b->gateway = planner_addr(subnet + 1);
}

static void take_subnet(struct planner *p, const struct stack_network *n, struct net_bridge_spec *b)
{
	const struct net_prefix *r = taken_by_host(p, ntohl(n->subnet.s_addr), n->prefix, 1);
	char text[INET_ADDRSTRLEN];

	if (r) {
		inet_ntop(AF_INET, &r->addr, text, sizeof(text));
		p->host_errors++;
		stack_diag_add(p->diags, STACK_ERROR, n->subnet_pos,
			       "choose another subnet, or leave it out",
			       "network '%s': subnet is taken on this host by %s/%u (%s)", n->key,
			       text, r->len, r->dev);
	}
	b->subnet = n->subnet;
	b->prefix = n->prefix;
	b->gateway = n->gateway.s_addr ? n->gateway : planner_addr(ntohl(n->subnet.s_addr) + 1);
}

/* The bridges that are there keep their numbers. */
static void take_running(struct planner *p, size_t room)
{
	struct net_spec *spec = &p->plan->net;
	const struct net_spec *running = p->running ? &p->running->net : spec;

	spec->bridges = arena_array(p->arena, struct net_bridge_spec, running->n_bridges + room);
	for (; spec->n_bridges < running->n_bridges; spec->n_bridges++)
		spec->bridges[spec->n_bridges] = running->bridges[spec->n_bridges];
}

/* By its name; its number, or SIZE_MAX. */
static size_t find_running(const struct planner *p, const struct stack_network *n)
{
	for (size_t i = 0; p->running && i < p->running->net.n_bridges; i++)
		if (!strcmp(p->running->net.bridges[i].altname, n->name))
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

void planner_networks(struct planner *p)
{
	struct net_spec *spec = &p->plan->net;

	take_running(p, p->stack->n_networks);
	p->bridge_of = arena_array(p->arena, size_t, p->stack->n_networks);
	for (size_t i = 0; i < p->stack->n_networks; i++) {
		const struct stack_network *n = &p->stack->networks[i];
		struct net_bridge_spec *b = &spec->bridges[spec->n_bridges];

		p->bridge_of[i] = find_running(p, n);
		if (p->bridge_of[i] != SIZE_MAX || !is_wanted(p, n))
			continue;
		planner_bridge_name(p, n, b->ifname);
		b->altname = n->name;
		b->internal = n->internal;
		b->mtu = p->host->net->mtu;
		b->line = n->pos.line;
		if (n->prefix)
			take_subnet(p, n, b);
		else
			give_subnet(p, n, b);
		p->bridge_of[i] = spec->n_bridges++;
	}
}
