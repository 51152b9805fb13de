/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outward: networks that lead out of the stack: bridges that somebody else has made, devices for macvlans, tunnels to other hosts. What
 * they need of the host is looked for here, in its facts, so that it is told with its place in the file before anything is made.
 * Called by subnet.c; by address.c and hosts.c for who is on them already.
 */
#include <stdio.h>

#include "plan/planner.h"

/* ---- what the host has ----------------------------------------------------------------------- */

static const struct net_device *find_device(const struct planner *p, const char *name)
{
	const struct net_facts *f = p->host->net;

	for (size_t i = 0; i < f->n_devices; i++)
		if (!strcmp(f->devices[i].name, name))
			return &f->devices[i];
	for (size_t i = 0; i < f->n_devices; i++)
		if (!strcmp(f->devices[i].altname, name))
			return &f->devices[i];
	return NULL;
}

/* "eth0" of "eth0.10", which can be made where it is not there. */
static const struct net_device *find_base(struct planner *p, const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t digits = dot ? strspn(dot + 1, "0123456789") : 0;
	unsigned long vid = dot ? strtoul(dot + 1, NULL, 10) : 0;

	if (!dot || !digits || digits > 4 || dot[1 + digits] || dot[1] == '0' || vid > 4094)
		return NULL;
	return find_device(p, arena_strndup(p->arena, name, (size_t)(dot - name)));
}

bool planner_needs_root(struct planner *p, struct stack_pos pos, const char *hint, const char *what)
{
	if (p->host->user)
		stack_diag_add(
			p->diags, STACK_ERROR, pos, hint,
			"%s needs root: what is the host's is not an ordinary user's to give",
			what);
	return p->host->user;
}

/* False: told, because the host's devices are not there where the stack's networks are. */
static bool is_reachable(struct planner *p, const struct stack_network *n, struct stack_pos pos,
			 const char *what)
{
	if (planner_needs_root(p, pos, "run the stack as root",
			       arena_printf(p->arena, "network '%s': %s", n->key, what)))
		return false;
	if (!p->host->isolated)
		return true;
	stack_diag_add(p->diags, STACK_ERROR, pos, "run it without --isolated and `x-isolated`",
		       "network '%s': %s: networks of an isolated stack do not lead out of it",
		       n->key, what);
	return false;
}

static void host_lacks(struct planner *p, struct stack_pos pos, const char *hint, const char *text)
{
	p->host_errors++;
	stack_diag_add(p->diags, STACK_ERROR, pos, hint, "%s", text);
}

/* ---- a bridge that is there already ----------------------------------------------------------- */

/* Its own addresses say which subnets are on it, and it is the way out. */
static void take_addresses(const struct planner *p, struct net_bridge_spec *b, int family)
{
	const struct net_facts *f = p->host->net;

	for (size_t i = 0; i < f->n_addresses && b->n_subnets < NET_SUBNETS_MAX; i++) {
		const struct ip_net *a = &f->addresses[i].net;

		if (a->ip.family == family && !strcmp(f->addresses[i].dev, b->ifname) &&
		    a->prefix + 2u <= ip_bits(&a->ip))
			b->subnets[b->n_subnets++] =
				(struct net_subnet){ { ip_first(a), a->prefix }, a->ip };
	}
}

/* A gateway that the file does not name is the bridge, where it has an address in that subnet. */
static void name_gateways(const struct planner *p, const struct stack_network *n,
			  struct net_bridge_spec *b)
{
	for (size_t i = 0; i < b->n_subnets; i++) {
		const struct stack_subnet *file = planner_subnet_in_file(n, &b->subnets[i].net);
		struct ip own = planner_host_on(p, b, b->subnets[i].net.ip.family);

		if (file && !file->gateway.family && ip_is_within(&own, &b->subnets[i].net))
			b->subnets[i].gateway = own;
	}
}

static void external(struct planner *p, const struct stack_network *n, struct net_bridge_spec *b)
{
	const struct net_device *d = find_device(p, n->name);

	b->kind = NET_LAN_EXTERNAL;
	if (!is_reachable(p, n, n->pos, "external"))
		return;
	if (!d || strcmp(d->kind, "bridge") != 0) {
		host_lacks(p, n->pos, "name a bridge of `ip link show type bridge`",
			   arena_printf(p->arena,
					d ? "network '%s': '%s' of this host is no bridge"
					  : "network '%s': external: this host has no bridge '%s'",
					n->key, n->name));
		return;
	}
	snprintf(b->ifname, sizeof(b->ifname), "%s", d->name);
	b->mtu = d->mtu;
	b->vlans = d->tells_vlans;
	if (n->n_subnets) {
		planner_choose_subnets(p, n, b);
		name_gateways(p, n, b);
		return;
	}
	take_addresses(p, b, AF_INET);
	take_addresses(p, b, AF_INET6);
	if (!b->n_subnets)
		host_lacks(p, n->pos,
			   "name its subnet: ipam: {config: [{subnet: ..., gateway: ...}]}",
			   arena_printf(p->arena,
					"network '%s': bridge '%s' has no address that "
					"tells which subnet is on it",
					n->key, b->ifname));
}

/* ---- macvlan --------------------------------------------------------------------------------- */

static void macvlan(struct planner *p, const struct stack_network *n, struct net_bridge_spec *b)
{
	static const enum net_macvlan modes[] = {
		[STACK_MACVLAN_BRIDGE] = NET_MACVLAN_BRIDGE,
		[STACK_MACVLAN_PRIVATE] = NET_MACVLAN_PRIVATE,
		[STACK_MACVLAN_VEPA] = NET_MACVLAN_VEPA,
		[STACK_MACVLAN_PASSTHRU] = NET_MACVLAN_PASSTHRU,
	};
	const char *parent = n->driver.parent.text;
	const struct net_device *d = find_device(p, parent);

	b->kind = NET_LAN_MACVLAN;
	if (!is_reachable(p, n, n->driver.pos, "macvlan"))
		return;
	b->mode = modes[n->driver.mode];
	snprintf(b->ifname, sizeof(b->ifname), "%s", d ? d->name : parent);
	if (!d)
		d = find_base(p, parent);
	if (!d) {
		host_lacks(p, n->driver.parent.pos, "see `ip link`",
			   arena_printf(p->arena,
					"network '%s': parent: this host has no device '%s'",
					n->key, parent));
		return;
	}
	b->mtu = n->mtu ? n->mtu : d->mtu;
	if (b->mtu > d->mtu)
		host_lacks(p, n->mtu_pos, NULL,
			   arena_printf(p->arena,
					"network '%s': an MTU of %u is more than the %u of '%s'",
					n->key, b->mtu, d->mtu, d->name));
	planner_choose_subnets(p, n, b);
}

bool planner_lan(struct planner *p, const struct stack_network *n, struct net_bridge_spec *b)
{
	if (n->external)
		external(p, n, b);
	else if (n->driver.kind == STACK_MACVLAN)
		macvlan(p, n, b);
	else
		return false;
	return true;
}

/* ---- tunnels --------------------------------------------------------------------------------- */

unsigned planner_tunnel_fits(unsigned outer, const struct ip *peer)
{
	/* Ethernet 14, VXLAN 8, UDP 8, and the outer IP header. */
	unsigned header = peer->family == AF_INET ? 50 : 70;

	return outer > header ? outer - header : 0;
}

static unsigned outer_mtu(struct planner *p, const struct stack_network *n)
{
	const char *dev = n->driver.parent.text;
	const struct net_device *d = dev ? find_device(p, dev) : NULL;

	if (dev && !d)
		host_lacks(p, n->driver.parent.pos, "see `ip link`",
			   arena_printf(p->arena,
					"network '%s': parent: this host has no device '%s'",
					n->key, dev));
	return d ? d->mtu : p->host->net->mtu;
}

void planner_tunnel(struct planner *p, const struct stack_network *n, struct net_bridge_spec *b)
{
	const struct stack_driver *s = &n->driver;
	struct net_tunnel *t = arena_alloc(p->arena, sizeof(*t));
	unsigned fits;

	if (!is_reachable(p, n, s->pos, "vxlan"))
		return;
	*t = (struct net_tunnel){
		.alias = arena_printf(p->arena, "mstack:%s:%s", p->stack->name, n->key),
		.vni = s->vni,
		.port = s->port,
		.peers = s->peers,
		.n_peers = s->n_peers,
	};
	planner_tunnel_name(p, n->key, t->ifname);
	snprintf(t->dev, sizeof(t->dev), "%s", s->parent.text ? s->parent.text : "");
	b->tunnel = t;
	fits = planner_tunnel_fits(outer_mtu(p, n), &s->peers[0]);
	if (!n->mtu)
		b->mtu = fits;
	else if (n->mtu > fits)
		stack_diag_add(p->diags, STACK_WARNING, n->mtu_pos, NULL,
			       "network '%s': an MTU of %u is more than the %u that fit through "
			       "its tunnels",
			       n->key, n->mtu, fits);
}

/* ---- who is on it already -------------------------------------------------------------------- */

bool planner_leads_out(const struct net_bridge_spec *b)
{
	return b->kind != NET_LAN_BRIDGE || b->tunnel;
}

/*
 * Whoever has made the bridge gives out addresses from the beginning of the subnet. Guests begin behind its middle, each stack at
 * a place of its own.
 */
struct ip planner_lan_start(const struct planner *p, const struct net_bridge_spec *b,
			    const struct net_subnet *subnet)
{
	unsigned free = ip_bits(&subnet->net.ip) - subnet->net.prefix;
	uint32_t half = 1u << (free > 16 ? 15 : free - 1);

	if (b->kind != NET_LAN_EXTERNAL)
		return ip_first(&subnet->net);
	return ip_plus(&subnet->net.ip, half + (uint32_t)(hash64_str(p->stack->name) % (half / 2)));
}

/* The host itself, or a container of another stack. */
const char *planner_lan_holder(const struct planner *p, const struct net_bridge_spec *b,
			       const struct ip *ip)
{
	const struct net_facts *f = p->host->net;

	if (p->host->isolated)
		return NULL;
	for (size_t i = 0; b->kind != NET_LAN_BRIDGE && i < f->n_addresses; i++)
		if (!strcmp(f->addresses[i].dev, b->ifname) &&
		    ip_equal(&f->addresses[i].net.ip, ip))
			return "this host";
	for (size_t i = 0; i < f->n_guests; i++)
		if (!strcmp(f->guests[i].dev, b->ifname) && ip_equal(&f->guests[i].ip, ip) &&
		    strcmp(f->guests[i].project, p->stack->name) != 0)
			return arena_printf(p->arena, "stack '%s', which runs",
					    f->guests[i].project);
	return NULL;
}

struct ip planner_host_on(const struct planner *p, const struct net_bridge_spec *b, int family)
{
	const struct net_facts *f = p->host->net;

	for (size_t i = 0; b->kind == NET_LAN_BRIDGE && i < b->n_subnets; i++)
		if (b->subnets[i].net.ip.family == family)
			return b->subnets[i].gateway;
	/* What is sent by a macvlan does not reach the device that it is on. */
	for (size_t i = 0; b->kind == NET_LAN_EXTERNAL && i < f->n_addresses; i++)
		if (!strcmp(f->addresses[i].dev, b->ifname) &&
		    f->addresses[i].net.ip.family == family)
			return f->addresses[i].net.ip;
	return (struct ip){ 0 };
}
