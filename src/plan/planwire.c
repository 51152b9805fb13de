/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * planwire: the wires of the stack as specs of net. Called by plan.c when the slots are there. Names and hardware addresses follow
 * from the project and the end, so that they are the same over a restart and a second run.
 */
#include <stdio.h>

#include "plan/planner.h"

/* The slot of an end; PLAN_NO_SLOT: none (`run` has held its service back). */
static size_t slot_of(const struct planner *p, const struct stack_end *e)
{
	for (size_t i = 0; i < p->plan->n_slots; i++)
		if (p->plan->slots[i].service == e->service && p->plan->slots[i].index == e->index)
			return i;
	return PLAN_NO_SLOT;
}

static bool is_zero(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !memcmp(mac, zero, sizeof(zero));
}

/* The host ends of its wires are where its bridges are: in a namespace to which the host's devices do not belong. */
static void check_outward(struct planner *p, const struct stack_wire *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->ends); i++)
		if (s->ends[i].kind != STACK_END_SERVICE &&
		    !planner_needs_root(p, s->pos, "run the stack as root",
					arena_printf(p->arena, "x-links: '%s'", s->ends[i].text)) &&
		    p->host->isolated)
			stack_diag_add(
				p->diags, STACK_ERROR, s->pos,
				"run it without --isolated and `x-isolated`",
				"x-links: '%s': wires of an isolated stack do not lead out of it",
				s->ends[i].text);
}

static bool end(struct planner *p, const struct stack_end *e, struct net_end_spec *ret)
{
	static const enum net_end_kind kinds[] = {
		[STACK_END_SERVICE] = NET_END_SLOT,
		[STACK_END_HOST] = NET_END_HOST,
		[STACK_END_MACVLAN] = NET_END_MACVLAN,
		[STACK_END_VXLAN] = NET_END_VXLAN,
	};
	const char *name = e->text;

	*ret = (struct net_end_spec){
		.kind = kinds[e->kind],
		.text = e->text,
		.addrs = { e->ipv4, e->ipv6 },
		.remote = e->remote,
		.vni = e->vni,
	};
	if (e->kind == STACK_END_SERVICE) {
		ret->slot = slot_of(p, e);
		if (ret->slot == PLAN_NO_SLOT)
			return false;
		name = arena_printf(p->arena, "%s:%s", p->plan->slots[ret->slot].name, e->ifname);
	}
	if (e->kind != STACK_END_VXLAN)
		snprintf(ret->ifname, sizeof(ret->ifname), "%s", e->ifname);
	ret->alias = arena_printf(p->arena, "mstack:%s:%s", p->stack->name, name);
	planner_mac(p, "wire", name, ret->mac);
	if (!is_zero(e->mac))
		memcpy(ret->mac, e->mac, sizeof(ret->mac));
	return true;
}

/* Of one end, since two macvlans of one device may be ends of two wires: by the wire's other end. */
static void name_ends(struct planner *p, struct net_wire_spec *w)
{
	for (size_t i = 0; i < ARRAY_LEN(w->ends); i++) {
		const char *alias = w->ends[i].alias;

		if (w->ends[i].kind != NET_END_SLOT)
			alias = arena_printf(p->arena, "%s %s", alias, w->ends[!i].alias);
		planner_wire_name(p, alias, w->ends[i].host_ifname);
	}
}

static void tunnel_mtu(struct planner *p, const struct stack_wire *s, struct net_wire_spec *w)
{
	for (size_t i = 0; i < ARRAY_LEN(w->ends); i++) {
		unsigned fits = planner_tunnel_fits(p->host->net->mtu, &w->ends[i].remote);

		if (w->ends[i].kind != NET_END_VXLAN)
			continue;
		if (!w->mtu)
			w->mtu = fits;
		else if (fits && w->mtu > fits)
			stack_diag_add(p->diags, STACK_WARNING, s->pos, NULL,
				       "x-links: '%s': an mtu of %u is more than the %u that fit "
				       "through the tunnel where the default route leads",
				       w->ends[i].text, w->mtu, fits);
	}
}

void planner_wires(struct planner *p)
{
	const struct plan *before = p->host->running;
	size_t n = before ? before->net.n_wires : 0;
	struct net_wire_spec *wires;

	/* A one-off comes to a stack whose wires have their ends. */
	if (p->running)
		return;
	wires = arena_array(p->arena, struct net_wire_spec, n + p->stack->n_wires + 1);
	p->plan->wires = arena_array(p->arena, struct impair_ways, n + p->stack->n_wires + 1);
	/* Their numbers stay, whoever comes or goes beside them. */
	for (size_t i = 0; i < n; i++)
		wires[i] =
			(struct net_wire_spec){ .gone = true,
						.ends = { { .kind = NET_END_HOST, .text = "" },
							  { .kind = NET_END_HOST, .text = "" } } };
	for (size_t i = 0; i < p->stack->n_wires; i++) {
		const struct stack_wire *s = &p->stack->wires[i];
		struct net_wire_spec *w = &wires[n];
		size_t kept;

		*w = (struct net_wire_spec){ .mtu = s->mtu, .line = s->pos.line };
		if (!end(p, &s->ends[0], &w->ends[0]) || !end(p, &s->ends[1], &w->ends[1]))
			continue;
		check_outward(p, s);
		name_ends(p, w);
		tunnel_mtu(p, s, w);
		kept = planner_kept_wire(p, w);
		planner_impair_wire(p, s, &p->plan->wires[kept == SIZE_MAX ? n : kept]);
		if (kept == SIZE_MAX)
			n++;
		else
			wires[kept] = *w;
	}
	p->plan->net.wires = wires;
	p->plan->net.n_wires = n;
}
