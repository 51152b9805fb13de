/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes, what they are filled with, and paths of the host that containers show. A volume's folder follows from its name (the
 * layout is in mstack/store.h).
 */
#include "plan/planner.h"

/* Named after its target: the next `up` of the same file finds the data of this one. */
static const char *anonymous_name(const struct planner *p, const struct planner_mount *m)
{
	return arena_printf(p->arena, "%s_%s_%016llx", p->stack->name, m->owner->name,
			    (unsigned long long)hash64_str(m->mount->target));
}

const char *planner_volume_name(const struct planner *p, const struct planner_mount *m)
{
	return m->mount->volume ? m->mount->volume->name : anonymous_name(p, m);
}

const char *planner_volume_path(const struct planner *p, const char *volume)
{
	return arena_printf(p->arena, "%s/volumes/%s/_data", p->host->data_dir, volume);
}

/* With `bind` these are all that there can be, see form_volume.c. */
bool planner_bind_read_only(const struct stack_volume *v)
{
	const char *last = NULL;

	for (const char *o = v->options; *o; o += strcspn(o, ",") + (o[strcspn(o, ",")] == ','))
		if (strcspn(o, ",") == 2 && *o == 'r')
			last = o;
	return last && last[1] == 'o';
}

/* ---- volumes --------------------------------------------------------------------------------- */

/* Two services may share one, and two keys of the file may have one name. */
static void add_folder(struct planner *p, const struct planner_mount *m, const char *name)
{
	struct plan *plan = p->plan;

	for (size_t i = 0; i < plan->n_volumes; i++)
		if (strcmp(plan->volumes[i].name, name) == 0)
			return;
	plan->volumes[plan->n_volumes++] = (struct plan_volume){
		.name = name,
		.external = m->mount->volume && m->mount->volume->external,
		.anonymous = !m->mount->volume,
		.unlisted = p->extra && p->extra->alone,
		.service = m->owner->service,
		.line = m->mount->pos.line,
	};
}

static void add_mounted(struct planner *p, const struct stack_volume *v)
{
	struct plan *plan = p->plan;

	for (size_t i = 0; i < plan->n_mounted; i++)
		if (strcmp(plan->mounted[i].name, v->name) == 0)
			return;
	plan->mounted[plan->n_mounted++] =
		(struct box_volume){ v->name, v->type, v->device, v->options, v->pos.line };
}

static void add_bind(struct planner *p, const struct planner_mount *m, const char *path)
{
	p->plan->binds[p->plan->n_binds++] = (struct plan_bind){
		.path = path,
		.create = m->mount->create_host_path,
		.volume = m->mount->volume ? m->mount->volume->name : NULL,
		.service = m->owner->service,
		.line = m->mount->pos.line,
	};
}

static void add_storage(struct planner *p, const struct planner_mount *m)
{
	const struct stack_volume *v = m->mount->volume;

	if (m->mount->type == STACK_BIND)
		add_bind(p, m, m->mount->source);
	else if (m->mount->type != STACK_VOLUME)
		return;
	else if (v && v->bind)
		add_bind(p, m, v->device);
	else if (v && v->device)
		add_mounted(p, v);
	else
		add_folder(p, m, planner_volume_name(p, m));
}

/* ---- what they are filled with --------------------------------------------------------------- */

/* The host's own root is no image, and what is below it was not made to be copied. */
static bool wants_fill(const struct plan_slot *slot, const struct planner_mount *m)
{
	return m->mount->type == STACK_VOLUME && !m->foreign && !m->mount->nocopy &&
	       !m->mount->subpath && !slot->image->host_root && slot->image->n_layers;
}

/* Services of one image that share a volume are one source. */
static bool is_known_fill(const struct plan *plan, const struct plan_fill *f)
{
	for (size_t i = 0; i < plan->n_fills; i++) {
		const struct plan_fill *o = &plan->fills[i];

		if (!strcmp(o->volume, f->volume) && !strcmp(o->target, f->target) &&
		    !strcmp(o->slot->service->image.text, f->slot->service->image.text))
			return true;
	}
	return false;
}

static void add_fills(struct planner *p, const struct plan_slot *slot)
{
	const struct planner_mounts *all = &p->mounts[slot - p->plan->slots];

	for (size_t i = 0; i < all->n; i++) {
		const struct stack_volume *v = all->v[i].mount->volume;
		const struct plan_fill f = {
			.volume = planner_volume_name(p, &all->v[i]),
			.options = v && v->device ? v : NULL,
			.target = all->v[i].mount->target,
			.slot = slot,
			.line = all->v[i].mount->pos.line,
		};

		if (wants_fill(slot, &all->v[i]) && !is_known_fill(p->plan, &f))
			p->plan->fills[p->plan->n_fills++] = f;
	}
}

/* First whom it waits for: of two images that have something for one volume, the one that begins first fills it. */
static void fill_in_order(struct planner *p, size_t slot, bool *done)
{
	if (slot < p->first || done[slot])
		return;
	done[slot] = true;
	for (size_t i = 0; i < p->plan->n_edges; i++)
		if (p->plan->edges[i].slot == slot)
			fill_in_order(p, p->plan->edges[i].on, done);
	add_fills(p, &p->plan->slots[slot]);
}

/* ---- all ------------------------------------------------------------------------------------- */

void planner_volumes(struct planner *p)
{
	struct plan *plan = p->plan;
	bool *done = arena_array(p->arena, bool, plan->n_slots);
	size_t n = 0;

	for (size_t i = p->first; i < plan->n_slots; i++)
		n += p->mounts[i].n;
	plan->volumes = arena_array(p->arena, struct plan_volume, n);
	plan->mounted = arena_array(p->arena, struct box_volume, n);
	plan->binds = arena_array(p->arena, struct plan_bind, n);
	plan->fills = arena_array(p->arena, struct plan_fill, n);
	for (size_t i = p->first; i < plan->n_slots; i++)
		for (size_t j = 0; j < p->mounts[i].n; j++)
			if (!p->mounts[i].v[j].foreign)
				add_storage(p, &p->mounts[i].v[j]);
	for (size_t i = p->first; i < plan->n_slots; i++)
		fill_in_order(p, i, done);
}
