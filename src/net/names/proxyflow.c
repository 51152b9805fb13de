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
	struct sockaddr_storage from, by; /* by: where it was sent to, from which it is answered */
	uint64_t due;
};

/* IP_PKTINFO of either family: where a datagram was sent to, or is sent from. */
union whereto {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
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

static void put_source(struct msghdr *m, const struct sockaddr_storage *by)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (by->ss_family == AF_INET) {
		struct in_pktinfo info = { .ipi_spec_dst =
						   ((const struct sockaddr_in *)by)->sin_addr };

		*c = (struct cmsghdr){ CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		m->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in6_pktinfo info = {
			.ipi6_addr = ((const struct sockaddr_in6 *)by)->sin6_addr,
			.ipi6_ifindex = ((const struct sockaddr_in6 *)by)->sin6_scope_id
		};

		*c = (struct cmsghdr){ CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		m->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

static void send_from(const struct proxyflow *f, void *data, size_t len)
{
	union whereto control = { 0 };
	struct iovec part = { data, len };
	struct msghdr m = { .msg_name = (void *)(uintptr_t)&f->from,
			    .msg_namelen = f->from.ss_family == AF_INET
						   ? sizeof(struct sockaddr_in)
						   : sizeof(struct sockaddr_in6),
			    .msg_iov = &part,
			    .msg_iovlen = 1 };

	if (f->by.ss_family) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		put_source(&m, &f->by);
	}
	(void)sendmsg(f->of->socket.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* That nobody is there is an error of the next call, and his own affair. */
static void send_back(struct names *n, struct source *s, uint32_t events)
{
	struct proxyflow *f = source_owner(s, struct proxyflow, source);

	(void)events;
	for (int i = 0; i < PROXY_BATCH; i++) {
		ssize_t len = recv(s->fd, n->message, sizeof(n->message), MSG_DONTWAIT);

		if (len < 0)
			break;
		send_from(f, n->message, (size_t)len);
	}
	touch(f);
}

/* ---- there ----------------------------------------------------------------------------------- */

static struct proxyflow *find(const struct proxy *of, const struct sockaddr_storage *from)
{
	for (struct proxyflow *f = of->all->flows; f; f = f->next)
		if (f->of == of && !memcmp(&f->from, from, sizeof(*from)))
			return f;
	return NULL;
}

static struct proxyflow *begin(const struct proxy *of, const struct sockaddr_storage *from,
			       const struct sockaddr_storage *by)
{
	const struct proxy_visit v = proxy_visit(from, by);
	struct proxies *p = of->all;
	struct proxyflow *f;
	int fd = proxy_serves(of, &v) ? proxy_connect(of, &v, SOCK_DGRAM) : -1;

	if (fd < 0)
		return NULL;
	if (p->n_flows >= PROXY_FLOWS_MAX)
		end(p->flows);
	f = xcalloc(1, sizeof(*f));
	*f = (struct proxyflow){
		.all = p, .of = of, .source = { fd, send_back }, .from = *from, .by = *by
	};
	DL_APPEND(p->flows, f);
	p->n_flows++;
	if (proxy_look(p, &f->source, EPOLLIN, &f->wants) < 0) {
		end(f);
		return NULL;
	}
	return f;
}

/* The address that was asked. */
static struct sockaddr_storage whereto(struct msghdr *m)
{
	struct sockaddr_storage by = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct in6_pktinfo six;
		struct in_pktinfo four;

		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&six, CMSG_DATA(c), sizeof(six));
			*(struct sockaddr_in6 *)&by =
				(struct sockaddr_in6){ .sin6_family = AF_INET6,
						       .sin6_addr = six.ipi6_addr,
						       .sin6_scope_id = six.ipi6_ifindex };
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&four, CMSG_DATA(c), sizeof(four));
			*(struct sockaddr_in *)&by =
				(struct sockaddr_in){ .sin_family = AF_INET,
						      .sin_addr = four.ipi_spec_dst };
		}
	}
	return by;
}

/* False: there is nothing more. */
static bool take_one(struct names *n, const struct proxy *of)
{
	union whereto control;
	struct sockaddr_storage from = { 0 }, by;
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
	f = find(of, &from);
	if (!f) {
		by = whereto(&m);
		f = begin(of, &from, &by);
	}
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
