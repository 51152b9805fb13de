/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control: what net says: who asks, who is called how, whom to ask outside. Net is trusted, but what it says comes from files of
 * users, so every number is looked at.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "net/names/nameserver.h"

/* ---- askers ---------------------------------------------------------------------------------- */

static struct asker *find_asker(const struct names *n, uint32_t slot)
{
	for (struct asker *a = n->askers; a; a = a->next)
		if (a->slot == slot)
			return a;
	return NULL;
}

void asker_free(struct asker *a)
{
	while (a->conns)
		conn_close(a->conns);
	forward_drop(a->names, a);
	source_leave(a->names, &a->udp);
	source_leave(a->names, &a->tcp);
	vec_fini(&a->networks);
	DL_DELETE(a->names->askers, a);
	names_bury(a->names, a);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void take_asker(struct names *n, const struct helper_message *m)
{
	struct asker *a = find_asker(n, m->slot);

	if (a)
		asker_free(a);
	a = xcalloc(1, sizeof(*a));
	*a = (struct asker){ .names = n,
			     .slot = m->slot,
			     .internal = m->flag,
			     .servers = m->servers,
			     .udp = { -1, server_ready },
			     .tcp = { -1, conn_accept } };
	DL_APPEND(n->askers, a);
}

static int take_listen(struct names *n, const struct helper_message *m, int fds[2])
{
	struct asker *a = find_asker(n, m->slot);
	int udp, tcp;

	if (!a || a->udp.fd >= 0)
		return -1;
	udp = source_open(n, &a->udp, take_fd(&fds[0]), EPOLLIN);
	tcp = source_open(n, &a->tcp, take_fd(&fds[1]), EPOLLIN);
	return udp < 0 || tcp < 0 ? -1 : 0;
}

static void take_sees(struct names *n, const struct helper_message *m)
{
	struct asker *a = find_asker(n, m->slot);

	if (a)
		vec_push(&a->networks, m->network);
}

static void take_drop(struct names *n, const struct helper_message *m)
{
	struct asker *a = find_asker(n, m->slot);

	if (a)
		asker_free(a);
	zone_drop(n->zone, m->slot);
}

/* Questions that wait in sockets are answered when all was told. */
static void take_anew(struct names *n)
{
	while (n->askers)
		asker_free(n->askers);
	zone_free(n->zone);
	n->zone = zone_new();
	proxies_doubt(n);
}

int control_take(struct names *n, const struct helper_message *m, int fds[2])
{
	if (m->slot >= HELPER_SLOTS || m->servers.n > HELPER_SERVERS ||
	    strnlen(m->name, sizeof(m->name)) == sizeof(m->name))
		return -1;
	switch ((enum helper_kind)m->kind) {
	case HELPER_UPSTREAM:
		n->upstream = m->servers;
		return 0;
	case HELPER_NETWORK:
		zone_network(n->zone, m->network, m->name);
		return 0;
	case HELPER_SUBNET:
		zone_subnet(n->zone, m->network, &m->subnet);
		return 0;
	case HELPER_NAMED:
		zone_add(n->zone, m->slot, m->network, m->name, m->ips, m->canonical);
		return 0;
	case HELPER_UP:
		zone_up(n->zone, m->slot, m->flag);
		return 0;
	case HELPER_ASKER:
		take_asker(n, m);
		return 0;
	case HELPER_LISTEN:
		return take_listen(n, m, fds);
	case HELPER_SEES:
		take_sees(n, m);
		return 0;
	case HELPER_DROP:
		take_drop(n, m);
		return 0;
	case HELPER_BEAT:
		return 0;
	case HELPER_PROXY:
		return proxy_add(n, m, fds);
	case HELPER_ALLOW:
		proxy_allow(n, m);
		return 0;
	case HELPER_DESK:
		cleanup_fd(&n->desk);
		n->desk = take_fd(&fds[0]);
		return 0;
	case HELPER_UNPROXY:
		proxy_drop(n, m);
		return 0;
	case HELPER_ANEW:
		take_anew(n);
		return 0;
	case HELPER_ALL:
		proxies_settle(n);
		return 0;
	}
	return -1;
}

/* Its length, 0 at the end, -1 with errno. */
static ssize_t receive(int fd, struct helper_message *ret, int fds[2])
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { ret, sizeof(*ret) };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	const struct cmsghdr *c = len > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	fds[0] = fds[1] = -1;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return len;
}

void control_ready(struct names *n, struct source *s, uint32_t events)
{
	struct helper_message m = { 0 };
	ssize_t len;
	int fds[2];

	(void)events;
	while ((len = receive(s->fd, &m, fds)) > 0) {
		if (len != sizeof(m) || control_take(n, &m, fds) < 0)
			fprintf(stderr, HELPER_NAME ": a message of no use (kind %u)\n", m.kind);
		cleanup_fd(&fds[0]);
		cleanup_fd(&fds[1]);
	}
	n->ended = len == 0 || (errno != EAGAIN && errno != EINTR);
}

bool control_first(struct names *n, const struct source *s)
{
	if (n->control.fd >= 0)
		control_ready(n, &n->control, 0);
	return s->fd >= 0;
}
