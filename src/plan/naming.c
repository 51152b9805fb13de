/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * naming: by which names a slot is known on its networks, and whom it may ask for others'. Called by plan.c when all addresses are
 * known. What stands in its own hosts file is hosts.c's.
 */
#include "plan/planner.h"

struct names VEC(const char *);

static void add(struct names *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcasecmp(list->v[i], name))
			return;
	vec_push(list, name);
}

/* The name of a service means those that serve, and a one-off beside them only if it is to be found by that. */
static void collect(struct names *list, const struct plan_slot *slot, size_t port, bool by_service)
{
	const struct stack_service *s = slot->service;
	const struct stack_strs *aliases = &s->networks[port].aliases;

	add(list, slot->container);
	add(list, slot->name);
	if (!by_service)
		return;
	add(list, s->name);
	if (s->hostname.text)
		add(list, s->hostname.text);
	for (size_t i = 0; i < aliases->n; i++)
		add(list, aliases->v[i].text);
}

static const char *const *keep(struct planner *p, const struct names *list)
{
	const char **names = arena_array(p->arena, const char *, list->n + 1);

	for (size_t i = 0; i < list->n; i++)
		names[i] = list->v[i];
	return names;
}

static bool is_internal(const struct planner *p, const struct plan_slot *slot)
{
	for (size_t i = 0; i < slot->n_ports; i++)
		if (!p->plan->net.bridges[slot->ports[i].bridge].internal)
			return false;
	return true;
}

void planner_naming(struct planner *p, struct plan_slot *slot)
{
	bool by_service = !p->extra || p->extra->alone || p->extra->aliases;
	struct net_names_at *at = arena_array(p->arena, struct net_names_at, slot->n_ports);

	for (size_t i = 0; i < slot->n_ports; i++) {
		const struct net_port_spec *port = &slot->ports[i];
		struct names list = { 0 };

		collect(&list, slot, i, by_service);
		at[i] = (struct net_names_at){ .network = (uint32_t)port->bridge,
					       .ips = { port->ip4.ip, port->ip6.ip },
					       .names = keep(p, &list),
					       .n_names = list.n };
		vec_fini(&list);
	}
	slot->naming = (struct net_names_spec){ .at = at,
						.n_at = slot->n_ports,
						.asks = slot->n_ports > 0,
						.internal = is_internal(p, slot),
						.servers = slot->service->dns,
						.n_servers = slot->service->n_dns };
}
