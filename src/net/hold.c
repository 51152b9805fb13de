/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hold: reserved ports of the host. Called through net_reserve before anything else of a
 * stack is made. A published port is answered by the rules and never by these sockets;
 * they keep others off it, and find out early who has it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <sys/socket.h>

#include "net/net.h"
#include "net/portowner.h"

/*
 * A range longer than this is tried and let go again: a descriptor for each port would be
 * too many.
 */
#define RANGE_HELD_MAX 64

struct hold {
	struct hold *next;
	struct ev_loop *loop;
	int fd;
	struct ev_io io;
	uint8_t protocol;
	struct ip ip;
	uint16_t port;
	char owner[64];
};

static void free_hold(struct hold *h)
{
	if (h->loop)
		ev_io_stop(h->loop, &h->io);
	cleanup_fd(&h->fd);
	free(h);
}

void holds_release(struct net *n)
{
	while (n->holds) {
		struct hold *h = n->holds;

		n->holds = h->next;
		free_hold(h);
	}
}

void net_release(struct net *n, const char *owner)
{
	for (struct hold **at = &n->holds, *h; (h = *at);) {
		if (strncmp(h->owner, owner, sizeof(h->owner) - 1) != 0) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		free_hold(h);
	}
}

/* No rule has sent this one on: a reset tells its sender at once. */
static void on_connection(struct ev_loop *loop, struct ev_io *io, int revents)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	_cleanup_fd_ int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)loop;
	(void)revents;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : "udp";
}

/* Which of our own has it; NULL if it is none of us. */
static const struct hold *find_hold(const struct net *n, const struct net_publish_spec *pub)
{
	for (const struct hold *h = n->holds; h; h = h->next)
		if (h->protocol == pub->protocol && h->port == pub->host_port &&
		    h->ip.family == pub->host_ip.family &&
		    (ip_equal(&h->ip, &pub->host_ip) || ip_is_zero(&h->ip) ||
		     ip_is_zero(&pub->host_ip)))
			return h;
	return NULL;
}

static int refuse(const struct net *n, const struct net_publish_spec *pub, int sys, struct err *err)
{
	const struct hold *h = sys == EADDRINUSE ? find_hold(n, pub) : NULL;
	char who[96];

	if (h)
		err_set(err, "also published by %s: give one of them another port", h->owner);
	else if (sys == EADDRINUSE && !port_owner(pub->protocol, pub->host_port, who, sizeof(who)))
		err_set(err, "already in use on this host by %s: stop it or publish another port",
			who);
	else if (sys == EADDRINUSE)
		err_set(err,
			"already in use on this host: stop what uses it or publish another port");
	else if (sys == EADDRNOTAVAIL)
		err_set(err, "this host has no address %s: publish to one that it has",
			ip_text(&pub->host_ip).text);
	else
		err_sys(err, sys, "reserve");
	err_wrap(err, "port %u/%s (%s)", pub->host_port, protocol_name(pub->protocol), pub->owner);
	err->sys = sys;
	err->line = pub->line;
	return -1;
}

static int bind_port(const struct net_publish_spec *pub, struct sockaddr_in *ret)
{
	bool tcp = pub->protocol == IPPROTO_TCP;
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr = ip_to4(&pub->host_ip),
				    .sin_port = htons(pub->host_port) };
	_cleanup_fd_ int fd =
		socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(*ret);
	int on = 1;

	/*
	 * Connections of an earlier run that are still in TIME_WAIT do not hold the port;
	 * for UDP it would let two in.
	 */
	if (fd < 0 || (tcp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on))) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || (tcp && listen(fd, 16)) ||
	    getsockname(fd, (struct sockaddr *)ret, &len))
		return -1;
	return take_fd(&fd);
}

static void hold(struct net *n, const struct net_publish_spec *pub, int fd)
{
	struct hold *h = xcalloc(1, sizeof(*h));

	*h = (struct hold){ .next = n->holds,
			    .fd = fd,
			    .protocol = pub->protocol,
			    .ip = pub->host_ip,
			    .port = pub->host_port };
	strncpy(h->owner, pub->owner, sizeof(h->owner) - 1);
	n->holds = h;
	if (!n->loop || pub->protocol != IPPROTO_TCP)
		return;
	h->loop = n->loop;
	ev_io_init(&h->io, on_connection, fd, EV_READ);
	ev_io_start(h->loop, &h->io);
}

/* Does `b` go on where `a` ends? */
static bool continues(const struct net_publish_spec *a, const struct net_publish_spec *b)
{
	return a->protocol == b->protocol && ip_equal(&a->host_ip, &b->host_ip) && a->host_port &&
	       b->host_port == a->host_port + 1 && !strcmp(a->owner, b->owner);
}

int net_reserve(struct net *n, struct net_publish_spec *pubs, size_t count, struct err *err)
{
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && continues(&pubs[end - 1], &pubs[end]);)
			end++;
		for (size_t j = i; j < end; j++) {
			struct sockaddr_in bound = { 0 };
			int fd = bind_port(&pubs[j], &bound);

			if (fd < 0)
				return refuse(n, &pubs[j], errno, err);
			pubs[j].host_port = ntohs(bound.sin_port);
			if (end - i > RANGE_HELD_MAX)
				cleanup_fd(&fd);
			else
				hold(n, &pubs[j], fd);
		}
	}
	return 0;
}
