/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verbs: what clients want of services while the stack stays: start, stop, restart, kill, wait. Each request is a list of slots with
 * the next step of each; wishes go to the machines of svc, and what these have come to is looked at when all facts have
 * settled. Which slots are meant is verbpick.c's. Removes nothing and never waits.
 */
#include <signal.h>

#include "sup/verbs.h"

/* ---- kinds ----------------------------------------------------------------------------------- */

enum aim { AIM_UP, AIM_DOWN, AIM_NONE };

/* One word each: `change` of the answer. */
static const struct verb_kind {
	enum ctl_type type;
	const char *name;
	enum aim aim; /* of two requests with different ones for a slot the later one holds */
	enum verb_step first;
	const char *done;
} kinds[] = {
	{ CTL_START, "start", AIM_UP, STEP_START, "started" },
	{ CTL_STOP, "stop", AIM_DOWN, STEP_STOP, "stopped" },
	{ CTL_RESTART, "restart", AIM_UP, STEP_STOP, "restarted" },
	{ CTL_KILL, "kill", AIM_DOWN, STEP_KILL, "killed" },
	{ CTL_RM, "rm", AIM_DOWN, STEP_REMOVE, "removed" },
	{ CTL_WAIT, "wait", AIM_NONE, STEP_WAIT, "ended" },
	{ CTL_CREATE, "create", AIM_NONE, STEP_CREATE, "created" },
};

const struct verb_kind *sup_verb_kind(enum ctl_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

static bool is_wait(const struct sup_verb *v)
{
	return v->kind->type == CTL_WAIT;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void answer(const struct sup_verb *v, enum ctl_type type, json_t *body, bool last)
{
	const struct ctl_msg request = { .type = v->kind->type, .id = v->id };

	if (v->peer)
		ctl_answer(v->peer->fd, &request, type, body, last);
	else
		json_decref(body);
}

static void done(struct sup_verb *v, struct verb_work *w, json_t *more)
{
	json_t *body = json_pack("{s:s}", "slot", w->slot->plan->name);

	json_object_update(body, more);
	json_decref(more);
	answer(v, CTL_OK, body, false);
	w->step = STEP_DONE;
}

static void changed(struct sup_verb *v, struct verb_work *w)
{
	if (!is_wait(v))
		sup_say(&v->sup->opts->hooks, SUP_PROGRESS, w->slot->plan->name, "%s",
			v->kind->done);
	done(v, w, json_pack("{s:s}", "change", v->kind->done));
}

/* The first failure says how the command ends. */
static void failed(struct sup_verb *v, struct verb_work *w, const struct err *err)
{
	if (!v->failed)
		v->err = *err;
	v->failed = true;
	done(v, w, json_pack("{s:s}", "error", err->text));
}

/* ---- what has become of it ------------------------------------------------------------------- */

/* Its new run has begun; it may even have ended. What still stops is the old one. */
static bool has_started(const struct sup_verb *v, struct sup_slot *slot)
{
	const struct svc *s = &slot->svc;

	if (v->wait_healthy)
		return sup_has_arrived(slot, true);
	return s->runs &&
	       (s->state == SVC_RUNNING || s->state == SVC_BACKOFF || s->state == SVC_EXITED);
}

static void look_at_start(struct sup_verb *v, struct verb_work *w)
{
	struct sup_slot *slot = w->slot;
	const struct svc *s = &slot->svc;
	struct err err = { 0 };

	if (s->state == SVC_EXITED && s->want_up && !s->runs) {
		failed(v, w, &slot->err);
	} else if (v->wait_healthy && sup_has_failed(slot)) {
		sup_failure(slot, &err);
		failed(v, w, &err);
	} else if (has_started(v, slot)) {
		changed(v, w);
	}
}

/* Its run has ended, whether it is at rest now or somebody has started it again meanwhile. */
static bool has_ended(const struct verb_work *w)
{
	return sup_at_rest(&w->slot->svc) || w->slot->ended_wall != w->ended_wall;
}

static void look_at_stop(struct sup_verb *v, struct verb_work *w)
{
	if (!has_ended(w))
		return;
	if (v->kind->type == CTL_RESTART)
		w->step = STEP_START;
	else if (v->kind->type == CTL_RM)
		w->step = STEP_REMOVE;
	else
		changed(v, w);
}

static void look_at_wait(struct sup_verb *v, struct verb_work *w)
{
	const struct svc *s = &w->slot->svc;
	bool rests = sup_at_rest(s) || s->state == SVC_BACKOFF;
	int code = s->ever_exited ? sup_exit_code(s->last_status) : 0;

	if (!rests && w->slot->ended_wall == w->ended_wall)
		return;
	if (s->start_failed)
		code = sup_start_code(w->slot);
	done(v, w,
	     json_pack("{s:s, s:s, s:i}", "change", v->kind->done, "container",
		       w->slot->plan->container, "code", code));
	for (size_t i = 0; v->any && i < v->n; i++)
		v->work[i].step = STEP_DONE;
}

static void look(struct sup_verb *v, struct verb_work *w)
{
	switch (w->step) {
	case STEP_STARTING:
		look_at_start(v, w);
		break;
	case STEP_STOPPING:
		look_at_stop(v, w);
		break;
	case STEP_WAIT:
		look_at_wait(v, w);
		break;
	case STEP_START:
	case STEP_STOP:
	case STEP_KILL:
	case STEP_REMOVE:
	case STEP_CREATE:
	case STEP_DONE:
		break;
	}
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* A stop that is under way already is hurried by a shorter time, which was said later. */
void sup_stop(struct sup_slot *slot, int64_t timeout_ms, const struct sup_cause *cause)
{
	uint64_t own = slot->svc.policy.grace_ms;

	if (timeout_ms >= 0 && slot->svc.state == SVC_STOPPING) {
		slot->todo |= timeout_ms ? DO_ARM : DO_KILL;
		slot->timer_ms = (uint64_t)timeout_ms;
	}
	if (timeout_ms >= 0)
		slot->svc.policy.grace_ms = (uint64_t)timeout_ms;
	sup_wish(slot, SVC_EV_DOWN, cause);
	slot->svc.policy.grace_ms = own;
}

int64_t sup_timeout_ms(const json_t *timeout)
{
	double seconds = json_number_value(timeout);

	if (!json_is_number(timeout))
		return -1;
	return seconds > 0 ? (int64_t)(seconds * 1000) : 0;
}

static void stop(struct sup_verb *v, struct verb_work *w)
{
	w->step = STEP_STOPPING;
	sup_stop(w->slot, v->timeout_ms, &v->cause);
}

/* Those that somebody needs whom this request stops, and who has not ended yet; by number of the place. */
static bool *needed_ones(const struct sup_verb *v)
{
	const struct plan *plan = v->sup->plan;
	_cleanup_free_ bool *going = xcalloc(v->sup->n_slots + 1, sizeof(*going));
	bool *needed = xcalloc(v->sup->n_slots + 1, sizeof(*needed));

	for (size_t i = 0; i < v->n; i++) {
		const struct verb_work *w = &v->work[i];

		going[w->slot->nr] =
			(w->step == STEP_STOP || w->step == STEP_STOPPING) && !has_ended(w);
	}
	for (size_t i = 0; i < plan->n_edges; i++)
		if (going[plan->edges[i].slot])
			needed[plan->edges[i].on] = true;
	return needed;
}

/* From those that nobody depends on downwards; what rests at once frees the next one. */
static void stop_next(struct sup_verb *v)
{
	bool again = true;

	while (again) {
		_cleanup_free_ bool *needed = needed_ones(v);

		again = false;
		for (size_t i = 0; i < v->n; i++) {
			struct verb_work *w = &v->work[i];

			if (w->step != STEP_STOP || needed[w->slot->nr])
				continue;
			stop(v, w);
			again = again || has_ended(w);
		}
	}
}

static bool has_step(const struct sup_verb *v, enum verb_step step)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->work[i].step == step)
			return true;
	return false;
}

/* All in one turn: gates then keep the order, because nobody of them has run yet. */
static void start_all(struct sup_verb *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct verb_work *w = &v->work[i];

		if (w->step != STEP_START)
			continue;
		w->step = STEP_STARTING;
		sup_wish(w->slot, SVC_EV_UP, &v->cause);
	}
}

/* Only the signal that stops it says that it is not to come back, and ends who could not hear it; others are its own business. */
static void send_signal(struct sup_verb *v, struct verb_work *w)
{
	struct sup_slot *slot = w->slot;
	bool stops = v->signo == sup_stop_signal(slot), lost = false;
	struct err err = { 0 };

	if (!slot->box || !box_pid(slot->box)) {
		done(v, w, json_pack("{s:s}", "same", svc_compose_state(&slot->svc)));
		return;
	}
	if (stops)
		sup_wish(slot, SVC_EV_LAST_RUN, &v->cause);
	if (stops ? box_signal(slot->box, v->signo, NULL, &err) < 0
		  : box_tell(slot->box, v->signo, &lost, &err) < 0) {
		failed(v, w, &err);
		return;
	}
	sup_note_signal(slot, v->signo, &v->cause);
	if (lost)
		done(v, w, json_pack("{s:i}", "lost", v->signo));
	else
		changed(v, w);
}

static void kill_all(struct sup_verb *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct verb_work *w = &v->work[i];

		if (w->step != STEP_KILL)
			continue;
		if (v->signo != SIGKILL) {
			send_signal(v, w);
			continue;
		}
		w->step = STEP_STOPPING;
		sup_wish(w->slot, SVC_EV_KILL, &v->cause);
	}
}

static void remove_all(struct sup_verb *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct verb_work *w = &v->work[i];
		struct err err = { 0 };

		if (w->step != STEP_REMOVE)
			continue;
		if (sup_slot_clear(w->slot, &err) < 0 ||
		    (v->volumes && sup_anonymous_remove(w->slot, &err) < 0))
			failed(v, w, &err);
		else
			changed(v, w);
	}
}

static void create_all(struct sup_verb *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct verb_work *w = &v->work[i];
		struct err err = { 0 };

		if (w->step != STEP_CREATE)
			continue;
		if (sup_anonymous_provide(w->slot, &err) < 0) {
			failed(v, w, &err);
			continue;
		}
		w->slot->removed = false;
		changed(v, w);
	}
}

/* What it asks for next; false: nothing, it waits or is through. */
static bool advance(struct sup_verb *v)
{
	bool waits = has_step(v, STEP_STOPPING);

	if (has_step(v, STEP_KILL)) {
		kill_all(v);
		return true;
	}
	if (has_step(v, STEP_REMOVE) || has_step(v, STEP_CREATE)) {
		remove_all(v);
		create_all(v);
		return true;
	}
	if (has_step(v, STEP_STOP)) {
		stop_next(v);
		return !waits;
	}
	if (waits || !has_step(v, STEP_START))
		return false;
	start_all(v);
	return true;
}

static const struct verb_work *work_of(const struct sup_verb *v, size_t nr)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->work[i].slot->nr == nr)
			return &v->work[i];
	return NULL;
}

bool sup_verb_overlooks(const struct sup *s, size_t slot, size_t on)
{
	for (const struct sup_verb *v = s->verbs; v; v = v->next) {
		const struct verb_work *w = work_of(v, slot);

		if (v->kind->type == CTL_RESTART && w && w->step != STEP_DONE)
			return !work_of(v, on);
	}
	return false;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void finish(struct sup_verb *v)
{
	struct sup_verb **at = &v->sup->verbs;

	answer(v, v->failed ? CTL_ERROR : CTL_OK,
	       v->failed ? json_pack("{s:s, s:i}", "error", v->err.text, "code",
				     err_exit_code(&v->err))
			 : NULL,
	       true);
	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	if (v->peer)
		v->peer->verb = NULL;
	free(v->work);
	free(v);
}

/* A slot that left the stack has nothing more to come to. */
static void let_go(struct sup_verb *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->work[i].step != STEP_DONE &&
		    (!v->work[i].slot->plan ||
		     v->work[i].slot->created_wall != v->work[i].created_wall))
			v->work[i].step = STEP_DONE;
}

static void give_up(struct sup_verb *v)
{
	struct err err = { 0 };

	err_set(&err, "%s: stack '%s' is going down", v->kind->name, v->sup->opts->stack->name);
	for (size_t i = 0; i < v->n; i++) {
		struct verb_work *w = &v->work[i];

		if (w->step == STEP_STOP || w->step == STEP_KILL)
			w->step = STEP_STOPPING;
		if (w->step != STEP_DONE && v->kind->type != CTL_STOP &&
		    v->kind->type != CTL_KILL && !is_wait(v))
			failed(v, w, &err);
	}
}

static bool is_through(const struct sup_verb *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->work[i].step != STEP_DONE)
			return false;
	return true;
}

void sup_look_at_verbs(struct sup *s)
{
	struct sup_verb *next;

	for (struct sup_verb *v = s->verbs; v; v = next) {
		next = v->next;
		let_go(v);
		if (s->ending != ENDING_NO)
			give_up(v);
		do {
			sup_look_at_gates(s);
			for (size_t i = 0; i < v->n; i++)
				look(v, &v->work[i]);
		} while (s->ending == ENDING_NO && advance(v));
		if (is_through(v))
			finish(v);
	}
}

/* The last wish holds: who wanted something else of the slot hears that it was not to be. */
static void take_over(const struct sup_verb *from, const struct sup_slot *slot)
{
	for (struct sup_verb *v = from->sup->verbs; v; v = v->next) {
		struct err err = { 0 };

		if (v == from || v->kind->aim == AIM_NONE || v->kind->aim == from->kind->aim)
			continue;
		err_set(&err, "%s: %s: somebody wants the opposite meanwhile (%s)", v->kind->name,
			slot->plan->name, from->kind->name);
		for (size_t i = 0; i < v->n; i++)
			if (v->work[i].slot == slot && v->work[i].step != STEP_DONE)
				failed(v, &v->work[i], &err);
	}
}

/* What there is nothing to do for is said at once. */
static void begin(struct sup_verb *v, struct verb_work *w)
{
	const struct svc *s = &w->slot->svc;
	bool rests = sup_at_rest(s),
	     runs = s->state == SVC_RUNNING && s->want_up && !v->wait_healthy;

	w->ended_wall = w->slot->ended_wall;
	w->created_wall = w->slot->created_wall;
	w->step = v->kind->first;
	if (v->kind->aim != AIM_NONE)
		take_over(v, w->slot);
	if (v->kind->type == CTL_RM) {
		w->step = rests ? STEP_REMOVE : STEP_STOP;
	} else if (v->kind->aim == AIM_DOWN && rests) {
		sup_wish(w->slot, SVC_EV_DOWN, &v->cause);
		done(v, w, json_pack("{s:s}", "same", svc_compose_state(s)));
	} else if (v->kind->type == CTL_START && runs) {
		done(v, w, json_pack("{s:s}", "same", svc_compose_state(s)));
	} else if (v->kind->type == CTL_RESTART && rests) {
		w->step = STEP_START;
	}
}

static void refuse(struct sup_peer *p, const struct ctl_msg *m, const struct err *err)
{
	ctl_answer(p->fd, m, CTL_ERROR,
		   json_pack("{s:s, s:i}", "error", err->text, "code", err_exit_code(err)), true);
}

static struct sup_verb *make(struct sup_peer *p, const struct ctl_msg *m)
{
	struct sup_verb *v = xcalloc(1, sizeof(*v));

	v->sup = p->sup;
	v->peer = p;
	v->id = m->id;
	v->kind = sup_verb_kind(m->type);
	v->cause = sup_because_user(p, v->kind->name);
	v->timeout_ms = sup_timeout_ms(json_object_get(m->body, "timeout"));
	v->signo = (int)json_integer_value(json_object_get(m->body, "signal"));
	v->volumes = json_is_true(json_object_get(m->body, "volumes"));
	v->any = json_is_true(json_object_get(m->body, "any"));
	v->wait_healthy = json_is_true(json_object_get(m->body, "wait"));
	return v;
}

void sup_verb_request(struct sup_peer *p, const struct ctl_msg *m)
{
	struct sup_verb *v = make(p, m);
	struct err err = { 0 };

	if (p->verb)
		err_set(&err, "one request at a time");
	else if (p->sup->ending != ENDING_NO)
		err_set(&err, "stack '%s' is going down", p->sup->opts->stack->name);
	else if (m->type == CTL_KILL && (v->signo < 1 || v->signo > SIGRTMAX))
		err_kind(&err, ERR_USAGE, "signal %d: there is none", v->signo);
	else
		sup_verb_pick(v, m->type, m->body, &err);
	if (err.text[0]) {
		refuse(p, m, &err);
		free(v->work);
		free(v);
		return;
	}
	v->next = p->sup->verbs;
	p->sup->verbs = v;
	p->verb = v;
	answer(v, CTL_OK, json_object(), false);
	for (size_t i = 0; i < v->n; i++)
		begin(v, &v->work[i]);
}

/* What was wanted of services is done all the same; who only waited does so no more. */
void sup_verb_peer_gone(struct sup_peer *p)
{
	struct sup_verb *v = take_ptr(&p->verb);

	if (!v)
		return;
	v->peer = NULL;
	if (is_wait(v))
		finish(v);
}

bool sup_verbs_busy(const struct sup *s)
{
	for (const struct sup_verb *v = s->verbs; v; v = v->next)
		if (!is_wait(v))
			return true;
	return false;
}

void sup_verbs_free(struct sup *s)
{
	while (s->verbs) {
		struct sup_verb *v = s->verbs;

		s->verbs = v->next;
		free(v->work);
		free(v);
	}
}
