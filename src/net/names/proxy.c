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
#include "net/names/zone.h"

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

/* ---- visitors -------------------------------------------------------------------------------- */

static struct helper_port port_of(const struct sockaddr_storage *a)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;
	struct helper_port p = { 0 };

	if (a->ss_family == AF_INET) {
		p = (struct helper_port){ ip_from4(four->sin_addr), ntohs(four->sin_port) };
	} else if (a->ss_family == AF_INET6) {
		p = (struct helper_port){ { .family = AF_INET6 }, ntohs(six->sin6_port) };
		memcpy(p.ip.bytes, &six->sin6_addr, sizeof(six->sin6_addr));
	}
	return p;
}

static socklen_t address_of(const struct helper_port *p, struct sockaddr_storage *ret)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;

	if (p->ip.family == AF_INET) {
		*four = (struct sockaddr_in){ .sin_family = AF_INET,
					      .sin_port = htons(p->port),
					      .sin_addr = ip_to4(&p->ip) };
		return sizeof(*four);
	}
	if (p->ip.family != AF_INET6)
		return 0;
	*six = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(p->port) };
	memcpy(&six->sin6_addr, p->ip.bytes, sizeof(six->sin6_addr));
	return sizeof(*six);
}

struct proxy_visit proxy_visit(const struct sockaddr_storage *from,
			       const struct sockaddr_storage *by)
{
	return (struct proxy_visit){ port_of(from), port_of(by).ip };
}

static bool is_loopback(const struct ip *ip)
{
	return (ip->family == AF_INET && ip->bytes[0] == 127) || ip_is_loopback6(ip);
}

/*
 * By `::` all but ::1 is led on by rules where we are in the host's network: who comes by another address found none. Otherwise nobody has
 * looked yet who may; the host itself always may, as for root.
 */
bool proxy_serves(const struct proxy *p, const struct proxy_visit *v)
{
	if (!p->everybody)
		return ip_is_loopback6(&v->by);
	if (!p->allow.n || is_loopback(&v->from.ip) || ip_equal(&v->from.ip, &v->by))
		return true;
	for (size_t i = 0; i < p->allow.n; i++)
		if (ip_is_within(&v->from.ip, &p->allow.v[i]))
			return true;
	return false;
}

/* Loopback and link-local addresses mean something else there, and one of the stack's own networks would be looked for on that. */
static bool can_be_used(const struct proxy *to, const struct ip *from)
{
	return to->everybody && from->family == to->to.ss_family && !is_loopback(from) &&
	       !(from->family == AF_INET6 && from->bytes[0] == 0xfe &&
		 (from->bytes[1] & 0xc0) == 0x80) &&
	       !zone_has(to->all->names->zone, from);
}

/*
 * Datagrams keep the port as well, by which some protocols know their peer; of a connection it could be one that ended a moment ago
 * (TIME_WAIT), so that is any. Where it fails the container sees the address of its gateway.
 */
static void use_address(int fd, const struct helper_port *from, int type)
{
	struct helper_port own = { from->ip, type == SOCK_DGRAM ? from->port : 0 };
	bool six = from->ip.family == AF_INET6;
	struct sockaddr_storage a;
	socklen_t len = address_of(&own, &a);
	int on = 1;

	if (setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_TRANSPARENT : IP_TRANSPARENT,
		       &on, sizeof(on)) < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	(void)bind(fd, (const struct sockaddr *)&a, len);
}

int proxy_connect(const struct proxy *to, const struct proxy_visit *v, int type)
{
	_cleanup_fd_ int fd = socket(to->to.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && can_be_used(to, &v->from.ip))
		use_address(fd, &v->from, type);
	if (fd < 0 ||
	    (connect(fd, (const struct sockaddr *)&to->to, to->to_len) < 0 && errno != EINPROGRESS))
		return -1;
	return take_fd(&fd);
}

/* ---- who is accepted ------------------------------------------------------------------------- */

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
	vec_fini(&one->allow);
	names_bury(p->names, one);
}

void proxy_allow(struct names *n, const struct helper_message *m)
{
	vec_push(&n->proxies->allow, m->subnet);
}

static void free_proxy(struct proxy *one)
{
	vec_fini(&one->allow);
	free(one);
}

/* Who it is for, and where it leads. False: that is no address. */
static bool tell(struct proxy *one, const struct helper_message *m)
{
	struct proxies *p = one->all;

	vec_fini(&one->allow);
	one->allow.v = take_ptr(&p->allow.v);
	one->allow.n = p->allow.n;
	vec_fini(&p->allow);
	one->everybody = m->flag;
	one->doubted = false;
	one->to_len = address_of(&m->to, &one->to);
	return one->to_len;
}

int proxy_add(struct names *n, const struct helper_message *m, int fds[2])
{
	struct proxies *p = n->proxies;
	bool tcp = m->protocol == IPPROTO_TCP;
	struct epoll_event e = { .events = EPOLLIN };
	struct proxy *one = find(p, m);

	if (one && one->doubted)
		return tell(one, m) ? 0 : -1;
	if (fds[0] < 0 || one || (!tcp && m->protocol != IPPROTO_UDP)) {
		vec_fini(&p->allow);
		return -1;
	}
	one = xcalloc(1, sizeof(*one));
	*one = (struct proxy){ .all = p,
			       .protocol = m->protocol,
			       .own = m->own,
			       .socket = { fds[0], tcp ? proxyconn_accept : proxyflow_take } };
	e.data.ptr = &one->socket;
	if (!tell(one, m) || epoll_ctl(p->epoll, EPOLL_CTL_ADD, fds[0], &e) < 0) {
		free_proxy(one);
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

void proxies_doubt(struct names *n)
{
	for (struct proxy *one = n->proxies->list; one; one = one->next)
		one->doubted = true;
	vec_fini(&n->proxies->allow);
}

void proxies_settle(struct names *n)
{
	struct proxy *one, *next;

	DL_FOREACH_SAFE(n->proxies->list, one, next)
		if (one->doubted)
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
	vec_fini(&p->allow);
	source_close(&p->turn);
	free(take_ptr(&n->proxies));
}
