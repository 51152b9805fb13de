/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink: what an isolated stack has in the host's namespace: one network, to which the namespace that holds all others is
 * attached like a container. Called by plan.c before the stack's own networks are planned, which then see nothing of the host.
 */
#include "plan/planner.h"

/* No network of a file can have this name: the characters of those are others. */
#define NAME "~uplink"

static struct ip_net address(const struct net_bridge_spec *b, int family, struct ip *ret_gateway)
{
	for (size_t i = 0; i < b->n_subnets; i++) {
		const struct net_subnet *s = &b->subnets[i];

		if (s->net.ip.family != family)
			continue;
		*ret_gateway = s->gateway;
		return (struct ip_net){ ip_plus(&s->gateway, 1), s->net.prefix };
	}
	return (struct ip_net){ 0 };
}

static void attach(struct planner *p, struct plan_uplink *up)
{
	const struct net_bridge_spec *b = &up->net.bridges[0];
	struct net_port_spec *port = &up->port;

	planner_link_name(p, NAME, NAME, port->host_ifname);
	planner_mac(p, NAME, NAME, port->mac);
	memcpy(port->ifname, "uplink", sizeof("uplink"));
	port->alias = arena_printf(p->arena, "mstack:%s:uplink", p->stack->name);
	port->hairpin = true;
	port->ip4 = address(b, AF_INET, &port->gateway4);
	port->ip6 = address(b, AF_INET6, &port->gateway6);
}

static bool has_ipv6(const struct stack *s)
{
	for (size_t i = 0; i < s->n_networks; i++)
		if (s->networks[i].used && s->networks[i].ipv6)
			return true;
	return false;
}

/* All that is taken within. */
static void leave_host(struct planner *p, const struct plan_uplink *up)
{
	const struct net_bridge_spec *b = &up->net.bridges[0];
	struct net_prefix *routes = arena_array(p->arena, struct net_prefix, b->n_subnets);

	for (size_t i = 0; i < b->n_subnets; i++) {
		routes[i].net = b->subnets[i].net;
		memcpy(routes[i].dev, up->port.ifname, IFNAMSIZ);
	}
	p->routes = routes;
	p->n_routes = b->n_subnets;
}

void planner_uplink(struct planner *p)
{
	const struct stack_network network = {
		.key = "uplink",
		.name = arena_printf(p->arena, "%s" NAME, p->stack->name),
		.ipv4 = true,
		.ipv6 = has_ipv6(p->stack),
	};
	struct plan_uplink *up;

	if (p->running || (p->host->running && p->host->running->uplink)) {
		p->plan->uplink = (p->running ? p->running : p->host->running)->uplink;
	} else {
		up = arena_alloc(p->arena, sizeof(*up));
		plan_names(p->stack->name, &up->net);
		up->net.bridges = arena_array(p->arena, struct net_bridge_spec, 1);
		up->net.n_bridges = 1;
		planner_bridge(p, &network, NAME, &up->net.bridges[0]);
		attach(p, up);
		p->plan->uplink = up;
	}
	leave_host(p, p->plan->uplink);
}

/* ---- published ports ------------------------------------------------------------------------- */

struct net_publish_spec plan_outside(const struct plan *p, const struct net_publish_spec *pub)
{
	const struct net_port_spec *in = &p->uplink->port;
	struct net_publish_spec out = *pub;

	out.addr = pub->addr.family == AF_INET6 ? in->ip6.ip : in->ip4.ip;
	out.port = pub->host_port;
	return out;
}

struct net_publish_spec plan_inside(const struct net_publish_spec *pub)
{
	struct net_publish_spec in = *pub;

	in.host_ip = (struct ip){ .family = pub->addr.family };
	in.allow = NULL;
	in.n_allow = 0;
	return in;
}

static bool collide(const struct net_publish_spec *a, const struct net_publish_spec *b)
{
	return a->host_port && a->host_port == b->host_port && a->protocol == b->protocol &&
	       a->addr.family == b->addr.family;
}

static bool covers(const struct stack_port *port, uint16_t nr)
{
	return port->published <= nr && nr - port->published < port->n_published;
}

static struct stack_pos place_of(const struct planner *p, const struct net_publish_spec *pub)
{
	for (size_t i = p->first; i < p->plan->n_slots; i++) {
		const struct plan_slot *slot = &p->plan->slots[i];
		const struct stack_service *s = slot->service;

		if (pub < slot->pubs || pub >= slot->pubs + slot->n_pubs)
			continue;
		for (size_t k = 0; k < s->n_ports; k++)
			if (s->ports[k].pos.line == pub->line &&
			    covers(&s->ports[k], pub->host_port))
				return s->ports[k].pos;
	}
	return (struct stack_pos){ 0 };
}

/* Within there is one address for all that comes in, so a port of the host can lead to one place only. */
void planner_uplink_ports(struct planner *p)
{
	const struct net_publish_spec *pubs = p->plan->pubs;

	for (size_t i = 0; i < p->plan->n_pubs; i++)
		for (size_t k = 0; k < i; k++)
			if (collide(&pubs[i], &pubs[k]))
				stack_diag_add(
					p->diags, STACK_ERROR, place_of(p, &pubs[i]),
					"choose another port for one of them",
					"port %u of the host leads to two containers by two addresses, which an isolated stack cannot tell apart",
					pubs[i].host_port);
}
