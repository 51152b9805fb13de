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
			.restart = d->restart,
			.line = d->pos.line,
		};
	}
	/* Only what comes to a running plan may lack one that the file does not leave out itself. */
	if (p->extra && p->plan->n_edges == before && d->required && d->service->scale)
		stack_diag_add(
			p->diags, STACK_ERROR, d->pos,
			"start it with the others, or do without it by --no-deps",
			"service '%s': depends on '%s', which is not among the services that were started",
			p->plan->slots[slot].service->name, d->service->name);
}

/* One for each container of each service that it depends on, at most: `run` may have held one back. */
static size_t count_edges(const struct planner *p, const struct stack_service *s)
{
	size_t n = 0;

	for (size_t j = 0; j < s->n_depends; j++) {
		const struct stack_service *on = s->depends[j].service;

		for (size_t i = 0; i < p->plan->n_slots; i++)
			n += on && p->plan->slots[i].service == on;
	}
	return n;
}

void planner_edges(struct planner *p)
{
	size_t n = 0;

	for (size_t i = p->first; i < p->plan->n_slots; i++)
		n += count_edges(p, p->plan->slots[i].service);
	p->plan->edges = arena_array(p->arena, struct plan_edge, n + 1);
	for (size_t i = p->first; i < p->plan->n_slots; i++) {
		const struct stack_service *s = p->plan->slots[i].service;

		for (size_t j = 0; j < s->n_depends; j++)
			if (s->depends[j].service)
				add_edges(p, i, &s->depends[j]);
	}
}
