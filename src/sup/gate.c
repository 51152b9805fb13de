/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does an edge of the plan hold? Pure: from the state of the slot waited for to a verdict. Rules: compose's conditions.
 */
#include <sys/wait.h>

#include "sup/state.h"

bool sup_at_rest(const struct svc *s)
{
	return s->state == SVC_IDLE || s->state == SVC_EXITED;
}

int sup_exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* It will not come up by itself any more. */
static bool never_came(const struct svc *on)
{
	return on->state == SVC_EXITED && !on->runs && (on->start_failed || on->gate_failed);
}

static enum sup_gate started(const struct svc *on)
{
	if (never_came(on))
		return GATE_FAILED;
	/* Somebody restarts it: what counts is the start that follows. */
	if (on->state == SVC_STOPPING && on->want_up)
		return GATE_WAIT;
	return on->runs ? GATE_OPEN : GATE_WAIT;
}

static enum sup_gate healthy(const struct svc *on, enum svc_health_state health)
{
	if (never_came(on) || (on->state == SVC_EXITED && on->runs) || health == HEALTH_BAD)
		return GATE_FAILED;
	return health == HEALTH_GOOD ? GATE_OPEN : GATE_WAIT;
}

static enum sup_gate completed(const struct svc *on)
{
	if (never_came(on))
		return GATE_FAILED;
	if (on->state != SVC_EXITED || !on->runs)
		return GATE_WAIT;
	return WIFEXITED(on->last_status) && WEXITSTATUS(on->last_status) == 0 ? GATE_OPEN
									       : GATE_FAILED;
}

enum sup_gate sup_gate_edge(const struct plan_edge *e, const struct svc *on,
			    enum svc_health_state health)
{
	enum sup_gate g = GATE_WAIT;

	switch (e->condition) {
	case STACK_STARTED:
		g = started(on);
		break;
	case STACK_HEALTHY:
		g = healthy(on, health);
		break;
	case STACK_COMPLETED:
		g = completed(on);
		break;
	}
	return g == GATE_FAILED && !e->required ? GATE_OPEN : g;
}

void sup_gate_words(const struct plan_edge *e, const struct sup_slot *on, struct buf *out)
{
	static const char *const aims[] = {
		[STACK_STARTED] = "to be started",
		[STACK_HEALTHY] = "to be healthy",
		[STACK_COMPLETED] = "to end with success",
	};
	const char *health = svc_health_name(on->health.state);

	/* It could not be made when the stack was changed: the next `up` makes it. */
	if (!on->plan) {
		buf_printf(out, "%sa service that is not there",
			   out->len ? ", for " : "waits for ");
		return;
	}
	buf_printf(out, "%s'%s' %s (now %s%s%s)", out->len ? ", for " : "waits for ",
		   on->plan->service->name, aims[e->condition], svc_compose_state(&on->svc),
		   *health ? ", " : "", *health ? health : "");
}

void sup_gate_failure(const struct sup_slot *on, struct buf *out)
{
	const struct svc *s = &on->svc;
	char how[48];

	buf_printf(out, "'%s', which it depends on, ", on->plan->service->name);
	if (never_came(s)) {
		buf_puts(out, s->start_failed ? "could not be started" : "was not started either");
	} else if (s->state != SVC_EXITED) {
		buf_puts(out, "became unhealthy");
	} else if (!s->want_up) {
		buf_puts(out, "was stopped");
	} else {
		sup_end_words(s->last_status, how, sizeof(how));
		buf_printf(out, "%s%s", WIFSIGNALED(s->last_status) ? "was " : "", how);
	}
}

static bool is_there(const struct svc *on)
{
	return on->state == SVC_RUNNING && !on->fresh;
}

/* A job that ended well is done, and is not needed once more. */
static bool is_done(const struct svc *on)
{
	return on->state == SVC_EXITED && on->runs && on->want_up && !on->dead && !on->last_status;
}

enum sup_gate sup_gate_again(const struct plan_edge *e, const struct svc *on,
			     enum svc_health_state health)
{
	bool holds = false;

	if (!e->required)
		return sup_gate_edge(e, on, health);
	switch (e->condition) {
	case STACK_STARTED:
		holds = is_there(on) || is_done(on);
		break;
	case STACK_HEALTHY:
		holds = is_there(on) && health == HEALTH_GOOD;
		break;
	case STACK_COMPLETED:
		holds = is_done(on);
		break;
	}
	return holds ? GATE_OPEN : GATE_WAIT;
}
