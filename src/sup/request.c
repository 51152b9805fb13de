/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of clients: one table from message type to what answers it. `down` is answered when the state has arrived, the
 * others at once.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mstack/sup_carried.h"
#include "sup/change.h"
#include "sup/reexec.h"

/*
 * A client that talks without end must not keep the loop from the stack; and answers about a
 * thousand slots must fit into the socket, because the supervisor never waits for a reader.
 */
enum { REQUESTS_A_TURN = 16, SEND_BUFFER = 4 << 20 };

static void answer_ps(struct sup_peer *p, const struct ctl_msg *m)
{
	for (size_t i = 0; i < p->sup->n_slots; i++)
		if (p->sup->slots[i].plan && !sup_is_removed(&p->sup->slots[i]))
			ctl_answer(p->fd, m, CTL_OK, sup_slot_json(&p->sup->slots[i]), false);
	ctl_answer(p->fd, m, CTL_OK, NULL, true);
}

const char *sup_file(const struct sup *s)
{
	/* That it was started from: a later document has no place. */
	const struct stack *stack = s->opts->stack;
	const char *then = s->opts->carried ? carry_text(s->opts->carried->tree, "file") : NULL;

	if (s->opts->reread || then)
		return s->opts->reread ? s->opts->reread : then;
	return stack->n_files && *stack->files[0].path ? stack->files[0].path : "-";
}

static void answer_status(struct sup_peer *p, const struct ctl_msg *m)
{
	const struct stack *stack = p->sup->model->stack;
	const char *file = sup_file(p->sup);
	_cleanup_free_ char *real = realpath(file, NULL);

	ctl_answer(p->fd, m, CTL_OK,
		   json_pack("{s:s, s:i, s:s, s:s, s:b}", "project", stack->name, "pid",
			     (int)getpid(), "file", real ? real : file, "version", MSTACK_VERSION,
			     "way_out_lost", net_porch_is_lost(p->sup->porch)),
		   true);
}

static void begin_down(struct sup_peer *p, const struct ctl_msg *m)
{
	struct sup *s = p->sup;
	json_t *timeout = json_object_get(m->body, "timeout");
	struct sup_cause cause = sup_because_user(p, "down");

	/* Of all slots: those too whose stop begins later, when others have ended. */
	for (size_t i = 0; json_is_number(timeout) && i < s->n_slots; i++) {
		double seconds = json_number_value(timeout);

		s->slots[i].svc.policy.grace_ms = seconds > 0 ? (uint64_t)(seconds * 1000) : 0;
	}
	/* At once: a client must be able to tell a slow stop from a supervisor that hears nothing. */
	ctl_answer(p->fd, m, CTL_OK, json_pack("{s:s}", "state", "stopping"), false);
	p->waits_for_down = true;
	p->down_id = m->id;
	sup_say(&s->opts->hooks, SUP_NOTE, NULL, "stopping: asked by `mstack down`");
	sup_end(s, ENDING_STOP, 0, &cause);
}

bool sup_is_meant(const json_t *services, const char *name)
{
	const json_t *service;
	size_t i;

	json_array_foreach(services, i, service)
		if (json_is_string(service) && !strcmp(json_string_value(service), name))
			return true;
	return !services;
}

/*
 * What does not run is left alone, as compose does it. Processes stand still a moment later, or not at all when one of them
 * hangs in the kernel: the client waits for that, not we.
 */
static void answer_freeze(struct sup_peer *p, const struct ctl_msg *m)
{
	const json_t *services = json_object_get(m->body, "services");
	bool on = m->type == CTL_PAUSE;
	struct sup_cause cause = sup_because_user(p, on ? "pause" : "unpause");
	struct err err = { 0 };

	if (box_can_freeze(p->sup->runtime, &err) < 0) {
		ctl_answer(p->fd, m, CTL_ERROR,
			   json_pack("{s:s, s:i}", "error", err.text, "code", 1), true);
		return;
	}
	for (size_t i = 0; i < p->sup->n_slots; i++) {
		struct sup_slot *slot = &p->sup->slots[i];
		bool changes = slot->svc.paused != on;

		if (slot->svc.state != SVC_RUNNING || slot->oneoff ||
		    !sup_is_meant(services, slot->plan->service->name))
			continue;
		if (changes)
			sup_wish(slot, on ? SVC_EV_PAUSE : SVC_EV_UNPAUSE, &cause);
		ctl_answer(p->fd, m, CTL_OK,
			   json_pack("{s:s, s:b}", "slot", slot->plan->name, "changed", changes),
			   false);
	}
	ctl_answer(p->fd, m, CTL_OK, NULL, true);
}

/* Wires and what a container makes for itself have no network: clients see all interfaces by themselves. */
static json_t *networks_of(const struct sup_slot *slot)
{
	const struct plan *plan = slot->oneoff ? sup_oneoff_plan(slot) : slot->sup->plan;
	json_t *networks = json_object();

	for (size_t i = 0; i < slot->plan->n_ports; i++) {
		const struct net_port_spec *port = &slot->plan->ports[i];
		const char *name = plan->net.bridges[port->bridge].altname;

		json_object_set_new(networks, port->ifname, json_string(name ? name : ""));
	}
	return networks;
}

static int answer_window(struct sup_peer *p, const struct ctl_msg *request,
			 const struct sup_slot *slot)
{
	int netns = slot->box ? box_slot_netns(slot->box) : -1;
	struct ctl_msg m = {
		.type = CTL_OK, .id = request->id, .fds = { netns }, .n_fds = netns >= 0
	};
	int rc;

	m.body = json_pack("{s:s, s:s, s:o}", "slot", slot->plan->name, "service",
			   slot->plan->service->name, "networks", networks_of(slot));
	rc = ctl_send(p->fd, &m, &(struct err){ 0 });
	json_decref(m.body);
	return rc;
}

/* Whoever looks into a network does it in a process of its own: here it is only handed over. */
static void answer_capture(struct sup_peer *p, const struct ctl_msg *m)
{
	const json_t *services = json_object_get(m->body, "services");

	for (size_t i = 0; i < p->sup->n_slots; i++) {
		const struct sup_slot *slot = &p->sup->slots[i];

		if (slot->plan && (sup_is_meant(services, slot->plan->service->name) ||
				   sup_is_meant(services, slot->plan->name)))
			answer_window(p, m, slot);
	}
	ctl_answer(p->fd, m, CTL_OK, NULL, true);
}

static const struct request {
	enum ctl_type type;
	void (*run)(struct sup_peer *p, const struct ctl_msg *m);
} requests[] = {
	{ CTL_PS, answer_ps },
	{ CTL_STATUS, answer_status },
	{ CTL_DOWN, begin_down },
	{ CTL_PAUSE, answer_freeze },
	{ CTL_UNPAUSE, answer_freeze },
	{ CTL_ATTACH, sup_attach_request },
	{ CTL_RUN, sup_oneoff_request },
	{ CTL_CAPTURE, answer_capture },
	{ CTL_IMPAIR, sup_impair_request },
	{ CTL_LINK, sup_link_request },
	{ CTL_START, sup_verb_request },
	{ CTL_STOP, sup_verb_request },
	{ CTL_RESTART, sup_verb_request },
	{ CTL_KILL, sup_verb_request },
	{ CTL_RM, sup_verb_request },
	{ CTL_WAIT, sup_verb_request },
	{ CTL_CREATE, sup_verb_request },
	{ CTL_ABORT, sup_abort_request },
	{ CTL_REST, sup_rest_request },
	{ CTL_APPLY, sup_change_request },
	{ CTL_PLAN, sup_change_request },
};

static void run_request(struct sup_peer *p, const struct ctl_msg *m)
{
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		if (requests[i].type == m->type) {
			requests[i].run(p, m);
			return;
		}
	}
	ctl_answer(p->fd, m, CTL_ERROR,
		   json_pack("{s:s, s:i}", "error",
			     "the supervisor does not know this request; is it an older mstack?",
			     "code", 1),
		   true);
}

static void close_peer(struct sup_peer *p)
{
	ev_io_stop(p->sup->loop, &p->io);
	close(take_fd(&p->fd));
	p->waits_for_down = false;
	sup_attach_peer_gone(p);
	sup_oneoff_peer_gone(p);
	sup_verb_peer_gone(p);
	sup_change_peer_gone(p);
	sup_abort_peer_gone(p);
	sup_rest_peer_gone(p);
}

static void peer_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct sup_peer *p = w->data;

	(void)loop;
	(void)revents;
	for (int i = 0; i < REQUESTS_A_TURN; i++) {
		struct ctl_msg m = { 0 };
		struct err err = { 0 };
		int rc = ctl_recv(p->fd, &m, &err);

		p->sup->asked = true;
		if (rc == 0)
			run_request(p, &m);
		ctl_msg_fini(&m);
		if (rc == 1)
			return;
		if (rc != 0) {
			close_peer(p);
			return;
		}
	}
}

static struct sup_peer *free_peer(struct sup *s)
{
	for (size_t i = 0; i < SUP_PEERS_MAX; i++)
		if (s->peers[i].fd < 0)
			return &s->peers[i];
	return NULL;
}

static struct sup_peer *take_client(struct sup *s, int fd)
{
	struct sup_peer *p = free_peer(s);
	int size = SEND_BUFFER;

	/* No place left: a closed socket is an answer, a queue that nobody serves is none. */
	if (!p) {
		close(fd);
		return NULL;
	}
	fd_nonblock(fd, true);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	*p = (struct sup_peer){ .sup = s, .fd = fd };
	ev_io_init(&p->io, peer_cb, fd, EV_READ);
	p->io.data = p;
	ev_io_start(s->loop, &p->io);
	return p;
}

void sup_hear_client(struct sup *s, int fd)
{
	struct sup_peer *p = take_client(s, fd);

	if (p)
		peer_cb(s->loop, &p->io, EV_READ);
}

void sup_listen_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct sup *s = w->data;
	struct err err = { 0 };
	int fd;

	(void)loop;
	(void)revents;
	while ((fd = ctl_accept(w->fd, &err)) >= 0)
		take_client(s, fd);
}

/* What it waits for, if anything, the next program can take over. */
static bool can_stay(const struct sup_peer *p)
{
	return !p->waits_for_down && !p->attach && !p->oneoff && !p->last;
}

void sup_clients_carry(const struct sup *s, struct carry *to)
{
	for (size_t i = 0; i < SUP_PEERS_MAX; i++) {
		const struct sup_peer *p = &s->peers[i];
		struct carry *client;

		if (p->fd < 0 || !can_stay(p))
			continue;
		client = carry_add(to, "client");
		carry_put_fd(client, "connection", p->fd);
		sup_abort_carry(p, client);
		sup_rest_carry(p, client);
		sup_wait_carry(p, client);
	}
}

void sup_clients_resume(struct sup *s, struct carry *from)
{
	for (struct carry *c = NULL; (c = carry_next(from, "client", c));) {
		int fd = carry_take_fd(c, "connection");
		struct sup_peer *p = fd >= 0 ? take_client(s, fd) : NULL;

		if (!p)
			continue;
		sup_abort_resume(p, c);
		sup_rest_resume(p, c);
		sup_wait_resume(p, c);
	}
}

/* What the client is told: done, failed, or what is still there (the contract's code for that is 6). */
static void answer_end(const struct sup_peer *p, enum ctl_type type, uint32_t id, int rc,
		       const struct err *err)
{
	const struct ctl_msg request = { .type = type, .id = id };
	int code = p->abort && p->abort->code > 0 ? p->abort->code : 0;
	struct err left = { 0 };

	if (rc > 0)
		err_kind(&left, ERR_LEFTOVER, "%s", buf_str(&p->sup->left));
	else if (rc < 0)
		left = *err;
	ctl_answer(p->fd, &request, rc ? CTL_ERROR : CTL_OK,
		   rc ? json_pack("{s:s, s:i}", "error", left.text, "code", err_exit_code(&left))
		      : json_pack("{s:i}", "code", code),
		   true);
}

void sup_answer_down(struct sup *s, int rc, const struct err *err)
{
	for (size_t i = 0; i < SUP_PEERS_MAX; i++) {
		const struct sup_peer *p = &s->peers[i];

		if (p->fd >= 0 && p->waits_for_down)
			answer_end(p, CTL_DOWN, p->down_id, rc, err);
		if (p->fd >= 0 && p->abort)
			answer_end(p, CTL_ABORT, p->abort_id, rc, err);
	}
}

void sup_peers_close(struct sup *s)
{
	for (size_t i = 0; i < SUP_PEERS_MAX; i++)
		if (s->peers[i].fd >= 0)
			close_peer(&s->peers[i]);
}
