/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proxied: see proxied.h. Called by helper.c. The socket is the one that reserves the port (hold.c), so nobody else can have
 * taken it meanwhile; it is listened on only as long as somebody hands on what comes.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/proxied.h"

enum { BACKLOG = 128 };

/* By `::` all but ::1 is led on by the table; what comes in by the porch is on no way that a table leads. */
static bool needs(const struct net *n, const struct net_publish_spec *pub)
{
	if (n->porch)
		return true;
	return pub->host_ip.family == AF_INET6 &&
	       (ip_is_zero(&pub->host_ip) || ip_is_loopback6(&pub->host_ip));
}

/* A port is known by what it is on the host, so that what a mstack-net was told by others before us counts. */
static struct proxied *find(const struct proxied_list *l, const struct helper_message *m)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].message.protocol == m->protocol &&
		    l->v[i].message.own.port == m->own.port &&
		    ip_equal(&l->v[i].message.own.ip, &m->own.ip))
			return &l->v[i];
	return NULL;
}

static struct helper_message message(enum helper_kind kind, const struct net_publish_spec *pub)
{
	return (struct helper_message){ .kind = kind,
					.protocol = pub->protocol,
					.own = { pub->host_ip, pub->host_port },
					.to = { pub->addr, pub->port } };
}

/* hold.c has taken both from it. Of datagrams is asked where they were sent to. */
static int open_up(int fd, const struct net_publish_spec *pub)
{
	int on = 1;

	if (pub->protocol == IPPROTO_UDP && pub->host_ip.family == AF_INET6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	if (pub->protocol == IPPROTO_UDP)
		return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) || listen(fd, BACKLOG);
}

/* What waits to be accepted is reset with it. */
static void shut(int fd, uint8_t protocol)
{
	int off = 0;

	if (protocol != IPPROTO_TCP)
		return;
	shutdown(fd, SHUT_RD);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off));
}

bool proxied_add(struct proxied_list *l, const struct net *n, const struct net_publish_spec *pub)
{
	struct proxied p = { .fd = -1, .message = message(HELPER_PROXY, pub) };

	if (needs(n, pub) && !find(l, &p.message))
		p.fd = hold_lend(n, pub);
	if (p.fd < 0)
		return false;
	if (open_up(p.fd, pub)) {
		close(p.fd);
		return false;
	}
	p.message.flag = n->porch != NULL;
	p.n_allow = n->porch ? pub->n_allow : 0;
	p.allow = xcalloc(p.n_allow + 1, sizeof(*p.allow));
	for (size_t i = 0; i < p.n_allow; i++)
		p.allow[i] = pub->allow[i];
	vec_push(l, p);
	return true;
}

bool proxied_remove(struct proxied_list *l, const struct net_publish_spec *pub,
		    struct helper_message *ret)
{
	struct proxied *p;

	*ret = message(HELPER_UNPROXY, pub);
	p = find(l, ret);
	if (!p)
		return false;
	shut(p->fd, pub->protocol);
	close(p->fd);
	free(p->allow);
	*p = l->v[--l->n];
	return true;
}

int proxied_socket(const struct proxied_list *l, const struct helper_message *m)
{
	const struct proxied *p = find(l, m);

	return p ? p->fd : -1;
}

void proxied_fini(struct proxied_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		close(l->v[i].fd);
		free(l->v[i].allow);
	}
	vec_fini(l);
}
