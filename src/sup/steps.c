/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steps: `pre_start`, one command after the other before the first start of a container's process. Each is a start in the slot like
 * that of the process itself: a guest with the same mounts, network and limits, but with an image, a command and a writable layer of
 * its own, and the slot's machine hears only of the process that follows, or of the one that failed. What it writes goes to the log of
 * the service. Called by execute.c for starts and by settle.c for what becomes of them.
 */
#include <signal.h>
#include <sys/wait.h>

#include "sup/state.h"

const struct plan_step *sup_step_next(const struct sup_slot *slot)
{
	const struct plan_steps *steps = &slot->plan->pre_start;

	return !slot->stepped && slot->stepping.at < steps->n ? &steps->v[slot->stepping.at] : NULL;
}

/* ---- who runs them --------------------------------------------------------------------------- */

static const struct sup_slot *first_of(const struct sup_slot *slot)
{
	const struct sup *s = slot->sup;

	for (size_t i = 0; i < s->n_slots; i++)
		if (sup_is_service(&s->slots[i]) && s->slots[i].plan->index == 1 &&
		    !strcmp(s->slots[i].plan->service->name, slot->plan->service->name))
			return &s->slots[i];
	return NULL;
}

/* A first container that somebody has stopped or removed holds up nobody: what it was to do was done when the others came, or is not wanted. */
enum sup_gate sup_steps_gate(const struct sup_slot *slot, struct err *err)
{
	const struct sup_slot *first;

	if (!slot->plan->service->n_pre_start || slot->plan->index == 1 || slot->oneoff)
		return GATE_OPEN;
	first = first_of(slot);
	if (!first || first->stepped)
		return GATE_OPEN;
	if (!sup_at_rest(&first->svc))
		return GATE_WAIT;
	if (!first->svc.start_failed && !first->svc.gate_failed)
		return GATE_OPEN;
	err_kind(err, ERR_RUN, "pre_start: it failed for '%s'", first->plan->name);
	return GATE_FAILED;
}

/* ---- starting one ---------------------------------------------------------------------------- */

static char *layer_name(const struct sup_slot *slot)
{
	return xasprintf("%s.pre_start", slot->plan->name);
}

static void drop_layer(struct sup_slot *slot)
{
	_cleanup_free_ char *name = layer_name(slot);

	store_slot_layer_drop(slot->model->prepared.store, slot->sup->opts->stack->name, name,
			      slot->sup->ledger, &(struct err){ 0 });
}

/*
 * Nothing of what it writes outside of mounts is there for the next one. A slot whose own layer is in memory has one only, and who
 * writes into the folder of an image does so here, too.
 */
static int layer(struct sup_slot *slot, const struct plan_step *step, char **upper, char **work,
		 struct err *err)
{
	_cleanup_free_ char *name = NULL;

	if (!step->own_image && (slot->plan->box_slot.tmp_upper || slot->plan->box.writable_root))
		return 0;
	name = layer_name(slot);
	drop_layer(slot);
	return store_slot_layer(slot->model->prepared.store, slot->sup->opts->stack->name, name,
				slot->sup->ledger, box_slot_item(slot->box), upper, work, err);
}

static int start(struct sup_slot *slot, const struct plan_step *step, struct box_spec *spec,
		 bool go, struct err *err)
{
	_cleanup_(store_user_fini) struct store_user user = { 0 };
	_cleanup_free_ char *upper = NULL, *work = NULL;
	struct arena *a;
	int rc;

	if (store_user(step->image, step->user ? step->user : step->image->user, &user, err) < 0 ||
	    layer(slot, step, &upper, &work, err) < 0)
		return -1;
	a = arena_new();
	spec->uid = user.uid;
	spec->gid = user.gid;
	spec->groups = user.groups;
	spec->n_groups = user.n_groups;
	spec->envp = sup_home_of(slot, &user, spec->envp, a);
	spec->upper = upper;
	spec->work = work;
	spec->volumes = slot->model->volumes;
	spec->stdin_fd = -1;
	spec->stdout_fd = logs_write_fd(slot->log, LOGS_STDOUT);
	spec->stderr_fd = logs_write_fd(slot->log, LOGS_STDERR);
	sup_joining_fill(slot, spec);
	rc = box_start(slot->box, spec, go, err);
	arena_free(a);
	return rc;
}

int sup_step_start(struct sup_slot *slot, bool go, struct err *err)
{
	const struct plan_step *step = sup_step_next(slot);
	struct box_spec spec = step->box;

	slot->stepping.running = true; /* also if this fails: then that is heard */
	slot->stepping.told = false;
	sup_say(&slot->sup->opts->hooks, SUP_PROGRESS, slot->plan->name, "pre_start[%zu] runs",
		slot->stepping.at);
	return start(slot, step, &spec, go, err);
}

/* ---- ending one ------------------------------------------------------------------------------ */

void sup_step_stop(struct sup_slot *slot)
{
	struct sup_stepping *st = &slot->stepping;

	if (!st->running || st->told || slot->svc.want_up || !box_pid(slot->box))
		return;
	st->told = true;
	box_signal(slot->box, SIGTERM, NULL, &(struct err){ 0 });
	sup_arm(slot->sup, &slot->timer, slot->svc.policy.grace_ms);
}

void sup_step_late(struct sup_slot *slot)
{
	if (slot->stepping.running && slot->stepping.told)
		box_kill(slot->box, &(struct err){ 0 });
}

/* ---- what became of it ----------------------------------------------------------------------- */

static void fail(struct sup_slot *slot, const struct err *why)
{
	const struct err *net = slot->net_err.text[0] ? &slot->net_err : NULL;

	slot->err = net ? *net : *why;
	if (!net) {
		slot->err.line = slot->plan->pre_start.v[slot->stepping.at].line;
		err_wrap(&slot->err, "pre_start[%zu]", slot->stepping.at);
	}
	sup_err_at(slot->stack, slot->plan->service, &slot->err);
	slot->stepping = (struct sup_stepping){ 0 }; /* a next start begins with the first */
	sup_feed(slot, SVC_EV_START_FAILED, 0);
	if (slot->svc.want_up)
		logs_say(slot->log, "start failed: %s", slot->err.text);
}

static void ended(struct sup_slot *slot, const struct box_event *ev)
{
	const struct plan_steps *steps = &slot->plan->pre_start;
	struct sup_stepping *st = &slot->stepping;
	struct err err = { 0 };
	char how[48];

	if (!WIFEXITED(ev->status) || WEXITSTATUS(ev->status) != 0) {
		sup_end_words(ev->status, how, sizeof(how));
		err_kind(&err, ERR_RUN, "'%.80s' %s%s", steps->v[st->at].box.argv[0], how,
			 ev->oom ? ": out of memory" : "");
		fail(slot, &err);
	} else if (!slot->svc.want_up) {
		err_set(&err, "stopped before the service was started");
		fail(slot, &err);
	} else {
		st->running = false;
		slot->stepped = ++st->at == steps->n;
		if (slot->stepped)
			*st = (struct sup_stepping){ 0 };
		slot->todo |= DO_START;
	}
}

bool sup_step_heard(struct sup_slot *slot, const struct box_event *ev)
{
	if (!slot->stepping.running)
		return false;
	switch (ev->kind) {
	case BOX_STARTED:
		return true;
	case BOX_START_FAILED:
	case BOX_EXITED:
		sup_streams_ended(slot);
		ev_timer_stop(slot->sup->loop, &slot->timer);
		drop_layer(slot);
		if (ev->kind == BOX_EXITED)
			ended(slot, ev);
		else
			fail(slot, &ev->err);
		return true;
	case BOX_SLOT_READY:
	case BOX_SLOT_FAILED:
	case BOX_EXEC_DONE:
		break;
	}
	return false;
}
