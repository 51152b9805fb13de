/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wires in the life of slots. A service's program starts when its wires are there and carry frames, and a wire needs the
 * namespaces of both of its ends; so whoever starts first has those of the others made as well, which is no start of
 * theirs. Made once: a restart finds the wires as they are, for they belong to the slots.
 */
#include "sup/state.h"

bool sup_wire_has(const struct net_wire_spec *w, size_t slot)
{
	for (size_t i = 0; !w->gone && i < ARRAY_LEN(w->ends); i++)
		if (w->ends[i].kind == NET_END_SLOT && w->ends[i].slot == slot)
			return true;
	return false;
}

/* ---- may it start? --------------------------------------------------------------------------- */

/* Whose user namespace it joins comes before it. */
static void open_for_wire(struct sup_slot *slot)
{
	size_t owner = slot->plan->ids_of;

	if (owner != PLAN_NO_SLOT && slot->sup->slots[owner].phase != PHASE_READY)
		open_for_wire(&slot->sup->slots[owner]);
	else if (slot->phase == PHASE_NONE)
		sup_open_slot(slot);
}

/* One that failed has been told: the next try is a new one. */
static enum sup_gate look_at(struct sup_slot *other, struct err *err)
{
	if (other->phase == PHASE_READY)
		return GATE_OPEN;
	if (other->open_failed) {
		other->open_failed = false;
		*err = other->err;
		err_wrap(err, "its link leads to service '%s'", other->plan->service->name);
		return GATE_FAILED;
	}
	open_for_wire(other);
	return GATE_WAIT;
}

enum sup_gate sup_wiring_gate(struct sup_slot *slot, struct err *err)
{
	const struct net_spec *net = &slot->sup->plan->net;
	enum sup_gate all = GATE_OPEN;

	for (size_t i = 0; i < net->n_wires; i++) {
		if (slot->sup->wires[i].made || !sup_wire_has(&net->wires[i], slot->nr))
			continue;
		for (size_t k = 0; k < 2; k++) {
			const struct net_end_spec *e = &net->wires[i].ends[k];
			enum sup_gate g = GATE_OPEN;

			if (e->kind == NET_END_SLOT && e->slot != slot->nr)
				g = look_at(&slot->sup->slots[e->slot], err);
			if (g == GATE_FAILED)
				return g;
			all = g == GATE_WAIT ? g : all;
		}
	}
	/* Its own namespaces need not wait for those of others. */
	return slot->phase == PHASE_NONE ? GATE_OPEN : all;
}

/* ---- making ---------------------------------------------------------------------------------- */

static bool is_due(const struct sup *s, size_t wire, struct sup_slot *const *slots, size_t n)
{
	const struct net_wire_spec *w = &s->plan->net.wires[wire];

	for (size_t i = 0; !s->wires[wire].made && i < n; i++)
		if (sup_wire_has(w, slots[i]->nr))
			return true;
	return false;
}

static struct net_connect connection(const struct sup *s, size_t wire)
{
	const struct net_wire_spec *w = &s->plan->net.wires[wire];
	struct net_connect c = { .wire = wire };

	for (size_t i = 0; i < ARRAY_LEN(w->ends); i++) {
		const struct box_slot *box;

		if (w->ends[i].kind != NET_END_SLOT)
			continue;
		box = s->slots[w->ends[i].slot].box;
		c.ends[i].netns_fd = box_slot_netns(box);
		c.ends[i].rtnl_fd = box_slot_rtnl(box);
		c.ends[i].ledger_parent = box_slot_item(box);
	}
	return c;
}

struct connections VEC(struct net_connect);

/* One that does not do to packets what it should is none: the next try is a new one. */
static void take_back(struct sup *s, size_t wire)
{
	net_disconnect(s->net, wire);
	s->wires[wire] = (struct sup_wire){ .err = s->wires[wire].err };
}

static void make(struct sup *s, struct connections *due)
{
	struct err err = { 0 };

	if (due->n)
		net_connect(s->net, due->v, due->n, &err); /* told in each as well */
	for (size_t i = 0; i < due->n; i++) {
		struct sup_wire *w = &s->wires[due->v[i].wire];

		w->err = due->v[i].err;
		w->made = !w->err.text[0];
		if (w->made && sup_impair_wire(s, due->v[i].wire, &w->err) < 0)
			take_back(s, due->v[i].wire);
	}
	vec_fini(due);
}

void sup_wiring_make(struct sup *s, struct sup_slot *const *slots, size_t n)
{
	struct connections due = { 0 };

	for (size_t i = 0; i < s->plan->net.n_wires; i++)
		if (is_due(s, i, slots, n))
			vec_push(&due, connection(s, i));
	make(s, &due);
}

/* Is everything there that it joins? */
static bool can_be(const struct sup *s, size_t wire)
{
	const struct net_wire_spec *w = &s->plan->net.wires[wire];

	for (size_t i = 0; i < ARRAY_LEN(w->ends); i++)
		if (w->ends[i].kind == NET_END_SLOT &&
		    s->slots[w->ends[i].slot].phase != PHASE_READY)
			return false;
	return !w->gone && !s->wires[wire].made;
}

int sup_wiring_add(struct sup *s, struct err *err)
{
	struct connections due = { 0 };
	size_t n = s->plan->net.n_wires;
	_cleanup_free_ bool *mine = xcalloc(n + 1, sizeof(*mine));

	for (size_t i = 0; i < n; i++)
		if ((mine[i] = can_be(s, i)))
			vec_push(&due, connection(s, i));
	make(s, &due);
	for (size_t i = 0; i < n; i++)
		if (mine[i] && s->wires[i].err.text[0]) {
			*err = s->wires[i].err;
			return -1;
		}
	return 0;
}

bool sup_wiring_made(const struct sup_slot *slot, struct err *err)
{
	const struct net_spec *net = &slot->sup->plan->net;

	for (size_t i = 0; i < net->n_wires; i++) {
		const struct sup_wire *w = &slot->sup->wires[i];

		if ((w->made && !w->err.text[0]) || !sup_wire_has(&net->wires[i], slot->nr))
			continue;
		*err = w->err;
		return false;
	}
	return true;
}

/* ---- carrying -------------------------------------------------------------------------------- */

bool sup_wiring_ready(const struct sup_slot *slot)
{
	const struct net_spec *net = &slot->sup->plan->net;

	for (size_t i = 0; i < net->n_wires; i++)
		if (!slot->sup->wires[i].ready && sup_wire_has(&net->wires[i], slot->nr))
			return false;
	return true;
}

void sup_wiring_settle(struct sup *s, size_t wire)
{
	const struct net_wire_spec *w = &s->plan->net.wires[wire];

	s->wires[wire].ready = true;
	for (size_t i = 0; i < ARRAY_LEN(w->ends); i++) {
		struct sup_slot *slot;

		if (w->ends[i].kind != NET_END_SLOT)
			continue;
		slot = &s->slots[w->ends[i].slot];
		if (slot->box && slot->network_up && slot->svc.state == SVC_STARTING &&
		    sup_wiring_ready(slot))
			box_go(slot->box);
	}
}
