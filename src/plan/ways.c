/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ways: the published ports of slots. A port without an address of the host is published for each family that the outside
 * reaches the container by. Called by plan.c when all addresses are given out.
 */
#include "plan/planner.h"

/* The attachments by which the outside reaches a slot: those with a default route. NULL: none. */
struct ways {
	struct net_port_spec *four, *six;
};

static struct ways ways_in(const struct planner *p, const struct plan_slot *slot)
{
	struct ways w = { NULL, NULL };

	for (size_t i = 0; i < slot->n_ports; i++) {
		/* Who is on a network of the host's device is reached there, past the host. */
		if (p->plan->net.bridges[slot->ports[i].bridge].kind == NET_LAN_MACVLAN)
			continue;
		if (slot->ports[i].gateway4.family)
			w.four = &slot->ports[i];
		if (slot->ports[i].gateway6.family)
			w.six = &slot->ports[i];
	}
	return w;
}

/* Of a range the containers of a service have one port each, in their order: so everybody knows which is whose. */
static uint16_t host_port(const struct plan_slot *slot, const struct stack_port *port)
{
	return port->published ? (uint16_t)(port->published + slot->index - 1) : 0;
}

static void add(struct plan_slot *slot, const struct stack_port *port, const struct ip *host_ip,
		const struct ip *addr, bool twin)
{
	slot->pubs[slot->n_pubs++] = (struct net_publish_spec){
		.protocol = port->protocol,
		.host_ip = *host_ip,
		.host_port = host_port(slot, port),
		.addr = *addr,
		.port = port->target,
		.twin = twin,
		.allow = port->allow,
		.n_allow = port->n_allow,
		.owner = slot->name,
		.line = port->pos.line,
	};
}

/* Of the network by which it goes out: where its ports are published that name no address. */
static struct ip usual_host(const struct plan_slot *slot, const struct net_port_spec *out)
{
	struct ip none = { 0 };

	return out ? slot->service->networks[out - slot->ports].network->driver.bind4 : none;
}

static void publish_port(struct planner *p, struct plan_slot *slot, const struct stack_port *port,
			 const struct ways *in)
{
	static const struct ip any4 = { AF_INET, { 0 } }, any6 = { AF_INET6, { 0 } };
	const struct ip usual = usual_host(slot, in->four),
			*host_ip = port->host_ip.family ? &port->host_ip : &usual;
	int family = host_ip->family;

	/* Handed on by a process, which reaches it by either family. */
	if (ip_is_loopback6(&port->host_ip)) {
		add(slot, port, &port->host_ip, in->six ? &in->six->ip6.ip : &in->four->ip4.ip, false);
		return;
	}
	if ((family == AF_INET && !in->four) || (family == AF_INET6 && !in->six)) {
		stack_diag_add(
			p->diags, STACK_ERROR, port->pos,
			family == AF_INET ? "publish it to an IPv6 address, or to none"
					  : "set 'enable_ipv6: true' at its network",
			"service '%s': port %u is published to %s, but the container has no %s address",
			slot->service->name, port->target, ip_text(host_ip).text,
			family == AF_INET ? "IPv4" : "IPv6");
		return;
	}
	if (family != AF_INET6 && in->four)
		add(slot, port, family ? host_ip : &any4, &in->four->ip4.ip, false);
	if (family != AF_INET && in->six)
		add(slot, port, family ? host_ip : &any6, &in->six->ip6.ip, !family && in->four);
}

static bool is_macvlan(const struct planner *p, const struct plan_slot *slot)
{
	for (size_t i = 0; i < slot->n_ports; i++)
		if (p->plan->net.bridges[slot->ports[i].bridge].kind == NET_LAN_MACVLAN)
			return true;
	return false;
}

static void publish(struct planner *p, struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;
	const struct ways in = ways_in(p, slot);

	slot->pubs = p->plan->pubs + p->plan->n_pubs;
	/* With another network than its own there is nothing to say that has not been said of the file. */
	if (s->net.share != STACK_OWN)
		return;
	if (s->n_ports && !in.four && !in.six) {
		stack_diag_add(p->diags, STACK_WARNING, s->ports[0].pos, NULL,
			       "service '%s': ports are not published: %s", s->name,
			       slot->n_ports && is_macvlan(p, slot)
				       ? "by macvlan it is reached at its own address"
				       : "it is on internal networks only");
		return;
	}
	for (size_t i = 0; i < s->n_ports; i++)
		publish_port(p, slot, &s->ports[i], &in);
	planner_kept_ports(p, slot);
	/* With br_netfilter, what it sends to itself by a port of the host is bridged back to where it came from. */
	if (s->n_ports && in.four)
		in.four->hairpin = true;
	if (s->n_ports && in.six)
		in.six->hairpin = true;
	p->plan->n_pubs += slot->n_pubs;
}

void planner_publish(struct planner *p)
{
	size_t n = 0;

	for (size_t i = p->first; i < p->plan->n_slots; i++)
		n += p->plan->slots[i].service->n_ports;
	/* Two for each: one of each family. */
	p->plan->pubs = arena_array(p->arena, struct net_publish_spec, 2 * n + 1);
	for (size_t i = p->first; i < p->plan->n_slots; i++)
		publish(p, &p->plan->slots[i]);
}
