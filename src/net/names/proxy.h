/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proxy.h: ports of the host that are handed on to a container because the kernel has no way there: what is asked of ::1, and all of a
 * stack of an ordinary user's, which is not in the host's network. Sockets come from net; bytes go through pipes of the kernel and are not looked at. All of it waits in an epoll of its own, of which few
 * events are taken in a round, so that questions for names do not wait for those who move gigabytes.
 */
#ifndef NET_NAMES_PROXY_H
#define NET_NAMES_PROXY_H

#include <netinet/in.h>

#include "net/names/nameserver.h"

enum {
	PROXY_CONNS_MAX = 1024, /* connections of TCP at a time; who comes then waits until one ends */
	PROXY_CONN_FDS = 6,	/* that one of them has at most */
	PROXY_FLOWS_MAX = 256,	/* senders of UDP at a time; one more takes the place of the one silent for longest */
	PROXY_FLOW_IDLE_MS = 60000,
	PROXY_CONNECT_MS = 10000,
	PROXY_AGAIN_MS = 1000, /* without a descriptor to spare */
	PROXY_EVENTS = 8,	/* in a round */
	PROXY_PIPES = 32,	/* that are kept for the next one */
	PROXY_BLOCK = 65536,	/* at a time: what a pipe holds */
	PROXY_BATCH = 16,	/* datagrams at a time */
};

struct proxyconn;
struct proxyflow;

/* A port. */
struct proxy {
	struct proxy *prev, *next;
	struct proxies *all;
	uint8_t protocol;
	struct helper_port own;
	bool everybody; /* not by ::1 only */
	bool doubted;	/* it goes unless it is added again */
	struct VEC(struct ip_net) allow; /* from where; none: from everywhere */
	struct source socket;
	struct sockaddr_storage to;
	socklen_t to_len;
};

struct proxies {
	struct names *names;
	int epoll;
	struct source turn; /* of that, in the one of names */
	struct proxy *list;
	struct proxyconn *conns, *connecting; /* the second: who waits longest first */
	struct proxyflow *flows;	      /* likewise */
	unsigned n_conns, n_flows, conns_max;
	bool paused; /* nobody is accepted */
	uint64_t again; /* until then at most; 0: until one ends */
	struct VEC(struct ip_net) allow; /* of the port that is told next */
	struct VEC(int) pipes; /* two descriptors each, empty */
};

/* ---- proxy.c ---- */

/* As source_open, in the epoll of the proxies; events 0: not looked at. */
int proxy_look(struct proxies *p, struct source *s, uint32_t events, uint32_t *had);
/* Who comes, and what to. */
struct proxy_visit {
	struct helper_port from;
	struct ip by; /* the address that was asked; none: not known */
};

struct proxy_visit proxy_visit(const struct sockaddr_storage *from, const struct sockaddr_storage *by);
/* Is that one for us to hand on? */
bool proxy_serves(const struct proxy *p, const struct proxy_visit *v);
/* A socket to the container, on its way, from the visitor's address if that can be; -1. */
int proxy_connect(const struct proxy *to, const struct proxy_visit *v, int type);
/* Everybody is accepted again. */
void proxy_resume(struct proxies *p);

/* ---- proxyconn.c: TCP ---- */

void proxyconn_accept(struct names *n, struct source *s, uint32_t events);
void proxyconn_drop(struct proxies *p, const struct proxy *of);
int proxyconn_timers(struct proxies *p, uint64_t now);

/* ---- proxyflow.c: UDP ---- */

void proxyflow_take(struct names *n, struct source *s, uint32_t events);
void proxyflow_drop(struct proxies *p, const struct proxy *of);
int proxyflow_timers(struct proxies *p, uint64_t now);

#endif
