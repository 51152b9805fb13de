/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oneoff: see oneoff.h. From the request of a client to a slot that svc steps like any other, and back to nothing. The bytes of the
 * container go between it and the client; only who detaches has a log.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sup/document.h"
#include "sup/oneoff.h"

/* What a container gets that its client has left alone without a word. */
#define ORPHAN_GRACE_MS 2000

struct sup_oneoff {
	struct sup_peer *peer; /* who waits for its end; NULL: nobody */
	bool detach, tty, alone, aliases;
	bool told, ended; /* to its client, or to nobody */
	unsigned short rows, cols;
	int fds[3]; /* its standard input, output and error output, until it runs; -1 */
	struct sup_document *document; /* NULL: its service is one of our own stack's, */
	struct sup_prepared prepared;  /* and this empty */
	const struct stack_service *service;
	struct plan *plan;
	struct buf note;     /* what its client should know */
	struct store *store; /* that holds its volumes, until it ends; NULL: it has none */
	int volumes;	     /* those with file systems of their own; -1 */
};

/* ---- answers --------------------------------------------------------------------------------- */

static void answer(const struct sup_peer *p, enum ctl_type type, json_t *body, bool last)
{
	const struct ctl_msg request = { .type = CTL_RUN, .id = p->run_id };

	ctl_answer(p->fd, &request, type, body, last);
}

static json_t *err_json(const struct err *err)
{
	return json_pack("{s:s%, s:i}", "error", err->text, strlen(err->text), "code",
			 err_exit_code(err));
}

/* Heard when what the slot had is let go: the next command may rely on that. */
static void answer_last(struct sup_slot *slot, enum ctl_type type, json_t *body)
{
	struct sup_peer *p = slot->oneoff->peer;

	slot->oneoff->peer = NULL;
	if (!p) {
		json_decref(body);
		return;
	}
	p->oneoff = NULL;
	p->last = body;
	p->last_type = type;
	p->done = true;
}

static void send_last(struct sup *s)
{
	for (size_t i = 0; i < SUP_PEERS_MAX; i++) {
		struct sup_peer *p = &s->peers[i];

		if (p->fd >= 0 && p->last)
			answer(p, p->last_type, take_ptr(&p->last), true);
	}
}

/* ---- making one ------------------------------------------------------------------------------ */

static struct sup_slot *take_place(struct sup *s, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_slots; i++)
		n += s->slots[i].oneoff != NULL;
	if (n < SUP_ONEOFFS_MAX)
		return sup_slot_take(s, err);
	err_kind(err, ERR_CREATE, "%d one-off containers run in this stack: more are not taken",
		 SUP_ONEOFFS_MAX);
	return NULL;
}

static bool is_taken(const struct sup *s, const char *name)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].plan && !strcmp(s->slots[i].plan->name, name))
			return true;
	return false;
}

/* "web-run-3"; who is alone in a project is its service's first container like any other. */
static char *choose_name(struct sup *s, const char *service, bool alone)
{
	char *name = alone ? xasprintf("%s-1", service) : NULL;

	while (!name || (!alone && is_taken(s, name))) {
		free(name);
		name = xasprintf("%s-run-%u", service, ++s->oneoffs);
	}
	return name;
}

struct ip *sup_oneoff_addresses(const struct sup *s, size_t *ret_n)
{
	struct VEC(struct ip) list = { 0 };

	for (size_t i = 0; i < s->n_slots; i++)
		for (size_t k = 0;
		     s->slots[i].oneoff && s->slots[i].plan && k < s->slots[i].plan->n_ports; k++) {
			vec_push(&list, s->slots[i].plan->ports[k].ip4.ip);
			vec_push(&list, s->slots[i].plan->ports[k].ip6.ip);
		}
	*ret_n = list.n;
	return list.v;
}

int sup_plan_error(const struct stack_diags *diags, struct err *err)
{
	for (size_t i = 0; i < stack_diags_count(diags); i++) {
		const struct stack_diag *d = stack_diags_get(diags, i);

		if (d->severity == STACK_ERROR)
			return err_kind(err, ERR_CREATE, "%s%s%s", d->text, d->hint ? ": " : "",
					d->hint ? d->hint : "");
	}
	return err_kind(err, ERR_CREATE, "cannot be planned");
}

static int make_plan(struct sup_slot *slot, struct err *err)
{
	struct sup_oneoff *o = slot->oneoff;
	struct sup *s = slot->sup;
	_cleanup_free_ char *name = choose_name(s, o->service->name, o->alone);
	struct plan_host host = sup_plan_host(o->document ? &o->prepared : &s->model->prepared);
	struct plan_extra extra = {
		.stack = o->document ? o->document->stack : s->model->stack,
		.service = o->service,
		.name = name,
		.alone = o->alone,
		.aliases = o->aliases,
	};
	_cleanup_free_ struct ip *taken = sup_oneoff_addresses(s, &extra.n_taken);
	struct stack_diags *diags = stack_diags_new();
	int rc;

	extra.taken = taken;
	host.isolated = s->plan->uplink != NULL;
	rc = plan_beside(s->plan, &extra, &host, &o->plan, diags);
	if (rc)
		rc = sup_plan_error(diags, err);
	stack_diags_free(diags);
	return rc;
}

/* Networks that nobody here has used yet; they stay until the end, as those of the plan do. */
static int add_bridges(struct sup *s, const struct plan *plan, struct err *err)
{
	struct plan *ours = s->model->prepared.plan;
	size_t had = ours->net.n_bridges, n = plan->net.n_bridges;
	struct net_bridge_spec *all = arena_array(ours->arena, struct net_bridge_spec, n);
	int rc;

	if (n == had)
		return 0;
	for (size_t i = 0; i < n; i++) {
		all[i] = plan->net.bridges[i];
		all[i].altname = arena_strdup(ours->arena, all[i].altname);
	}
	ours->net.bridges = all;
	ours->net.n_bridges = n;
	rc = sup_enter(s, err) < 0 ? -1 : net_grow(s->net, err);
	sup_leave(s);
	if (rc < 0)
		ours->net.n_bridges = had;
	else
		sup_names_networks(s, had);
	return rc;
}

/* As compose: a dependency that has ended is started again, with what it depends on itself. */
static void wake_dependencies(struct sup *s, const struct plan *plan, size_t nr,
			      const struct sup_cause *cause)
{
	for (size_t i = 0; i < plan->n_edges; i++) {
		struct sup_slot *on = &s->slots[plan->edges[i].on];

		if (plan->edges[i].slot != nr || !on->plan || !sup_at_rest(&on->svc))
			continue;
		sup_wish(on, SVC_EV_UP, cause);
		wake_dependencies(s, s->plan, on->nr, cause);
	}
}

/* Its user must be able to open them again, as /dev/stdout. */
static int give_pipes(const struct sup_slot *slot, struct err *err)
{
	const struct plan_slot *p = slot->plan;
	uint32_t ids = p->box_slot.host_ids ? 0 : box_ids(slot->sup->runtime);

	for (size_t i = 0; i < ARRAY_LEN(slot->oneoff->fds); i++) {
		struct stat st;
		int fd = slot->oneoff->fds[i];

		if (fd >= 0 && !fstat(fd, &st) && S_ISFIFO(st.st_mode) &&
		    fchown(fd, ids + p->box.uid, (gid_t)-1) < 0)
			return err_sys(err, errno, "pipe of the client");
	}
	return 0;
}

static int prepare(struct sup_slot *slot, const char *service, struct err *err)
{
	struct sup_oneoff *o = slot->oneoff;
	struct sup *s = slot->sup;
	const struct stack *stack = o->document ? o->document->stack : s->model->stack;
	const struct sup_opts opts = { .stack = stack, .hooks = s->opts->hooks };

	o->service = stack_find_service(stack, service);
	if (!o->service)
		return err_kind(err, ERR_CREATE, "no such service: '%s'", service);
	return o->document ? sup_prepare_one(&opts, o->service, &o->prepared, err) : 0;
}

/* Its folder, and what it mounts. */
static int provide(struct sup_slot *slot, struct err *err)
{
	struct sup_oneoff *o = slot->oneoff;
	const struct sup_opts *ours = slot->sup->opts;
	const struct sup_opts opts = { .stack = slot->stack,
				       .hooks = ours->hooks,
				       .client = o->document ? NULL : ours->client };

	if (path_mkdirs(AT_FDCWD, slot->plan->dir, 0755) < 0)
		return err_sys(err, errno, "run-time folder '%s'", slot->plan->dir);
	if (o->plan->n_volumes && !(o->store = store_open(path_data_dir(), err)))
		return -1;
	return sup_provide(&opts, o->store ? o->store : slot->sup->model->prepared.store, o->plan,
			   &o->volumes, err);
}

/* Everything that can fail before the state machine has it. What was made is taken back by `drop`. */
static int make(struct sup_slot *slot, const struct ctl_msg *m, struct err *err)
{
	const char *service = json_string_value(json_object_get(m->body, "service"));
	struct sup_oneoff *o = slot->oneoff;
	struct sup *s = slot->sup;
	struct plan_slot *p;

	if (prepare(slot, service ? service : "", err) < 0 || make_plan(slot, err) < 0 ||
	    add_bridges(s, o->plan, err) < 0)
		return -1;
	p = &o->plan->slots[s->plan->n_slots];
	p->box_slot.token = slot->nr;
	for (size_t i = 0; i < o->plan->n_edges; i++)
		o->plan->edges[i].slot = slot->nr;
	sup_slot_init(slot, p, o->plan->stack, o->document ? &o->prepared : &s->model->prepared);
	slot->health.policy.enabled = false; /* nobody waits for it */
	/* Without a file nobody relies on limits: what cannot be kept is said. */
	if (o->alone)
		box_limits_spare(s->runtime, &p->box_slot.limits, &o->note);
	if (sup_reserve(s, o->plan->pubs, o->plan->n_pubs, err) < 0 ||
	    sup_names_add(slot, err) < 0 || provide(slot, err) < 0 || give_pipes(slot, err) < 0)
		return -1;
	return o->detach ? sup_slot_open_log(slot, err) : 0;
}

/* ---- removing one ---------------------------------------------------------------------------- */

void sup_oneoff_free(struct sup_slot *slot)
{
	struct sup_oneoff *o = take_ptr(&slot->oneoff);

	if (!o)
		return;
	if (o->peer)
		o->peer->oneoff = NULL;
	for (size_t i = 0; i < ARRAY_LEN(o->fds); i++)
		cleanup_fd(&o->fds[i]);
	cleanup_fd(&o->volumes);
	store_close(o->store);
	plan_free(o->plan);
	sup_prepared_fini(&o->prepared);
	sup_document_free(o->document);
	buf_fini(&o->note);
	free(o);
}

/* Volumes that nobody can name are removed; before that they must not be ours any more. */
void sup_oneoff_let_go(struct sup_slot *slot)
{
	struct sup_oneoff *o = slot->oneoff;

	if (!o)
		return;
	cleanup_fd(&o->volumes);
	store_close(take_ptr(&o->store));
	for (size_t i = 0; o->plan && i < o->plan->n_volumes; i++)
		if (o->plan->volumes[i].anonymous)
			store_volume_remove(slot->sup->model->prepared.store,
					    o->plan->volumes[i].name, &(struct err){ 0 });
	store_close(take_ptr(&o->prepared.store));
}

/* ---- requests -------------------------------------------------------------------------------- */

static unsigned short number(const struct ctl_msg *m, const char *key)
{
	return (unsigned short)json_integer_value(json_object_get(m->body, key));
}

/* The descriptors of the message, in the order of the protocol. */
static int take_fds(struct sup_oneoff *o, const struct ctl_msg *m, struct err *err)
{
	bool has_document = json_is_true(json_object_get(m->body, "document"));
	size_t at = has_document, pipes = o->tty || o->detach ? 0 : ARRAY_LEN(o->fds);

	if (m->n_fds != at + pipes)
		return err_set(err, "the request has %zu descriptors, not %zu", m->n_fds,
			       at + pipes);
	for (size_t i = 0; i < pipes; i++)
		if ((o->fds[i] = fcntl(m->fds[at + i], F_DUPFD_CLOEXEC, 0)) < 0)
			return err_sys(err, errno, "descriptors of the client");
	o->document = has_document ? sup_document_read(m->fds[0], err) : NULL;
	return has_document && !o->document ? -1 : 0;
}

static int begin(struct sup_peer *p, const struct ctl_msg *m, struct err *err)
{
	struct sup_cause cause = sup_because_user(p, "run");
	struct sup *s = p->sup;
	struct sup_slot *slot;
	struct sup_oneoff *o;

	if (s->ending != ENDING_NO)
		return err_set(err, "the stack is being stopped");
	if (s->change)
		return err_set(err, "the stack is being changed: try again in a moment");
	slot = take_place(s, err);
	if (!slot)
		return -1;
	o = slot->oneoff = xcalloc(1, sizeof(*o));
	*o = (struct sup_oneoff){ .fds = { -1, -1, -1 },
				  .volumes = -1,
				  .detach = json_is_true(json_object_get(m->body, "detach")),
				  .alone = json_is_true(json_object_get(m->body, "alone")),
				  .aliases = json_is_true(json_object_get(m->body, "aliases")),
				  .tty = json_object_get(m->body, "rows"),
				  .rows = number(m, "rows"),
				  .cols = number(m, "cols") };
	if (take_fds(o, m, err) < 0 || make(slot, m, err) < 0) {
		sup_slot_drop(slot);
		return -1;
	}
	o->peer = p;
	p->oneoff = slot;
	/* Those of a supervisor that was started for this have just been started too. */
	if (o->document)
		wake_dependencies(s, o->plan, slot->nr, &cause);
	sup_wish(slot, SVC_EV_UP, &cause);
	answer(p, CTL_OK,
	       json_pack("{s:s, s:s}", "name", slot->plan->container, "note", buf_str(&o->note)),
	       false);
	return 0;
}

/* From here on it is as if it had been asked for with "detach": its terminal has no other reader than the log. */
static void leave(struct sup_slot *slot)
{
	if (!slot->log && sup_slot_open_log(slot, &(struct err){ 0 }) == 0)
		sup_streams_started(slot);
	answer_last(slot, CTL_OK, json_pack("{s:b}", "left", true));
}

static void change(struct sup_peer *p, const struct ctl_msg *m)
{
	struct sup_slot *slot = p->oneoff;
	struct sup_cause cause = sup_because_user(p, "run");
	bool ignored;

	if (!slot)
		return; /* it ended meanwhile */
	if (json_is_true(json_object_get(m->body, "leave")))
		leave(slot);
	else if (slot->svc.state == SVC_RUNNING || slot->svc.state == SVC_STOPPING)
		box_signal(slot->box, number(m, "signal"), &ignored, &(struct err){ 0 });
	else
		sup_wish(slot, SVC_EV_DOWN, &cause);
}

void sup_oneoff_request(struct sup_peer *p, const struct ctl_msg *m)
{
	struct err err = { 0 };

	if (json_object_get(m->body, "signal") || json_object_get(m->body, "leave")) {
		change(p, m);
		return;
	}
	if (p->oneoff || p->done) {
		err_set(&err, "one container for each connection");
		ctl_answer(p->fd, m, CTL_ERROR, err_json(&err), true);
		return;
	}
	p->run_id = m->id;
	if (begin(p, m, &err) == 0)
		return;
	if (err.kind == ERR_RUN)
		err.kind = ERR_CREATE;
	p->last = err_json(&err);
	p->last_type = CTL_ERROR;
	p->done = true;
}

void sup_oneoff_peer_gone(struct sup_peer *p)
{
	struct sup_cause gone = sup_because(WHY_SELF, "'mstack run' went away");
	struct sup_slot *slot = take_ptr(&p->oneoff);

	json_decref(take_ptr(&p->last));
	if (!slot)
		return;
	slot->oneoff->peer = NULL;
	slot->svc.policy.grace_ms = ORPHAN_GRACE_MS;
	sup_wish(slot, SVC_EV_DOWN, &gone);
}

/* ---- on the way ------------------------------------------------------------------------------ */

const struct plan *sup_oneoff_plan(const struct sup_slot *slot)
{
	return slot->oneoff ? slot->oneoff->plan : NULL;
}

bool sup_oneoff_is_beside(const struct sup_slot *slot)
{
	return slot->oneoff && !slot->oneoff->alone;
}

bool sup_oneoff_needs(const struct sup *s, size_t nr)
{
	for (size_t i = 0; i < s->n_slots; i++) {
		const struct plan *plan = sup_oneoff_plan(&s->slots[i]);

		if (!plan || sup_at_rest(&s->slots[i].svc))
			continue;
		for (size_t k = 0; k < plan->n_edges; k++)
			if (plan->edges[k].on == nr)
				return true;
	}
	return false;
}

bool sup_oneoff_streams(struct sup_slot *slot, struct box_spec *spec)
{
	const struct sup_oneoff *o = slot->oneoff;

	if (o->detach)
		return false;
	spec->tty = o->tty;
	spec->rows = o->rows;
	spec->cols = o->cols;
	spec->stdin_fd = o->fds[0];
	spec->stdout_fd = o->fds[1];
	spec->stderr_fd = o->fds[2];
	return true;
}

int sup_oneoff_volumes(const struct sup_slot *slot)
{
	return slot->oneoff ? slot->oneoff->volumes : slot->model->volumes;
}

/* The terminal goes to the client, who alone reads it. */
static void tell_started(struct sup_slot *slot)
{
	struct sup_oneoff *o = slot->oneoff;
	struct ctl_msg m = { .type = CTL_OK };

	for (size_t i = 0; i < ARRAY_LEN(o->fds); i++)
		cleanup_fd(&o->fds[i]);
	o->told = true;
	if (!o->peer)
		return;
	m.id = o->peer->run_id;
	m.flags = o->detach ? CTL_LAST : 0;
	m.body = json_pack("{s:i}", "pid", (int)box_pid(slot->box));
	if (o->tty && box_console(slot->box) >= 0)
		m.fds[m.n_fds++] = box_console(slot->box);
	ctl_send(o->peer->fd, &m, &(struct err){ 0 });
	json_decref(m.body);
	if (o->detach) {
		o->peer->oneoff = NULL;
		o->peer = NULL;
	}
}

static void tell_ended(struct sup_slot *slot)
{
	const struct svc *v = &slot->svc;
	struct err err = { 0 };

	/* One whose post_start failed has run, and how it was ended is nobody's question. */
	if (!v->start_failed && (v->runs || v->ever_exited)) {
		answer_last(slot, CTL_OK,
			    json_pack("{s:i, s:b}", "status", v->last_status, "oom", slot->oom));
		return;
	}
	if (v->start_failed)
		err = slot->err;
	else if (v->gate_failed)
		err_kind(&err, ERR_SERVICE, "%s", slot->err.text);
	else
		err_set(&err, "service '%s': stopped before it was started",
			slot->plan->service->name);
	answer_last(slot, CTL_ERROR, err_json(&err));
}

/*
 * Who reads what it writes hears of it before its hooks are through: they may take long, and it may have ended then. Who detaches wants to know that
 * it has arrived. Told to stop in the moment of its start, it ran all the same.
 */
static bool is_there(const struct sup_slot *slot)
{
	const struct svc *v = &slot->svc;

	return v->runs || (v->ever_started && !(slot->oneoff->detach && v->want_up));
}

static void look_at_one(struct sup_slot *slot)
{
	struct sup_oneoff *o = slot->oneoff;

	if (!o->told && is_there(slot))
		tell_started(slot);
	if (!sup_at_rest(&slot->svc) || o->ended)
		return;
	o->ended = true;
	tell_ended(slot);
}

/* Is there nobody who runs something here, or could still ask for it? */
static bool is_deserted(const struct sup *s)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].oneoff && !s->slots[i].oneoff->ended)
			return false;
	for (size_t i = 0; i < SUP_PEERS_MAX; i++)
		if (s->peers[i].fd >= 0 && !s->peers[i].done)
			return false;
	return true;
}

void sup_look_at_oneoffs(struct sup *s)
{
	bool parted = s->transient && s->ending != ENDING_NO;

	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].oneoff)
			look_at_one(&s->slots[i]);
	if (s->transient && !parted && is_deserted(s))
		parted = sup_part(s);
	for (size_t i = 0; i < s->n_slots; i++) {
		struct sup_slot *slot = &s->slots[i];

		/* What ends together with us is left to the end, which removes all at once. */
		if (!slot->oneoff || !slot->oneoff->ended || parted)
			continue;
		sup_oneoff_let_go(slot);
		sup_slot_drop(slot);
	}
	send_last(s);
}
