/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the states ask for is executed: timers, signals, probes, starts. All starts of a turn go together: first every child is
 * cloned, then all their links are made with one message to the kernel while the children mount their roots.
 * What fails at once becomes a fact like any other.
 */
#include <signal.h>

#include "sup/oneoff.h"
#include "sup/reexec.h"

static const ev_tstamp GIVE_UP_S = 10;

static void queue_box(struct sup_slot *slot, enum box_event_kind kind, int status,
		      const struct err *err)
{
	struct sup_fact fact = { .kind = FACT_BOX, .slot = slot->nr };

	fact.box.kind = kind;
	fact.box.status = status;
	if (err)
		fact.box.err = *err;
	sup_queue(slot->sup, &fact);
}

/*
 * libev counts from the moment at which the loop woke (ev_now), so a timer that is armed at the end
 * of a long turn is that much shorter. No harm: turns take milliseconds, waits seconds.
 */
void sup_arm(struct sup *s, ev_timer *t, uint64_t ms)
{
	ev_timer_stop(s->loop, t);
	ev_timer_set(t, (ev_tstamp)ms / 1000, 0);
	ev_timer_start(s->loop, t);
}

/* ---- starts ---------------------------------------------------------------------------------- */

void sup_open_slot(struct sup_slot *slot)
{
	struct box_slot_spec spec = slot->plan->box_slot;
	struct err err = { 0 };

	sup_joining_open(slot, &spec);
	slot->phase = PHASE_OPENING;
	slot->open_failed = false;
	slot->box = box_slot_open(slot->sup->runtime, &spec, &err);
	if (!slot->box)
		queue_box(slot, BOX_SLOT_FAILED, 0, &err);
}

/* Made once for each slot: what a process wrote is there after its restart. */
static int writable_layer(struct sup_slot *slot, struct err *err)
{
	if (slot->plan->box_slot.tmp_upper || slot->plan->box.writable_root || slot->upper)
		return 0;
	return store_slot_layer(slot->sup->model->prepared.store, slot->sup->opts->stack->name,
				slot->plan->name, slot->sup->ledger, box_slot_item(slot->box),
				&slot->upper, &slot->work, err);
}

/* What the container has for 0, 1 and 2; borrowed for the start. */
static int streams(struct sup_slot *slot, struct box_spec *spec, struct err *err)
{
	if (slot->oneoff && sup_oneoff_streams(slot, spec))
		return 0;
	return sup_streams_give(slot, spec, err);
}

static void start_box(struct sup_slot *slot)
{
	bool started = false, go = slot->network_up && sup_wiring_ready(slot);
	struct box_spec spec = slot->plan->box;
	struct err err = { 0 };

	if (sup_step_next(slot)) {
		if (sup_step_start(slot, go, &err) < 0)
			queue_box(slot, BOX_START_FAILED, 0, &err);
		return;
	}
	slot->knock.seen = false; /* what it writes from here on counts */
	spec.volumes = sup_oneoff_volumes(slot);
	sup_joining_fill(slot, &spec);
	if (streams(slot, &spec, &err) == 0 && writable_layer(slot, &err) == 0) {
		spec.upper = slot->upper;
		spec.work = slot->work;
		started = box_start(slot->box, &spec, go, &err) == 0;
	}
	sup_streams_given(slot, &spec);
	if (started)
		return;
	queue_box(slot, BOX_START_FAILED, 0, &err);
}

static void publish(struct sup_slot *slot)
{
	if (!slot->plan->n_pubs)
		return;
	if (sup_publish(slot->sup, slot->plan->pubs, slot->plan->n_pubs, true, &slot->net_err) < 0)
		box_kill(slot->box, &(struct err){ 0 }); /* BOX_START_FAILED follows */
}

static void attach_one(struct sup_slot *slot, const struct net_attach *a)
{
	slot->attached = true;
	sup_netns_link(slot);
	if (a->err.text[0])
		slot->net_err = a->err;
	if (a->err.text[0] || sup_impair_slot(slot, &slot->net_err) < 0) {
		box_kill(slot->box, &(struct err){ 0 });
		return;
	}
	if (sup_names_listen(slot, &slot->net_err) < 0) {
		box_kill(slot->box, &(struct err){ 0 });
		return;
	}
	publish(slot);
}

static struct net_attach attachment(const struct sup_slot *slot)
{
	return (struct net_attach){
		.token = slot->nr,
		.netns_fd = box_slot_netns(slot->box),
		.rtnl_fd = box_slot_rtnl(slot->box),
		.ledger_parent = box_slot_item(slot->box),
		.ports = slot->plan->ports,
		.n_ports = slot->plan->n_ports,
	};
}

/* All links of this turn in one message. A slot whose links fail has its start killed; slot->net_err is the reason told. */
static void attach_all(struct sup *s, struct sup_slot *const *slots, size_t n)
{
	_cleanup_free_ struct net_attach *list = xcalloc(n, sizeof(*list));
	struct err err = { 0 };

	for (size_t i = 0; i < n; i++)
		list[i] = attachment(slots[i]);
	if (net_attach(s->net, list, n, &err) < 0)
		for (size_t i = 0; i < n; i++)
			list[i].err = err;
	for (size_t i = 0; i < n; i++)
		attach_one(slots[i], &list[i]);
}

/* Whoever it joins is not there: then it stays as it is, and is looked at again after the next fact. */
static bool may_start(struct sup_slot *slot)
{
	struct err err = { 0 };
	enum sup_gate g = sup_joining_gate(slot, &err);

	if (g == GATE_OPEN)
		g = sup_steps_gate(slot, &err);
	if (g == GATE_OPEN && slot->svc.want_up)
		g = sup_wiring_gate(slot, &err);
	if (!slot->svc.want_up)
		g = GATE_FAILED; /* stopped meanwhile */
	if (g == GATE_FAILED) {
		slot->todo &= ~(unsigned)DO_START;
		queue_box(slot, BOX_START_FAILED, 0, &err);
	}
	return g == GATE_OPEN;
}

/* Whoever has made the network that it is given has attached it too; the host's has a name already. */
static void take_network(struct sup_slot *slot)
{
	if (slot->attached || slot->plan->box_slot.net == BOX_OWN)
		return;
	slot->attached = slot->network_up = true;
	if (slot->plan->box_slot.net == BOX_JOIN)
		sup_netns_link(slot);
}

struct starting VEC(struct sup_slot *);

/* Who has namespaces starts in them; who has none gets them first. */
static void gather(struct sup *s, struct starting *ret)
{
	for (size_t i = 0; i < s->n_slots; i++) {
		struct sup_slot *slot = &s->slots[i];

		if (!(slot->todo & DO_START) || sup_reexec_holds(s) || !may_start(slot))
			continue;
		slot->todo &= ~(unsigned)DO_START;
		if (slot->phase == PHASE_NONE)
			sup_open_slot(slot);
		else if (slot->phase == PHASE_READY)
			vec_push(ret, slot);
	}
}

/* Wires come first: what a service sets in /proc/sys may name their interfaces. */
static void start_all(struct sup *s)
{
	struct starting all = { 0 }, fresh = { 0 };

	gather(s, &all);
	sup_wiring_make(s, all.v, all.n);
	for (size_t i = 0; i < all.n; i++) {
		struct sup_slot *slot = all.v[i];
		struct err err = { 0 };

		if (!sup_wiring_made(slot, &err)) {
			queue_box(slot, BOX_START_FAILED, 0, &err);
			continue;
		}
		take_network(slot);
		start_box(slot);
		if (!slot->attached)
			vec_push(&fresh, slot);
	}
	if (fresh.n)
		attach_all(s, fresh.v, fresh.n);
	vec_fini(&fresh);
	vec_fini(&all);
}

/* ---- stops ----------------------------------------------------------------------------------- */

int sup_stop_signal(const struct sup_slot *slot)
{
	const struct plan_slot *p = slot->plan;
	const struct store_image *img = &slot->prepared->images[p->service - slot->stack->services];
	int sig = p->service->stop_signal_nr;

	if (!sig && img->stop_signal)
		sig = sig_parse(img->stop_signal);
	return sig > 0 ? sig : SIGTERM;
}

static void send_stop(struct sup_slot *slot)
{
	bool ignored = false;
	int sig = sup_stop_signal(slot);

	if (!slot->box || box_signal(slot->box, sig, &ignored, &(struct err){ 0 }) < 0)
		return; /* it ended meanwhile: BOX_EXITED is on its way */
	if (ignored && slot->log)
		logs_say(
			slot->log,
			"killed at once: as PID 1 it neither catches nor blocks %s, which could never end it",
			sig_name(sig));
}

/*
 * SIGKILL does not end a process that hangs in the kernel (a dead NFS server, a broken disk). At
 * the end of the stack it is waited for, but not for ever: the undo then names what is left.
 */
static void kill_slot(struct sup_slot *slot)
{
	struct sup *s = slot->sup;

	if (slot->box)
		box_kill(slot->box, &(struct err){ 0 });
	if (s->ending != ENDING_NO && !ev_is_active(&s->give_up)) {
		ev_timer_set(&s->give_up, GIVE_UP_S, 0);
		ev_timer_start(s->loop, &s->give_up);
	}
}

static void freeze_slot(struct sup_slot *slot, bool on)
{
	struct err err = { 0 };

	if (slot->box && box_freeze(slot->box, on, &err) < 0)
		sup_say(&slot->sup->opts->hooks, SUP_WARNING, slot->plan->name, "%s", err.text);
}

/* ---- health ---------------------------------------------------------------------------------- */

static void execute_health(struct sup_slot *slot)
{
	unsigned todo = slot->health_todo;

	slot->health_todo = 0;
	if (todo & HDO_CANCEL)
		sup_probe_cancel(slot);
	if (todo & HDO_ARM)
		sup_arm(slot->sup, &slot->health_timer, slot->health_ms);
	if (!(todo & HDO_PROBE))
		return;
	if (sup_reexec_holds(slot->sup))
		slot->health_todo |= HDO_PROBE;
	else
		sup_probe_begin(slot);
}

/* ---- hooks ----------------------------------------------------------------------------------- */

/* A stop that does not wait for hooks ends those that run. */
static void execute_hooks(struct sup_slot *slot, unsigned todo)
{
	if (todo & (DO_SIGNAL | DO_KILL | DO_PRE_STOP))
		sup_exec_end(slot);
	if (todo & (DO_SIGNAL | DO_KILL))
		sup_hooks_end(slot);
	else if (todo & DO_POST_START)
		sup_hooks_begin(slot, &slot->plan->post_start);
	else if (todo & DO_PRE_STOP)
		sup_hooks_begin(slot, &slot->plan->pre_stop);
}

/* ---- all ------------------------------------------------------------------------------------- */

/*
 * Starts stay for start_all, which does those of all slots together. A kill makes a signal of the
 * same turn pointless. What is frozen thaws behind its signal, so that the signal is the first thing that it meets.
 */
static void execute_slot(struct sup_slot *slot)
{
	unsigned todo = slot->todo;

	slot->todo &= DO_START;
	if (todo & DO_DISARM)
		ev_timer_stop(slot->sup->loop, &slot->timer);
	if (todo & DO_ARM)
		sup_arm(slot->sup, &slot->timer, slot->timer_ms);
	execute_health(slot); /* a probe is ended before the stop signal is sent */
	execute_hooks(slot, todo);
	if (todo & DO_KILL)
		kill_slot(slot);
	else if (todo & DO_SIGNAL)
		send_stop(slot);
	if (todo & (DO_FREEZE | DO_THAW))
		freeze_slot(slot, todo & DO_FREEZE);
}

void sup_execute(struct sup *s)
{
	for (size_t i = 0; i < s->n_slots; i++) {
		if (s->slots[i].todo || s->slots[i].health_todo)
			execute_slot(&s->slots[i]);
		sup_inside_execute(&s->slots[i]);
		sup_step_stop(&s->slots[i]);
	}
	start_all(s);
}
