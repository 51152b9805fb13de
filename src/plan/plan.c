/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the plan, part by part. Called by sup before anything is touched; problems go into the diagnostics of the file.
 */
#include "plan/planner.h"

static void slots(struct planner *p)
{
	p->plan->slots = arena_array(p->arena, struct plan_slot, p->stack->n_services);
	for (size_t i = 0; i < p->stack->n_services; i++) {
		const struct stack_service *s = &p->stack->services[i];
		struct plan_slot *slot = &p->plan->slots[p->plan->n_slots++];

		slot->service = s;
		slot->index = 1;
		slot->name = arena_printf(p->arena, "%s-%u", s->name, slot->index);
		slot->container = s->container_name.text ? s->container_name.text
							 : arena_printf(p->arena, "%s-%s",
									p->stack->name, slot->name);
		slot->dir = arena_printf(p->arena, "%s/slots/%s", p->host->run_dir, slot->name);
	}
}

/* Last of all: a hosts file names the addresses of everybody. */
static void containers(struct planner *p)
{
	for (size_t i = 0; i < p->plan->n_slots; i++) {
		planner_files(p, &p->plan->slots[i]);
		planner_box(p, &p->plan->slots[i]);
	}
}

int plan_make(const struct stack *stack, const struct plan_host *host, struct plan **ret_plan,
	      struct stack_diags *diags)
{
	size_t errors = stack_diags_errors(diags);
	struct arena *arena = arena_new();
	struct plan *plan = arena_alloc(arena, sizeof(*plan));
	struct planner p = {
		.stack = stack, .host = host, .diags = diags, .plan = plan, .arena = arena
	};

	plan->arena = arena;
	plan->stack = stack;
	plan_names(stack->name, &plan->net);
	plan->id = plan->net.id;
	slots(&p);
	planner_networks(&p);
	/* Without its subnets nothing further can be said. */
	if (stack_diags_errors(diags) == errors) {
		planner_addresses(&p);
		planner_publish(&p);
		planner_volumes(&p);
		planner_edges(&p);
		containers(&p);
		planner_health_waits(&p);
	}
	errors = stack_diags_errors(diags) - errors;
	if (errors) {
		plan_free(plan);
		return errors == p.host_errors ? PLAN_HOST_REFUSES : PLAN_FILE_WRONG;
	}
	*ret_plan = plan;
	return 0;
}

void plan_free(struct plan *p)
{
	if (p)
		arena_free(p->arena);
}
