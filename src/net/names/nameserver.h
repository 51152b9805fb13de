/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nameserver.h: what the files of the program mstack-net share: who asks, by which sockets, and what is on its way. One process, one
 * epoll, no threads; nothing waits but epoll_wait.
 */
#ifndef NET_NAMES_NAMESERVER_H
#define NET_NAMES_NAMESERVER_H

#include <netinet/in.h>

#include "net/helper.h"
#include "net/names/answer.h"

enum {
	CONNS_MAX = 16, /* TCP connections of one slot; one more closes the oldest */
	CONN_IDLE_MS = 10000,
	ASKED_MAX = 1024,	/* questions that are on their way upstream: of all, */
	ASKED_BY_ONE_MAX = 256, /* and of one slot */
	TRIES_MAX = 4, /* for each of them, at most this often, this far apart: 5 s in all */
	TRY_MS = 1250,
	BATCH = 32, /* questions that are taken at once */
};

struct names;

/* A descriptor that epoll looks at. ready is never called after it was closed. */
struct source {
	int fd; /* -1: none */
	void (*ready)(struct names *n, struct source *s, uint32_t events);
};

/* The struct that a source is a part of. */
#define source_owner(s, type, member) ((type *)(void *)((char *)(s)-offsetof(type, member)))

struct conn;
struct question;

/* A slot that asks. */
struct asker {
	struct asker *prev, *next;
	struct names *names;
	uint32_t slot;
	bool internal; /* it asks nobody outside */
	struct source udp, tcp;
	struct VEC(uint32_t) networks;
	struct helper_servers servers; /* none: those of the host */
	struct conn *conns;
	unsigned n_conns, asked;
};

struct batch; /* server.c */
struct proxies; /* proxy.h */

struct names {
	bool outside; /* told at the beginning: we are not in the host's network, and may use addresses of others */
	bool outlives; /* told as well: we end when the last one who has the other end does */
	int desk;     /* of the porch, where sockets of the host's network are made; -1 */
	int epoll;
	struct source control;
	bool ended; /* the other end is gone */
	struct zone *zone;
	struct helper_servers upstream;
	struct asker *askers;
	struct conn *conns;	    /* of all, who waits longest first */
	struct question *questions; /* on their way, whose time comes first first */
	unsigned asked;
	struct VEC(void *) dead; /* freed when nobody can have an event of theirs any more */
	uint8_t random[64];
	size_t random_left;
	struct batch *batch;
	struct proxies *proxies;
	uint8_t message
		[2 + DNS_MAX +
		 DNS_QUERY_MAX]; /* an answer that is being made, behind two bytes for its length */
};

/* ---- loop.c ---- */

int names_open(struct names *n, struct err *err);
/* Until the other end of the control socket is closed. 0, or an exit code. */
int names_run(struct names *n);
void names_close(struct names *n);
/* Takes over fd. 0, or -1 and it is closed. */
int source_open(struct names *n, struct source *s, int fd, uint32_t events);
void source_want(struct names *n, const struct source *s, uint32_t events);
void source_close(struct source *s);
/* Of a socket that net has as well: to close our end is not enough for epoll to forget it. */
void source_leave(struct names *n, struct source *s);
/* Freed after the present round. */
void names_bury(struct names *n, void *p);

/* ---- control.c: what net says ---- */

void control_ready(struct names *n, struct source *s, uint32_t events);
/* Before questions are taken from a socket: what was told before they were asked holds for their answers. False: this socket went with it. */
bool control_first(struct names *n, const struct source *s);
/* 0, or -1: that is no message of ours. Takes over the descriptors that it needs, which are -1 then. */
int control_take(struct names *n, const struct helper_message *m, int fds[2]);
void asker_free(struct asker *a);

/* ---- server.c: questions by UDP ---- */

struct batch *batch_new(void);
void server_ready(struct names *n, struct source *s, uint32_t events);

/* ---- conn.c: questions by TCP ---- */

void conn_accept(struct names *n, struct source *s, uint32_t events);
/* The answer to its question lies in names->message, and is this long. */
void conn_answer(struct conn *c, size_t len);
void conn_close(struct conn *c);
/* Closes whose time is over. Returns how long nobody's is, -1: nobody is there. */
int conn_timers(struct names *n, uint64_t now);

/* ---- forward.c: questions to others ---- */

/* Who gets the answer. conn NULL: by UDP. */
struct client {
	struct asker *asker;
	struct conn *conn;
	struct sockaddr_in from;
};

/* The question, until it is answered; NULL: nobody can be asked, and an answer that says so lies in names->message. */
struct question *forward(struct names *n, const struct client *c, const struct dns_question *q,
			 size_t *ret_len);
/* Nobody waits for it any more. */
void forward_cancel(struct question *q);
void forward_drop(struct names *n, const struct asker *a);
/* As conn_timers. */
int forward_timers(struct names *n, uint64_t now);

/* ---- desk.c: sockets of the host's network ---- */

/* As socket(2) there, not blocking. Waits for the porch, which does nothing else. */
int desk_socket(const struct names *n, int family, int type);

/* ---- proxy.c: ports that are handed on ---- */

int proxies_open(struct names *n);
void proxies_close(struct names *n);
/* As control_take, for HELPER_ALLOW and HELPER_PROXY. */
void proxy_allow(struct names *n, const struct helper_message *m);
int proxy_add(struct names *n, const struct helper_message *m, int fds[2]);
void proxy_drop(struct names *n, const struct helper_message *m);
/* What is not added again before proxies_settle goes. What is goes on, with what is under way. */
void proxies_doubt(struct names *n);
void proxies_settle(struct names *n);
/* As conn_timers. */
int proxy_timers(struct names *n, uint64_t now);

/* ---- cage.c ---- */

/* Takes everything away from the process but answering. There is no way back. */
int names_confine(const struct names *n, struct err *err);

#endif
