/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * anonymous: the volumes that nobody has given a name, of a stack that runs: `rm -v` removes them with their container, `create` makes them
 * again, and with `up -V` those of containers that are made anew begin empty. One that somebody uses who stays is left alone. Called by
 * verbs.c and change.c. Data is only put aside: the client sweeps.
 */
#include <errno.h>

#include "sup/state.h"

static bool uses(const struct sup_slot *slot, const char *volume)
{
	const struct box_spec *box = &slot->plan->box;
	_cleanup_free_ char *data = xasprintf("%s/volumes/%s/_data", path_data_dir(), volume);

	for (size_t i = 0; i < box->n_mounts; i++)
		if (box->mounts[i].type == BOX_BIND && !strcmp(box->mounts[i].source, data))
			return true;
	return false;
}

static bool is_used(const struct sup *s, const char *volume)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].plan && !sup_is_removed(&s->slots[i]) && uses(&s->slots[i], volume))
			return true;
	return false;
}

/* 1: another stack that runs uses it, too, and it stays. */
static int discard(const struct sup *s, const char *volume, struct err *err)
{
	struct store *store = s->model->prepared.store;
	_cleanup_free_ char *path = NULL;

	for (const struct sup_model *m = s->model; m; m = m->older)
		store_volume_let_go(m->prepared.store, volume);
	if (store_volume_discard(store, volume, err) == 0)
		return 0;
	if (err->sys != EBUSY || store_volume(store, volume, NULL, &path, err) < 0)
		return -1;
	sup_say(&s->opts->hooks, SUP_WARNING, NULL,
		"volume %s stays: another stack that runs uses it", volume);
	return 1;
}

bool sup_has_anonymous(const struct sup_slot *slot)
{
	const struct plan *plan = slot->model->prepared.plan;

	for (size_t i = 0; i < plan->n_volumes; i++)
		if (plan->volumes[i].anonymous && uses(slot, plan->volumes[i].name))
			return true;
	return false;
}

int sup_anonymous_remove(const struct sup_slot *slot, struct err *err)
{
	const struct plan *plan = slot->model->prepared.plan;

	for (size_t i = 0; i < plan->n_volumes; i++) {
		const struct plan_volume *v = &plan->volumes[i];

		if (v->anonymous && uses(slot, v->name) && !is_used(slot->sup, v->name) &&
		    discard(slot->sup, v->name, err) < 0)
			return -1;
	}
	return 0;
}

int sup_anonymous_provide(const struct sup_slot *slot, struct err *err)
{
	const struct sup_model *m = slot->model;
	const struct sup_opts opts = { .stack = m->stack, .hooks = slot->sup->opts->hooks };

	for (size_t i = 0; i < m->prepared.plan->n_volumes; i++) {
		const struct plan_volume *v = &m->prepared.plan->volumes[i];

		if (v->anonymous && uses(slot, v->name) && sup_provide_volume(&opts, m, v, err) < 0)
			return -1;
	}
	return 0;
}

int sup_anonymous_renew(const struct sup *s, struct err *err)
{
	const struct sup_model *m = s->model;
	const struct sup_opts opts = { .stack = m->stack, .hooks = s->opts->hooks };

	for (size_t i = 0; i < m->prepared.plan->n_volumes; i++) {
		const struct plan_volume *v = &m->prepared.plan->volumes[i];
		int rc = v->anonymous && !is_used(s, v->name) ? discard(s, v->name, err) : 1;

		if (rc < 0 || (rc == 0 && sup_provide_volume(&opts, m, v, err) < 0))
			return -1;
	}
	return 0;
}
