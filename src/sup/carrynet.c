/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * carrynet: the bridges of a stack that runs, with their numbers, for the program that plans it anew (reexec.h): by them that gives out the
 * subnets that there are. Called by writedown.c and replan.c. Of wires only names count, which net carries itself.
 */
#include <string.h>

#include "sup/reexec.h"

static void put_ip(struct carry *to, const char *name, const struct ip *ip)
{
	if (ip->family)
		carry_put(to, name, ip_text(ip).text);
}

static struct ip take_ip(const struct carry *from, const char *name)
{
	const char *text = carry_text(from, name);
	struct ip ip = { 0 };

	return text && ip_parse(text, &ip) ? ip : (struct ip){ 0 };
}

static void take_name(const struct carry *from, const char *name, char ret[IFNAMSIZ])
{
	const char *text = carry_text(from, name);

	strncpy(ret, text ? text : "", IFNAMSIZ - 1);
}

/* ---- tunnels --------------------------------------------------------------------------------- */

static void put_tunnel(const struct net_tunnel *t, struct carry *to)
{
	sup_fields_carry(FIELDS_TUNNEL, t, to);
	carry_put(to, "interface", t->ifname);
	carry_put(to, "alias", t->alias);
	carry_put(to, "device", t->dev);
	for (size_t i = 0; i < t->n_peers; i++)
		put_ip(carry_add(to, "peer"), "ip", &t->peers[i]);
}

static const struct net_tunnel *take_tunnel(const struct carry *from, struct arena *arena)
{
	struct net_tunnel *t = arena_alloc(arena, sizeof(*t));
	const char *alias = carry_text(from, "alias");
	struct ip *peers;
	size_t n = 0;

	sup_fields_resume(FIELDS_TUNNEL, t, from);
	take_name(from, "interface", t->ifname);
	take_name(from, "device", t->dev);
	t->alias = alias ? alias : "";
	for (const struct carry *c = NULL; (c = carry_next(from, "peer", c));)
		n++;
	t->peers = peers = arena_array(arena, struct ip, n + 1);
	for (const struct carry *c = NULL; (c = carry_next(from, "peer", c));)
		peers[t->n_peers++] = take_ip(c, "ip");
	return t;
}

/* ---- bridges --------------------------------------------------------------------------------- */

static void put_bridge(const struct net_bridge_spec *b, struct carry *to)
{
	sup_fields_carry(FIELDS_BRIDGE, b, to);
	carry_put(to, "interface", b->ifname);
	carry_put(to, "name", b->altname);
	for (size_t i = 0; i < b->n_subnets; i++) {
		struct carry *subnet = carry_add(to, "subnet");

		carry_put(subnet, "net", ip_net_text(&b->subnets[i].net).text);
		put_ip(subnet, "gateway", &b->subnets[i].gateway);
	}
	if (b->tunnel)
		put_tunnel(b->tunnel, carry_add(to, "tunnel"));
}

static void take_bridge(const struct carry *from, struct arena *arena, struct net_bridge_spec *b)
{
	const struct carry *tunnel = carry_next(from, "tunnel", NULL), *c = NULL;
	const char *name = carry_text(from, "name");

	sup_fields_resume(FIELDS_BRIDGE, b, from);
	take_name(from, "interface", b->ifname);
	b->altname = name ? name : "";
	while (b->n_subnets < NET_SUBNETS_MAX && (c = carry_next(from, "subnet", c))) {
		struct net_subnet *subnet = &b->subnets[b->n_subnets];
		const char *net = carry_text(c, "net");

		if (!net || !ip_net_parse(net, &subnet->net))
			continue;
		subnet->gateway = take_ip(c, "gateway");
		b->n_subnets++;
	}
	b->tunnel = tunnel ? take_tunnel(tunnel, arena) : NULL;
}

void sup_bridges_carry(const struct net_spec *net, struct carry *to)
{
	for (size_t i = 0; i < net->n_bridges; i++)
		put_bridge(&net->bridges[i], carry_add(to, "bridge"));
}

void sup_bridges_resume(const struct carry *from, struct arena *arena, struct net_spec *ret)
{
	size_t n = 0;

	for (const struct carry *c = NULL; (c = carry_next(from, "bridge", c));)
		n++;
	ret->bridges = arena_array(arena, struct net_bridge_spec, n + 1);
	for (const struct carry *c = NULL; (c = carry_next(from, "bridge", c));)
		take_bridge(c, arena, &ret->bridges[ret->n_bridges++]);
}
