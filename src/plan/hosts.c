/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that a container gets for names: hosts, hostname, resolv.conf. In hosts it stands itself; others it finds by DNS,
 * which learns of who comes later, too.
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

/* Several containers of a service that has not been given a name have one each; the first keeps it whatever comes beside it. */
const char *planner_slot_hostname(const struct planner *p, const struct plan_slot *slot)
{
	const char *name = planner_hostname(p, slot->service);

	return name == slot->service->name && slot->index > 1 ? slot->name : name;
}

static const char *domainname(const struct stack_service *s)
{
	if (!s->domainname.text && s->net.share == STACK_OF_SERVICE && s->net.of)
		return domainname(s->net.of);
	return s->domainname.text;
}

/* The names by which others know it; the service's own first, which looks it up most. */
static void put_names(struct buf *b, const struct plan_slot *slot, const struct ip *ip,
		      bool by_service)
{
	const struct stack_service *s = slot->service;
	const struct stack_strs *aliases = &s->networks[0].aliases;

	if (!ip->family)
		return;
	buf_printf(b, "%s\t%s", ip_text(ip).text, by_service ? s->name : slot->name);
	if (by_service && strcmp(slot->name, s->name) != 0)
		buf_printf(b, " %s", slot->name);
	if (strcmp(slot->container, s->name) != 0)
		buf_printf(b, " %s", slot->container);
	for (size_t i = 0; by_service && i < aliases->n; i++)
		buf_printf(b, " %s", aliases->v[i].text);
	buf_putc(b, '\n');
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

static void put_link(struct buf *b, const struct ip *ip, const char *alias)
{
	if (ip->family)
		buf_printf(b, "%s\t%s\n", ip_text(ip).text, alias);
}

/* Names that only this service has for another one. */
static void put_links(const struct planner *p, struct buf *b, const struct plan_slot *me)
{
	const struct stack_service *s = me->service;

	for (size_t i = 0; i < p->plan->n_slots; i++) {
		const struct plan_slot *other = &p->plan->slots[i];
		size_t port = shared_port(me, other);

		for (size_t k = 0; port != SIZE_MAX && k < s->n_links; k++) {
			if (s->links[k].service != other->service ||
			    !strcmp(s->links[k].alias, other->service->name))
				continue;
			put_link(b, &other->ports[port].ip4.ip, s->links[k].alias);
			put_link(b, &other->ports[port].ip6.ip, s->links[k].alias);
		}
	}
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

/* The host as the container sees it: on its first network where the host is, by its address of each family. */
static bool find_host(const struct planner *p, const struct plan_slot *slot, struct ip ret[2])
{
	for (size_t i = 0; i < slot->n_ports; i++) {
		const struct net_bridge_spec *br = &p->plan->net.bridges[slot->ports[i].bridge];

		ret[0] = planner_host_on(p, br, AF_INET);
		ret[1] = planner_host_on(p, br, AF_INET6);
		if (ret[0].family || ret[1].family)
			return true;
	}
	return false;
}

static void put_gateway(const struct planner *p, struct buf *b, const struct plan_slot *slot,
			const char *name)
{
	struct ip host[2];

	/* There it is the host itself. */
	if (slot->service->net.share == STACK_OF_HOST)
		buf_printf(b, "127.0.0.1\t%s\n", name);
	if (!find_host(p, slot, host))
		return;
	for (size_t i = 0; i < ARRAY_LEN(host); i++)
		if (host[i].family)
			buf_printf(b, "%s\t%s\n", ip_text(&host[i]).text, name);
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
	struct ip host[2];
	bool away = s->net.share == STACK_OWN && slot->n_ports && !find_host(p, slot, host);

	for (size_t i = 0; (away || s->net.share == STACK_BARE) && i < s->n_hosts; i++)
		if (!s->hosts[i].ip.family)
			stack_diag_add(
				p->diags, STACK_ERROR, s->hosts[i].pos, "write an address",
				"service '%s': extra_hosts: '%s=host-gateway': %s", s->name,
				s->hosts[i].name,
				away ? "the host has no address on its networks"
				     : "it is on no network, so no gateway leads to the host");
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
 * With `hostname` or `domainname` the name that the kernel knows stands before those of the service, because many programs
 * look themselves up by it: the full one first, as hosts(5) wants it.
 */
static void put_stack(const struct planner *p, struct buf *b, const struct plan_slot *slot)
{
	const char *domain = domainname(slot->service), *name = planner_slot_hostname(p, slot);
	bool by_service = !p->extra || p->extra->alone || slot != &p->plan->slots[p->first];

	if (!slot->n_ports) {
		put_self(b, &(struct ip){ AF_INET, { 127, 0, 0, 1 } }, name, domain);
		return;
	}
	if (slot->service->hostname.text || domain) {
		put_self(b, &slot->ports[0].ip4.ip, name, domain);
		put_self(b, &slot->ports[0].ip6.ip, name, domain);
	}
	put_names(b, slot, &slot->ports[0].ip4.ip, by_service);
	put_names(b, slot, &slot->ports[0].ip6.ip, by_service);
	put_links(p, b, slot);
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

	check_links(p, slot);
	check_gateway(p, slot);
	slot->files[0].text = hosts_text(p, of);
	slot->files[2].text = planner_resolv_conf(
		p, of->service, of->naming.asks ? p->host->resolv_conf : p->host->own_resolv_conf,
		of->naming.asks);
}

void planner_files(struct planner *p, struct plan_slot *slot)
{
	const char *name = planner_slot_hostname(p, slot);
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
