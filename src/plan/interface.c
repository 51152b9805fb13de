/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interface: what an attachment is besides its addresses: names of both ends, MAC, settings of the interface; and which of those of a
 * slot is the way out. Called by address.c.
 */
#include <stdio.h>

#include "plan/planner.h"

static bool is_named(const struct stack_service *s, const char *ifname)
{
	for (size_t i = 0; i < s->n_networks; i++)
		if (s->networks[i].interface_name && !strcmp(s->networks[i].interface_name, ifname))
			return true;
	return false;
}

static bool is_given_out(const struct plan_slot *slot, const char *ifname)
{
	for (size_t i = 0; i < slot->n_ports; i++)
		if (!strcmp(slot->ports[i].ifname, ifname))
			return true;
	return false;
}

/* eth0, eth1 and so on, without those that the file gives to another one. */
static void name_inside(const struct plan_slot *slot, const struct stack_attach *a,
			struct net_port_spec *ret)
{
	if (a->interface_name) {
		snprintf(ret->ifname, sizeof(ret->ifname), "%s", a->interface_name);
		return;
	}
	for (size_t nr = 0;; nr++) {
		snprintf(ret->ifname, sizeof(ret->ifname), "eth%zu", nr);
		if (!is_named(slot->service, ret->ifname) && !is_given_out(slot, ret->ifname))
			return;
	}
}

/* "net.ipv4.conf.IFNAME.x" as a path below /proc/sys; the name of an interface may have dots in it. */
static const char *sysctl_path(struct planner *p, const char *key, const char *ifname)
{
	static const char mark[] = "/IFNAME/";
	char *path = arena_strdup(p->arena, key), *at;

	for (char *c = path; *c; c++)
		*c = *c == '.' ? '/' : *c;
	at = strstr(path, mark);
	if (!at)
		return path;
	*at = '\0';
	return arena_printf(p->arena, "%s/%s/%s", path, ifname, at + strlen(mark));
}

static void set_sysctls(struct planner *p, const struct stack_attach *a, struct net_port_spec *ret)
{
	struct net_sysctl *list = arena_array(p->arena, struct net_sysctl, a->sysctls.n);

	for (size_t i = 0; i < a->sysctls.n; i++)
		list[i] = (struct net_sysctl){
			sysctl_path(p, a->sysctls.v[i].key, ret->ifname),
			a->sysctls.v[i].value,
			a->sysctls.v[i].pos.line,
		};
	ret->sysctls = list;
	ret->n_sysctls = a->sysctls.n;
}

/* Its bridge tells VLANs apart since it was made, or not at all. */
static void set_vlan(struct planner *p, const struct plan_slot *slot, const struct stack_attach *a,
		     struct net_port_spec *ret)
{
	struct net_vids *list = arena_array(p->arena, struct net_vids, a->vlan.n_trunk);

	for (size_t i = 0; i < a->vlan.n_trunk; i++)
		list[i] = (struct net_vids){ a->vlan.trunk[i].first, a->vlan.trunk[i].last };
	ret->pvid = a->vlan.pvid;
	ret->trunk = list;
	ret->n_trunk = a->vlan.n_trunk;
	if (a->vlan.given && p->plan->net.bridges[ret->bridge].kind == NET_LAN_MACVLAN)
		stack_diag_add(p->diags, STACK_ERROR, a->vlan.pos, "take a parent like eth0.10",
			       "service '%s': network '%s': x-vlan is for bridges",
			       slot->service->name, a->network->key);
	else if (a->vlan.given && a->network->external && !p->plan->net.bridges[ret->bridge].vlans)
		stack_diag_add(
			p->diags, STACK_ERROR, a->vlan.pos,
			"ip link set BRIDGE type bridge vlan_filtering 1",
			"service '%s': network '%s': x-vlan: bridge '%s' tells no VLANs apart",
			slot->service->name, a->network->key,
			p->plan->net.bridges[ret->bridge].ifname);
	else if (a->vlan.given && !p->plan->net.bridges[ret->bridge].vlans)
		stack_diag_add(p->diags, STACK_ERROR, a->vlan.pos, "begin the stack anew with it",
			       "service '%s': network '%s' runs without VLANs", slot->service->name,
			       a->network->key);
}

/* With its addresses: a stack that shares the bridge sees by them which ones are free. */
static const char *alias(struct planner *p, const struct plan_slot *slot,
			 const struct net_port_spec *port)
{
	const char *text = arena_printf(p->arena, "mstack:%s:%s", p->stack->name, slot->name);

	if (port->ip4.ip.family)
		text = arena_printf(p->arena, "%s %s", text, ip_text(&port->ip4.ip).text);
	if (port->ip6.ip.family)
		text = arena_printf(p->arena, "%s %s", text, ip_text(&port->ip6.ip).text);
	return text;
}

/*
 * Where hosts with the same file meet, its addresses tell a slot from its likes there. One that the file gives is that of the
 * service, and a one-off runs beside it.
 */
static void set_mac(struct planner *p, const struct plan_slot *slot, const struct stack_attach *a,
		    struct net_port_spec *ret)
{
	static const uint8_t none[6];
	const char *key = a->network->key;

	if (planner_leads_out(&p->plan->net.bridges[ret->bridge]))
		key = arena_printf(p->arena, "%s %s %s", key, ip_text(&ret->ip4.ip).text,
				   ip_text(&ret->ip6.ip).text);
	planner_mac(p, slot->name, key, ret->mac);
	if (memcmp(a->mac, none, sizeof(none)) != 0 && (!p->extra || p->extra->alone))
		memcpy(ret->mac, a->mac, sizeof(ret->mac));
}

void planner_port(struct planner *p, const struct plan_slot *slot, const struct stack_attach *a,
		  struct net_port_spec *ret)
{
	ret->link_locals = a->link_locals;
	ret->n_link_locals = a->n_link_locals;
	if (p->plan->net.bridges[ret->bridge].kind != NET_LAN_MACVLAN)
		planner_link_name(p, slot->name, a->network->key, ret->host_ifname);
	set_mac(p, slot, a, ret);
	name_inside(slot, a, ret);
	ret->alias = alias(p, slot, ret);
	set_sysctls(p, a, ret);
	set_vlan(p, slot, a, ret);
}

/* Exactly one way out for each family: of the networks that have any the first one with the highest gw_priority. */
static struct net_port_spec *choose(const struct planner *p, const struct plan_slot *slot,
				    int family)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < slot->n_ports; i++) {
		const struct net_port_spec *port = &slot->ports[i];
		const struct ip_net *ip = family == AF_INET ? &port->ip4 : &port->ip6;

		if (!ip->ip.family || p->plan->net.bridges[port->bridge].internal)
			continue;
		/* The gateway is in the bridge's own VLAN. */
		if (port->pvid > 1)
			continue;
		if (best == SIZE_MAX || slot->service->networks[i].gw_priority >
						slot->service->networks[best].gw_priority)
			best = i;
	}
	return best == SIZE_MAX ? NULL : &slot->ports[best];
}

void planner_routes(struct planner *p, struct plan_slot *slot)
{
	struct net_port_spec *four = choose(p, slot, AF_INET), *six = choose(p, slot, AF_INET6);
	const struct net_bridge_spec *bridges = p->plan->net.bridges;

	if (four)
		four->gateway4 = planner_subnet_of(&bridges[four->bridge], &four->ip4.ip)->gateway;
	if (six)
		six->gateway6 = planner_subnet_of(&bridges[six->bridge], &six->ip6.ip)->gateway;
}
