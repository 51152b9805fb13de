/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outlook: see change.h. A document is read and planned over what runs, and each slot that is there or will be gets an entry that says
 * what has to be done. Called by changereq.c. Images are looked up, so they should be here already; nothing else is touched.
 */
#include "sup/change.h"
#include "sup/keeping.h"

bool sup_change_wants(const struct sup_change *c, const char *wish)
{
	return json_is_true(json_object_get(c->wishes, wish));
}

bool sup_entry_stops(const struct sup_entry *e)
{
	return e->was && !e->left_alone && (!e->is || e->how >= PLAN_RESTART);
}

/* ---- the plan -------------------------------------------------------------------------------- */

/* Slots as they run may be of several plans; their numbers, and those of bridges and wires, mean the same in all of them. */
static const struct plan *running_plan(const struct sup *s, struct arena *arena)
{
	struct plan *p = arena_alloc(arena, sizeof(*p));

	*p = *s->plan;
	p->slots = arena_array(arena, struct plan_slot, s->n_slots + 1);
	p->n_slots = s->n_slots;
	for (size_t i = 0; i < s->n_slots; i++)
		if (sup_is_service(&s->slots[i]))
			p->slots[i] = *s->slots[i].plan;
	return p;
}

static int check_stack(const struct sup_change *c, const struct stack *stack, struct err *err)
{
	const struct sup *s = c->sup;
	bool isolated = sup_is_isolated(s->opts->isolated || stack->isolated ||
					sup_change_wants(c, "isolated"));

	if (strcmp(stack->name, s->opts->stack->name) != 0)
		return err_set(err, "the document is of stack '%s', not of '%s'", stack->name,
			       s->opts->stack->name);
	if (isolated != (s->plan->uplink != NULL))
		return err_set(
			err,
			"x-isolated: cannot change while the stack runs: `mstack down`, then up");
	return sup_keep_check(s, stack, err);
}

static int prepare(struct sup_change *c, struct err *err)
{
	struct sup_model *m = c->model;
	struct sup *s = c->sup;
	struct arena *arena = arena_new();
	struct stack_diags *diags = stack_diags_new();
	const struct sup_opts opts = { .stack = m->stack,
				       .diags = diags,
				       .hooks = s->opts->hooks,
				       .isolated = s->opts->isolated,
				       .timeout_ms = s->opts->timeout_ms };
	_cleanup_free_ struct ip *taken = NULL;
	int rc;

	m->prepared.running = running_plan(s, arena);
	m->prepared.taken = taken = sup_oneoff_addresses(s, &m->prepared.n_taken);
	rc = sup_prepare(&opts, &m->prepared, err);
	m->prepared.running = NULL;
	m->prepared.taken = NULL;
	m->prepared.n_taken = 0;
	arena_free(arena);
	if (rc < 0 && stack_diags_errors(diags))
		sup_plan_error(diags, err);
	stack_diags_free(diags);
	return rc;
}

/* ---- entries --------------------------------------------------------------------------------- */

static void enter(struct sup_change *c, const struct plan_slot *is)
{
	struct sup_slot *was = sup_slot_find(c->sup, is->name);
	struct sup_entry e = { .was = was, .is = is };

	if (was)
		e.how = plan_diff_slot(&c->diff, was->model->prepared.plan, was->plan,
				       c->model->prepared.plan, is);
	vec_push(&c->entries, e);
}

static bool is_planned(const struct sup_change *c, const struct sup_slot *slot)
{
	for (size_t i = 0; i < c->entries.n; i++)
		if (c->entries.v[i].was == slot)
			return true;
	return false;
}

static bool lists(const struct sup_change *c, const char *wish, const char *service)
{
	const json_t *names = json_object_get(c->wishes, wish);

	return names && sup_is_meant(names, service);
}

/*
 * Of a service that the document does not have: as compose, they go on unless it is said that they shall go. That is not said of one that
 * is in the file, and only was not asked for.
 */
static void enter_leaving(struct sup_change *c, struct sup_slot *slot)
{
	const char *service = slot->plan->service->name;
	bool left_out = !stack_find_service(c->model->stack, service);
	struct sup_entry e = { .was = slot, .orphan = left_out && !lists(c, "inactive", service) };

	e.left_alone = left_out && !(e.orphan && sup_change_wants(c, "remove_orphans"));
	if (e.orphan)
		e.why = "the service is not in the stack any more";
	else if (!left_out)
		e.why = "the service has fewer containers";
	vec_push(&c->entries, e);
}

/* ---- what was asked for ---------------------------------------------------------------------- */

static bool is_named(const struct sup_change *c, const char *service)
{
	return lists(c, "services", service) ||
	       !json_array_size(json_object_get(c->wishes, "services"));
}

/* By name, or because one that is asked for depends on it; by number of the service. */
static bool *asked_for(const struct sup_change *c)
{
	const struct stack *stack = c->model->stack;
	bool *asked = xcalloc(stack->n_services + 1, sizeof(*asked));
	bool again = !sup_change_wants(c, "no_deps");

	for (size_t i = 0; i < stack->n_services; i++)
		asked[i] = is_named(c, stack->services[i].name);
	while (again) {
		again = false;
		for (size_t i = 0; i < stack->n_services; i++) {
			const struct stack_service *s = &stack->services[i];

			for (size_t k = 0; asked[i] && k < s->n_depends; k++) {
				const struct stack_service *on = s->depends[k].service;

				if (!on || asked[on - stack->services])
					continue;
				asked[on - stack->services] = again = true;
			}
		}
	}
	return asked;
}

static void heed_wishes(struct sup_change *c, struct sup_entry *e, const bool *asked)
{
	const struct stack_service *service = e->is ? e->is->service : e->was->plan->service;
	bool named = is_named(c, service->name);

	if (!e->is) {
		e->left_alone = e->left_alone || !named;
		return;
	}
	if (!e->was)
		return;
	e->left_alone = !asked[service - c->model->stack->services] ||
			(sup_change_wants(c, "no_recreate") && e->how != PLAN_SAME);
	if (e->left_alone || (!sup_change_wants(c, "force_recreate") &&
			      !sup_change_wants(c, "always_recreate_deps")))
		return;
	if (named ? !sup_change_wants(c, "force_recreate")
		  : !sup_change_wants(c, "always_recreate_deps"))
		return;
	e->why = e->how < PLAN_RECREATE ? "it was asked for" : NULL;
	e->how = PLAN_RECREATE;
}

/* ---- what follows from others ---------------------------------------------------------------- */

static const struct sup_entry *entry_of(const struct sup_change *c, size_t nr)
{
	const struct plan_slot *is =
		nr < c->model->prepared.plan->n_slots ? &c->model->prepared.plan->slots[nr] : NULL;

	for (size_t i = 0; is && i < c->entries.n; i++)
		if (c->entries.v[i].is == is)
			return &c->entries.v[i];
	return NULL;
}

static bool is_new(const struct sup_entry *e)
{
	return e && e->is && !e->left_alone && (!e->was || e->how == PLAN_RECREATE);
}

/* Whose namespaces it has. */
static bool joins_new(const struct sup_change *c, const struct plan_slot *is)
{
	bool any = is_new(entry_of(c, is->net_of)) || is_new(entry_of(c, is->ids_of));

	for (size_t i = 0; i < BOX_NAMESPACES; i++)
		any = any || is_new(entry_of(c, is->joins[i]));
	return any;
}

static bool follows_restart(const struct sup_change *c, const struct stack_service *service)
{
	for (size_t k = 0; k < service->n_depends; k++) {
		const struct stack_depend *d = &service->depends[k];

		for (size_t i = 0; d->restart && i < c->entries.n; i++) {
			const struct sup_entry *e = &c->entries.v[i];

			if (e->is && e->is->service == d->service && sup_entry_stops(e))
				return true;
		}
	}
	return false;
}

static bool raise_entry(struct sup_entry *e, enum plan_class how, const char *why)
{
	if (e->how >= how && !e->left_alone)
		return false;
	e->left_alone = false;
	e->how = how > e->how ? how : e->how;
	e->why = why;
	return true;
}

static void follow(struct sup_change *c)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < c->entries.n; i++) {
			struct sup_entry *e = &c->entries.v[i];

			if (!e->is || !e->was)
				continue;
			if (joins_new(c, e->is))
				again |= raise_entry(
					e, PLAN_RECREATE,
					"the container whose namespaces it has is made anew");
			else if (!e->left_alone && follows_restart(c, e->is->service))
				again |= raise_entry(
					e, PLAN_RESTART,
					"depends_on of another one says `restart: true`");
		}
	}
}

/* ---- networks -------------------------------------------------------------------------------- */

static bool uses(const struct plan_slot *slot, size_t bridge)
{
	for (size_t i = 0; i < slot->n_ports; i++)
		if (slot->ports[i].bridge == bridge)
			return true;
	return false;
}

/* Who will be on it when all is done? *ret_old: somebody who stays as it is, and knows nothing of a new one. */
static bool is_used(const struct sup_change *c, size_t bridge, const char **ret_old)
{
	const struct sup *s = c->sup;
	bool used = false;

	for (size_t i = 0; i < c->entries.n; i++) {
		const struct sup_entry *e = &c->entries.v[i];

		if (e->left_alone && uses(e->was->plan, bridge))
			*ret_old = e->was->plan->name;
		used = used || (!e->left_alone && e->is && uses(e->is, bridge));
	}
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].oneoff && s->slots[i].plan && uses(s->slots[i].plan, bridge))
			*ret_old = s->slots[i].plan->name;
	return used || *ret_old;
}

static bool is_made_anew(const struct net_spec *net, size_t bridge)
{
	for (size_t i = bridge + 1; i < net->n_bridges; i++)
		if (!strcmp(net->bridges[i].ifname, net->bridges[bridge].ifname))
			return true;
	return false;
}

static int look_at_networks(struct sup_change *c, struct err *err)
{
	struct net_spec *net = &c->model->prepared.plan->net;

	for (size_t i = 0; i < c->sup->plan->net.n_bridges; i++) {
		const char *old = NULL;
		bool used = is_used(c, i, &old);

		if (net->bridges[i].gone)
			continue;
		if (old && is_made_anew(net, i))
			return err_set(
				err,
				"network '%s' has to be made anew, and '%s', which stays as it is, is on it",
				net->bridges[i].altname, old);
		if (used)
			continue;
		net->bridges[i].gone = true;
		net->bridges[i].n_subnets = 0;
	}
	return 0;
}

/* ---- limits ---------------------------------------------------------------------------------- */

static int look_at_limits(const struct sup_change *c, struct err *err)
{
	for (size_t i = 0; i < c->entries.n; i++) {
		const struct sup_entry *e = &c->entries.v[i];

		if (e->is && !e->left_alone && sup_live_check(c->sup, e, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- all ------------------------------------------------------------------------------------- */

/* It was told to begin, and others are not as far, which may take long; or to end. Whoever asked for that may be no more. */
static bool is_on_its_way(const struct svc *v)
{
	return v->state == SVC_WAITING ? !v->runs : v->state == SVC_STOPPING && !v->want_up;
}

/* What runs goes on, what has done its work stays so, and what failed or was stopped is tried again. */
static bool should_start(const struct sup_entry *e)
{
	const struct svc *v;

	if (!e->is || e->left_alone)
		return false;
	if (!e->was || sup_entry_stops(e))
		return true;
	v = &e->was->svc;
	if (!sup_at_rest(v))
		return is_on_its_way(v);
	return !v->want_up || !v->runs || v->last_status != 0;
}

/* One that comes may be new in the file, or asked for only now (`rm`, --scale, SERVICE): that is not told apart. */
static bool has_changed(const struct sup_change *c, const struct sup_entry *e)
{
	for (size_t i = 0; e->was && e->is && i < c->diff.n; i++)
		if (!strcmp(c->diff.v[i].name, e->is->name))
			return true;
	return e->orphan;
}

static int look(struct sup_change *c, struct err *err)
{
	_cleanup_free_ bool *asked = asked_for(c);
	const struct plan *plan = c->model->prepared.plan;

	for (size_t i = 0; i < plan->n_slots; i++)
		enter(c, &plan->slots[i]);
	for (size_t i = 0; i < c->sup->n_slots; i++)
		if (sup_is_service(&c->sup->slots[i]) && !is_planned(c, &c->sup->slots[i]))
			enter_leaving(c, &c->sup->slots[i]);
	for (size_t i = 0; i < c->entries.n; i++)
		heed_wishes(c, &c->entries.v[i], asked);
	follow(c);
	for (size_t i = 0; i < c->entries.n; i++) {
		c->entries.v[i].starts =
			!sup_change_wants(c, "no_start") && should_start(&c->entries.v[i]);
		c->entries.v[i].changed = has_changed(c, &c->entries.v[i]);
	}
	return look_at_limits(c, err) < 0 ? -1 : look_at_networks(c, err);
}

struct sup_change *sup_outlook(struct sup *s, int document, json_t *wishes, struct err *err)
{
	struct sup_change *c = xcalloc(1, sizeof(*c));
	struct sup_model *m = sup_model_new();

	c->sup = s;
	c->model = m;
	c->wishes = json_incref(wishes);
	c->diff.stands_in = box_stands_in(s->runtime);
	if (sup_model_read(m, document, err) == 0 && check_stack(c, m->stack, err) == 0 &&
	    prepare(c, err) == 0 && look(c, err) == 0)
		return c;
	sup_outlook_free(c);
	return NULL;
}

void sup_outlook_free(struct sup_change *c)
{
	if (!c)
		return;
	sup_model_free(c->model);
	plan_diff_fini(&c->diff);
	vec_fini(&c->entries);
	json_decref(c->wishes);
	free(c);
}
