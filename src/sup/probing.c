/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probing: a health check that is due, and what comes of it: a command in the container, or a probe of our own (knock.c). Called by
 * execute.c when the machine of health asks for one, and by settle.c when one has ended or is late.
 */
#include <sys/wait.h>

#include "sup/state.h"

/* ---- running --------------------------------------------------------------------------------- */

/* The time that it waited for its turn does not count. */
int sup_probe_run(struct sup_slot *slot, struct err *err)
{
	struct box_exec_spec spec = { .token = slot->nr, .argv = slot->plan->probe };

	slot->probe_late = false;
	sup_arm(slot->sup, &slot->probe_timer, slot->health_ms);
	return box_exec(slot->box, &spec, err);
}

void sup_probe_begin(struct sup_slot *slot)
{
	slot->probe_late = false;
	if (!slot->plan->own_probe) {
		sup_inside_want(slot, ERRAND_PROBE);
		return;
	}
	slot->probe_output[0] = 0;
	sup_arm(slot->sup, &slot->probe_timer, slot->health_ms);
	sup_knock_begin(slot);
}

void sup_probe_cancel(struct sup_slot *slot)
{
	ev_timer_stop(slot->sup->loop, &slot->health_timer);
	ev_timer_stop(slot->sup->loop, &slot->probe_timer);
	sup_knock_end(slot);
	sup_inside_drop(slot, ERRAND_PROBE);
}

/* ---- results --------------------------------------------------------------------------------- */

/* x-on-unhealthy. Why is kept only where something follows of it. */
static void unhealthy(struct sup_slot *slot)
{
	struct sup_cause cause =
		sup_because(WHY_UNHEALTHY, slot->probe_late ? "timed out" : slot->probe_output);

	if (slot->svc.policy.on_unhealthy != SVC_UNHEALTHY_NONE)
		sup_wish(slot, SVC_EV_UNHEALTHY, &cause);
}

/* The first line of what it said says most, and of one that said nothing how it ended. */
static void shorten(struct sup_slot *slot, bool ok, int status)
{
	slot->probe_output[strcspn(slot->probe_output, "\n")] = 0;
	if (!ok && !*slot->probe_output)
		sup_end_words(status, slot->probe_output, sizeof(slot->probe_output));
}

/* A probe that was cancelled for being late has failed, whatever its process said at the end. */
void sup_probe_done(struct sup_slot *slot, int status)
{
	bool ok = !slot->probe_late && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	enum svc_health_state before = slot->health.state;

	ev_timer_stop(slot->sup->loop, &slot->probe_timer);
	shorten(slot, ok, status);
	sup_feed_health(slot, ok ? HEV_PROBE_OK : HEV_PROBE_FAILED);
	if (slot->health.state == before)
		return;
	if (slot->health.state == HEALTH_BAD)
		logs_say(slot->log, "unhealthy after %u failed probe%s in a row: %.200s",
			 slot->health.streak, slot->health.streak == 1 ? "" : "s",
			 slot->probe_late ? "timed out" : slot->probe_output);
	sup_say(&slot->sup->opts->hooks, SUP_PROGRESS, slot->plan->name, "%s",
		svc_health_name(slot->health.state));
	if (slot->health.state == HEALTH_BAD)
		unhealthy(slot);
}

void sup_probe_timeout(struct sup_slot *slot)
{
	slot->probe_late = true;
	if (slot->plan->own_probe) {
		sup_knock_end(slot);
		sup_probe_done(slot, 0);
	} else if (slot->box && slot->inside.running == ERRAND_PROBE) {
		box_exec_cancel(slot->box); /* BOX_EXEC_DONE follows */
	}
}
