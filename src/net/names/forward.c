/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forward: questions that we cannot answer go to the servers of the host, or those that were given for a slot, from the host's
 * network. Each try has a socket of its own, which gives it a port that nobody can guess, and a number likewise. The first
 * answer that is one counts; a server that is silent, or refuses, is followed by the next. Called by server.c and conn.c.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <utlist.h>

#include "net/names/nameserver.h"

enum { DNS_PORT = 53, UDP_ROOM = 4096 };

struct
try {
	struct source source;
	struct question *question;
	uint16_t id;
	struct helper_server server;
};

struct question {
	struct question *prev, *next;
	struct names *names;
	struct client client;
	struct dns_question q;
	struct helper_servers servers;
	struct try tries[TRIES_MAX];
	unsigned n_tries, open;
	uint64_t began, due;
	int refused;	   /* rcode of a server that would not answer; -1 */
	struct try stream; /* the same once more by TCP */
	uint8_t *in;	   /* what came by it */
	size_t had;
};

static uint16_t random16(struct names *n)
{
	uint16_t value;

	if (n->random_left < sizeof(value)) {
		if (getrandom(n->random, sizeof(n->random), 0) != sizeof(n->random))
			abort();
		n->random_left = sizeof(n->random);
	}
	n->random_left -= sizeof(value);
	memcpy(&value, n->random + n->random_left, sizeof(value));
	return value;
}

/* ---- the end of a question ------------------------------------------------------------------- */

static void close_all(struct question *q)
{
	for (unsigned i = 0; i < q->n_tries; i++)
		source_close(&q->tries[i].source);
	source_close(&q->stream.source);
	free(take_ptr(&q->in));
}

void forward_cancel(struct question *q)
{
	close_all(q);
	DL_DELETE(q->names->questions, q);
	q->names->asked--;
	q->client.asker->asked--;
	names_bury(q->names, q);
}

void forward_drop(struct names *n, const struct asker *a)
{
	struct question *q, *next;

	DL_FOREACH_SAFE(n->questions, q, next)
		if (q->client.asker == a)
			forward_cancel(q);
}

/* What lies in names->message behind the two bytes for its length. */
static void deliver(struct names *n, const struct client *c, size_t len)
{
	if (c->conn)
		conn_answer(c->conn, len);
	else
		(void)sendto(c->asker->udp.fd, n->message + 2, len, MSG_DONTWAIT | MSG_NOSIGNAL,
			     (const struct sockaddr *)&c->from, sizeof(c->from));
}

static size_t limit_of(const struct client *c, const struct dns_question *q)
{
	return c->conn ? DNS_MAX : dns_limit(q);
}

/* An answer of a server, in names->message. */
static void finish(struct question *q, size_t len)
{
	struct names *n = q->names;
	struct client c = q->client;

	len = dns_hand_on(&q->q, limit_of(&c, &q->q), n->message + 2, len);
	forward_cancel(q);
	deliver(n, &c, len);
}

/* Takes the question back, with an answer that says so. */
static size_t withdraw(struct question *q)
{
	enum dns_rcode rcode = q->refused < 0 ? DNS_SERVFAIL : (enum dns_rcode)q->refused;
	size_t len = dns_answer(&q->q, rcode, NULL, 0, DNS_PLAIN, q->names->message + 2);

	forward_cancel(q);
	return len;
}

static void fail(struct question *q)
{
	struct names *n = q->names;
	struct client c = q->client;

	deliver(n, &c, withdraw(q));
}

/* ---- servers --------------------------------------------------------------------------------- */

/* A socket to a server; from a port that the kernel chooses at random. */
static int connect_to(const struct names *n, const struct helper_server *s, int type)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to = { 0 };
	_cleanup_fd_ int fd = desk_socket(n, s->ip.family, type);
	socklen_t len = sizeof(to.v4);

	if (fd < 0)
		return -1;
	if (s->ip.family == AF_INET) {
		to.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
		memcpy(&to.v4.sin_addr, s->ip.bytes, sizeof(to.v4.sin_addr));
	} else {
		to.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
					       .sin6_port = htons(DNS_PORT),
					       .sin6_scope_id = s->zone };
		memcpy(&to.v6.sin6_addr, s->ip.bytes, sizeof(to.v6.sin6_addr));
		len = sizeof(to.v6);
	}
	if (connect(fd, &to.any, len) < 0 && errno != EINPROGRESS)
		return -1;
	return take_fd(&fd);
}

static void try_ready(struct names *n, struct source *s, uint32_t events);
static void stream_ready(struct names *n, struct source *s, uint32_t events);

static int ask(struct question *q, struct try *t)
{
	uint8_t query[DNS_QUERY_MAX];
	size_t len = dns_query(&q->q, t->id, query);
	int fd = connect_to(q->names, &t->server, SOCK_DGRAM);

	if (fd < 0 || source_open(q->names, &t->source, fd, EPOLLIN) < 0)
		return -1;
	if (send(fd, query, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
		return 0;
	source_close(&t->source);
	return -1;
}

/*
 * Asks the next server, of which one that cannot even be asked is passed over. `again`: also one that was asked before, which
 * is for silence, not for a refusal. False: there is nobody to hope for any more.
 */
static bool next_try(struct question *q, bool again)
{
	while (q->n_tries < TRIES_MAX && (again || q->n_tries < q->servers.n)) {
		struct try *t = &q->tries[q->n_tries];

		*t = (struct try){ .source = { -1, try_ready },
				   .question = q,
				   .id = random16(q->names),
				   .server = q->servers.v[q->n_tries % q->servers.n] };
		q->n_tries++;
		if (!ask(q, t)) {
			q->open++;
			return true;
		}
		again = false;
	}
	return q->open > 0;
}

/* All wait equally long, so the list stays in order. */
static void give_time(struct question *q)
{
	q->due = time_mono_ms() + TRY_MS;
	DL_APPEND(q->names->questions, q);
}

/* Nothing will come of this try. */
static void give_up(struct question *q, struct try *t)
{
	source_close(&t->source);
	q->open--;
	if (!next_try(q, false))
		fail(q);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Another server may know better. */
static bool is_refusal(enum dns_rcode rcode)
{
	return rcode == DNS_SERVFAIL || rcode == DNS_REFUSED || rcode == DNS_NOTIMP;
}

static void begin_stream(struct question *q, const struct try *t)
{
	int fd = connect_to(q->names, &t->server, SOCK_STREAM);

	q->stream = (struct try){ .source = { -1, stream_ready },
				  .question = q,
				  .id = random16(q->names),
				  .server = t->server };
	if (fd < 0 || source_open(q->names, &q->stream.source, fd, EPOLLOUT) < 0)
		fail(q);
}

static void take_answer(struct question *q, struct try *t, size_t len)
{
	const uint8_t *message = q->names->message + 2;
	enum dns_rcode rcode = dns_rcode(message);

	if (is_refusal(rcode) && (q->open > 1 || q->n_tries < q->servers.n)) {
		q->refused = (int)rcode;
		give_up(q, t);
	} else if (dns_truncated(message) && q->client.conn) {
		begin_stream(q, t);
	} else {
		finish(q, len);
	}
}

/* What does not fit to the question was sent by somebody who guesses: it is as if it had not come. */
static void try_ready(struct names *n, struct source *s, uint32_t events)
{
	struct try *t = source_owner(s, struct try, source);
	struct question *q = t->question;
	ssize_t len = recv(s->fd, n->message + 2, UDP_ROOM, MSG_DONTWAIT);

	(void)events;
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len < 0)
		give_up(q, t);
	else if (q->stream.source.fd < 0 &&
		 dns_is_answer(&q->q, t->id, n->message + 2, (size_t)len))
		take_answer(q, t, (size_t)len);
}

/* 1: it is whole; 0; -1. */
static int take_stream(struct question *q)
{
	size_t want = q->had < 2 ? 2 : 2 + ((size_t)q->in[0] << 8 | q->in[1]);
	ssize_t len = recv(q->stream.source.fd, q->in + q->had, want - q->had, MSG_DONTWAIT);

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (!len)
		return -1;
	q->had += (size_t)len;
	return q->had == want && want > 2;
}

static int ask_stream(struct question *q)
{
	uint8_t query[2 + DNS_QUERY_MAX];
	size_t len = dns_query(&q->q, q->stream.id, query + 2);

	query[0] = (uint8_t)(len >> 8);
	query[1] = (uint8_t)len;
	q->in = xcalloc(1, 2 + DNS_MAX);
	if (send(q->stream.source.fd, query, len + 2, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    (ssize_t)len + 2)
		return -1;
	source_want(q->names, &q->stream.source, EPOLLIN);
	return 0;
}

static void stream_ready(struct names *n, struct source *s, uint32_t events)
{
	struct question *q = source_owner(s, struct try, source)->question;
	int rc;

	(void)events;
	rc = q->in ? take_stream(q) : ask_stream(q);
	if (rc > 0 && dns_is_answer(&q->q, q->stream.id, q->in + 2, q->had - 2)) {
		memcpy(n->message, q->in, q->had);
		finish(q, q->had - 2);
	} else if (rc) {
		fail(q);
	}
}

/* ---- questions ------------------------------------------------------------------------------- */

struct question *forward(struct names *n, const struct client *c, const struct dns_question *dns,
			 size_t *ret_len)
{
	const struct helper_servers *servers =
		c->asker->servers.n ? &c->asker->servers : &n->upstream;
	struct question *q = NULL;

	if (!servers->n || n->asked >= ASKED_MAX || c->asker->asked >= ASKED_BY_ONE_MAX) {
		*ret_len = dns_answer(dns, DNS_SERVFAIL, NULL, 0, DNS_PLAIN, n->message + 2);
		return NULL;
	}
	q = xcalloc(1, sizeof(*q));
	q->names = n;
	q->client = *c;
	q->q = *dns;
	q->servers = *servers;
	q->refused = q->stream.source.fd = -1;
	q->began = time_mono_ms();
	n->asked++;
	c->asker->asked++;
	give_time(q);
	if (next_try(q, false))
		return q;
	*ret_len = withdraw(q);
	return NULL;
}

/* Silence: the next one is asked, or the first one again. */
static void wake(struct question *q)
{
	if (time_mono_ms() - q->began >= TRIES_MAX * TRY_MS) {
		fail(q);
		return;
	}
	DL_DELETE(q->names->questions, q);
	give_time(q);
	if (q->stream.source.fd < 0 && !next_try(q, true))
		fail(q);
}

int forward_timers(struct names *n, uint64_t now)
{
	while (n->questions && n->questions->due <= now)
		wake(n->questions);
	return n->questions ? (int)(n->questions->due - now) : -1;
}
