/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proxyflow: datagrams of UDP that are handed on. Each sender has a socket of its own to the container for as long as he is not
 * silent, so what comes back there is his. Called by proxy.c.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utlist.h>

#include "net/names/proxy.h"

struct proxyflow {
	struct proxyflow *prev, *next;
	struct proxies *all;
	const struct proxy *of;
	struct source source;
	uint32_t wants;
	struct sockaddr_in6 from;
	uint64_t due;
};

static void end(struct proxyflow *f)
{
	source_close(&f->source);
	DL_DELETE(f->all->flows, f);
	f->all->n_flows--;
	names_bury(f->all->names, f);
}

/* All wait equally long, so the last one is the last one whose time comes. */
static void touch(struct proxyflow *f)
{
	DL_DELETE(f->all->flows, f);
	f->due = time_mono_ms() + PROXY_FLOW_IDLE_MS;
	DL_APPEND(f->all->flows, f);
}

/* ---- back ------------------------------------------------------------------------------------ */

/* That nobody is there is an error of the next call, and his own affair. */
static void send_back(struct names *n, struct source *s, uint32_t events)
{
	struct proxyflow *f = source_owner(s, struct proxyflow, source);

	(void)events;
	for (int i = 0; i < PROXY_BATCH; i++) {
		ssize_t len = recv(s->fd, n->message, sizeof(n->message), MSG_DONTWAIT);

		if (len < 0)
			break;
		(void)sendto(f->of->socket.fd, n->message, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL,
			     (const struct sockaddr *)&f->from, sizeof(f->from));
	}
	touch(f);
}

/* ---- there ----------------------------------------------------------------------------------- */

static struct proxyflow *find(const struct proxy *of, const struct sockaddr_in6 *from)
{
	for (struct proxyflow *f = of->all->flows; f; f = f->next)
		if (f->of == of && f->from.sin6_port == from->sin6_port &&
		    IN6_ARE_ADDR_EQUAL(&f->from.sin6_addr, &from->sin6_addr))
			return f;
	return NULL;
}

static struct proxyflow *begin(const struct proxy *of, const struct sockaddr_in6 *from)
{
	struct proxies *p = of->all;
	struct proxyflow *f;
	int fd = proxy_connect(of, SOCK_DGRAM);

	if (fd < 0)
		return NULL;
	if (p->n_flows >= PROXY_FLOWS_MAX)
		end(p->flows);
	f = xcalloc(1, sizeof(*f));
	*f = (struct proxyflow){ .all = p, .of = of, .source = { fd, send_back }, .from = *from };
	DL_APPEND(p->flows, f);
	p->n_flows++;
	if (proxy_look(p, &f->source, EPOLLIN, &f->wants) < 0) {
		end(f);
		return NULL;
	}
	return f;
}

static bool came_by_loopback(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct in6_pktinfo info;

		if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		return IN6_IS_ADDR_LOOPBACK(&info.ipi6_addr);
	}
	return false;
}

/* False: there is nothing more. */
static bool take_one(struct names *n, const struct proxy *of)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	struct sockaddr_in6 from = { 0 };
	struct iovec part = { n->message, sizeof(n->message) };
	struct msghdr m = { .msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(of->socket.fd, &m, MSG_DONTWAIT);
	struct proxyflow *f;

	if (len < 0)
		return errno == EINTR;
	if (!came_by_loopback(&m))
		return true;
	f = find(of, &from);
	if (!f)
		f = begin(of, &from);
	if (!f)
		return true;
	(void)send(f->source.fd, n->message, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	touch(f);
	return true;
}

void proxyflow_take(struct names *n, struct source *s, uint32_t events)
{
	const struct proxy *of = source_owner(s, struct proxy, socket);

	(void)events;
	for (int i = 0; i < PROXY_BATCH && take_one(n, of); i++)
		;
}

void proxyflow_drop(struct proxies *p, const struct proxy *of)
{
	struct proxyflow *f, *next;

	DL_FOREACH_SAFE(p->flows, f, next)
		if (f->of == of)
			end(f);
}

int proxyflow_timers(struct proxies *p, uint64_t now)
{
	while (p->flows && p->flows->due <= now)
		end(p->flows);
	return p->flows ? (int)(p->flows->due - now) : -1;
}
