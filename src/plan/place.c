/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * place: the slots of a plan get the numbers by which somebody knows them who had a plan before. Called by sup when a running stack is
 * planned anew: what stays has the number that it had, and numbers in between may belong to nobody.
 */
#include "mstack/plan.h"

struct map {
	const size_t *place;
	size_t n;
};

static void put(const struct map *m, size_t *nr)
{
	if (*nr < m->n)
		*nr = m->place[*nr];
}

static void place_slot(const struct map *m, struct plan_slot *s)
{
	for (size_t i = 0; i < BOX_NAMESPACES; i++)
		put(m, &s->joins[i]);
	put(m, &s->ids_of);
	put(m, &s->net_of);
}

static void place_wires(const struct map *m, struct plan *p)
{
	/* Ours until now: nobody else has seen them. */
	struct net_wire_spec *wires = (struct net_wire_spec *)p->net.wires;

	for (size_t i = 0; i < p->net.n_wires; i++)
		for (size_t k = 0; k < ARRAY_LEN(wires[i].ends); k++)
			if (wires[i].ends[k].kind == NET_END_SLOT)
				put(m, &wires[i].ends[k].slot);
}

void plan_place(struct plan *p, const size_t *place)
{
	const struct map m = { place, p->n_slots };
	struct plan_slot *all;
	size_t n = 0;

	for (size_t i = 0; i < p->n_slots; i++)
		n = place[i] >= n ? place[i] + 1 : n;
	all = arena_array(p->arena, struct plan_slot, n + 1);
	for (size_t i = 0; i < p->n_slots; i++) {
		place_slot(&m, &p->slots[i]);
		all[place[i]] = p->slots[i];
		all[place[i]].box_slot.token = place[i];
	}
	for (size_t i = 0; i < p->n_edges; i++) {
		put(&m, &p->edges[i].slot);
		put(&m, &p->edges[i].on);
	}
	for (size_t i = 0; i < p->n_fills; i++)
		p->fills[i].slot = &all[place[p->fills[i].slot - p->slots]];
	place_wires(&m, p);
	p->slots = all;
	p->n_slots = n;
}
