/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts settle: each is turned into events of the slot's two machines, and what they answer is collected in the slot. Nothing is
 * started, signalled or armed here.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sup/reexec.h"
#include "sup/reload.h"

/* ---- machines -------------------------------------------------------------------------------- */

void sup_feed_health(struct sup_slot *slot, enum svc_health_event_kind kind)
{
	enum svc_health_state before = slot->health.state;
	struct svc_out out = svc_health_step(&slot->health, kind, time_mono_ms());

	if (out.todo & HDO_CANCEL)
		slot->health_todo &= ~(unsigned)(HDO_ARM | HDO_PROBE);
	if (out.todo & (HDO_ARM | HDO_PROBE))
		slot->health_ms = out.timer_ms;
	slot->health_todo |= out.todo;
	sup_note_health(slot, before);
}

static void step(struct sup_slot *slot, enum svc_event_kind kind, int status,
		 const struct sup_cause *cause)
{
	struct svc_event ev = { .kind = kind, .status = status, .now_ms = time_mono_ms() };
	struct svc before = slot->svc;
	bool paused = before.paused;
	struct svc_out out = svc_step(&slot->svc, &ev);

	/* Of two wishes for the timer, or for ice, in one turn the later one counts. */
	if (out.todo & DO_DISARM)
		slot->todo &= ~(unsigned)DO_ARM;
	if (out.todo & DO_ARM) {
		slot->todo &= ~(unsigned)DO_DISARM;
		slot->timer_ms = out.timer_ms;
	}
	if (out.todo & (DO_FREEZE | DO_THAW))
		slot->todo &= ~(unsigned)(DO_FREEZE | DO_THAW);
	slot->todo |= out.todo;
	if (slot->svc.state == SVC_RUNNING && slot->svc.paused != paused)
		sup_feed_health(slot, paused ? HEV_RESUMED : HEV_PAUSED);
	if (slot->svc.state == SVC_STOPPING)
		sup_feed_health(slot, HEV_STOPPED); /* nobody is asked how he is while he goes */
	sup_note_step(slot, &before, &ev, out.todo, cause);
}

/* The only fact that ends something by itself is a timer: the grace period is over. */
void sup_feed(struct sup_slot *slot, enum svc_event_kind kind, int status)
{
	struct sup_cause cause = sup_because(kind == SVC_EV_TIMER ? WHY_LATE : WHY_SELF, NULL);

	step(slot, kind, status, &cause);
}

static bool is_lasting(enum svc_event_kind kind)
{
	return kind == SVC_EV_UP || kind == SVC_EV_DOWN || kind == SVC_EV_KILL ||
	       kind == SVC_EV_GATE_FAILED || kind == SVC_EV_UNHEALTHY;
}

/* Kept for what follows of it: the exit of a process that was told to stop. */
void sup_wish(struct sup_slot *slot, enum svc_event_kind kind, const struct sup_cause *cause)
{
	if (is_lasting(kind))
		slot->cause = *cause;
	step(slot, kind, 0, cause);
}

void sup_health_renew(struct sup_slot *slot, const struct svc_health_policy *policy)
{
	bool runs = slot->svc.state == SVC_RUNNING, paused = slot->svc.paused;

	if (runs)
		sup_feed_health(slot, HEV_STOPPED);
	svc_health_init(&slot->health, policy);
	if (runs)
		sup_feed_health(slot, HEV_STARTED);
	if (runs && paused)
		sup_feed_health(slot, HEV_PAUSED);
}

/* ---- what box tells -------------------------------------------------------------------------- */

static void slot_ready(struct sup_slot *slot)
{
	slot->phase = PHASE_READY;
	if (slot->svc.state != SVC_STARTING)
		return;
	if (slot->svc.want_up)
		slot->todo |= DO_START;
	else
		sup_feed(slot, SVC_EV_START_FAILED, 0); /* stopped meanwhile */
}

/* What follows an end, a start that failed among them. */
static void tell_restart(const struct sup_slot *slot)
{
	const struct sup_hooks *hooks = &slot->sup->opts->hooks;
	_cleanup_(buf_fini) struct buf b = { 0 };

	if (slot->svc.state == SVC_BACKOFF) {
		sup_restart_words(&slot->svc, slot->timer_ms, &b);
		sup_say(hooks, SUP_PROGRESS, slot->plan->name, "%s", buf_str(&b));
	} else if (slot->svc.dead) {
		sup_dead_words(&slot->svc, &b);
		logs_say(slot->log, "dead: %s", buf_str(&b));
		sup_say(hooks, SUP_WARNING, slot->plan->name, "dead: %s", buf_str(&b));
	}
}

static void start_failed(struct sup_slot *slot, const struct err *err)
{
	slot->err = slot->net_err.text[0] ? slot->net_err : *err;
	/* What options say stands in no line of a file. */
	if (slot->oneoff)
		err_wrap(&slot->err, "service '%s'", slot->plan->service->name);
	else
		sup_err_at(slot->stack, slot->plan->service, &slot->err);
	sup_feed(slot, SVC_EV_START_FAILED, 0);
	if (slot->svc.want_up && slot->log)
		logs_say(slot->log, "start failed: %s", slot->err.text);
	if (!slot->oneoff)
		tell_restart(slot);
}

/* It may have been opened for a wire, while the service itself still waits for its turn: whoever starts tells. */
static void slot_failed(struct sup_slot *slot, const struct err *err)
{
	slot->phase = PHASE_NONE;
	box_slot_close(take_ptr(&slot->box));
	if (slot->svc.state == SVC_STARTING || slot->svc.state == SVC_STOPPING) {
		start_failed(slot, err);
		return;
	}
	slot->open_failed = true;
	slot->err = *err;
}

/* A slot that was told to stop while it started is stopping now: it is not probed any more. */
static void started(struct sup_slot *slot)
{
	slot->started_wall = time_wall_ns();
	slot->oom = false;
	sup_streams_started(slot);
	sup_names_up(slot, true);
	sup_feed(slot, SVC_EV_STARTED, 0);
	sup_exec_begin(slot);
	if (slot->svc.state == SVC_RUNNING)
		sup_feed_health(slot, HEV_STARTED);
	if (!slot->oneoff)
		sup_say(&slot->sup->opts->hooks, SUP_PROGRESS, slot->plan->name, "started");
}

static void tell_exit(const struct sup_slot *slot, int status)
{
	if (slot->oom)
		logs_say(slot->log, "killed: out of memory (mem_limit %lld bytes)",
			 (long long)slot->plan->service->mem_limit.value);
	if (slot->svc.state == SVC_BACKOFF && WIFEXITED(status))
		logs_say(slot->log, "exited with code %d, restarting in %llu ms",
			 WEXITSTATUS(status), (unsigned long long)slot->timer_ms);
	else if (slot->svc.state == SVC_BACKOFF)
		logs_say(slot->log, "ended by %s, restarting in %llu ms",
			 sig_name(WTERMSIG(status)), (unsigned long long)slot->timer_ms);
	if (WIFEXITED(status))
		sup_say(&slot->sup->opts->hooks, SUP_PROGRESS, slot->plan->name,
			"exited with code %d", WEXITSTATUS(status));
	else
		sup_say(&slot->sup->opts->hooks, SUP_PROGRESS, slot->plan->name, "ended by %s%s",
			sig_name(WTERMSIG(status)), slot->oom ? " (out of memory)" : "");
}

/* What it wrote comes first: the last words of a process stand before the line about its end. */
static void exited(struct sup_slot *slot, const struct box_event *ev)
{
	const struct svc *v = &slot->svc;
	bool wished = !v->want_up || (v->state == SVC_STOPPING && v->ailment == SVC_WELL);

	sup_names_up(slot, false);
	sup_exec_end(slot);
	sup_streams_ended(slot);
	sup_attach_ended(slot, ev->status);
	slot->oom = ev->oom;
	slot->ended_wall = time_wall_ns();
	sup_feed_health(slot, HEV_STOPPED);
	sup_feed(slot, SVC_EV_EXITED, ev->status);
	if (slot->oneoff)
		return;
	tell_exit(slot, ev->status);
	tell_restart(slot);
	if (!wished || slot->sup->ending != ENDING_NO)
		sup_abort_after(slot, ev->status);
}

/* Somebody who wanted it may want it no more. */
static void exec_done(struct sup_slot *slot, const struct box_event *ev)
{
	switch (sup_inside_done(slot)) {
	case ERRAND_NONE:
		break;
	case ERRAND_HOOK:
		sup_hook_done(slot, ev);
		break;
	case ERRAND_PROBE:
		sup_probe_done(slot, ev->status);
		break;
	case ERRAND_EXEC:
		sup_exec_done(slot, ev->status);
		break;
	}
}

static void settle_box(struct sup_slot *slot, const struct box_event *ev)
{
	if (sup_step_heard(slot, ev))
		return;
	switch (ev->kind) {
	case BOX_SLOT_READY:
		slot_ready(slot);
		break;
	case BOX_SLOT_FAILED:
		slot_failed(slot, &ev->err);
		break;
	case BOX_STARTED:
		started(slot);
		break;
	case BOX_START_FAILED:
		sup_streams_ended(slot);
		start_failed(slot, &ev->err);
		break;
	case BOX_EXITED:
		exited(slot, ev);
		break;
	case BOX_EXEC_DONE:
		exec_done(slot, ev);
		break;
	}
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A second wish may only make it harder; the first exit code stays, -1 waits for --exit-code-from. */
void sup_end(struct sup *s, enum sup_ending how, int code, const struct sup_cause *cause)
{
	if (s->ending == ENDING_NO) {
		s->exit_code = code;
		s->end_cause = *cause;
	}
	if (how <= s->ending)
		return;
	s->ending = how;
	for (size_t i = 0; how == ENDING_KILL && i < s->n_slots; i++) {
		sup_wish(&s->slots[i], SVC_EV_KILL, cause);
		s->slots[i].told_down = true;
	}
}

static void stop_by_signal(struct sup *s, const struct sup_fact *fact, int code)
{
	struct sup_cause cause = sup_because_signal(fact->signo, fact->sender, fact->sender_uid);

	if (s->ending == ENDING_NO) {
		sup_say(&s->opts->hooks, SUP_NOTE, NULL, "stopping%s",
			s->opts->foreground ? " (again to kill)" : "");
		sup_end(s, ENDING_STOP, code, &cause);
	} else {
		sup_say(&s->opts->hooks, SUP_NOTE, NULL, "killing");
		sup_end(s, ENDING_KILL, code, &cause);
	}
}

/*
 * 130 is what a shell makes of Ctrl-C; SIGTERM is how service managers say "please", so obeying it
 * is success, but for an `up -d` that has not come to its end. A SIGHUP comes from a terminal that was closed (nobody has it from then on) or
 * from somebody who wants the file to be read again.
 */
static void settle_signal(struct sup *s, const struct sup_fact *fact)
{
	switch (fact->signo) {
	case SIGINT:
		stop_by_signal(s, fact, 130);
		break;
	case SIGTERM:
		stop_by_signal(s, fact, s->opts->foreground || s->up_told ? 0 : 128 + SIGTERM);
		break;
	case SIGHUP:
		if (s->had_terminal && !sup_has_terminal())
			stop_by_signal(s, fact, 0);
		else
			sup_reload_request(s, fact);
		break;
	case SIGUSR2:
		sup_reexec_request(s);
		break;
	case SIGCHLD:
		box_reap_strangers(s->runtime);
		break;
	default:
		break;
	}
}

void sup_settle(struct sup *s, const struct sup_fact *fact)
{
	struct sup_slot *slot = &s->slots[fact->kind == FACT_WIRE ? 0 : fact->slot];

	switch (fact->kind) {
	case FACT_BOX:
		settle_box(slot, &fact->box);
		break;
	case FACT_NET:
		slot->network_up = true;
		if (slot->box && slot->svc.state == SVC_STARTING && sup_wiring_ready(slot))
			box_go(slot->box);
		break;
	case FACT_WIRE:
		sup_wiring_settle(s, fact->slot);
		break;
	case FACT_TIMER:
		sup_step_late(slot);
		sup_feed(slot, SVC_EV_TIMER, 0);
		break;
	case FACT_HEALTH_TIMER:
		sup_feed_health(slot, HEV_TIMER);
		break;
	case FACT_PROBE_TIMEOUT:
		sup_probe_timeout(slot);
		break;
	case FACT_EXEC_TIMEOUT:
		sup_exec_late(slot);
		break;
	case FACT_PROBED:
		sup_probe_done(slot, fact->box.status);
		break;
	case FACT_SIGNAL:
		settle_signal(s, fact);
		break;
	case FACT_GIVE_UP:
		s->gave_up = true;
		break;
	case FACT_GUARD_DIED:
		sup_guard_died(s);
		break;
	case FACT_STANDBY_DIED:
		sup_standby_renew(s);
		break;
	}
}
