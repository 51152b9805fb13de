/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conn: questions by TCP (RFC 7766): two bytes of length, then the message. One question of a connection is answered after the
 * other. Each has a buffer of its own, a time in which a whole question must have come, and a slot only so many of them: who
 * leaves connections open hurts nobody, not even himself, as the oldest one makes room.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utlist.h>

#include "net/names/nameserver.h"

struct conn {
	struct conn *prev, *next;     /* of its slot */
	struct conn *earlier, *later; /* of all */
	struct asker *asker;
	struct source source;
	struct question *question; /* on its way */
	bool no_more;		   /* it has told that nothing more comes */
	uint64_t due;
	size_t had;
	uint8_t in[2 + DNS_EDNS];
	uint8_t *out; /* the rest of an answer that its sender does not take yet */
	size_t out_len, out_at;
};

static void forget_time(struct conn *c)
{
	DL_DELETE2(c->asker->names->conns, c, earlier, later);
}

/* All wait equally long, so the last one is the last one whose time comes. */
static void give_time(struct conn *c)
{
	c->due = time_mono_ms() + CONN_IDLE_MS;
	DL_APPEND2(c->asker->names->conns, c, earlier, later);
}

void conn_close(struct conn *c)
{
	struct asker *a = c->asker;

	if (c->question)
		forward_cancel(c->question);
	source_close(&c->source);
	forget_time(c);
	DL_DELETE(a->conns, c);
	a->n_conns--;
	free(take_ptr(&c->out));
	names_bury(a->names, c);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* 0, or -1: it is of no use any more. */
static int flush(struct conn *c)
{
	while (c->out_at < c->out_len) {
		ssize_t n = send(c->source.fd, c->out + c->out_at, c->out_len - c->out_at,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		c->out_at += (size_t)n;
	}
	free(take_ptr(&c->out));
	return 0;
}

static int send_answer(struct conn *c, size_t len)
{
	uint8_t *message = c->asker->names->message;

	message[0] = (uint8_t)(len >> 8);
	message[1] = (uint8_t)len;
	c->out = xcalloc(1, len + 2);
	c->out_len = len + 2;
	c->out_at = 0;
	memcpy(c->out, message, c->out_len);
	forget_time(c);
	give_time(c);
	return flush(c);
}

/* ---- questions ------------------------------------------------------------------------------- */

/* The message at the beginning of `in`. */
static int take_question(struct conn *c, size_t len)
{
	struct asker *a = c->asker;
	const struct zone_view view = { a->networks.v, a->networks.n };
	const struct client client = { .asker = a, .conn = c };
	struct dns_question q;
	size_t out;

	switch (answer(a->names->zone, &view, a->internal, true, c->in + 2, len, &q,
		       a->names->message + 2, &out)) {
	case ANSWER_READY:
		return send_answer(c, out);
	case ANSWER_FORWARD:
		c->question = forward(a->names, &client, &q, &out);
		return c->question ? 0 : send_answer(c, out);
	case ANSWER_NONE:
		break;
	}
	return -1;
}

/* Takes questions as long as nothing is under way. 0, or -1. */
static int go_on(struct conn *c)
{
	while (!c->out && !c->question && c->had >= 2) {
		size_t len = (size_t)c->in[0] << 8 | c->in[1];

		/* A question is a name; who sends more wants something else. */
		if (len > DNS_EDNS)
			return -1;
		if (c->had < len + 2)
			break;
		if (take_question(c, len) < 0)
			return -1;
		c->had -= len + 2;
		memmove(c->in, c->in + len + 2, c->had);
	}
	return c->no_more && !c->out && !c->question ? -1 : 0;
}

static int take_bytes(struct conn *c)
{
	ssize_t n = recv(c->source.fd, c->in + c->had, sizeof(c->in) - c->had, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	c->no_more = n == 0;
	c->had += (size_t)n;
	return 0;
}

/* Read when there is room for it, written when there is something. */
static void settle(struct conn *c, int rc)
{
	uint32_t events = c->out ? EPOLLOUT : 0;

	if (rc < 0) {
		conn_close(c);
		return;
	}
	if (!c->out && !c->question && !c->no_more)
		events |= EPOLLIN;
	source_want(c->asker->names, &c->source, events);
}

static void conn_ready(struct names *n, struct source *s, uint32_t events)
{
	struct conn *c = source_owner(s, struct conn, source);
	int rc = 0;

	if (!control_first(n, s))
		return;
	if (events & EPOLLIN)
		rc = take_bytes(c);
	else if (events & (EPOLLERR | EPOLLHUP))
		rc = -1;
	if (!rc && c->out)
		rc = flush(c);
	settle(c, rc < 0 ? rc : go_on(c));
}

void conn_answer(struct conn *c, size_t len)
{
	int rc;

	c->question = NULL;
	rc = send_answer(c, len);
	settle(c, rc < 0 ? rc : go_on(c));
}

/* ---- connections ----------------------------------------------------------------------------- */

void conn_accept(struct names *n, struct source *s, uint32_t events)
{
	struct asker *a = source_owner(s, struct asker, tcp);
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct conn *c;

	(void)events;
	/* Without a descriptor to spare somebody has to leave, or this one would be told of for ever. */
	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && n->conns)
		conn_close(n->conns);
	if (fd < 0)
		return;
	if (a->n_conns >= CONNS_MAX)
		conn_close(a->conns);
	c = xcalloc(1, sizeof(*c));
	*c = (struct conn){ .asker = a, .source = { -1, conn_ready } };
	DL_APPEND(a->conns, c);
	a->n_conns++;
	give_time(c);
	if (source_open(n, &c->source, fd, EPOLLIN) < 0)
		conn_close(c);
}

int conn_timers(struct names *n, uint64_t now)
{
	while (n->conns && n->conns->due <= now)
		conn_close(n->conns);
	return n->conns ? (int)(n->conns->due - now) : -1;
}
