/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verbpick: which slots a request means: those of the services that it names, or all; for a start also what these depend on, for a
 * restart also those that want to be restarted with them. Called by verbs.c; changes nothing.
 */
#include <sys/wait.h>

#include "sup/verbs.h"

/* By number of the place. */
struct picked {
	const struct sup *s;
	bool *named, *meant;
};

/* ---- who is meant ---------------------------------------------------------------------------- */

/* It has done what it was there for: nobody stopped it, and it did not fail. */
static bool is_finished(const struct sup_slot *slot)
{
	const struct svc *s = &slot->svc;

	return s->state == SVC_EXITED && s->want_up && s->runs && WIFEXITED(s->last_status) &&
	       WEXITSTATUS(s->last_status) == 0;
}

/* What they need, and what that needs, if it rests; not what has done its work. */
static bool is_needed(const struct plan_edge *e, const struct sup_slot *on)
{
	(void)e;
	return !is_finished(on);
}

/* Who rests was stopped, or has ended, and stays so. */
static bool is_taken_along(const struct plan_edge *e, const struct sup_slot *slot)
{
	return e->restart && !sup_at_rest(&slot->svc);
}

/* From those that are meant along the edges, down to what they depend on or up to who depends on them, as far as it is wanted. */
static void add_along(struct picked *p, bool down,
		      bool (*wanted)(const struct plan_edge *e, const struct sup_slot *slot))
{
	const struct plan *plan = p->s->plan;
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < plan->n_edges; i++) {
			const struct plan_edge *e = &plan->edges[i];
			size_t from = down ? e->slot : e->on, to = down ? e->on : e->slot;
			const struct sup_slot *slot = &p->s->slots[to];

			if (!p->meant[from] || p->meant[to] || !sup_is_service(slot) ||
			    !wanted(e, slot))
				continue;
			p->meant[to] = again = true;
		}
	}
}

static bool has_name(const json_t *services, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(services, i, one)
		if (json_is_string(one) && !strcmp(json_string_value(one), name))
			return true;
	return false;
}

/* What was removed can be created, and nothing else; only what rests can be removed, unless that is stopped for it. */
static bool is_for(enum ctl_type type, const struct sup_slot *slot, bool stops)
{
	if (sup_is_removed(slot))
		return type == CTL_CREATE;
	return type != CTL_CREATE && (type != CTL_RM || stops || sup_at_rest(&slot->svc));
}

static void pick_named(struct picked *p, enum ctl_type type, const json_t *services, bool all)
{
	bool goes_up = type == CTL_START || type == CTL_RESTART;

	for (size_t i = 0; i < p->s->n_slots; i++) {
		const struct sup_slot *slot = &p->s->slots[i];

		if (!sup_is_service(slot))
			continue;
		if (!is_for(type, slot, all))
			continue;
		p->named[i] = services ? has_name(services, slot->plan->service->name)
				       : !(goes_up && is_finished(slot));
		p->meant[i] = p->named[i];
	}
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool has_slot(const struct sup *s, const char *service)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (sup_is_service(&s->slots[i]) &&
		    !strcmp(s->slots[i].plan->service->name, service))
			return true;
	return false;
}

/* The client has asked its file; what counts is what runs here. */
static bool check_names(const struct sup *s, enum ctl_type type, const json_t *services,
			struct err *err)
{
	const json_t *one;
	size_t i;

	json_array_foreach(services, i, one) {
		const char *name = json_is_string(one) ? json_string_value(one) : "";

		if (has_slot(s, name))
			continue;
		if (!stack_find_service(s->model->stack, name))
			err_kind(err, ERR_USAGE, "no such service: '%.64s' in stack '%s'", name,
				 s->opts->stack->name);
		else if (type == CTL_START)
			err_set(err, "service '%.64s' has no container to start", name);
		else
			continue;
		return false;
	}
	return true;
}

/* A start makes nothing anew. */
static bool check_removed(const struct picked *p, const json_t *services, struct err *err)
{
	for (size_t i = 0; i < p->s->n_slots; i++) {
		const struct sup_slot *slot = &p->s->slots[i];

		if (!sup_is_service(slot) || !sup_is_removed(slot) ||
		    !(p->meant[i] || has_name(services, slot->plan->service->name)))
			continue;
		err_set(err, "service '%s' has no container to start: see 'mstack create'",
			slot->plan->service->name);
		return false;
	}
	return true;
}

void sup_verb_pick(struct sup_verb *v, enum ctl_type type, const json_t *body, struct err *err)
{
	const json_t *services = json_object_get(body, "services");
	const size_t n = v->sup->n_slots;
	_cleanup_free_ bool *named = xcalloc(n + 1, sizeof(*named)),
			    *meant = xcalloc(n + 1, sizeof(*meant));
	struct picked p = { v->sup, named, meant };

	if (!check_names(v->sup, type, services, err))
		return;
	pick_named(&p, type, services, json_is_true(json_object_get(body, "stop")));
	if (type == CTL_START)
		add_along(&p, true, is_needed);
	if ((type == CTL_START || type == CTL_RESTART) && !check_removed(&p, services, err))
		return;
	if (type == CTL_RESTART && !json_is_true(json_object_get(body, "no_deps")))
		add_along(&p, false, is_taken_along);
	v->work = xcalloc(n + 1, sizeof(*v->work));
	for (size_t i = 0; i < n; i++)
		if (meant[i])
			v->work[v->n++] = (struct verb_work){ .slot = &v->sup->slots[i] };
}
