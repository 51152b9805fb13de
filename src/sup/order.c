/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Order over all slots: who may start now, who may be stopped now, is `up` done, is the end reached. Looks only at states
 * and edges; what follows is fed to the machines.
 */
#include <sys/wait.h>

#include "sup/keeping.h"
#include "sup/oneoff.h"

/* Of what a slot waits for; a hundred dependencies need not all be named. */
#define WORDS_MAX 1024

enum { SETTLE_MS = 500 };

/* ---- up -------------------------------------------------------------------------------------- */

/* A one-off has a plan of its own, whose edges all begin at it and lead to slots of ours. */
static const struct plan *plan_of(const struct sup *s, size_t nr)
{
	const struct plan *own = sup_oneoff_plan(&s->slots[nr]);

	return own ? own : s->plan;
}

/* Of several containers that are to end well, one is enough, as under compose. */
static bool one_completed(const struct sup *s, const struct plan *plan, const struct plan_edge *of)
{
	for (size_t i = 0; of->condition == STACK_COMPLETED && i < plan->n_edges; i++) {
		const struct plan_edge *e = &plan->edges[i];

		if (e->slot == of->slot && e->condition == STACK_COMPLETED &&
		    plan->slots[e->on].service == plan->slots[of->on].service &&
		    sup_gate_edge(e, &s->slots[e->on].svc, HEALTH_NONE) == GATE_OPEN)
			return true;
	}
	return false;
}

/*
 * Who has run since somebody wanted it up comes back by itself, and must not give up for what is only gone for a while. Who ran until somebody restarted it
 * did without what was stopped or has failed, as under compose: it would stay down for that.
 */
static enum sup_gate edge_of(const struct sup *s, size_t nr, const struct plan_edge *e)
{
	const struct sup_slot *on = &s->slots[e->on];
	enum sup_gate g;

	if (s->slots[nr].svc.runs)
		return sup_gate_again(e, &on->svc, on->health.state);
	g = sup_gate_edge(e, &on->svc, on->health.state);
	if ((g == GATE_FAILED || sup_is_stopped(on)) && sup_verb_overlooks(s, nr, e->on))
		return GATE_OPEN;
	return g;
}

/* Of all edges together: one that failed decides, else one that waits does; *ret_edge is that one. */
static enum sup_gate gate_of(const struct sup *s, size_t nr, const struct plan_edge **ret_edge)
{
	const struct plan *plan = plan_of(s, nr);
	enum sup_gate all = GATE_OPEN;

	for (size_t i = 0; i < plan->n_edges; i++) {
		const struct plan_edge *e = &plan->edges[i];
		enum sup_gate g;

		if (plan == s->plan && e->slot != nr)
			continue;
		g = edge_of(s, nr, e);
		if (g != GATE_OPEN && one_completed(s, plan, e))
			continue;
		if (g != GATE_OPEN && (all == GATE_OPEN || g == GATE_FAILED))
			*ret_edge = e;
		if (g == GATE_FAILED)
			return GATE_FAILED;
		if (g == GATE_WAIT)
			all = GATE_WAIT;
	}
	return all;
}

void sup_waits_for(const struct sup_slot *slot, struct buf *out)
{
	const struct sup *s = slot->sup;
	const struct plan *plan = plan_of(s, slot->nr);

	for (size_t i = 0; i < plan->n_edges && out->len < WORDS_MAX; i++) {
		const struct plan_edge *e = &plan->edges[i];
		const struct sup_slot *on = &s->slots[e->on];

		if ((plan != s->plan || e->slot == slot->nr) &&
		    edge_of(s, slot->nr, e) == GATE_WAIT)
			sup_gate_words(e, on, out);
	}
}

/* Said now, as what it waited for may be otherwise when somebody asks. */
static struct sup_cause fail_gate(struct sup_slot *slot, const struct plan_edge *e)
{
	const struct sup_slot *on = &slot->sup->slots[e->on];
	_cleanup_(buf_fini) struct buf why = { 0 };

	sup_gate_failure(on, &why);
	err_set(&slot->err, "service '%s': not started: %s", slot->plan->service->name,
		buf_str(&why));
	return sup_because(WHY_DEPENDENCY, on->plan->service->name);
}

/* A gate that failed may fail others, so this goes on until a round changes nothing. */
void sup_look_at_gates(struct sup *s)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < s->n_slots; i++) {
			const struct plan_edge *edge = NULL;
			struct sup_cause cause;
			enum sup_gate g;

			if (s->slots[i].svc.state != SVC_WAITING)
				continue;
			g = gate_of(s, i, &edge);
			if (g == GATE_WAIT)
				continue;
			cause = g == GATE_FAILED ? fail_gate(&s->slots[i], edge)
						 : sup_because(WHY_DEPENDENCY, NULL);
			sup_wish(&s->slots[i], g == GATE_OPEN ? SVC_EV_READY : SVC_EV_GATE_FAILED,
				 &cause);
			again = again || g == GATE_FAILED;
		}
	}
}

static void fail_up(struct sup *s, const struct sup_slot *slot)
{
	const struct svc *v = &slot->svc;

	if (v->start_failed || v->gate_failed)
		s->up_err = slot->err;
	else
		sup_failure(slot, &s->up_err);
}

bool sup_has_failed(const struct sup_slot *slot)
{
	const struct svc *v = &slot->svc;
	bool badly = v->ailment == SVC_AILS_UNHEALTHY || (v->want_up && v->last_status != 0);

	return slot->health.state == HEALTH_BAD || (v->state == SVC_EXITED && v->runs && badly);
}

void sup_failure(const struct sup_slot *slot, struct err *err)
{
	bool sick = slot->health.state == HEALTH_BAD || slot->svc.ailment == SVC_AILS_UNHEALTHY;

	err_kind(err, ERR_SERVICE, "service '%s': %s", slot->plan->service->name,
		 sick ? "unhealthy" : "ended while it was waited for");
}

/* Of several failures, the one that others follow from. */
static const struct sup_slot *first_failure(const struct sup *s, bool wait)
{
	const struct sup_slot *found = NULL;

	for (size_t i = 0; i < s->n_slots; i++) {
		const struct sup_slot *slot = &s->slots[i];
		const struct svc *v = &slot->svc;
		bool bad = wait && sup_has_failed(slot);

		if (!sup_is_service(slot))
			continue;
		if (v->state == SVC_EXITED && !v->runs && v->start_failed)
			return slot;
		if (bad || (v->state == SVC_EXITED && !v->runs && v->gate_failed && !found))
			found = slot;
	}
	return found;
}

/* Somebody does not want it to run. */
bool sup_is_stopped(const struct sup_slot *slot)
{
	return sup_is_service(slot) && sup_at_rest(&slot->svc) && !slot->svc.want_up;
}

/* A container's end is heard of when all that is in it has ended. One that is taken up may have begun to end long before. */
static bool has_ended_untold(const struct sup_slot *slot)
{
	int status;

	return slot->box && (!box_pid(slot->box) || box_exit(slot->box, &status));
}

/*
 * Without a health check nobody says whether it does well. Who finds at its start what it cannot live with has ended by then, as a rule; docker compose
 * looks for the first time after half a second, too.
 */
static bool has_settled(struct sup_slot *slot)
{
	uint64_t then = slot->svc.started_ms + SETTLE_MS, now = time_mono_ms();

	if (slot->health.policy.enabled)
		return slot->health.state == HEALTH_GOOD;
	/* Who is restarted again and again may never run that long, and that is not to be waited for. */
	if (slot->svc.restarts)
		return true;
	if (now < then)
		sup_look_again(slot->sup, then - now);
	return now >= then;
}

bool sup_has_arrived(struct sup_slot *slot, bool wait)
{
	const struct svc *v = &slot->svc;

	if (sup_is_stopped(slot))
		return true;
	if (!v->runs || v->state == SVC_STARTING || (v->state == SVC_STOPPING && v->want_up))
		return false;
	if (!wait || v->state == SVC_EXITED)
		return true;
	return v->state == SVC_RUNNING && !v->fresh && has_settled(slot) && !has_ended_untold(slot);
}

static bool all_arrived(struct sup *s, bool wait)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (sup_is_service(&s->slots[i]) && !sup_has_arrived(&s->slots[i], wait))
			return false;
	return true;
}

bool sup_is_well(struct sup *s)
{
	return all_arrived(s, true);
}

/* Who has given up waiting was told that the stack goes on. */
static bool is_waited_for(const struct sup *s)
{
	const struct sup_hooks *h = &s->opts->hooks;

	return s->opts->wait_healthy && (!h->awaited || h->awaited(h->arg));
}

/* Called when all facts have settled; failures first, as others may still arrive for long. */
void sup_look_at_up(struct sup *s)
{
	const struct sup_slot *bad;
	struct sup_cause cause;
	bool wait;

	if (s->up_told || s->ending != ENDING_NO)
		return;
	wait = is_waited_for(s);
	bad = first_failure(s, wait);
	if (bad) {
		fail_up(s, bad);
		cause = sup_because(WHY_ABORT, bad->plan->service->name);
		sup_end(s, ENDING_STOP, err_exit_code(&s->up_err), &cause);
		return;
	}
	if (!all_arrived(s, wait))
		return;
	s->up_told = true;
	/* Whoever hears of it may rely on it: from here on the stack outlives us, and the guard's door is open. */
	sup_look_at_handing(s, true);
	sup_handing_tell(s);
	if (s->opts->hooks.up)
		s->opts->hooks.up(s->opts->hooks.arg, NULL);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* What somebody has stopped he may start again: as long as there is such a one, the stack waits for him. */
static bool is_kept(const struct sup *s)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (sup_is_stopped(&s->slots[i]))
			return true;
	return s->verbs != NULL;
}

static bool all_at_rest(const struct sup *s)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (!sup_at_rest(&s->slots[i].svc))
			return false;
	return true;
}

/* A dependent must be gone before what it depends on gets the signal. */
static bool needed(const struct sup *s, size_t nr)
{
	for (size_t i = 0; i < s->plan->n_edges; i++)
		if (s->plan->edges[i].on == nr &&
		    !sup_at_rest(&s->slots[s->plan->edges[i].slot].svc))
			return true;
	return sup_oneoff_needs(s, nr);
}

/*
 * Asked again after each exit, so the stops go through the graph from its leaves on, as many at a
 * time as the edges allow. What waits or backs off rests at once, which may free what it depends on: so on until a round changes nothing.
 */
static void stop_next(struct sup *s)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < s->n_slots; i++) {
			struct sup_slot *slot = &s->slots[i];

			if (slot->told_down || needed(s, i))
				continue;
			slot->told_down = true;
			sup_wish(slot, SVC_EV_DOWN, &s->end_cause);
			again = again || sup_at_rest(&slot->svc);
		}
	}
}

void sup_look_at_end(struct sup *s)
{
	struct sup_cause all_ended = sup_because(WHY_SELF, "all services have ended");

	if (s->ending == ENDING_NO && s->opts->foreground && s->up_told && !s->change &&
	    !s->reload && all_at_rest(s) && !is_kept(s))
		sup_end(s, ENDING_STOP, 0, &all_ended);
	if (s->ending == ENDING_NO)
		return;
	stop_next(s);
	if ((all_at_rest(s) && !sup_attach_busy(s)) || s->gave_up)
		ev_break(s->loop, EVBREAK_ALL);
}
