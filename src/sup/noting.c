/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens is noted in the project's journal: every transition of a slot with its cause, in the words of docker's events
 * where there are any. Called where the machines are stepped (settle.c); decides nothing, and a journal that cannot be
 * written costs entries only. Read by clients (`mstack events`, `mstack why`), also when we are gone.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sup/oneoff.h"

#define TEXT_LONG 512

/* ---- values ---------------------------------------------------------------------------------- */

/* What a container or a file says need not be UTF-8, and may be long. */
static void set_text(json_t *o, const char *key, const char *text)
{
	char clean[TEXT_LONG];
	json_t *value;

	snprintf(clean, sizeof(clean), "%s", text);
	value = json_string(clean);
	for (char *c = clean; !value && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	json_object_set_new(o, key, value ? value : json_string(clean));
}

static void MSTACK_PRINTF(3, 4) set(json_t *o, const char *key, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	set_text(o, key, buf_str(&b));
	buf_fini(&b);
}

static const char *const words[] = {
	[WHY_SELF] = "supervisor",	 [WHY_USER] = "user",	     [WHY_SIGNAL] = "signal",
	[WHY_DEPENDENCY] = "dependency", [WHY_UNHEALTHY] = "health", [WHY_CHANGED] = "change",
	[WHY_LATE] = "timeout",		 [WHY_ABORT] = "abort",
};

/* The keys that tell of a cause; `why` in cli reads them. */
static void add_cause(json_t *o, const struct sup_cause *c)
{
	set_text(o, "cause", words[c->why]);
	if (*c->what)
		set_text(o, c->why == WHY_USER ? "command" : "causeOf", c->what);
	if (c->why == WHY_SIGNAL)
		set_text(o, "causeSignal", sig_name(c->signo));
	if (*c->program)
		set_text(o, "program", c->program);
	if (c->pid > 0)
		set(o, "pid", "%d", (int)c->pid);
	if (c->pid > 0 && c->uid != (uid_t)-1)
		set(o, "uid", "%u", (unsigned)c->uid);
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Takes `o` over. jansson keeps the order in which keys were set. */
static void add(struct sup *s, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	if (text && s->journal)
		logs_journal_add(s->journal, time_wall_ns(), text + 1);
	free(text);
}

static void note_stack(struct sup *s, const char *action, const struct sup_cause *c)
{
	json_t *attributes = json_object();

	set_text(attributes, "name", s->opts->stack->name);
	if (c)
		add_cause(attributes, c);
	add(s, json_pack("{s:s, s:s, s:s, s:o}", "type", "stack", "action", action, "id",
			 s->opts->stack->name, "attributes", attributes));
}

/* An entry about a slot, begun. `add_slot` ends it. */
static json_t *attributes_of(const struct sup_slot *slot)
{
	json_t *o = json_object();

	set_text(o, "name", slot->plan->container);
	set_text(o, "image",
		 slot->plan->service->image.text ? slot->plan->service->image.text : "");
	if (slot->oneoff)
		set_text(o, "oneoff", "true");
	return o;
}

static void add_slot(const struct sup_slot *slot, const char *action, json_t *attributes)
{
	json_t *o = json_pack("{s:s, s:s}", "type", "container", "action", action);

	set(o, "id", "%016llx", (unsigned long long)hash64_str(slot->plan->container));
	set_text(o, "service", slot->plan->service->name);
	set_text(o, "slot", slot->plan->name);
	json_object_set_new(o, "attributes", attributes);
	add(slot->sup, o);
}

static void note(const struct sup_slot *slot, const char *action, const struct sup_cause *c)
{
	json_t *o = attributes_of(slot);

	if (c)
		add_cause(o, c);
	add_slot(slot, action, o);
}

/* ---- transitions ----------------------------------------------------------------------------- */

static void add_backoff(const struct svc *v, uint64_t ms, json_t *o)
{
	set(o, "restarts", "%u", v->restarts);
	if (v->dead)
		set_text(o, "dead", "true");
	if (v->policy.max_restarts)
		set(o, "maxRestarts", "%u", v->policy.max_restarts);
	if (v->state == SVC_BACKOFF)
		set(o, "delayMs", "%llu", (unsigned long long)ms);
}

/* Who is the reason that it is STOPPING. */
static struct sup_cause stopper(const struct sup_slot *slot, const struct svc *v)
{
	return v->ailment == SVC_AILS_HOOK ? sup_because(WHY_SELF, "its post_start hook failed")
					   : slot->cause;
}

/* One that was told to stop carries who told it. */
static void note_exit(const struct sup_slot *slot, const struct svc *before,
		      const struct svc_event *ev)
{
	struct sup_cause cause = stopper(slot, before);
	json_t *o = attributes_of(slot);
	uint64_t ms = ev->now_ms - before->started_ms;

	if (slot->oom)
		note(slot, "oom", NULL);
	set(o, "exitCode", "%d", sup_exit_code(ev->status));
	if (WIFSIGNALED(ev->status))
		set_text(o, "signal", sig_name(WTERMSIG(ev->status)));
	set(o, "execDuration", "%llu", (unsigned long long)ms / 1000);
	set(o, "durationMs", "%llu", (unsigned long long)ms);
	if (slot->oom)
		set_text(o, "oom", "true");
	add_backoff(&slot->svc, slot->timer_ms, o);
	if (before->state == SVC_STOPPING)
		add_cause(o, &cause);
	add_slot(slot, "die", o);
	if (before->state == SVC_STOPPING)
		note(slot, "stop", &cause);
}

static void note_start_failed(const struct sup_slot *slot)
{
	json_t *o = attributes_of(slot);

	set(o, "exitCode", "%d", sup_start_code(slot));
	set_text(o, "error", slot->err.text);
	add_backoff(&slot->svc, slot->timer_ms, o);
	add_slot(slot, "start_failed", o);
}

static void note_kill(const struct sup_slot *slot, int sig, const struct sup_cause *c)
{
	json_t *o = attributes_of(slot);

	set(o, "signal", "%d", sig);
	add_cause(o, c);
	add_slot(slot, "kill", o);
}

static void note_started(const struct sup_slot *slot)
{
	json_t *o = attributes_of(slot);

	set(o, "restarts", "%u", slot->svc.restarts);
	set(o, "mainPid", "%d", slot->box ? (int)box_pid(slot->box) : 0);
	add_slot(slot, "start", o);
	/* As docker: behind the start that a restart ends with. */
	if (!slot->svc.restarts && slot->cause.why == WHY_USER &&
	    !strcmp(slot->cause.what, "restart"))
		note(slot, "restart", &slot->cause);
}

/* What an event did by itself, whatever state follows. */
static void note_fact(const struct sup_slot *slot, const struct svc *before,
		      const struct svc_event *ev, const struct sup_cause *c)
{
	if (ev->kind == SVC_EV_STARTED)
		note_started(slot);
	else if (ev->kind == SVC_EV_EXITED)
		note_exit(slot, before, ev);
	else if (ev->kind == SVC_EV_START_FAILED)
		note_start_failed(slot);
	else if (ev->kind == SVC_EV_GATE_FAILED)
		note(slot, "not_started", c);
}

/* A wish that changed the state, or a step on the way. */
static void note_state(const struct sup_slot *slot, const struct svc *before,
		       const struct svc_event *ev, const struct sup_cause *c)
{
	struct sup_cause cause = stopper(slot, &slot->svc);

	switch (slot->svc.state) {
	case SVC_WAITING: /* after a back-off nobody has asked for it anew */
		note(slot, before->state == SVC_IDLE ? "create" : "waiting",
		     before->state == SVC_BACKOFF ? NULL : &slot->cause);
		break;
	case SVC_STARTING:
		note(slot, "starting", NULL);
		break;
	case SVC_STOPPING:
		note_kill(slot, ev->kind == SVC_EV_KILL ? SIGKILL : sup_stop_signal(slot), &cause);
		break;
	case SVC_IDLE:
	case SVC_EXITED:
		if (ev->kind == SVC_EV_DOWN || ev->kind == SVC_EV_KILL)
			note(slot, "stop", c); /* no process was there */
		break;
	case SVC_RUNNING:
	case SVC_BACKOFF:
	case SVC_N_STATES:
		break;
	}
}

/* In the order in which it happened: what the fact was, the state that follows, and a kill that changes no state. */
void sup_note_step(const struct sup_slot *slot, const struct svc *before,
		   const struct svc_event *ev, unsigned todo, const struct sup_cause *c)
{
	const struct svc *v = &slot->svc;

	if (!slot->sup->journal)
		return;
	note_fact(slot, before, ev, c);
	if (v->state != before->state)
		note_state(slot, before, ev, c);
	else if (before->state != SVC_STARTING && (todo & DO_KILL))
		note_kill(slot, SIGKILL, c);
	if (v->state == SVC_RUNNING && v->paused != before->paused)
		note(slot, v->paused ? "pause" : "unpause", c);
}

void sup_note_signal(const struct sup_slot *slot, int sig, const struct sup_cause *c)
{
	if (slot->sup->journal)
		note_kill(slot, sig, c);
}

/* As docker: that it begins to be asked, or is not asked any more, is no event. */
void sup_note_health(const struct sup_slot *slot, enum svc_health_state before)
{
	const struct svc_health *h = &slot->health;
	json_t *o;

	if (!slot->sup->journal || h->state == before ||
	    (h->state != HEALTH_GOOD && h->state != HEALTH_BAD))
		return;
	o = attributes_of(slot);
	set_text(o, "health", svc_health_name(h->state));
	if (h->state == HEALTH_BAD) {
		set(o, "failures", "%u", h->streak);
		set(o, "output", "%.200s", slot->probe_late ? "timed out" : slot->probe_output);
	}
	add_slot(slot,
		 h->state == HEALTH_GOOD ? "health_status: healthy" : "health_status: unhealthy",
		 o);
}

/* One that has never run was no container to anybody. */
void sup_note_slot_gone(const struct sup_slot *slot)
{
	if (slot->sup->journal && slot->plan && (slot->svc.ever_started || slot->svc.ever_exited))
		note(slot, "destroy", NULL);
}

void sup_note_link(struct sup *s, const json_t *row, bool up, const struct sup_cause *c)
{
	json_t *attributes = json_object(), *o = json_object();

	set_text(attributes, "peer", json_string_value(json_object_get(row, "b")));
	add_cause(attributes, c);
	set_text(o, "type", json_string_value(json_object_get(row, "kind")));
	set_text(o, "action", up ? "up" : "down");
	set_text(o, "id", json_string_value(json_object_get(row, "a")));
	json_object_set_new(o, "attributes", attributes);
	add(s, o);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

/* The last words of whoever wrote before us; `otherwise`: there are none. */
static bool is_last(const struct sup *s, const char *want, bool otherwise)
{
	const char *last = logs_journal_last(s->journal);
	json_t *o = json_loads(last, 0, NULL);
	const char *type = json_string_value(json_object_get(o, "type"));
	const char *action = json_string_value(json_object_get(o, "action"));
	bool is = type && action && !strcmp(type, "stack") && !strcmp(action, want);

	is = o ? is : otherwise;
	json_decref(o);
	return is;
}

static int open_journal(struct sup *s, struct err *err)
{
	_cleanup_free_ char *dir =
		store_log_dir(s->model->prepared.store, s->opts->stack->name, LOGS_JOURNAL_FOLDER);

	s->journal = logs_journal_open(dir, err);
	return s->journal ? 0 : -1;
}

void sup_note_begin(struct sup *s)
{
	struct sup_cause c = sup_because_started(s->opts->client ? "run" : "up");
	struct err err = { 0 };

	/* A name made up by chance is never looked for again. */
	if (s->opts->client && s->opts->client->unheard)
		return;
	if (open_journal(s, &err) < 0) {
		sup_say(&s->opts->hooks, SUP_WARNING, NULL,
			"events are not kept, 'mstack why' will know nothing: %s", err.text);
		return;
	}
	/* Without these words he was killed. */
	if (!is_last(s, "down", true))
		note_stack(s, "lost", NULL);
	note_stack(s, "up", &c);
}

void sup_note_resumed(struct sup *s)
{
	const struct sup_cause c = sup_because_signal(SIGUSR2, 0, 0);
	struct err err = { 0 };

	if (open_journal(s, &err) == 0)
		note_stack(s, "reexec", &c);
	else
		sup_say(&s->opts->hooks, SUP_WARNING, NULL, "events are not kept any more: %s",
			err.text);
}

void sup_note_reload(struct sup *s, const struct sup_cause *cause)
{
	note_stack(s, "reload", cause);
}

void sup_note_adopted(struct sup *s, int64_t pid)
{
	_cleanup_free_ char *what = NULL;
	struct sup_cause c;
	struct err err = { 0 };

	if (open_journal(s, &err) < 0) {
		sup_say(&s->opts->hooks, SUP_WARNING, NULL, "events are not kept any more: %s",
			err.text);
		return;
	}
	what = xasprintf("supervisor %lld %s, and the stack went on", (long long)pid,
			 is_last(s, "reexec-failed", false) ? "failed at SIGUSR2" : "died");
	c = sup_because(WHY_SELF, what);
	note_stack(s, "adopt", &c);
}

void sup_note_not_resumed(struct sup *s, const struct err *why)
{
	const char *name = s->opts->stack->name;
	json_t *attributes =
		json_pack("{s:s, s:s%}", "name", name, "error", why->text, strlen(why->text));

	if (!s->journal && s->model && s->model->prepared.store)
		open_journal(s, &(struct err){ 0 });
	add(s, json_pack("{s:s, s:s, s:s, s:o}", "type", "stack", "action", "reexec-failed", "id",
			 name, "attributes", attributes));
}

void sup_note_end(struct sup *s)
{
	if (!s->journal)
		return;
	for (size_t i = 0; i < s->n_slots; i++)
		sup_note_slot_gone(&s->slots[i]);
	note_stack(s, "down", s->ending != ENDING_NO ? &s->end_cause : NULL);
	logs_journal_close(take_ptr(&s->journal));
}
