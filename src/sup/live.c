/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live: what changes in a slot while its process goes on: limits, ports, impairments, names, sizes of its log, how it is restarted and asked for its health.
 * Called by change.c. Each step either works or leaves the slot as it was, so that it is never half of one and half of another.
 */
#include "sup/change.h"

/* ---- ports ----------------------------------------------------------------------------------- */

static bool same_place(const struct net_publish_spec *p, const struct net_publish_spec *q)
{
	return p->protocol == q->protocol && p->host_port == q->host_port &&
	       ip_equal(&p->host_ip, &q->host_ip);
}

static bool same_pub(const struct net_publish_spec *p, const struct net_publish_spec *q)
{
	bool same = same_place(p, q) && p->port == q->port && ip_equal(&p->addr, &q->addr) &&
		    p->n_allow == q->n_allow;

	for (size_t k = 0; same && k < p->n_allow; k++)
		same = ip_equal(&p->allow[k].ip, &q->allow[k].ip) &&
		       p->allow[k].prefix == q->allow[k].prefix;
	return same;
}

static bool same_pubs(const struct plan_slot *a, const struct plan_slot *b)
{
	bool same = a->n_pubs == b->n_pubs;

	for (size_t i = 0; same && i < a->n_pubs; i++)
		same = same_pub(&a->pubs[i], &b->pubs[i]);
	return same;
}

typedef bool same_fn(const struct net_publish_spec *, const struct net_publish_spec *);

static bool has(const struct plan_slot *slot, const struct net_publish_spec *pub, same_fn *same)
{
	for (size_t i = 0; i < slot->n_pubs; i++)
		if (same(&slot->pubs[i], pub))
			return true;
	return false;
}

/* From `*at` on the next stretch of those that another plan of the slot has not got; how many. */
static size_t without(const struct plan_slot *of, const struct plan_slot *other, same_fn *same,
		      size_t *at)
{
	size_t n = 0;

	while (*at < of->n_pubs && has(other, &of->pubs[*at], same))
		(*at)++;
	while (*at + n < of->n_pubs && !has(other, &of->pubs[*at + n], same))
		n++;
	return n;
}

static int reserve(struct sup *s, const struct plan_slot *was, const struct plan_slot *is,
		   struct err *err)
{
	for (size_t i = 0, n; (n = without(is, was, same_place, &i)); i += n)
		if (sup_reserve(s, &is->pubs[i], n, err) < 0)
			return -1;
	return 0;
}

static void release(struct sup *s, const struct plan_slot *was, const struct plan_slot *is)
{
	for (size_t i = 0, n; (n = without(was, is, same_place, &i)); i += n)
		sup_release_ports(s, &was->pubs[i], n);
}

static int rules(struct sup_slot *slot, const struct plan_slot *of, bool add, struct err *err)
{
	return slot->attached && of->n_pubs
		       ? sup_publish_rules(slot->sup, of->pubs, of->n_pubs, add, err)
		       : 0;
}

static void hand_on(struct sup_slot *slot, const struct plan_slot *of,
		    const struct plan_slot *other, bool add)
{
	for (size_t i = 0, n; slot->attached && (n = without(of, other, same_pub, &i)); i += n)
		sup_proxy(slot->sup, &of->pubs[i], n, add);
}

static int close_ports(struct sup_slot *slot, const struct plan_slot *was,
		       const struct plan_slot *is, struct err *err)
{
	int rc = rules(slot, was, false, err);

	hand_on(slot, was, is, false);
	release(slot->sup, was, is);
	return rc;
}

static int open_ports(struct sup_slot *slot, const struct plan_slot *was,
		      const struct plan_slot *is, struct err *err)
{
	if (reserve(slot->sup, was, is, err) < 0 || rules(slot, is, true, err) < 0)
		return -1;
	hand_on(slot, is, was, true);
	return 0;
}

/* Connections to ports that stay go on: the kernel knows them by themselves, and what mstack-net hands on is not touched. */
int sup_live_close(struct sup_slot *slot, const struct plan_slot *is, struct err *err)
{
	return same_pubs(slot->plan, is) ? 0 : close_ports(slot, slot->plan, is, err);
}

static int change_ports(struct sup_slot *slot, const struct plan_slot *is, struct err *err)
{
	return same_pubs(slot->plan, is) ? 0 : open_ports(slot, slot->plan, is, err);
}

static void change_ports_back(struct sup_slot *slot, const struct plan_slot *is)
{
	struct err ignored = { 0 };

	if (same_pubs(slot->plan, is))
		return;
	close_ports(slot, is, slot->plan, &ignored);
	open_ports(slot, is, slot->plan, &ignored);
}

/* ---- what its links do ----------------------------------------------------------------------- */

bool sup_same_ways(const struct impair_ways *a, const struct impair_ways *b)
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

		if (!sup_same_ways(was, &is->links[i].impair) &&
		    sup_impair_port(slot, i, &is->links[i].impair, err) < 0)
			return -1;
	}
	return 0;
}

int sup_live_wires(struct sup *s, const struct plan *was, struct err *err)
{
	for (size_t i = 0; i < was->net.n_wires; i++)
		if (s->wires[i].made && !sup_same_ways(&was->wires[i], &s->plan->wires[i]) &&
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

int sup_live_check(const struct sup *s, const struct sup_entry *e, struct err *err)
{
	const struct box_limits *l = &e->is->box_slot.limits;

	if (e->was && e->how < PLAN_RECREATE && same_limits(&e->was->plan->box_slot.limits, l))
		return 0;
	return box_limits_check(s->runtime, l, err) < 0
		       ? err_wrap(err, "service '%s'", e->is->service->name)
		       : 0;
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

static void change_log(const struct sup_slot *slot)
{
	struct sup_logspec l = { 0 };

	if (!slot->log)
		return;
	sup_logspec(slot, &l);
	logs_limit(slot->log, l.spec.max_size, l.spec.max_files);
	sup_logspec_fini(&l);
}

int sup_live_change(struct sup_slot *slot, struct sup_model *model, const struct plan_slot *is,
		    struct err *err)
{
	bool renamed = !same_names(&slot->plan->naming, &is->naming);

	if (change_limits(slot, is, err) < 0 || change_ports(slot, is, err) < 0 ||
	    change_impairments(slot, is, err) < 0) {
		change_ports_back(slot, is);
		if (slot->box)
			box_slot_limit(slot->box, &slot->plan->box_slot.limits, &(struct err){ 0 });
		return -1;
	}
	sup_slot_follow(slot, model, is);
	change_log(slot);
	if (renamed)
		change_names(slot);
	return 0;
}
