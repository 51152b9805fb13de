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
#include <unistd.h>

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

int hold_fd(const struct net *n, const struct net_publish_spec *pub)
{
	for (const struct hold *h = n->holds; h; h = h->next)
		if (h->protocol == pub->protocol && h->port == pub->host_port &&
		    ip_equal(&h->ip, &pub->host_ip))
			return h->fd;
	return -1;
}

struct address {
	struct sockaddr_storage any;
	socklen_t len;
};

static struct address socket_address(const struct ip *ip, uint16_t port)
{
	struct address a = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *four = (struct sockaddr_in *)&a.any;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a.any;

	if (ip->family == AF_INET6) {
		a.len = sizeof(*six);
		*six = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		memcpy(&six->sin6_addr, ip->bytes, sizeof(six->sin6_addr));
	} else {
		*four = (struct sockaddr_in){ .sin_family = AF_INET,
					      .sin_port = htons(port),
					      .sin_addr = ip_to4(ip) };
	}
	return a;
}

/*
 * Of IPv6 nobody is listened to after it is known that the port is free, until somebody hands on what comes to ::1
 * (proxied.c): who asks for that before is refused at once and goes on to 127.0.0.1, as programs that call `localhost` do.
 * Without SO_REUSEADDR it still keeps others from listening.
 */
static int stop_listening(int fd)
{
	int off = 0;

	return shutdown(fd, SHUT_RD) || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off));
}

static uint16_t port_of(int fd)
{
	/* The port stands at the same place in those of both families. */
	struct sockaddr_in6 a = { 0 };
	socklen_t len = sizeof(a);

	return getsockname(fd, (struct sockaddr *)&a, &len) ? 0 : ntohs(a.sin6_port);
}

static int bind_port(const struct net_publish_spec *pub)
{
	bool tcp = pub->protocol == IPPROTO_TCP, six = pub->host_ip.family == AF_INET6;
	struct address addr = socket_address(&pub->host_ip, pub->host_port);
	_cleanup_fd_ int fd =
		socket(six ? AF_INET6 : AF_INET,
		       (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	/*
	 * Connections of an earlier run that are still in TIME_WAIT do not hold the port;
	 * for UDP it would let two in.
	 */
	if (fd < 0 || (tcp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on))) ||
	    (six && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))) ||
	    bind(fd, (struct sockaddr *)&addr.any, addr.len) || (tcp && listen(fd, 16)) ||
	    (tcp && six && stop_listening(fd)))
		return -1;
	return take_fd(&fd);
}

/* A free port that is free for the twin as well; the tries are few because it nearly always is. */
static int bind_chosen(struct net_publish_spec *pub, const struct net_publish_spec *next)
{
	int fd = -1;

	for (int tries = 0; tries < 8; tries++) {
		struct net_publish_spec twin = *next;
		_cleanup_fd_ int other = -1;

		cleanup_fd(&fd);
		fd = bind_port(pub);
		if (fd < 0)
			return -1;
		twin.host_port = port_of(fd);
		other = bind_port(&twin);
		if (other >= 0 || errno != EADDRINUSE)
			break;
	}
	return fd;
}

static void add_hold(struct net *n, struct hold *h)
{
	h->next = n->holds;
	n->holds = h;
	if (!n->loop || h->protocol != IPPROTO_TCP || h->ip.family == AF_INET6)
		return;
	h->loop = n->loop;
	ev_io_init(&h->io, on_connection, h->fd, EV_READ);
	ev_io_start(h->loop, &h->io);
}

static void hold(struct net *n, const struct net_publish_spec *pub, int fd)
{
	struct hold *h = xcalloc(1, sizeof(*h));

	*h = (struct hold){
		.fd = fd, .protocol = pub->protocol, .ip = pub->host_ip, .port = pub->host_port
	};
	strncpy(h->owner, pub->owner, sizeof(h->owner) - 1);
	add_hold(n, h);
}

void holds_carry(const struct net *n, struct carry *to)
{
	for (const struct hold *h = n->holds; h; h = h->next) {
		struct carry *own = carry_add(to, "hold");

		carry_put_fd(own, "socket", h->fd);
		carry_put_num(own, "protocol", h->protocol);
		carry_put_num(own, "family", h->ip.family);
		carry_put_bytes(own, "ip", h->ip.bytes, sizeof(h->ip.bytes));
		carry_put_num(own, "port", h->port);
		carry_put(own, "owner", h->owner);
	}
}

static struct hold *resume_hold(struct carry *from)
{
	struct hold *h = xcalloc(1, sizeof(*h));
	const char *owner = carry_text(from, "owner");
	size_t len;
	const char *ip = carry_bytes(from, "ip", &len);

	*h = (struct hold){ .fd = carry_take_fd(from, "socket"),
			    .protocol = (uint8_t)carry_num(from, "protocol", 0),
			    .port = (uint16_t)carry_num(from, "port", 0) };
	h->ip.family = (uint8_t)carry_num(from, "family", 0);
	if (ip && len == sizeof(h->ip.bytes))
		memcpy(h->ip.bytes, ip, len);
	strncpy(h->owner, owner ? owner : "", sizeof(h->owner) - 1);
	return h;
}

void holds_resume(struct net *n, const struct carry *from)
{
	for (struct carry *c = NULL; (c = carry_next(from, "hold", c));) {
		struct hold *h = resume_hold(c);

		if (h->fd >= 0)
			add_hold(n, h);
		else
			free_hold(h);
	}
}

/* Does `b` go on where `a` ends? */
static bool continues(const struct net_publish_spec *a, const struct net_publish_spec *b)
{
	return a->protocol == b->protocol && ip_equal(&a->host_ip, &b->host_ip) && a->host_port &&
	       b->host_port == a->host_port + 1 && !strcmp(a->owner, b->owner);
}

/* How many entries from this one on are one range; those of the other family may stand between them. */
static size_t range_length(const struct net_publish_spec *pubs, size_t count, size_t first)
{
	const struct net_publish_spec *last = &pubs[first];
	size_t n = 1;

	for (size_t i = first + 1; i < count; i++) {
		if (pubs[i].host_ip.family != last->host_ip.family)
			continue;
		if (!continues(last, &pubs[i]))
			break;
		last = &pubs[i];
		n++;
	}
	return n;
}

static int reserve(struct net *n, struct net_publish_spec *pub, bool has_next, bool held,
		   struct err *err)
{
	int fd;

	if (pub->twin && !pub->host_port)
		pub->host_port = pub[-1].host_port;
	fd = !pub->host_port && has_next && pub[1].twin ? bind_chosen(pub, pub + 1)
							: bind_port(pub);
	if (fd < 0)
		return refuse(n, pub, errno, err);
	pub->host_port = port_of(fd);
	if (held)
		hold(n, pub, fd);
	else
		close(fd);
	return 0;
}

/* Steps through the entries of one family and knows how long the range is that each is in. */
struct walk {
	bool six, held; /* held: the range is short enough */
	size_t left;
};

/* False: it is of the other family. */
static bool is_next(struct walk *w, const struct net_publish_spec *pubs, size_t count, size_t i)
{
	if ((pubs[i].host_ip.family == AF_INET6) != w->six)
		return false;
	if (!w->left) {
		w->left = range_length(pubs, count, i);
		/* By ::1 nothing passes without its socket. */
		w->held = w->left <= RANGE_HELD_MAX || ip_is_loopback6(&pubs[i].host_ip);
	}
	w->left--;
	return true;
}

static int reserve_family(struct net *n, struct net_publish_spec *pubs, size_t count, bool six,
			  struct err *err)
{
	struct walk w = { .six = six };

	for (size_t i = 0; i < count; i++)
		if (is_next(&w, pubs, count, i) && reserve(n, &pubs[i], i + 1 < count, w.held, err))
			return -1;
	return 0;
}

size_t net_held(const struct net_publish_spec *pubs, size_t count)
{
	struct walk four = { .six = false }, six = { .six = true };
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		n += is_next(&four, pubs, count, i) && four.held;
		n += is_next(&six, pubs, count, i) && six.held;
	}
	return n;
}

int net_reserve(struct net *n, struct net_publish_spec *pubs, size_t count, struct err *err)
{
	return reserve_family(n, pubs, count, false, err) ||
			       reserve_family(n, pubs, count, true, err)
		       ? -1
		       : 0;
}
