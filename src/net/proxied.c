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

/* By `::` all but ::1 is led on by the table. */
static bool needs(const struct net_publish_spec *pub)
{
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
static int open_up(int fd, uint8_t protocol)
{
	int on = 1;

	if (protocol == IPPROTO_UDP)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
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

bool proxied_add(struct proxied_list *l, const struct net *n, const struct net_publish_spec *pub,
		 struct helper_message *ret)
{
	const struct helper_message m = message(HELPER_PROXY, pub);
	int held = needs(pub) && !find(l, &m) ? hold_fd(n, pub) : -1;
	int fd = held < 0 ? -1 : fcntl(held, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return false;
	if (open_up(fd, pub->protocol)) {
		close(fd);
		return false;
	}
	vec_push(l, ((struct proxied){ fd, m }));
	*ret = m;
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
	for (size_t i = 0; i < l->n; i++)
		close(l->v[i].fd);
	vec_fini(l);
}
