/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that a container gets for names: hosts, hostname, resolv.conf. All addresses are known before anything starts,
 * so everybody who shares a network with the slot stands in its hosts file from the first instruction on.
 */
#include <stdio.h>

#include "plan/planner.h"

const char *planner_hostname(const struct planner *p, const struct stack_service *s)
{
	if (s->uts.share == STACK_OF_HOST)
		return p->host->hostname;
	if (s->uts.share == STACK_OF_SERVICE && s->uts.of)
		return planner_hostname(p, s->uts.of);
	if (s->hostname.text)
		return s->hostname.text;
	/* As engines have it: the name goes with the network. */
	if (s->net.share == STACK_OF_SERVICE && s->net.of)
		return planner_hostname(p, s->net.of);
	return s->net.share == STACK_OF_HOST ? p->host->hostname : s->name;
}

static const char *domainname(const struct stack_service *s)
{
	if (!s->domainname.text && s->net.share == STACK_OF_SERVICE && s->net.of)
		return domainname(s->net.of);
	return s->domainname.text;
}

/* The first network that both are on decides; SIZE_MAX: none. Ports stand in the order of the service's networks. */
static size_t shared_port(const struct plan_slot *me, const struct plan_slot *other)
{
	for (size_t i = 0; i < other->n_ports; i++)
		for (size_t j = 0; j < me->n_ports; j++)
			if (other->ports[i].bridge == me->ports[j].bridge)
				return i;
	return SIZE_MAX;
}

/* Names that only this service has for the other one. */
static void put_links(struct buf *b, const struct stack_service *me,
		      const struct stack_service *other)
{
	for (size_t i = 0; i < me->n_links; i++)
		if (me->links[i].service == other && strcmp(me->links[i].alias, other->name) != 0)
			buf_printf(b, " %s", me->links[i].alias);
}

static void put_names(struct buf *b, const struct plan_slot *me, const struct plan_slot *other,
		      size_t port, const struct ip *ip, bool by_service)
{
	const struct stack_strs *aliases;

	if (!ip->family)
		return;
	buf_printf(b, "%s\t", ip_text(ip).text);
	/* The name of a service means those that serve, not a one-off beside them. */
	if (!by_service)
		buf_printf(b, "%s", other->name);
	else
		buf_printf(b, "%s", other->service->name);
	if (by_service && strcmp(other->name, other->service->name) != 0)
		buf_printf(b, " %s", other->name);
	if (strcmp(other->container, other->service->name) != 0)
		buf_printf(b, " %s", other->container);
	aliases = &other->service->networks[port].aliases;
	for (size_t i = 0; by_service && i < aliases->n; i++)
		buf_printf(b, " %s", aliases->v[i].text);
	if (by_service)
		put_links(b, me->service, other->service);
	buf_putc(b, '\n');
}

static void put_other(struct buf *b, const struct plan_slot *me, const struct plan_slot *other,
		      bool by_service)
{
	size_t port = shared_port(me, other);

	if (port == SIZE_MAX)
		return;
	put_names(b, me, other, port, &other->ports[port].ip4.ip, by_service);
	put_names(b, me, other, port, &other->ports[port].ip6.ip, by_service);
}

static void put_self(struct buf *b, const struct ip *ip, const char *name, const char *domain)
{
	if (!ip->family)
		return;
	buf_printf(b, "%s\t", ip_text(ip).text);
	if (domain)
		buf_printf(b, "%s.%s ", name, domain);
	buf_printf(b, "%s\n", name);
}

/* ---- hosts beside the stack's own -------------------------------------------------------------- */

/* The host as the container sees it: the first bridge, by its address of each family. */
static void put_gateway(const struct planner *p, struct buf *b, const struct plan_slot *slot,
			const char *name)
{
	const struct net_bridge_spec *br;

	/* There it is the host itself. */
	if (slot->service->net.share == STACK_OF_HOST)
		buf_printf(b, "127.0.0.1\t%s\n", name);
	if (!slot->n_ports)
		return;
	br = &p->plan->net.bridges[slot->ports[0].bridge];
	for (size_t i = 0; i < br->n_subnets; i++)
		buf_printf(b, "%s\t%s\n", ip_text(&br->subnets[i].gateway).text, name);
}

/* Before those of the stack: who writes an address down means that one. */
static void put_extra(const struct planner *p, struct buf *b, const struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;

	for (size_t i = 0; i < s->n_hosts; i++)
		if (s->hosts[i].ip.family)
			buf_printf(b, "%s\t%s\n", ip_text(&s->hosts[i].ip).text, s->hosts[i].name);
		else
			put_gateway(p, b, slot, s->hosts[i].name);
}

static void check_gateway(struct planner *p, const struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;

	for (size_t i = 0; s->net.share == STACK_BARE && i < s->n_hosts; i++)
		if (!s->hosts[i].ip.family)
			stack_diag_add(p->diags, STACK_ERROR, s->hosts[i].pos, "write an address",
				       "service '%s': extra_hosts: '%s=host-gateway': it is on no "
				       "network, so no gateway leads to the host",
				       s->name, s->hosts[i].name);
}

/* A link gives a name to an address, which takes a network that both are on. */
static void check_links(struct planner *p, const struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;

	for (size_t i = 0; s->net.share == STACK_OWN && i < s->n_links; i++) {
		bool shared = false;

		for (size_t k = 0; k < p->plan->n_slots; k++)
			shared |= p->plan->slots[k].service == s->links[i].service &&
				  shared_port(slot, &p->plan->slots[k]) != SIZE_MAX;
		if (!shared)
			stack_diag_add(p->diags, STACK_WARNING, s->links[i].pos, NULL,
				       "service '%s': links: '%s' names nobody: service '%s' is on "
				       "none of its networks",
				       s->name, s->links[i].alias, s->links[i].service->name);
	}
}

/* ---- the files --------------------------------------------------------------------------------- */

/*
 * A service's own name is in its file like all others; with `hostname` or `domainname` the name that the kernel
 * knows stands there as well, because many programs look themselves up by it: the full one first, as hosts(5) wants it.
 */
static void put_stack(const struct planner *p, struct buf *b, const struct plan_slot *slot)
{
	const char *domain = domainname(slot->service), *name = planner_hostname(p, slot->service);

	if (!slot->n_ports) {
		put_self(b, &(struct ip){ AF_INET, { 127, 0, 0, 1 } }, name, domain);
	} else if (slot->service->hostname.text || domain) {
		put_self(b, &slot->ports[0].ip4.ip, name, domain);
		put_self(b, &slot->ports[0].ip6.ip, name, domain);
	}
	for (size_t i = 0; i < p->plan->n_slots; i++)
		put_other(b, slot, &p->plan->slots[i],
			  i < p->first || !p->extra || p->extra->alone);
}

/* Whose network is the host's has the host's file, under what it wants beside that. */
static const char *hosts_text(struct planner *p, const struct plan_slot *slot)
{
	bool host = slot->service->net.share == STACK_OF_HOST;
	struct buf b = { 0 };
	char *text;

	if (!host || slot->service->n_hosts)
		buf_puts(&b, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	put_extra(p, &b, slot);
	if (host)
		buf_puts(&b, p->host->own_hosts);
	else
		put_stack(p, &b, slot);
	text = arena_strdup(p->arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

/* Names and addresses are a matter of the network, so they are those of the slot whose network it is. */
static const struct plan_slot *network_slot(const struct planner *p, const struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;

	while (s->net.share == STACK_OF_SERVICE && s->net.of)
		s = s->net.of;
	for (size_t i = 0; s != slot->service && i < p->plan->n_slots; i++)
		if (p->plan->slots[i].service == s)
			return &p->plan->slots[i];
	return slot;
}

static void name_files(struct planner *p, struct plan_slot *slot)
{
	const struct plan_slot *of = network_slot(p, slot);
	bool host = of->service->net.share == STACK_OF_HOST;

	check_links(p, slot);
	check_gateway(p, slot);
	slot->files[0].text = hosts_text(p, of);
	slot->files[2].text = planner_resolv_conf(
		p, of->service, host ? p->host->own_resolv_conf : p->host->resolv_conf);
}

void planner_files(struct planner *p, struct plan_slot *slot)
{
	const char *name = planner_hostname(p, slot->service);
	bool own = slot->service->uts.share == STACK_OWN;

	slot->n_files = 3;
	slot->files = arena_array(p->arena, struct plan_file, slot->n_files);
	slot->files[0].name = "hosts";
	slot->files[1] = (struct plan_file){ "hostname", arena_printf(p->arena, "%s\n", name) };
	slot->files[2].name = "resolv.conf";
	name_files(p, slot);
	slot->box.hostname = own ? name : NULL;
	slot->box.domainname = own ? domainname(slot->service) : NULL;
}
