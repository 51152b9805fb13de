/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the plan, part by part. Called by sup before anything is touched; problems go into the diagnostics of the file.
 */
#include "plan/planner.h"

static void add_slot(struct planner *p, const struct stack_service *s, unsigned index,
		     const char *name)
{
	struct plan_slot *slot = &p->plan->slots[p->plan->n_slots++];

	slot->service = s;
	slot->image = &p->host->images[planner_service(p, s)];
	slot->index = index;
	slot->name = name;
	slot->container = s->container_name.text
				  ? s->container_name.text
				  : arena_printf(p->arena, "%s-%s", p->stack->name, slot->name);
	slot->dir = arena_printf(p->arena, "%s/slots/%s", p->host->run_dir, slot->name);
}

static void slots(struct planner *p)
{
	const char *held_back = p->host->held_back;
	size_t n = 0;

	for (size_t i = 0; i < p->stack->n_services; i++)
		n += p->stack->services[i].scale;
	p->plan->slots = arena_array(p->arena, struct plan_slot, n);
	for (size_t i = 0; i < p->stack->n_services; i++) {
		const struct stack_service *s = &p->stack->services[i];

		for (unsigned k = 1; k <= s->scale; k++)
			if (!held_back || strcmp(held_back, s->name) != 0)
				add_slot(p, s, k, arena_printf(p->arena, "%s-%u", s->name, k));
	}
}

/* The running ones, as services of the stack that comes; one that this does not know is nobody's business here. */
static void slots_beside(struct planner *p)
{
	const struct plan *running = p->running;

	p->first = running->n_slots;
	p->plan->slots = arena_array(p->arena, struct plan_slot, running->n_slots + 1);
	for (size_t i = 0; i < running->n_slots; i++) {
		const struct stack_service *was = running->slots[i].service;
		const struct stack_service *same =
			was ? stack_find_service(p->stack, was->name) : NULL;

		p->plan->slots[i] = running->slots[i];
		if (same)
			p->plan->slots[i].service = same;
	}
	p->plan->n_slots = running->n_slots;
	add_slot(p, p->extra->service, 1, arena_strdup(p->arena, p->extra->name));
}

/* Last of all: by now all addresses are known. */
static void containers(struct planner *p)
{
	for (size_t i = p->first; i < p->plan->n_slots; i++)
		planner_naming(p, &p->plan->slots[i]);
	for (size_t i = p->first; i < p->plan->n_slots; i++) {
		planner_share(p, &p->plan->slots[i]);
		planner_files(p, &p->plan->slots[i]);
		planner_box(p, &p->plan->slots[i]);
	}
}

static int make(struct planner *p, struct plan **ret_plan)
{
	size_t errors = stack_diags_errors(p->diags);
	struct arena *arena = arena_new();
	struct plan *plan = arena_alloc(arena, sizeof(*plan));

	p->plan = plan;
	p->arena = plan->arena = arena;
	plan->stack = p->stack;
	plan_names(p->stack->name, &plan->net);
	plan->id = plan->net.id;
	if (p->running)
		slots_beside(p);
	else
		slots(p);
	p->routes = p->host->net->prefixes;
	p->n_routes = p->host->net->n_prefixes;
	planner_kept_routes(p);
	if (p->stack->hosts)
		planner_needs_root(p, p->stack->hosts_pos, "leave it out", "x-hosts");
	if (p->host->isolated)
		planner_uplink(p);
	planner_networks(p);
	/* Without its subnets nothing further can be said. */
	if (stack_diags_errors(p->diags) == errors) {
		planner_addresses(p);
		planner_publish(p);
		if (p->host->isolated)
			planner_uplink_ports(p);
		planner_wires(p);
		planner_edges(p);
		planner_mounts(p);
		planner_volumes(p);
		containers(p);
		planner_health_waits(p);
	}
	errors = stack_diags_errors(p->diags) - errors;
	if (errors) {
		plan_free(plan);
		return errors == p->host_errors ? PLAN_HOST_REFUSES : PLAN_FILE_WRONG;
	}
	*ret_plan = plan;
	return 0;
}

int plan_make(const struct stack *stack, const struct plan_host *host, struct plan **ret_plan,
	      struct stack_diags *diags)
{
	struct planner p = { .stack = stack, .host = host, .diags = diags };

	return make(&p, ret_plan);
}

int plan_beside(const struct plan *running, const struct plan_extra *extra,
		const struct plan_host *host, struct plan **ret_plan, struct stack_diags *diags)
{
	struct planner p = { .stack = extra->stack,
			     .host = host,
			     .diags = diags,
			     .running = running,
			     .extra = extra };

	return make(&p, ret_plan);
}

void plan_free(struct plan *p)
{
	if (p)
		arena_free(p->arena);
}
