/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live: what changes in a slot while its process goes on: limits, ports, impairments, names, how it is restarted and asked for its health.
 * Called by change.c. Each step either works or leaves the slot as it was, so that it is never half of one and half of another.
 */
#include "sup/change.h"

/* ---- ports ----------------------------------------------------------------------------------- */

static bool same_pubs(const struct plan_slot *a, const struct plan_slot *b)
{
	bool same = a->n_pubs == b->n_pubs;

	for (size_t i = 0; same && i < a->n_pubs; i++) {
		const struct net_publish_spec *p = &a->pubs[i], *q = &b->pubs[i];

		same = p->protocol == q->protocol && p->port == q->port &&
		       p->host_port == q->host_port && ip_equal(&p->host_ip, &q->host_ip) &&
		       ip_equal(&p->addr, &q->addr) && p->n_allow == q->n_allow;
		for (size_t k = 0; same && k < p->n_allow; k++)
			same = ip_equal(&p->allow[k].ip, &q->allow[k].ip) &&
			       p->allow[k].prefix == q->allow[k].prefix;
	}
	return same;
}

static int put_ports(struct sup_slot *slot, const struct plan_slot *was, const struct plan_slot *is,
		     struct err *err)
{
	struct sup *s = slot->sup;

	if (slot->attached && was->n_pubs && sup_publish(s, was->pubs, was->n_pubs, false, err) < 0)
		return -1;
	sup_release(s, was->name);
	if (sup_reserve(s, is->pubs, is->n_pubs, err) < 0)
		return -1;
	if (slot->attached && is->n_pubs)
		return sup_publish(s, is->pubs, is->n_pubs, true, err);
	return 0;
}

/* Connections to ports that stay go on: the kernel knows them by themselves. */
static int change_ports(struct sup_slot *slot, const struct plan_slot *is, struct err *err)
{
	if (same_pubs(slot->plan, is) || put_ports(slot, slot->plan, is, err) == 0)
		return 0;
	put_ports(slot, is, slot->plan, &(struct err){ 0 });
	return -1;
}

/* ---- what its links do ----------------------------------------------------------------------- */

static bool same_ways(const struct impair_ways *a, const struct impair_ways *b)
{
	for (size_t i = 0; i < IMPAIR_WAYS; i++)
		if (!impair_same(&a->way[i], &b->way[i]))
			return false;
	return true;
}

/* Only where the file says something else than it did: what `mstack impair` has set stays. */
static int change_impairments(struct sup_slot *slot, const struct plan_slot *is, struct err *err)
{
	for (size_t i = 0; slot->impaired && i < is->n_ports; i++) {
		const struct impair_ways *was = &slot->plan->links[i].impair;

		if (!same_ways(was, &is->links[i].impair) &&
		    sup_impair_port(slot, i, &is->links[i].impair, err) < 0)
			return -1;
	}
	return 0;
}

int sup_live_wires(struct sup *s, const struct plan *was, struct err *err)
{
	for (size_t i = 0; i < was->net.n_wires; i++)
		if (s->wires[i].made && !same_ways(&was->wires[i], &s->plan->wires[i]) &&
		    sup_impair_wire(s, i, err) < 0)
			return -1;
	return 0;
}

/* ---- all ------------------------------------------------------------------------------------- */

static bool same_limits(const struct box_limits *a, const struct box_limits *b)
{
	bool same = a->memory_max == b->memory_max && a->memory_low == b->memory_low &&
		    a->swap_max == b->swap_max && a->swap_wanted == b->swap_wanted &&
		    a->cpu_milli == b->cpu_milli && a->cpu_weight == b->cpu_weight &&
		    a->io_weight == b->io_weight && a->pids_max == b->pids_max &&
		    !strcmp(a->cpus ? a->cpus : "", b->cpus ? b->cpus : "") && a->n_io == b->n_io;

	for (size_t i = 0; same && i < a->n_io; i++)
		same = a->io[i].kind == b->io[i].kind && a->io[i].value == b->io[i].value &&
		       !strcmp(a->io[i].path, b->io[i].path);
	return same;
}

static int change_limits(struct sup_slot *slot, const struct plan_slot *is, struct err *err)
{
	const struct box_limits *l = &is->box_slot.limits;

	if (!slot->box || same_limits(&slot->plan->box_slot.limits, l))
		return 0;
	return box_slot_limit(slot->box, l, err);
}

/* The address of a name does not change, so who holds one goes on. */
static void change_names(struct sup_slot *slot)
{
	if (!slot->sup->names || !slot->plan->naming.asks)
		return;
	net_names_change(slot->sup->names, (uint32_t)slot->nr, &slot->plan->naming);
}

static bool same_names(const struct net_names_spec *a, const struct net_names_spec *b)
{
	bool same =
		a->n_at == b->n_at && a->n_servers == b->n_servers && a->internal == b->internal;

	for (size_t i = 0; same && i < a->n_servers; i++)
		same = ip_equal(&a->servers[i], &b->servers[i]);
	for (size_t i = 0; same && i < a->n_at; i++) {
		same = a->at[i].n_names == b->at[i].n_names;
		for (size_t k = 0; same && k < a->at[i].n_names; k++)
			same = !strcmp(a->at[i].names[k], b->at[i].names[k]);
	}
	return same;
}

int sup_live_change(struct sup_slot *slot, struct sup_model *model, const struct plan_slot *is,
		    struct err *err)
{
	bool renamed = !same_names(&slot->plan->naming, &is->naming);

	if (change_limits(slot, is, err) < 0)
		return -1;
	if (change_ports(slot, is, err) < 0 || change_impairments(slot, is, err) < 0) {
		if (slot->box)
			box_slot_limit(slot->box, &slot->plan->box_slot.limits, &(struct err){ 0 });
		return -1;
	}
	sup_slot_follow(slot, model, is);
	if (renamed)
		change_names(slot);
	return 0;
}
