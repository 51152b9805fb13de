/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server: questions by UDP: taken and answered many at a time, which is what a rate of tens of thousands a second rests on.
 * Called by loop.c.
 */
#include <errno.h>
#include <sys/socket.h>

#include "net/names/nameserver.h"

struct batch {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_parts[BATCH], out_parts[BATCH];
	struct sockaddr_in from[BATCH];
	uint8_t questions[BATCH][DNS_EDNS], answers[BATCH][DNS_EDNS];
	unsigned n_out;
};

struct batch *batch_new(void)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	for (size_t i = 0; i < BATCH; i++) {
		b->in_parts[i] = (struct iovec){ b->questions[i], sizeof(b->questions[i]) };
		b->in[i].msg_hdr = (struct msghdr){ .msg_name = &b->from[i],
						    .msg_iov = &b->in_parts[i],
						    .msg_iovlen = 1 };
		b->out[i].msg_hdr = (struct msghdr){ .msg_namelen = sizeof(b->from[i]),
						     .msg_iov = &b->out_parts[i],
						     .msg_iovlen = 1 };
	}
	return b;
}

static void add_answer(struct batch *b, size_t to, const uint8_t *answer, size_t len)
{
	uint8_t *at = b->answers[b->n_out];

	if (at != answer)
		memcpy(at, answer, len);
	b->out_parts[b->n_out] = (struct iovec){ at, len };
	b->out[b->n_out++].msg_hdr.msg_name = &b->from[to];
}

static void answer_one(struct names *n, struct asker *a, struct batch *b, size_t nr)
{
	const struct zone_view view = { a->networks.v, a->networks.n };
	const struct msghdr *m = &b->in[nr].msg_hdr;
	struct client client = { .asker = a, .from = b->from[nr] };
	struct dns_question q;
	size_t len;

	if ((m->msg_flags & MSG_TRUNC) || m->msg_namelen != sizeof(b->from[nr]))
		return;
	switch (answer(n->zone, &view, a->internal, false, b->questions[nr], b->in[nr].msg_len, &q,
		       b->answers[b->n_out], &len)) {
	case ANSWER_NONE:
		break;
	case ANSWER_READY:
		add_answer(b, nr, b->answers[b->n_out], len);
		break;
	case ANSWER_FORWARD:
		if (!forward(n, &client, &q, &len))
			add_answer(b, nr, n->message + 2, len);
		break;
	}
}

/* One that cannot be sent, because its sender is gone, does not hold up the others. */
static void send_all(int fd, struct batch *b)
{
	for (unsigned at = 0; at < b->n_out;) {
		int sent = sendmmsg(fd, b->out + at, b->n_out - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		at += sent > 0 ? (unsigned)sent : 1;
	}
}

void server_ready(struct names *n, struct source *s, uint32_t events)
{
	struct asker *a = source_owner(s, struct asker, udp);
	struct batch *b = n->batch;
	int got;

	(void)events;
	if (!control_first(n, s))
		return;
	for (size_t i = 0; i < BATCH; i++)
		b->in[i].msg_hdr.msg_namelen = sizeof(b->from[i]);
	b->n_out = 0;
	got = recvmmsg(s->fd, b->in, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++)
		answer_one(n, a, b, (size_t)i);
	send_all(s->fd, b);
}
