/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients at the streams of a running container (CTL_ATTACH). What they type goes straight to the container: they have the
 * descriptor. What it writes comes by here, since it is stored as well, and goes into pipes of each client's own.
 *
 * A pipe without room is waited for: the container is left unread, so that a client who reads gets all, at his pace. But only for
 * a moment: one who does not take a block in that time loses what comes until he has taken what is kept for him, and the
 * container goes on without him. The loop itself never waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sup/state.h"

enum { PIPE_SIZE = 1 << 20, KEPT_MAX = 1 << 20 };

static const ev_tstamp PATIENCE_S = 1;

/* One stream on its way to a client. */
struct channel {
	struct sup_attach *attach;
	int fd; /* -1: it is not read (any more) */
	ev_io io;
	struct buf kept; /* found no room yet, from `at` on */
	size_t at;
};

struct sup_attach {
	struct sup_attach *next;
	struct sup_slot *slot;
	struct sup_peer *peer;
	uint32_t id;
	struct channel channels[2]; /* output and error output */
	ev_timer patience;
	bool stuck; /* it has lost patience */
	bool ended; /* the run has, with */
	int status;
	uint64_t lost; /* bytes that were not told yet */
};

/* ---- the end of one -------------------------------------------------------------------------- */

static bool has_kept(const struct sup_attach *a)
{
	return a->channels[0].kept.len || a->channels[1].kept.len;
}

/* Whoever keeps something and has patience left holds the container up. */
static void look_at_hold(struct sup_slot *slot)
{
	bool hold = false;

	for (const struct sup_attach *a = slot->clients; a; a = a->next)
		hold |= has_kept(a) && !a->stuck && !a->ended;
	sup_streams_hold(slot, hold);
}

static void drop_kept(struct channel *c)
{
	c->attach->lost += c->kept.len - c->at;
	buf_fini(&c->kept);
	c->at = 0;
	ev_io_stop(c->attach->slot->sup->loop, &c->io);
}

static void close_channel(struct channel *c)
{
	drop_kept(c);
	cleanup_fd(&c->fd);
}

static void attach_free(struct sup_attach *a)
{
	struct sup_slot *slot = a->slot;
	struct sup_attach **at = &slot->clients;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->peer->attach = NULL;
	ev_timer_stop(slot->sup->loop, &a->patience);
	for (size_t i = 0; i < ARRAY_LEN(a->channels); i++)
		close_channel(&a->channels[i]);
	free(a);
	look_at_hold(slot);
}

static bool tell(struct sup_attach *a, json_t *body, bool last)
{
	const struct ctl_msg request = { .type = CTL_ATTACH, .id = a->id };

	return ctl_answer(a->peer->fd, &request, CTL_OK, body, last) == 0;
}

static void tell_lost(struct sup_attach *a)
{
	if (a->lost && tell(a, json_pack("{s:I}", "lost", (json_int_t)a->lost), false))
		a->lost = 0;
}

/* Its pipes first: who hears of the end finds in them all that he will get. */
static void finish(struct sup_attach *a)
{
	for (size_t i = 0; i < ARRAY_LEN(a->channels); i++)
		close_channel(&a->channels[i]);
	tell_lost(a);
	tell(a, json_pack("{s:i}", "status", a->status), true);
	attach_free(a);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Returns how many of them there was room for. Who does not read any more wants none. */
static size_t send_now(struct channel *c, const char *data, size_t len)
{
	size_t sent = 0;

	while (c->fd >= 0 && sent < len) {
		ssize_t n = write(c->fd, data + sent, len - sent);

		if (n > 0)
			sent += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			break;
		else if (n == 0 || errno != EINTR)
			close_channel(c);
	}
	return sent;
}

static void keep(struct channel *c, const char *data, size_t len)
{
	struct sup_attach *a = c->attach;
	struct ev_loop *loop = a->slot->sup->loop;

	if (a->stuck || c->kept.len + len > KEPT_MAX) {
		a->lost += len;
		return;
	}
	buf_add(&c->kept, data, len);
	ev_io_start(loop, &c->io);
	if (ev_is_active(&a->patience))
		return;
	ev_timer_set(&a->patience, PATIENCE_S, 0);
	ev_timer_start(loop, &a->patience);
	look_at_hold(a->slot);
}

static void deliver(struct channel *c, const char *data, size_t len)
{
	size_t n = c->kept.len ? 0 : send_now(c, data, len);

	if (c->fd >= 0 && n < len)
		keep(c, data + n, len - n);
}

void sup_attach_deliver(void *arg, enum logs_fd fd, const char *data, size_t len)
{
	const struct sup_slot *slot = arg;

	/* Of the next run nobody hears who was attached to this one. */
	for (struct sup_attach *a = slot->clients; a; a = a->next)
		if (!a->ended)
			deliver(&a->channels[fd - LOGS_STDOUT], data, len);
}

/* All is delivered: the next block has a new span of patience. */
static void caught_up(struct sup_attach *a)
{
	ev_timer_stop(a->slot->sup->loop, &a->patience);
	a->stuck = false;
	tell_lost(a);
	if (a->ended)
		finish(a);
	else
		look_at_hold(a->slot);
}

static void room_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct channel *c = w->data;
	size_t n = send_now(c, c->kept.data + c->at, c->kept.len - c->at);

	(void)loop;
	(void)revents;
	if (c->fd >= 0) {
		c->at += n;
		if (c->at == c->kept.len)
			drop_kept(c);
	}
	if (!has_kept(c->attach))
		caught_up(c->attach);
}

static void patience_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct sup_attach *a = w->data;

	(void)loop;
	(void)revents;
	a->stuck = true;
	if (a->ended)
		finish(a);
	else
		look_at_hold(a->slot);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void refuse(struct sup_peer *p, const struct ctl_msg *m, const char *what, const char *why)
{
	ctl_answer(p->fd, m, CTL_ERROR,
		   json_pack("{s:o, s:i}", "error", json_sprintf("service '%s': %s", what, why),
			     "code", 1),
		   true);
}

static struct sup_slot *find(struct sup *s, const char *service, json_int_t index)
{
	_cleanup_free_ char *name = xasprintf("%s-%lld", service, (long long)index);

	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].log && strcmp(s->slots[i].plan->name, name) == 0)
			return &s->slots[i];
	return NULL;
}

/* Our end does not wait, theirs is the client's. */
static int open_channel(struct sup_attach *a, size_t nr, struct ctl_msg *m)
{
	struct channel *c = &a->channels[nr];
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	m->fds[m->n_fds++] = pair[0];
	c->fd = pair[1];
	fcntl(c->fd, F_SETPIPE_SZ, PIPE_SIZE); /* what the system allows will do */
	ev_io_set(&c->io, c->fd, EV_WRITE);
	return fd_nonblock(c->fd, true);
}

static int answer(struct sup_attach *a, bool wants_input)
{
	struct sup_slot *slot = a->slot;
	bool tty = slot->plan->box.tty, input = wants_input && slot->plan->service->stdin_open;
	_cleanup_(ctl_msg_fini) struct ctl_msg m = { .type = CTL_OK, .id = a->id };
	int rc = open_channel(a, 0, &m), in = tty ? box_console(slot->box) : slot->input;

	if (rc == 0 && (tty || input)) {
		m.fds[m.n_fds] = fcntl(in, F_DUPFD_CLOEXEC, 3);
		rc = m.fds[m.n_fds++] < 0 ? -1 : 0;
	}
	if (rc == 0 && !tty)
		rc = open_channel(a, 1, &m);
	m.body = json_pack("{s:b, s:b}", "tty", tty, "stdin", input);
	return rc == 0 ? ctl_send(a->peer->fd, &m, &(struct err){ 0 }) : -1;
}

static struct sup_attach *attach_new(struct sup_peer *p, struct sup_slot *slot, uint32_t id)
{
	struct sup_attach *a = xcalloc(1, sizeof(*a));

	a->slot = slot;
	a->peer = p;
	a->id = id;
	ev_init(&a->patience, patience_cb);
	a->patience.data = a;
	for (size_t i = 0; i < ARRAY_LEN(a->channels); i++) {
		a->channels[i].attach = a;
		a->channels[i].fd = -1;
		ev_init(&a->channels[i].io, room_cb);
		a->channels[i].io.data = &a->channels[i];
	}
	a->next = slot->clients;
	slot->clients = a;
	p->attach = a;
	return a;
}

static void pass_signal(const struct sup_attach *a, int sig)
{
	bool ignored = false;

	if (box_signal(a->slot->box, sig, &ignored, &(struct err){ 0 }) == 0 && ignored)
		logs_say(
			a->slot->log,
			"killed at once: as PID 1 it neither catches nor blocks %s, which could never end it",
			sig_name(sig));
}

void sup_attach_request(struct sup_peer *p, const struct ctl_msg *m)
{
	const json_t *index = json_object_get(m->body, "index");
	const json_t *sig = json_object_get(m->body, "signal");
	const char *service = json_string_value(json_object_get(m->body, "service"));
	struct sup_slot *slot;

	if (sig) {
		if (p->attach && !p->attach->ended)
			pass_signal(p->attach, (int)json_integer_value(sig));
		return;
	}
	service = service ? service : "";
	slot = find(p->sup, service, index ? json_integer_value(index) : 1);
	if (p->attach)
		refuse(p, m, service, "this connection is attached already");
	else if (!slot)
		refuse(p, m, service, "there is no such container in the running stack");
	else if (!slot->box || !box_pid(slot->box))
		refuse(p, m, service, "is not running: see 'mstack ps -a'");
	else if (answer(attach_new(p, slot, m->id),
			json_is_true(json_object_get(m->body, "stdin"))) != 0) {
		attach_free(p->attach);
		refuse(p, m, service, "no descriptors are left for a further client");
	}
}

void sup_attach_peer_gone(struct sup_peer *p)
{
	if (p->attach)
		attach_free(p->attach);
}

/* ---- the end of a run ------------------------------------------------------------------------ */

void sup_attach_ended(struct sup_slot *slot, int status)
{
	for (struct sup_attach *a = slot->clients, *next; a; a = next) {
		next = a->next;
		a->ended = true;
		a->status = status;
		if (a->stuck || !has_kept(a))
			finish(a);
	}
	look_at_hold(slot);
}

void sup_attach_forget(struct sup *s)
{
	for (size_t i = 0; i < s->n_slots; i++)
		for (struct sup_attach *a = s->slots[i].clients, *next; a; a = next) {
			next = a->next;
			attach_free(a);
		}
}

bool sup_attach_busy(const struct sup *s)
{
	for (size_t i = 0; i < s->n_slots; i++)
		for (const struct sup_attach *a = s->slots[i].clients; a; a = a->next)
			if (a->ended)
				return true;
	return false;
}
