/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * change: see change.h. What an outlook says is done over several turns. All that can be refused is tried before anything ends; later
 * failures are told, what was not touched goes on, and the next change finds what is missing and tries again.
 */
#include <errno.h>
#include <fcntl.h>

#include "mstack/net_resume.h"
#include "sup/change.h"
#include "sup/keeping.h"
#include "sup/verbs.h"

static const ev_tstamp AGAIN_S = 0.01;

static void fail(struct sup_change *c, const struct err *err)
{
	if (!c->err.text[0])
		c->err = *err;
	sup_say(&c->sup->opts->hooks, SUP_ERROR, NULL, "%s", err->text);
}

/* ---- ports ----------------------------------------------------------------------------------- */

static bool same_port(const struct net_publish_spec *a, const struct net_publish_spec *b)
{
	return a->protocol == b->protocol && a->host_port == b->host_port &&
	       a->host_ip.family == b->host_ip.family;
}

/* It is held already, by somebody here who keeps it or gives it up. */
static bool is_ours(const struct sup *s, const struct net_publish_spec *pub)
{
	for (size_t i = 0; i < s->n_slots; i++)
		for (size_t k = 0; s->slots[i].plan && k < s->slots[i].plan->n_pubs; k++)
			if (same_port(&s->slots[i].plan->pubs[k], pub))
				return true;
	return false;
}

/* Does somebody have the port who keeps it? Two of the new plan do not: they would be refused when it was made. */
static int check_port(struct sup_change *c, const struct net_publish_spec *pub, struct err *err)
{
	struct net_publish_spec probe = *pub;
	int rc;

	if (!pub->host_port || is_ours(c->sup, pub))
		return 0;
	probe.owner = "new"; /* no slot is called so: they have a number behind */
	probe.twin = false;
	rc = sup_reserve(c->sup, &probe, 1, err);
	sup_release(c->sup, probe.owner);
	return rc;
}

static int check_ports(struct sup_change *c, struct err *err)
{
	for (size_t i = 0; i < c->entries.n; i++) {
		const struct sup_entry *e = &c->entries.v[i];

		for (size_t k = 0; e->is && !e->left_alone && k < e->is->n_pubs; k++)
			if (check_port(c, &e->is->pubs[k], err) < 0)
				return err_wrap(err, "service '%s'", e->is->service->name);
	}
	return 0;
}

/* ---- before anything ends -------------------------------------------------------------------- */

static bool is_made(const struct sup_entry *e)
{
	return e->is && !e->left_alone && (!e->was || e->how == PLAN_RECREATE);
}

static void give_back(struct sup_change *c)
{
	for (size_t i = 0; i < c->entries.n; i++)
		if (is_made(&c->entries.v[i]))
			c->sup->slots[c->entries.v[i].place].reserved = false;
}

/* What is made anew gets a place of its own, for the old one is there until it has ended. */
static int take_places(struct sup_change *c, struct err *err)
{
	struct plan *plan = c->model->prepared.plan;
	_cleanup_free_ size_t *place = xcalloc(plan->n_slots + 1, sizeof(*place));

	for (size_t i = 0; i < c->entries.n; i++) {
		struct sup_entry *e = &c->entries.v[i];
		struct sup_slot *slot = e->was;

		if (!e->is)
			continue;
		if (is_made(e)) {
			slot = sup_slot_take(c->sup, err);
			if (!slot)
				return -1;
			slot->reserved = true;
		}
		e->place = place[e->is - plan->slots] = slot->nr;
	}
	plan_place(plan, place);
	for (size_t i = 0; i < c->entries.n; i++)
		if (c->entries.v[i].is)
			c->entries.v[i].is = &plan->slots[c->entries.v[i].place];
	return 0;
}

static int provide(struct sup_change *c, struct err *err)
{
	struct sup_model *m = c->model;
	const struct sup_opts opts = { .stack = m->stack, .hooks = c->sup->opts->hooks };

	return sup_provide(&opts, m->prepared.store, m->prepared.plan, &m->volumes, err);
}

int sup_change_begin(struct sup_change *c, struct err *err)
{
	struct sup *s = c->sup;

	if (sup_check_files(s, c->model->prepared.plan, err) < 0 ||
	    sup_keep_prepare(s, c->model->stack, err) < 0 || check_ports(c, err) < 0 ||
	    sup_lock_roots(s, c->model, err) < 0 || provide(c, err) < 0)
		return -1;
	if (take_places(c, err) < 0) {
		give_back(c);
		return -1;
	}
	c->phase = CHANGE_STOPPING;
	s->change = c;
	return 0;
}

/* ---- stopping -------------------------------------------------------------------------------- */

static const struct sup_entry *entry_at(const struct sup_change *c, size_t nr)
{
	for (size_t i = 0; i < c->entries.n; i++)
		if (c->entries.v[i].was && c->entries.v[i].was->nr == nr)
			return &c->entries.v[i];
	return NULL;
}

/* By one that ends, too, and has not yet: who goes on does without it for a moment, as under compose. */
static bool is_needed(const struct sup_change *c, const struct sup_slot *slot)
{
	const struct sup *s = c->sup;

	for (size_t i = 0; i < c->entries.n; i++) {
		const struct sup_entry *e = &c->entries.v[i];
		const struct plan *plan;

		if (!sup_entry_stops(e) || sup_at_rest(&e->was->svc))
			continue;
		plan = e->was->model->prepared.plan;
		for (size_t k = 0; k < plan->n_edges; k++)
			if (plan->edges[k].slot == e->was->nr && plan->edges[k].on == slot->nr &&
			    entry_at(s->change, slot->nr))
				return true;
	}
	return false;
}

static const struct sup_cause *cause_of(const struct sup_change *c, const struct sup_entry *e)
{
	return e->changed ? &c->cause : &c->asker;
}

/* True: all that has to end has ended. Who was wanted again meanwhile, by a `restart`, is told once more. */
static bool stop_next(struct sup_change *c)
{
	const json_t *timeout = json_object_get(c->wishes, "timeout");
	bool done = true;

	for (size_t i = 0; i < c->entries.n; i++) {
		struct sup_entry *e = &c->entries.v[i];

		if (!sup_entry_stops(e))
			continue;
		if ((!e->told || e->was->svc.want_up) && !is_needed(c, e->was)) {
			e->told = true;
			if (!sup_at_rest(&e->was->svc))
				sup_stop(e->was, sup_timeout_ms(timeout), cause_of(c, e));
		}
		done = done && e->told && sup_at_rest(&e->was->svc);
	}
	return done;
}

bool sup_change_stops(const struct sup_slot *slot)
{
	const struct sup_change *c = slot->sup->change;
	const struct sup_entry *e = c && c->phase < CHANGE_STARTING ? entry_at(c, slot->nr) : NULL;

	return e && sup_entry_stops(e);
}

/* ---- clearing -------------------------------------------------------------------------------- */

static void disconnect(struct sup *s, const struct sup_slot *slot)
{
	for (size_t i = 0; i < s->plan->net.n_wires; i++) {
		if (!s->wires[i].made || !sup_wire_has(&s->plan->net.wires[i], slot->nr))
			continue;
		net_disconnect(s->net, i);
		s->wires[i] = (struct sup_wire){ 0 };
	}
}

/* What a container has written outside of volumes goes with it. */
static void remove_layer(struct sup_slot *slot)
{
	struct sup *s = slot->sup;
	size_t len = slot->upper ? strlen(slot->upper) - strlen("/upper") : 0;
	_cleanup_free_ char *key = slot->upper ? xasprintf("%.*s", (int)len, slot->upper) : NULL;
	const struct ledger_item *item = key ? ledger_find(s->ledger, "layer", key) : NULL;

	if (item)
		ledger_undo_item(s->ledger, item->id, 0, &(struct err){ 0 });
}

static void clear(struct sup_change *c)
{
	for (size_t i = 0; i < c->entries.n; i++) {
		struct sup_entry *e = &c->entries.v[i];

		if (!e->was || !sup_entry_stops(e) || (e->is && e->how < PLAN_RECREATE))
			continue;
		if (!e->is)
			sup_say(&c->sup->opts->hooks, SUP_PROGRESS, e->was->plan->name, "removed");
		disconnect(c->sup, e->was);
		remove_layer(e->was);
		sup_slot_drop(e->was);
		e->was = NULL;
	}
}

/* Of slots that were dropped the kernel may still hold something; their names are needed again. */
static bool is_clear(const struct sup_change *c)
{
	for (size_t i = 0; i < c->entries.n; i++)
		if (is_made(&c->entries.v[i]) &&
		    box_slot_there(c->sup->runtime, c->entries.v[i].is->name))
			return false;
	return true;
}

static void again_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents; /* the loop turns, and looks */
}

static void look_again(struct sup_change *c)
{
	if (ev_is_active(&c->again))
		return;
	ev_timer_init(&c->again, again_cb, AGAIN_S, 0);
	ev_timer_start(c->sup->loop, &c->again);
}

/* ---- the new plan ---------------------------------------------------------------------------- */

static int change_network(struct sup *s, const struct plan *plan, struct err *err)
{
	size_t had = s->plan->net.n_bridges;
	int rc;

	if (sup_enter(s, err) < 0)
		return -1;
	rc = net_change(s->net, &plan->net, err);
	sup_leave(s);
	s->wires = xrealloc(s->wires, (plan->net.n_wires + 1) * sizeof(*s->wires));
	for (size_t i = 0; i < plan->net.n_wires; i++)
		if (i >= s->plan->net.n_wires || plan->net.wires[i].gone)
			s->wires[i] = (struct sup_wire){ 0 };
	s->plan = plan;
	if (rc == 0)
		sup_names_networks(s, had);
	return rc;
}

/* What could not be made is not there: the next change makes it anew. */
static void disown_bridges(struct plan *plan, size_t had)
{
	for (size_t i = had; i < plan->net.n_bridges; i++)
		plan->net.bridges[i].gone = true;
}

static void go_on(struct sup_change *c, struct sup_entry *e)
{
	struct err err = { 0 };

	e->was->net_err.text[0] = 0;
	if (sup_live_change(e->was, c->sup->model, e->is, &err) == 0)
		return;
	err_wrap(&err, "service '%s'", e->is->service->name);
	fail(c, &err);
}

static int make(struct sup_change *c, struct sup_entry *e, struct err *err)
{
	struct sup *s = c->sup;
	struct sup_slot *slot = &s->slots[e->place];

	slot->reserved = false;
	sup_slot_init(slot, e->is, s->model->stack, &s->model->prepared);
	e->was = slot;
	if (path_mkdirs(AT_FDCWD, e->is->dir, 0755) < 0)
		return err_sys(err, errno, "run-time folder '%s'", e->is->dir);
	if (sup_slot_open_log(slot, err) < 0 ||
	    sup_reserve(s, e->is->pubs, e->is->n_pubs, err) < 0 || sup_names_add(slot, err) < 0)
		return -1;
	sup_say(&s->opts->hooks, SUP_PROGRESS, e->is->name, "created");
	return 0;
}

static void close_all(struct sup_change *c)
{
	for (size_t i = 0; i < c->entries.n; i++) {
		struct sup_entry *e = &c->entries.v[i];
		struct err err = { 0 };

		if (e->is && !e->left_alone && e->was && sup_live_close(e->was, e->is, &err) < 0)
			fail(c, &err);
	}
}

static void make_all(struct sup_change *c)
{
	for (size_t i = 0; i < c->entries.n; i++) {
		struct sup_entry *e = &c->entries.v[i];
		struct err err = { 0 };

		if (!e->is || e->left_alone)
			continue;
		if (e->was) {
			go_on(c, e);
		} else if (make(c, e, &err) < 0) {
			err_wrap(&err, "service '%s'", e->is->service->name);
			fail(c, &err);
			sup_slot_drop(e->was);
			e->was = NULL;
			e->starts = false;
		}
	}
}

static void start(struct sup_change *c)
{
	for (size_t i = 0; i < c->entries.n; i++) {
		struct sup_entry *e = &c->entries.v[i];

		if (e->starts && e->was)
			sup_wish(e->was, SVC_EV_UP, cause_of(c, e));
	}
	/* Nothing else need happen in this turn that would have them looked at. */
	sup_look_at_gates(c->sup);
}

static void enter_new(struct sup_change *c)
{
	struct sup *s = c->sup;
	const struct plan *was = s->plan;
	size_t had = s->plan->net.n_bridges;
	struct err err = { 0 };

	c->model->older = s->model;
	s->model = take_ptr(&c->model);
	sup_names_outlive(s);
	sup_standby_follow(s);
	if (change_network(s, s->model->prepared.plan, &err) < 0) {
		fail(c, &err);
		disown_bridges(s->model->prepared.plan, had);
	}
	if (sup_change_wants(c, "renew_volumes") && sup_anonymous_renew(s, &err) < 0)
		fail(c, &err);
	sup_say_left_out(s, was);
	close_all(c);
	make_all(c);
	if (sup_live_wires(s, was, &err) < 0 || sup_wiring_add(s, &err) < 0)
		fail(c, &err);
	if (sup_hostnames_write(s, &err) < 0)
		fail(c, &err);
	c->phase = CHANGE_STARTING;
	if (!c->err.text[0])
		start(c);
	sup_models_forget(s);
}

/* ---- arriving -------------------------------------------------------------------------------- */

static bool has_failed(const struct sup_change *c, const struct sup_slot *slot, struct err *err)
{
	const struct svc *v = &slot->svc;
	bool waits = sup_change_wants(c, "wait");

	if (v->state == SVC_EXITED && !v->runs && (v->start_failed || v->gate_failed))
		*err = slot->err;
	else if (waits && sup_has_failed(slot))
		sup_failure(slot, err);
	else
		return false;
	return true;
}

/* With `wait` also for what goes on: it may just be restarting. */
static bool is_awaited(const struct sup_change *c, const struct sup_entry *e)
{
	return e->was && (e->starts || (sup_change_wants(c, "wait") && e->is && !e->left_alone));
}

/* True: it is over, one way or the other. */
static bool look_at_arrival(struct sup_change *c)
{
	bool all = true;

	for (size_t i = 0; i < c->entries.n; i++) {
		const struct sup_entry *e = &c->entries.v[i];

		if (!is_awaited(c, e))
			continue;
		if (has_failed(c, e->was, &c->err))
			return true;
		all = all && sup_has_arrived(e->was, sup_change_wants(c, "wait"));
	}
	return all;
}

static void end(struct sup_change *c, const struct err *err)
{
	struct sup *s = c->sup;

	s->change = NULL;
	ev_timer_stop(s->loop, &c->again);
	sup_change_answer(c, err);
	sup_outlook_free(c);
}

/* Who runs, networks and wires stay as they are. */
static bool takes_nothing_away(const struct sup_change *c)
{
	const struct net_spec *was = &c->sup->plan->net, *is = &c->model->prepared.plan->net;

	if (c->diff.n || was->n_bridges != is->n_bridges || was->n_wires != is->n_wires ||
	    sup_change_wants(c, "renew_volumes"))
		return false;
	for (size_t i = 0; i < was->n_bridges; i++)
		if (was->bridges[i].gone != is->bridges[i].gone)
			return false;
	for (size_t i = 0; i < was->n_wires; i++)
		if (was->wires[i].gone != is->wires[i].gone)
			return false;
	for (size_t i = 0; i < c->entries.n; i++)
		if (!c->entries.v[i].was || !c->entries.v[i].is ||
		    sup_entry_stops(&c->entries.v[i]))
			return false;
	return true;
}

void sup_look_at_change(struct sup *s)
{
	struct sup_change *c = s->change;

	if (!c)
		return;
	if (s->ending != ENDING_NO) {
		sup_change_stop(s);
		return;
	}
	if (c->phase == CHANGE_STOPPING && stop_next(c)) {
		c->phase = CHANGE_CLEARING;
		/* Else who has only taken the stack up, and dies now, would leave one that nobody can go on with. */
		if (!takes_nothing_away(c))
			sup_handing_tell(s);
		clear(c);
	}
	if (c->phase == CHANGE_CLEARING) {
		if (!is_clear(c)) {
			look_again(c);
			return;
		}
		enter_new(c);
	}
	if (c->phase == CHANGE_STARTING && (c->err.text[0] || look_at_arrival(c)))
		end(c, &c->err);
}

static bool is_any(const struct sup *s, bool (*is)(const struct sup_slot *))
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (sup_is_service(&s->slots[i]) && is(&s->slots[i]))
			return true;
	return false;
}

static bool is_starting(const struct sup_slot *slot)
{
	return slot->svc.state == SVC_STARTING;
}

static bool is_to_start(const struct sup_slot *slot)
{
	return slot->todo & DO_START;
}

/* Until something is taken away all is as it was, but that some have ended; then all is made in one turn, but for who begins, with its links. */
const char *sup_change_unfit(const struct sup *s)
{
	if (!s->change || s->change->phase == CHANGE_STOPPING)
		return NULL;
	if (s->change->phase == CHANGE_STARTING && !net_busy(s->net) && !is_any(s, is_starting))
		return NULL;
	return "the stack was being changed";
}

void sup_change_tell_start(struct sup *s)
{
	if (s->change && s->change->phase == CHANGE_STARTING && is_any(s, is_to_start))
		sup_handing_tell(s);
}

void sup_change_stop(struct sup *s)
{
	struct sup_change *c = s->change;
	struct err err = { 0 };

	if (!c)
		return;
	if (c->phase < CHANGE_STARTING)
		give_back(c);
	err_set(&err, "the stack is being stopped");
	end(c, &err);
}
