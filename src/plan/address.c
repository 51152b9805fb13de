/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of slots, and what is published of them. Static addresses are reserved before dynamic ones are given out; these
 * follow the order of the file.
 */
#include <stdio.h>

#include "plan/planner.h"

/* How far the addresses of one family have been given out on a bridge. */
struct cursor {
	size_t subnet;
	struct ip last; /* in this subnet; none: nothing yet */
};

/* By number of the bridge. */
struct cursors {
	struct cursor four, six;
};

/* ---- whose it is ----------------------------------------------------------------------------- */

static bool is_static(const struct planner *p, const struct stack_network *net, const struct ip *ip)
{
	for (size_t i = 0; i < p->stack->n_services; i++) {
		const struct stack_service *s = &p->stack->services[i];

		for (size_t j = 0; j < s->n_networks; j++)
			if (s->networks[j].network == net && (ip_equal(&s->networks[j].ipv4, ip) ||
							      ip_equal(&s->networks[j].ipv6, ip)))
				return true;
	}
	return false;
}

/* Somebody who runs has it. */
static const char *holder(const struct planner *p, size_t bridge, const struct ip *ip)
{
	for (size_t i = 0; i < p->first; i++)
		for (size_t j = 0; j < p->plan->slots[i].n_ports; j++) {
			const struct net_port_spec *port = &p->plan->slots[i].ports[j];

			if (port->bridge == bridge &&
			    (ip_equal(&port->ip4.ip, ip) || ip_equal(&port->ip6.ip, ip)))
				return arena_printf(p->arena, "%s, which runs",
						    p->plan->slots[i].name);
		}
	for (size_t i = 0; p->extra && i < p->extra->n_taken; i++)
		if (ip_equal(&p->extra->taken[i], ip))
			return "another one-off container, which runs";
	return planner_lan_holder(p, &p->plan->net.bridges[bridge], ip);
}

/* Kept for somebody whom we do not start. */
static bool is_aux(const struct stack_subnet *s, const struct ip *ip)
{
	for (size_t i = 0; s && i < s->n_aux; i++)
		if (ip_equal(&s->aux[i].ip, ip))
			return true;
	return false;
}

/* ---- giving out ------------------------------------------------------------------------------ */

/* An address of one family for an attachment. */
struct wish {
	const struct plan_slot *slot;
	const struct stack_attach *attach;
	size_t bridge;
	int family;
	const struct ip *want; /* by the file; none: any */
	struct stack_pos pos;
	const char *key;
};

/* The next free address of a subnet behind `after`, or from its beginning on; false: none is left. */
static bool next_in(const struct planner *p, const struct wish *w, const struct net_subnet *subnet,
		    const struct ip *after, struct ip *ret)
{
	const struct stack_network *net = w->attach->network;
	const struct stack_subnet *file = planner_subnet_in_file(net, &subnet->net);
	const struct ip_net *range = file && file->range.ip.family ? &file->range : &subnet->net;
	struct ip network = ip_first(&subnet->net), end = ip_last(&subnet->net),
		  last = ip_last(range);
	struct ip ip = after->family ? ip_plus(after, 1) : ip_first(range);

	if (!after->family && range == &subnet->net)
		ip = planner_lan_start(p, &p->plan->net.bridges[w->bridge], subnet);

	for (; ip_is_within(&ip, range); ip = ip_plus(&ip, 1)) {
		bool special = ip_equal(&ip, &network) || ip_equal(&ip, &subnet->gateway) ||
			       (ip.family == AF_INET && ip_equal(&ip, &end));

		if (!special && !is_aux(file, &ip) && !is_static(p, net, &ip) &&
		    !holder(p, w->bridge, &ip) && !planner_kept_holds(p, w->slot, w->bridge, &ip)) {
			*ret = ip;
			return true;
		}
		if (ip_equal(&ip, &last))
			break;
	}
	return false;
}

/* Of the subnets of a family, one after the other; false: all are full. */
static bool next_address(const struct planner *p, const struct wish *w, struct cursor *at,
			 struct ip *ret)
{
	const struct net_bridge_spec *b = &p->plan->net.bridges[w->bridge];

	for (; at->subnet < b->n_subnets; at->subnet++) {
		const struct net_subnet *subnet = &b->subnets[at->subnet];

		if (subnet->net.ip.family == w->family && next_in(p, w, subnet, &at->last, ret)) {
			at->last = *ret;
			return true;
		}
		at->last = (struct ip){ 0 };
	}
	return false;
}

static bool carries(const struct net_bridge_spec *b, int family)
{
	for (size_t i = 0; i < b->n_subnets; i++)
		if (b->subnets[i].net.ip.family == family)
			return true;
	return false;
}

/* False: the file asks for what cannot be. */
static bool check_static(struct planner *p, const struct wish *w)
{
	const struct net_bridge_spec *b = &p->plan->net.bridges[w->bridge];
	const char *other = holder(p, w->bridge, w->want);

	if (other)
		stack_diag_add(p->diags, STACK_ERROR, w->pos, NULL,
			       "service '%s': network '%s': its %s belongs to %s",
			       w->slot->service->name, w->attach->network->key, w->key, other);
	else if (!planner_subnet_of(b, w->want))
		stack_diag_add(p->diags, STACK_ERROR, w->pos,
			       "see the network's 'ipam', 'enable_ipv4' and 'enable_ipv6'",
			       "service '%s': %s %s is in no subnet of network '%s'",
			       w->slot->service->name, w->key, ip_text(w->want).text,
			       w->attach->network->key);
	else
		return true;
	return false;
}

/* The address that it has, unless another one is to get it. */
static bool stays(const struct planner *p, const struct wish *w, struct ip *ret)
{
	const struct net_bridge_spec *b = &p->plan->net.bridges[w->bridge];
	struct ip ip;

	if (!planner_kept_address(p, w->slot, w->bridge, w->family, &ip) ||
	    !planner_subnet_of(b, &ip) || is_static(p, w->attach->network, &ip))
		return false;
	*ret = ip;
	return true;
}

/* None where the network does not carry the family. */
static struct ip_net give(struct planner *p, const struct wish *w, struct cursor *at)
{
	const struct net_bridge_spec *b = &p->plan->net.bridges[w->bridge];
	struct ip_net out = { 0 };

	if (w->want->family) {
		if (!check_static(p, w))
			return out;
		out.ip = *w->want;
	} else if (!carries(b, w->family)) {
		return out;
	} else if (!stays(p, w, &out.ip) && !next_address(p, w, at, &out.ip)) {
		stack_diag_add(p->diags, STACK_ERROR, w->attach->pos,
			       "give the network a larger subnet",
			       "service '%s': network '%s' has no free address left",
			       w->slot->service->name, w->attach->network->key);
		return out;
	}
	out.prefix = planner_subnet_of(b, &out.ip)->net.prefix;
	return out;
}

/* ---- attachments ----------------------------------------------------------------------------- */

static void attach(struct planner *p, struct plan_slot *slot, const struct stack_attach *a,
		   struct cursors *cursors)
{
	size_t bridge = p->bridge_of[a->network - p->stack->networks];
	struct net_port_spec *port = &slot->ports[slot->n_ports];
	const struct wish four = {
		slot, a, bridge, AF_INET, &a->ipv4, a->ipv4_pos, "ipv4_address"
	};
	const struct wish six = {
		slot, a, bridge, AF_INET6, &a->ipv6, a->ipv6_pos, "ipv6_address"
	};

	port->bridge = bridge;
	port->ip4 = give(p, &four, &cursors[bridge].four);
	port->ip6 = give(p, &six, &cursors[bridge].six);
	port->link_locals = a->link_locals;
	port->n_link_locals = a->n_link_locals;
	planner_port(p, slot, a, port);
	planner_impair(p, slot, a, &slot->links[slot->n_ports]);
	slot->n_ports++;
}

static void attach_slot(struct planner *p, struct plan_slot *slot, struct cursors *cursors)
{
	const struct stack_service *s = slot->service;

	slot->ports = arena_array(p->arena, struct net_port_spec, s->n_networks);
	slot->links = arena_array(p->arena, struct plan_link, s->n_networks);
	for (size_t j = 0; j < s->n_networks; j++)
		attach(p, slot, &s->networks[j], cursors);
	planner_routes(p, slot);
}

/*
 * In the order of the file, so that the same file gives the same addresses, and a service that is
 * added at its end, without an address of its own, moves nobody. The first containers of all services come before the second
 * ones and so on: then a service that gets more of them moves no first one.
 */
void planner_addresses(struct planner *p)
{
	struct cursors *cursors = arena_array(p->arena, struct cursors, p->plan->net.n_bridges);
	unsigned last = 1;

	for (unsigned k = 1; k <= last; k++)
		for (size_t i = p->first; i < p->plan->n_slots; i++) {
			struct plan_slot *slot = &p->plan->slots[i];

			if (slot->index == k)
				attach_slot(p, slot, cursors);
			if (slot->index > last)
				last = slot->index;
		}
}
