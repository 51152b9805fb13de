/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * takeup: a supervisor out of what another program of the same process has written down (reexec.h), or another process that is no more
 * (keeping.h): the counterpart of writedown.c, and of begin() in run.c. Makes nothing that is there; what does not fit what was planned from the same document is an error. When
 * it is only tried out, nothing is written, started or told.
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sup/keeping.h"
#include "sup/reexec.h"

/* They cannot be removed while we have them. One that was removed by hand is missed when a container is started with it. */
static void hold_volumes(struct sup *s)
{
	for (const struct sup_model *m = s->model; m; m = m->older)
		for (size_t i = 0; i < m->prepared.plan->n_volumes; i++) {
			_cleanup_free_ char *path = NULL;

			(void)store_volume(m->prepared.store, m->prepared.plan->volumes[i].name,
					   NULL, &path, &(struct err){ 0 });
		}
}

/* ---- rooms ----------------------------------------------------------------------------------- */

static struct carry *need(struct carry *tree, const char *name, struct err *err)
{
	struct carry *c = carry_next(tree, name, NULL);

	if (!c)
		err_set(err, "'%s' was not carried over", name);
	return c;
}

static int take_net(struct sup *s, struct carry *tree, struct err *err)
{
	struct carry *net = need(tree, "net", err);
	struct carry *uplink = s->plan->uplink ? need(tree, "uplink", err) : NULL;

	if (!net || (s->plan->uplink && (!uplink || sup_uplink_resume(s, uplink, err) < 0)))
		return -1;
	s->net = net_resume(s->loop, &s->plan->net, net, s->ledger, sup_net_event, s, err);
	if (!s->net)
		return -1;
	net_use_porch(s->net, s->porch);
	return 0;
}

static int take_rooms(struct sup *s, struct carry *tree, struct err *err)
{
	struct carry *box = need(tree, "box", err);

	s->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!s->loop)
		return err_set(err, "event loop: cannot be made");
	s->porch = net_porch_resume(tree, s->opts->carried->porch);
	if (!box || take_net(s, tree, err) < 0)
		return -1;
	s->runtime = box_resume(s->loop, box, s->ledger, sup_box_event, s, err);
	return s->runtime ? 0 : -1;
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* Of its own model, whose numbers are places. */
static const struct plan_slot *find_plan(const struct sup_model *m, size_t nr, const char *name)
{
	const struct plan *plan = m ? m->prepared.plan : NULL;
	const struct plan_slot *p = plan && nr < plan->n_slots ? &plan->slots[nr] : NULL;

	return p && p->name && name && !strcmp(p->name, name) ? p : NULL;
}

static bool same_text(const struct carry *c, const char *name, const char *want)
{
	const char *text = carry_text(c, name);

	return text && !strcmp(text, want);
}

/* A port of the host that was chosen is no part of the file. */
static void take_ports(const struct plan_slot *p, const struct carry *from)
{
	const struct carry *c = NULL;

	for (size_t i = 0; i < p->n_pubs && (c = carry_next(from, "published", c)); i++)
		p->pubs[i].host_port = (uint16_t)carry_num(c, "port", p->pubs[i].host_port);
}

static bool same_links(const struct plan_slot *p, const struct carry *from)
{
	const struct carry *c = NULL;

	for (size_t i = 0; i < p->n_ports; i++) {
		const struct net_port_spec *port = &p->ports[i];

		c = carry_next(from, "port", c);
		if (!c || !same_text(c, "interface", port->ifname) ||
		    carry_num(c, "bridge", -1) != (int64_t)port->bridge ||
		    !same_text(c, "ip4", ip_net_text(&port->ip4).text) ||
		    !same_text(c, "ip6", ip_net_text(&port->ip6).text))
			return false;
	}
	return !carry_next(from, "port", c);
}

/* What runs must be what is planned: nobody would notice later that a container has another address than its name. */
static int check_slot(const struct plan_slot *p, const struct carry *from, struct err *err)
{
	const char *name = carry_text(from, "name");

	if (!p)
		return err_set(err, "slot '%s': nothing is planned for it", name ? name : "");
	if (!same_links(p, from))
		return err_set(err, "slot '%s': other networks or addresses are planned for it",
			       name);
	if (!same_text(from, "image", p->image->id))
		return err_set(
			err,
			"slot '%s': image '%s' is another one than it was started from: `mstack up` first",
			name, p->service->image.text);
	return 0;
}

static int take_box(struct sup_slot *slot, struct carry *from, struct err *err)
{
	const struct plan_slot *p = slot->plan;
	struct box_slot_spec spec = p->box_slot;
	/* What ran in one that was being started is a command of `pre_start`, which ends with its supervisor. */
	bool begun = slot->sup->opts->carried->ledger && slot->svc.state == SVC_STARTING;

	if (!from)
		return 0;
	slot->box = box_slot_resume(slot->sup->runtime, &spec, from, begun ? NULL : &p->box, err);
	return slot->box ? 0 : -1;
}

static void take_timer(struct sup *s, ev_timer *t, const struct carry *from, const char *name)
{
	const struct carry *tree = s->opts->carried->tree;
	int64_t ms = carry_num(from, name, -1);
	int64_t written = carry_num(tree, "written", 0);

	if (ms < 0)
		return;
	/* It went on while nobody was there to hear it. */
	if (written)
		ms -= (int64_t)time_mono_ms() - written;
	ms = ms < 0 ? 0 : ms;
	ev_timer_set(t, (ev_tstamp)ms / 1000, 0);
	ev_timer_start(s->loop, t);
}

static char *copy_text(const struct carry *from, const char *name)
{
	const char *text = carry_text(from, name);

	return text ? xstrdup(text) : NULL;
}

static void take_links(struct sup_slot *slot, const struct carry *from)
{
	const struct carry *c = carry_next(from, "link", NULL);

	if (!c)
		return;
	slot->impaired = xcalloc(slot->plan->n_ports + 1, sizeof(*slot->impaired));
	for (size_t i = 0; c && i < slot->plan->n_ports; i++) {
		slot->impaired[i] = slot->plan->links[i].impair;
		sup_impaired_resume(&slot->impaired[i], c);
		c = carry_next(from, "link", c);
	}
}

/* What it was told and has not done yet, and how long it still waits. */
static void take_state(struct sup_slot *slot, struct carry *from)
{
	struct carry *svc = carry_next(from, "svc", NULL);
	struct carry *health = carry_next(from, "health", NULL);
	struct carry *cause = carry_next(from, "cause", NULL);
	const char *error = carry_text(from, "error"), *output = carry_text(from, "probe-output");

	sup_fields_resume(FIELDS_SLOT, slot, from);
	if (svc)
		sup_fields_resume(FIELDS_SVC, &slot->svc, svc);
	if (health)
		sup_fields_resume(FIELDS_HEALTH, &slot->health, health);
	if (cause)
		sup_cause_resume(&slot->cause, cause);
	strncpy(slot->err.text, error ? error : "", sizeof(slot->err.text) - 1);
	slot->err.kind = (uint16_t)carry_num(from, "error-kind", ERR_RUN);
	strncpy(slot->probe_output, output ? output : "", sizeof(slot->probe_output) - 1);
	slot->upper = copy_text(from, "upper");
	slot->work = copy_text(from, "work");
	slot->input = carry_take_fd(from, "input");
	slot->between = carry_num(from, "between", 0);
	take_timer(slot->sup, &slot->timer, from, "timer");
	take_timer(slot->sup, &slot->health_timer, from, "health-timer");
}

static int take_slot(struct sup *s, struct carry *from, struct err *err)
{
	size_t nr = (size_t)carry_num(from, "place", -1);
	struct sup_model *m = sup_model_of(s, from);
	const struct plan_slot *p = find_plan(m, nr, carry_text(from, "name"));
	struct carry *log = need(from, "log", err);
	struct sup_slot *slot = &s->slots[nr];

	if (check_slot(p, from, err) < 0 || !log)
		return -1;
	take_ports(p, from);
	sup_slot_init(slot, p, m->stack, &m->prepared);
	slot->model = m;
	take_state(slot, from);
	take_links(slot, from);
	if (sup_slot_resume_log(slot, log, err) < 0 ||
	    take_box(slot, carry_next(from, "box", NULL), err) < 0)
		return -1;
	if (slot->box && box_pid(slot->box))
		sup_streams_started(slot);
	return 0;
}

/* Word of who was in a free one may still be on its way. */
static int use_places(struct sup *s, size_t n, struct err *err)
{
	if (n > s->n_places)
		return err_set(err, "%zu containers are planned, and %zu were there", n,
			       s->n_slots);
	for (; s->n_slots < n; s->n_slots++) {
		s->slots[s->n_slots] =
			(struct sup_slot){ .sup = s, .nr = s->n_slots, .left_ms = time_mono_ms() };
		sup_slot_watchers_init(&s->slots[s->n_slots]);
	}
	return 0;
}

static int take_places(struct sup *s, const struct carry *tree, struct err *err)
{
	int64_t n = carry_num(tree, "places", 0);

	for (const struct carry *c = NULL; (c = carry_next(tree, "slot", c));)
		if (carry_num(c, "place", -1) >= n || carry_num(c, "place", -1) < 0 ||
		    !carry_text(c, "name"))
			return err_set(err, "a slot was not carried over");
	sup_slots_open(s, (size_t)n);
	return use_places(s, (size_t)n, err);
}

static int take_slots(struct sup *s, struct carry *tree, struct err *err)
{
	for (struct carry *c = NULL; (c = carry_next(tree, "slot", c));)
		if (take_slot(s, c, err) < 0)
			return -1;
	return 0;
}

static void take_wires(struct sup *s, const struct carry *tree)
{
	size_t n = s->plan->net.n_wires;

	s->wires = xcalloc(n + 1, sizeof(*s->wires));
	for (size_t i = 0; i < n; i++) {
		s->wires[i].impaired = s->plan->wires[i];
		for (const struct carry *c = NULL; (c = carry_next(tree, "wire", c));) {
			if (!same_text(c, "name", s->plan->net.wires[i].ends[0].host_ifname))
				continue;
			s->wires[i].made = carry_num(c, "made", 0);
			s->wires[i].ready = carry_num(c, "ready", 0);
			sup_impaired_resume(&s->wires[i].impaired, c);
		}
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

static int take_ledger(struct sup *s, struct carry *tree, struct err *err)
{
	struct carry *ledger;

	if (s->opts->carried->ledger) {
		s->ledger = s->opts->carried->ledger;
		return 0;
	}
	ledger = need(tree, "ledger", err);
	if (ledger)
		s->ledger = ledger_resume(ledger, s->opts->carried->try_out, sup_ledger_kinds, err);
	return s->ledger ? 0 : -1;
}

static void take_own(struct sup *s, struct carry *tree)
{
	s->oneoffs = (unsigned)carry_num(tree, "oneoffs", 0);
	s->oneoffs_left = tree;
	s->up_told = true;
	s->listen_fd = carry_take_fd(tree, "listen");
	s->host_ns = carry_take_fd(tree, "host-ns");
	s->stack_ns = carry_take_fd(tree, "stack-ns");
	for (struct carry *c = NULL; (c = carry_next(tree, "root-lock", c));) {
		int fd = carry_take_fd(c, "lock");

		if (fd >= 0)
			vec_push(&s->root_locks, fd);
	}
}

/* The next one keeps all before the last one lets go of it. */
static int keep_on(struct sup *s, struct err *err)
{
	if (!s->model->stack->keep)
		return 0;
	return sup_keep_prepare(s, s->model->stack, err) < 0 ? -1 : sup_handing_now(s, err);
}

static void end_old(struct carry *tree, const char *which)
{
	_cleanup_fd_ int old = carry_take_fd(tree, which);
	siginfo_t si;

	if (old < 0)
		return;
	syscall(SYS_pidfd_send_signal, old, SIGKILL, NULL, 0);
	while (waitid(P_PIDFD, (id_t)old, &si, WEXITED) < 0 && errno == EINTR)
		; /* ECHILD: it was reaped as a stranger */
}

/* Ours first: there is no moment without one. The old ones are processes of the old program, which know what that one knew. */
static int change_guard(struct sup *s, struct carry *tree, struct err *err)
{
	if (sup_guard_start(s, err) < 0 || sup_standby_start(s, err) < 0 || keep_on(s, err) < 0)
		return -1;
	end_old(tree, "standby");
	end_old(tree, "guard");
	return 0;
}

/* Its guard has what we have, and may go. A port that it still held would be in the way of the first change: it is quick, having only to close. */
static void relieve_keeper(struct sup *s)
{
	struct err err = { 0 };

	if (ctl_call(s->opts->carried->keeper, CTL_ADOPTED, NULL, NULL, NULL, &err) < 0 &&
	    err.kind == ERR_TIMEOUT)
		sup_say(&s->opts->hooks, SUP_WARNING, NULL,
			"who kept the stack has not let go of it yet: its ports cannot be moved until that process ends");
}

static int begin_adopted(struct sup *s, struct carry *tree, struct err *err)
{
	sup_note_adopted(s, carry_num(tree, "pid", 0));
	sup_adopt_tell(s, tree);
	if (sup_adopt_rest(s, tree, err) < 0)
		return -1;
	relieve_keeper(s);
	/* The door is free, and our guard has opened it before it answers: whoever comes after our death finds it. */
	sup_handing_tell(s);
	carry_close_rest(tree);
	return sup_listen(s, err);
}

/* From here on we are the supervisor, and act as one. */
static int begin(struct sup *s, struct carry *tree, struct err *err)
{
	struct carry *names = carry_next(tree, "names", NULL);
	bool exact = !s->opts->carried->ledger;

	if (s->opts->carried->ledger)
		sup_locks_adopted(s);
	/* The next guard has it, too. */
	if (s->names && names && net_names_resumed(s->names, names, exact, err) < 0)
		return -1;
	if (change_guard(s, tree, err) < 0)
		return -1;
	if (s->porch)
		net_porch_hear(s->porch, s->loop, sup_net_event, s);
	if (s->opts->carried->ledger)
		return begin_adopted(s, tree, err);
	sup_note_resumed(s);
	sup_clients_resume(s, tree);
	carry_close_rest(tree);
	sup_say(&s->opts->hooks, SUP_NOTE, NULL, "mstack %s goes on in place of %s", MSTACK_VERSION,
		carry_text(tree, "mstack"));
	return 0;
}

static int take_up(struct sup *s, struct carry *tree, struct err *err)
{
	if (take_ledger(s, tree, err) < 0)
		return -1;
	take_own(s, tree);
	if (sup_take_signals(s, err) < 0 || take_places(s, tree, err) < 0 ||
	    sup_plan_again(s, tree, err) < 0 || use_places(s, s->plan->n_slots, err) < 0)
		return -1;
	hold_volumes(s);
	if (take_rooms(s, tree, err) < 0 || take_slots(s, tree, err) < 0)
		return -1;
	take_wires(s, tree);
	sup_names_resume(s);
	return s->opts->carried->try_out ? 0 : begin(s, tree, err);
}

int sup_take_up(struct sup *s, struct err *err)
{
	struct carry *tree = s->opts->carried->tree;

	if (take_up(s, tree, err) == 0)
		return 0;
	if (s->opts->carried->try_out)
		return -1;
	if (s->opts->carried->ledger)
		return err_wrap(err,
				"stack '%s' goes on without a supervisor, and cannot be taken up "
				"(`mstack down -p %s` ends it)",
				s->opts->stack->name, s->opts->stack->name);
	sup_note_not_resumed(s, err);
	return err_wrap(err, "mstack %s cannot go on in place of %s, and the stack %s",
			MSTACK_VERSION, carry_text(tree, "mstack"),
			s->opts->stack->keep
				? "goes on without a supervisor (`mstack up` takes it up)"
				: "ends");
}
