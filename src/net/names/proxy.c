/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proxy: see proxy.h. Which ports there are, as control.c hears it, and the round that is taken of their events. Called by loop.c
 * and control.c.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "net/names/proxy.h"

/* ---- sockets --------------------------------------------------------------------------------- */

int proxy_look(struct proxies *p, struct source *s, uint32_t events, uint32_t *had)
{
	struct epoll_event e = { .events = events, .data.ptr = s };
	int how = *had ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (events == *had)
		return 0;
	/* With nothing asked for the kernel would still tell of an end, again and again. */
	if (!events)
		how = EPOLL_CTL_DEL;
	*had = events;
	return epoll_ctl(p->epoll, how, s->fd, &e);
}

int proxy_connect(const struct proxy *to, int type)
{
	_cleanup_fd_ int fd = socket(to->to.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 ||
	    (connect(fd, (const struct sockaddr *)&to->to, to->to_len) < 0 && errno != EINPROGRESS))
		return -1;
	return take_fd(&fd);
}

/* It is net's as well: closing our end of it does not take it out of the epoll. */
static void leave(struct proxies *p, struct source *s)
{
	epoll_ctl(p->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	source_close(s);
}

void proxy_resume(struct proxies *p)
{
	struct proxy *one;

	if (!p->paused)
		return;
	p->paused = false;
	p->again = 0;
	DL_FOREACH(p->list, one) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &one->socket };

		epoll_ctl(p->epoll, EPOLL_CTL_MOD, one->socket.fd, &e);
	}
}

/* ---- ports ----------------------------------------------------------------------------------- */

static struct proxy *find(const struct proxies *p, const struct helper_message *m)
{
	for (struct proxy *one = p->list; one; one = one->next)
		if (one->protocol == m->protocol && one->own.port == m->own.port &&
		    ip_equal(&one->own.ip, &m->own.ip))
			return one;
	return NULL;
}

static void drop(struct proxy *one)
{
	struct proxies *p = one->all;

	proxyconn_drop(p, one);
	proxyflow_drop(p, one);
	leave(p, &one->socket);
	DL_DELETE(p->list, one);
	names_bury(p->names, one);
}

static bool set_target(struct proxy *one, const struct helper_port *to)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&one->to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&one->to;

	if (to->ip.family == AF_INET) {
		*four = (struct sockaddr_in){ .sin_family = AF_INET,
					      .sin_port = htons(to->port),
					      .sin_addr = ip_to4(&to->ip) };
		one->to_len = sizeof(*four);
	} else if (to->ip.family == AF_INET6) {
		*six = (struct sockaddr_in6){ .sin6_family = AF_INET6,
					      .sin6_port = htons(to->port) };
		memcpy(&six->sin6_addr, to->ip.bytes, sizeof(six->sin6_addr));
		one->to_len = sizeof(*six);
	}
	return one->to_len > 0;
}

int proxy_add(struct names *n, const struct helper_message *m, int fds[2])
{
	struct proxies *p = n->proxies;
	bool tcp = m->protocol == IPPROTO_TCP;
	struct epoll_event e = { .events = EPOLLIN };
	struct proxy *one;

	if (fds[0] < 0 || find(p, m) || (!tcp && m->protocol != IPPROTO_UDP))
		return -1;
	one = xcalloc(1, sizeof(*one));
	*one = (struct proxy){ .all = p,
			       .protocol = m->protocol,
			       .own = m->own,
			       .socket = { fds[0], tcp ? proxyconn_accept : proxyflow_take } };
	e.data.ptr = &one->socket;
	if (!set_target(one, &m->to) || epoll_ctl(p->epoll, EPOLL_CTL_ADD, fds[0], &e) < 0) {
		free(one);
		return -1;
	}
	take_fd(&fds[0]);
	DL_APPEND(p->list, one);
	return 0;
}

void proxy_drop(struct names *n, const struct helper_message *m)
{
	struct proxy *one = find(n->proxies, m);

	if (one)
		drop(one);
}

/* ---- all ------------------------------------------------------------------------------------- */

/* Half of all descriptors at most: questions need some too. */
static unsigned conns_max(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_max / 2 >= PROXY_CONNS_MAX * PROXY_CONN_FDS)
		return PROXY_CONNS_MAX;
	return (unsigned)(r.rlim_max / 2 / PROXY_CONN_FDS) + 1;
}

static void turn(struct names *n, struct source *s, uint32_t events)
{
	struct epoll_event got[PROXY_EVENTS];
	int count = epoll_wait(s->fd, got, PROXY_EVENTS, 0);

	(void)events;
	for (int i = 0; i < count; i++) {
		struct source *one = got[i].data.ptr;

		if (one->fd >= 0)
			one->ready(n, one, got[i].events);
	}
}

int proxies_open(struct names *n)
{
	struct proxies *p = xcalloc(1, sizeof(*p));

	n->proxies = p;
	p->names = n;
	p->conns_max = conns_max();
	p->turn = (struct source){ -1, turn };
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	return source_open(n, &p->turn, p->epoll, EPOLLIN);
}

int proxy_timers(struct names *n, uint64_t now)
{
	struct proxies *p = n->proxies;
	int conns = proxyconn_timers(p, now), flows = proxyflow_timers(p, now);
	int next = conns < 0 || (flows >= 0 && flows < conns) ? flows : conns;

	if (!p->again)
		return next;
	if (p->again <= now) {
		proxy_resume(p);
		return next;
	}
	return next < 0 || (uint64_t)next > p->again - now ? (int)(p->again - now) : next;
}

void proxies_close(struct names *n)
{
	struct proxies *p = n->proxies;

	if (!p)
		return;
	while (p->list)
		drop(p->list);
	for (size_t i = 0; i < p->pipes.n; i++)
		close(p->pipes.v[i]);
	vec_fini(&p->pipes);
	source_close(&p->turn);
	free(take_ptr(&n->proxies));
}
