/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes and the host folders of binds. A volume's folder follows from its name (the layout is in mstack/store.h).
 */
#include "plan/planner.h"

/* Named after its target: the next `up` of the same file finds the data of this one. */
static const char *anonymous_name(const struct planner *p, const struct plan_slot *slot,
				  const struct stack_mount *m)
{
	return arena_printf(p->arena, "%s_%s_%016llx", p->stack->name, slot->name,
			    (unsigned long long)hash64_str(m->target));
}

static const char *path_of(const struct planner *p, const char *volume)
{
	return arena_printf(p->arena, "%s/volumes/%s/_data", p->host->data_dir, volume);
}

const char *planner_volume_path(const struct planner *p, const struct plan_slot *slot,
				const struct stack_mount *m)
{
	return path_of(p, m->volume ? m->volume->name : anonymous_name(p, slot, m));
}

/* Two services may share one, and two keys of the file may have one name. */
static bool known(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_volumes; i++)
		if (strcmp(plan->volumes[i].name, name) == 0)
			return true;
	return false;
}

static void add_volume(struct planner *p, const struct plan_slot *slot, const struct stack_mount *m)
{
	const char *name = m->volume ? m->volume->name : anonymous_name(p, slot, m);

	if (known(p->plan, name))
		return;
	p->plan->volumes[p->plan->n_volumes++] = (struct plan_volume){
		.name = name,
		.path = path_of(p, name),
		.external = m->volume && m->volume->external,
		.anonymous = !m->volume,
		.line = m->pos.line,
	};
}

void planner_volumes(struct planner *p)
{
	const char **dirs;
	size_t n_mounts = 0, n_dirs = 0;

	for (size_t i = p->first; i < p->plan->n_slots; i++)
		n_mounts += p->plan->slots[i].service->n_mounts;
	p->plan->volumes = arena_array(p->arena, struct plan_volume, n_mounts + 1);
	dirs = arena_array(p->arena, const char *, n_mounts + 1);
	for (size_t i = p->first; i < p->plan->n_slots; i++) {
		const struct plan_slot *slot = &p->plan->slots[i];

		for (size_t j = 0; j < slot->service->n_mounts; j++) {
			const struct stack_mount *m = &slot->service->mounts[j];

			if (m->type == STACK_VOLUME)
				add_volume(p, slot, m);
			else if (m->type == STACK_BIND && m->create_host_path)
				dirs[n_dirs++] = m->source;
		}
	}
	p->plan->bind_dirs = dirs;
}
