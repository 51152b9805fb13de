/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who waits for whom: the services' dependencies, brought down to slots.
 */
#include "plan/planner.h"

static void add_edges(struct planner *p, size_t slot, const struct stack_depend *d)
{
	size_t before = p->plan->n_edges;

	for (size_t on = 0; on < p->plan->n_slots; on++) {
		if (p->plan->slots[on].service != d->service)
			continue;
		p->plan->edges[p->plan->n_edges++] = (struct plan_edge){
			.slot = slot,
			.on = on,
			.condition = d->condition,
			.required = d->required,
			.line = d->pos.line,
		};
	}
	/* Only what comes to a running plan may lack one. */
	if (p->extra && p->plan->n_edges == before && d->required)
		stack_diag_add(
			p->diags, STACK_ERROR, d->pos,
			"start it with the others, or do without it by --no-deps",
			"service '%s': depends on '%s', which is not among the services that were started",
			p->plan->slots[slot].service->name, d->service->name);
}

void planner_edges(struct planner *p)
{
	size_t n = 0;

	for (size_t i = p->first; i < p->plan->n_slots; i++)
		n += p->plan->slots[i].service->n_depends;
	/* One slot per service today; a replica adds an edge for each of its own. */
	p->plan->edges = arena_array(p->arena, struct plan_edge, n * p->plan->n_slots + 1);
	for (size_t i = p->first; i < p->plan->n_slots; i++) {
		const struct stack_service *s = p->plan->slots[i].service;

		for (size_t j = 0; j < s->n_depends; j++)
			if (s->depends[j].service)
				add_edges(p, i, &s->depends[j]);
	}
}
