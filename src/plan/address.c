/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of slots, and what is published of them. Static addresses are reserved before dynamic ones are given out; these
 * follow the order of the file.
 */
#include <stdio.h>

#include "plan/planner.h"

static bool is_static(const struct planner *p, const struct stack_network *net, uint32_t addr)
{
	for (size_t i = 0; i < p->stack->n_services; i++) {
		const struct stack_service *s = &p->stack->services[i];

		for (size_t j = 0; j < s->n_networks; j++)
			if (s->networks[j].network == net &&
			    s->networks[j].ipv4.s_addr == htonl(addr))
				return true;
	}
	return false;
}

/* Somebody who runs has it. */
static const char *holder(const struct planner *p, size_t bridge, uint32_t addr)
{
	for (size_t i = 0; i < p->first; i++)
		for (size_t j = 0; j < p->plan->slots[i].n_ports; j++)
			if (p->plan->slots[i].ports[j].bridge == bridge &&
			    p->plan->slots[i].ports[j].addr.s_addr == htonl(addr))
				return p->plan->slots[i].name;
	for (size_t i = 0; p->extra && i < p->extra->n_taken; i++)
		if (p->extra->taken[i].s_addr == htonl(addr))
			return "another one-off container";
	return NULL;
}

/* The next free address of a bridge; `last` is the one given out before. 0: none left. */
static uint32_t next_address(const struct planner *p, const struct stack_network *net,
			     size_t bridge, uint32_t last)
{
	const struct net_bridge_spec *b = &p->plan->net.bridges[bridge];
	uint32_t first = ntohl(b->subnet.s_addr);
	uint32_t broadcast = first | ~planner_mask(b->prefix);

	for (uint32_t a = last + 1; a < broadcast; a++)
		if (a != ntohl(b->gateway.s_addr) && !is_static(p, net, a) && !holder(p, bridge, a))
			return a;
	return 0;
}

static void attach(struct planner *p, struct plan_slot *slot, const struct stack_attach *a,
		   uint32_t *last)
{
	size_t bridge = p->bridge_of[a->network - p->stack->networks];
	const struct net_bridge_spec *b = &p->plan->net.bridges[bridge];
	struct net_port_spec *port = &slot->ports[slot->n_ports];
	const char *other = a->ipv4.s_addr ? holder(p, bridge, ntohl(a->ipv4.s_addr)) : NULL;

	port->bridge = bridge;
	port->addr = a->ipv4;
	if (other)
		stack_diag_add(
			p->diags, STACK_ERROR, a->ipv4_pos, NULL,
			"service '%s': network '%s': its ipv4_address belongs to %s, which runs",
			slot->service->name, a->network->key, other);
	if (!a->ipv4.s_addr) {
		uint32_t addr = next_address(p, a->network, bridge, last[bridge]);

		if (!addr) {
			stack_diag_add(p->diags, STACK_ERROR, a->pos,
				       "give the network a larger subnet",
				       "service '%s': network '%s' has no free address left",
				       slot->service->name, a->network->key);
			return;
		}
		last[bridge] = addr;
		port->addr = planner_addr(addr);
	}
	planner_link_name(p, slot->name, a->network->key, port->host_ifname);
	planner_mac(p, slot->name, a->network->key, port->mac);
	snprintf(port->ifname, sizeof(port->ifname), "eth%zu", slot->n_ports);
	port->alias = arena_printf(p->arena, "mstack:%s:%s", p->stack->name, slot->name);
	/* Exactly one way out: the first network of the service that has any. */
	port->default_route = !b->internal;
	for (size_t i = 0; i < slot->n_ports; i++)
		if (slot->ports[i].default_route)
			port->default_route = false;
	slot->n_ports++;
}

/*
 * In the order of the file, so that the same file gives the same addresses, and a service that is
 * added at its end, without an address of its own, moves nobody.
 */
void planner_addresses(struct planner *p)
{
	const struct net_spec *net = &p->plan->net;
	uint32_t *last = arena_array(p->arena, uint32_t, net->n_bridges);

	for (size_t i = 0; i < net->n_bridges; i++)
		last[i] = ntohl(net->bridges[i].subnet.s_addr);
	for (size_t i = p->first; i < p->plan->n_slots; i++) {
		struct plan_slot *slot = &p->plan->slots[i];
		const struct stack_service *s = slot->service;

		slot->ports = arena_array(p->arena, struct net_port_spec, s->n_networks);
		for (size_t j = 0; j < s->n_networks; j++)
			attach(p, slot, &s->networks[j], last);
	}
}

/* The attachment by which the outside reaches a slot: the one with the default route. */
static const struct net_port_spec *way_in(const struct plan_slot *slot)
{
	for (size_t i = 0; i < slot->n_ports; i++)
		if (slot->ports[i].default_route)
			return &slot->ports[i];
	return NULL;
}

static void publish(struct planner *p, struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;
	const struct net_port_spec *in = way_in(slot);

	slot->pubs = p->plan->pubs + p->plan->n_pubs;
	if (s->n_ports && !in) {
		stack_diag_add(
			p->diags, STACK_WARNING, s->ports[0].pos, NULL,
			"service '%s': ports are not published: it is on internal networks only",
			s->name);
		return;
	}
	for (size_t i = 0; i < s->n_ports; i++) {
		const struct stack_port *port = &s->ports[i];

		slot->pubs[slot->n_pubs++] = (struct net_publish_spec){
			.protocol = port->protocol,
			.host_ip = port->host_ip,
			.host_port = port->published,
			.addr = in->addr,
			.port = port->target,
			.owner = slot->name,
			.line = port->pos.line,
		};
	}
	p->plan->n_pubs += slot->n_pubs;
}

void planner_publish(struct planner *p)
{
	size_t n = 0;

	for (size_t i = p->first; i < p->plan->n_slots; i++)
		n += p->plan->slots[i].service->n_ports;
	p->plan->pubs = arena_array(p->arena, struct net_publish_spec, n + 1);
	for (size_t i = p->first; i < p->plan->n_slots; i++)
		publish(p, &p->plan->slots[i]);
}
