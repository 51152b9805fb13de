/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kept: what a stack that runs keeps when it is planned anew: the numbers of its bridges and wires, the subnets and addresses that
 * nobody asked for, the ports of the host that were chosen. So what does not change is not touched. Called by the other files
 * of plan; all of it does nothing unless `host->running` says what runs.
 */
#include "plan/planner.h"

static const struct plan *running_of(const struct planner *p)
{
	return p->host->running;
}

/* ---- networks -------------------------------------------------------------------------------- */

static bool is_own(const struct net_spec *net, const char *dev)
{
	for (size_t i = 0; i < net->n_bridges; i++)
		if (net->bridges[i].kind == NET_LAN_BRIDGE && !strcmp(net->bridges[i].ifname, dev))
			return true;
	return false;
}

void planner_kept_routes(struct planner *p)
{
	const struct plan *running = running_of(p);
	struct net_prefix *others;
	size_t n = 0;

	if (!running)
		return;
	others = arena_array(p->arena, struct net_prefix, p->n_routes + 1);
	for (size_t i = 0; i < p->n_routes; i++)
		if (!is_own(&running->net, p->routes[i].dev))
			others[n++] = p->routes[i];
	p->routes = others;
	p->n_routes = n;
}

/* The last one of a name counts: those before it are on their way out. */
static size_t find_bridge(const struct plan *running, const char *name)
{
	for (size_t i = running->net.n_bridges; i--;)
		if (!running->net.bridges[i].gone && !strcmp(running->net.bridges[i].altname, name))
			return i;
	return SIZE_MAX;
}

static const struct stack_network *find_network(const struct plan *running, const char *name)
{
	for (size_t i = 0; i < running->stack->n_networks; i++)
		if (!strcmp(running->stack->networks[i].name, name))
			return &running->stack->networks[i];
	return NULL;
}

static bool taken_by_file(const struct planner *p, const struct ip_net *net)
{
	for (size_t i = 0; i < p->stack->n_networks; i++)
		for (size_t k = 0; k < p->stack->networks[i].n_subnets; k++)
			if (ip_overlap(&p->stack->networks[i].subnets[k].net, net))
				return true;
	return false;
}

bool planner_kept_subnet(const struct planner *p, const struct stack_network *n, int family,
			 struct ip_net *ret)
{
	const struct plan *running = running_of(p);
	size_t nr = running ? find_bridge(running, n->name) : SIZE_MAX;
	const struct stack_network *was = running ? find_network(running, n->name) : NULL;

	for (size_t i = 0; was && nr != SIZE_MAX && i < running->net.bridges[nr].n_subnets; i++) {
		const struct ip_net *net = &running->net.bridges[nr].subnets[i].net;

		if (net->ip.family != family || planner_subnet_in_file(was, net) ||
		    taken_by_file(p, net))
			continue;
		*ret = *net;
		return true;
	}
	return false;
}

static bool is_same_tunnel(const struct net_tunnel *a, const struct net_tunnel *b)
{
	if (!a || !b)
		return a == b;
	if (a->vni != b->vni || a->port != b->port || strcmp(a->dev, b->dev) != 0 ||
	    a->n_peers != b->n_peers)
		return false;
	for (size_t i = 0; i < a->n_peers; i++)
		if (!ip_equal(&a->peers[i], &b->peers[i]))
			return false;
	return true;
}

static bool is_same_bridge(const struct net_bridge_spec *a, const struct net_bridge_spec *b)
{
	if (a->kind != b->kind || a->mode != b->mode || a->routed != b->routed ||
	    a->isolated != b->isolated || !is_same_tunnel(a->tunnel, b->tunnel) ||
	    strcmp(a->ifname, b->ifname) != 0 || a->internal != b->internal ||
	    a->vlans != b->vlans || a->mtu != b->mtu || a->n_subnets != b->n_subnets)
		return false;
	for (size_t i = 0; i < a->n_subnets; i++)
		if (a->subnets[i].net.prefix != b->subnets[i].net.prefix ||
		    !ip_equal(&a->subnets[i].net.ip, &b->subnets[i].net.ip) ||
		    !ip_equal(&a->subnets[i].gateway, &b->subnets[i].gateway))
			return false;
	return true;
}

size_t planner_kept_bridge(const struct planner *p, const struct net_bridge_spec *b)
{
	const struct plan *running = running_of(p);
	size_t nr = running ? find_bridge(running, b->altname) : SIZE_MAX;

	return nr != SIZE_MAX && is_same_bridge(&running->net.bridges[nr], b) ? nr : SIZE_MAX;
}

/* ---- addresses ------------------------------------------------------------------------------- */

static const struct plan_slot *find_slot(const struct plan *running, const char *name)
{
	for (size_t i = 0; running && i < running->n_slots; i++)
		if (running->slots[i].name && !strcmp(running->slots[i].name, name))
			return &running->slots[i];
	return NULL;
}

static bool was_static(const struct plan_slot *slot, const struct ip *ip)
{
	for (size_t i = 0; i < slot->service->n_networks; i++)
		if (ip_equal(&slot->service->networks[i].ipv4, ip) ||
		    ip_equal(&slot->service->networks[i].ipv6, ip))
			return true;
	return false;
}

bool planner_kept_address(const struct planner *p, const struct plan_slot *slot, size_t bridge,
			  int family, struct ip *ret)
{
	const struct plan_slot *was = find_slot(running_of(p), slot->name);

	for (size_t i = 0; was && i < was->n_ports; i++) {
		const struct net_port_spec *port = &was->ports[i];
		const struct ip *ip = family == AF_INET ? &port->ip4.ip : &port->ip6.ip;

		if (port->bridge != bridge || !ip->family || was_static(was, ip))
			continue;
		*ret = *ip;
		return true;
	}
	return false;
}

bool planner_kept_holds(const struct planner *p, const struct plan_slot *slot, size_t bridge,
			const struct ip *ip)
{
	const struct plan *running = running_of(p);

	for (size_t i = 0; running && i < running->n_slots; i++) {
		const struct plan_slot *s = &running->slots[i];

		if (!s->name || !strcmp(s->name, slot->name))
			continue;
		for (size_t k = 0; k < s->n_ports; k++)
			if (s->ports[k].bridge == bridge && (ip_equal(&s->ports[k].ip4.ip, ip) ||
							     ip_equal(&s->ports[k].ip6.ip, ip)))
				return true;
	}
	for (size_t i = 0; i < p->host->n_taken; i++)
		if (ip_equal(&p->host->taken[i], ip))
			return true;
	return false;
}

/* ---- ports ----------------------------------------------------------------------------------- */

void planner_kept_ports(const struct planner *p, struct plan_slot *slot)
{
	const struct plan_slot *was = find_slot(running_of(p), slot->name);

	for (size_t i = 0; was && i < slot->n_pubs; i++) {
		struct net_publish_spec *pub = &slot->pubs[i];

		/* Of several that were chosen for one port of the container the order tells. */
		if (pub->host_port || i >= was->n_pubs)
			continue;
		if (was->pubs[i].port == pub->port && was->pubs[i].protocol == pub->protocol &&
		    ip_equal(&was->pubs[i].host_ip, &pub->host_ip))
			pub->host_port = was->pubs[i].host_port;
	}
}

/* ---- wires ----------------------------------------------------------------------------------- */

static bool is_same_end(const struct net_end_spec *a, const struct net_end_spec *b)
{
	bool same = a->kind == b->kind && !strcmp(a->text, b->text) &&
		    !memcmp(a->mac, b->mac, sizeof(a->mac)) && a->vni == b->vni &&
		    ip_equal(&a->remote, &b->remote);

	for (size_t i = 0; same && i < ARRAY_LEN(a->addrs); i++)
		same = ip_equal(&a->addrs[i].ip, &b->addrs[i].ip) &&
		       a->addrs[i].prefix == b->addrs[i].prefix;
	return same;
}

size_t planner_kept_wire(const struct planner *p, const struct net_wire_spec *w)
{
	const struct plan *running = running_of(p);

	for (size_t i = 0; running && i < running->net.n_wires; i++) {
		const struct net_wire_spec *was = &running->net.wires[i];

		if (!was->gone && was->mtu == w->mtu && is_same_end(&was->ends[0], &w->ends[0]) &&
		    is_same_end(&was->ends[1], &w->ends[1]))
			return i;
	}
	return SIZE_MAX;
}
