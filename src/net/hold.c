/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hold: reserved ports of the host. Called through net_reserve before anything else of a
 * stack is made. A published port is answered by the rules and never by these sockets;
 * they keep others off it, and find out early who has it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net.h"
#include "net/porch.h"
#include "net/portowner.h"

/*
 * A range longer than this is tried and let go again: a descriptor for each port would be
 * too many.
 */
#define RANGE_HELD_MAX 64

enum { CLOSED_MS = 3000, LOOK_US = 2000 };

struct hold {
	struct hold *next;
	struct ev_loop *loop;
	int fd;
	struct ev_io io;
	uint8_t protocol;
	struct ip ip;
	uint16_t port;
	bool handed; /* mstack-net accepts on it, as soon as it is told to */
	bool lent;   /* it was given one: the port is free when it has closed that too */
	char *owner;
};

static void free_hold(struct hold *h)
{
	if (h->loop)
		ev_io_stop(h->loop, &h->io);
	cleanup_fd(&h->fd);
	free(h->owner);
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

static bool is_held_by(const struct hold *h, const char *owner)
{
	return !strcmp(h->owner, owner);
}

static bool is_for(const struct hold *h, const struct net_publish_spec *pub)
{
	return h->protocol == pub->protocol && h->port == pub->host_port &&
	       ip_equal(&h->ip, &pub->host_ip);
}

static void give_back(struct net *n, struct hold *h)
{
	if (h->lent)
		n->given_back_ms = time_mono_ms();
	free_hold(h);
}

void net_release(struct net *n, const char *owner)
{
	for (struct hold **at = &n->holds, *h; (h = *at);) {
		if (!is_held_by(h, owner)) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		give_back(n, h);
	}
}

static void release_port(struct net *n, const struct net_publish_spec *pub)
{
	for (struct hold **at = &n->holds, *h; (h = *at); at = &h->next)
		if (is_for(h, pub) && is_held_by(h, pub->owner)) {
			*at = h->next;
			give_back(n, h);
			return;
		}
}

void net_release_ports(struct net *n, const struct net_publish_spec *pubs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		release_port(n, &pubs[i]);
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

void net_tell_holders(struct net *n, net_holder_fn *fn, void *arg)
{
	n->holder = fn;
	n->holder_arg = arg;
}

static int holder_of(const struct net *n, const struct net_publish_spec *pub, char *ret,
		     size_t size)
{
	if (n->holder && !n->holder(n->holder_arg, pub, ret, size))
		return 0;
	/* On the host, where an ordinary user's processes are seen as nobody's. */
	return n->porch ? -1 : port_owner(pub->protocol, pub->host_port, ret, size);
}

static int refuse(const struct net *n, const struct net_publish_spec *pub, int sys, uint16_t floor,
		  struct err *err)
{
	const struct hold *h = sys == EADDRINUSE ? find_hold(n, pub) : NULL;
	char who[400];

	if (h)
		err_set(err, "also published by %s: give one of them another port", h->owner);
	else if (sys == EADDRINUSE && !holder_of(n, pub, who, sizeof(who)))
		err_set(err, "already in use on this host by %s: stop it or publish another port",
			who);
	else if (sys == EADDRINUSE)
		err_set(err,
			"already in use on this host: stop what uses it or publish another port");
	else if (sys == EADDRNOTAVAIL)
		err_set(err, "this host has no address %s: publish to one that it has",
			ip_text(&pub->host_ip).text);
	else if (sys == EACCES && pub->host_port < floor)
		err_set(err,
			"ports below %u are root's: publish another one, or allow it to all users: sudo sysctl -w "
			"net.ipv4.ip_unprivileged_port_start=%u",
			floor, pub->host_port);
	else if (sys == EPIPE && n->porch)
		err_set(err,
			"nobody of the stack is in the host's network any more: both " PORCH_NAME
			" and " PORCH_SPARE_NAME " were killed: 'mstack down' and 'mstack up'");
	else
		err_sys(err, sys, "reserve");
	err_wrap(err, "port %u/%s (%s)", pub->host_port, protocol_name(pub->protocol), pub->owner);
	err->sys = sys;
	err->line = pub->line;
	return -1;
}

int hold_lend(const struct net *n, const struct net_publish_spec *pub)
{
	for (struct hold *h = n->holds; h; h = h->next)
		if (is_for(h, pub)) {
			h->lent = true;
			return fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
		}
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

static int bind_socket(const struct net_publish_spec *pub)
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
	    bind(fd, (struct sockaddr *)&addr.any, addr.len))
		return -1;
	return take_fd(&fd);
}

int hold_bind(const struct net_publish_spec *pub, bool handed)
{
	struct net_publish_spec same = *pub;
	_cleanup_fd_ int chosen = -1, fd = bind_socket(pub);

	if (fd < 0 || pub->protocol != IPPROTO_TCP)
		return take_fd(&fd);
	/*
	 * A port that the kernel has chosen it forgets when listening stops, one that was asked for it keeps (inet_csk_listen_stop). Two may
	 * have it as long as neither listens.
	 */
	if (handed && !pub->host_port) {
		same.host_port = port_of(fd);
		chosen = take_fd(&fd);
		fd = bind_socket(&same);
	}
	if (fd < 0 || listen(fd, 16) || (handed && stop_listening(fd)))
		return -1;
	return take_fd(&fd);
}

/* Where ports are reserved: here, or on the porch. 0, or an errno and which is the first port that we could have. */
static int bind_once(const struct net *n, const struct net_publish_spec *pub, int *ret_fd,
		     uint16_t *ret_floor)
{
	if (n->porch)
		return porch_bind(n->porch, pub, ret_fd, ret_floor);
	*ret_fd = hold_bind(pub, pub->host_ip.family == AF_INET6);
	*ret_floor = 0;
	return *ret_fd < 0 ? errno : 0;
}

/* What was given back a moment ago is taken until mstack-net has closed it as well, which it does as soon as it hears of it. */
static int bind_port(const struct net *n, const struct net_publish_spec *pub, int *ret_fd,
		     uint16_t *ret_floor)
{
	int rc = bind_once(n, pub, ret_fd, ret_floor);

	while (rc == EADDRINUSE && n->given_back_ms && !find_hold(n, pub) &&
	       time_mono_ms() - n->given_back_ms < CLOSED_MS) {
		usleep(LOOK_US);
		rc = bind_once(n, pub, ret_fd, ret_floor);
	}
	return rc;
}

/* A free port that is free for the twin as well; the tries are few because it nearly always is. */
static int bind_chosen(const struct net *n, struct net_publish_spec *pub,
		       const struct net_publish_spec *next, int *ret_fd, uint16_t *ret_floor)
{
	for (int tries = 0; tries < 8; tries++) {
		struct net_publish_spec twin = *next;
		_cleanup_fd_ int other = -1;
		int rc;

		cleanup_fd(ret_fd);
		rc = bind_once(n, pub, ret_fd, ret_floor);
		if (rc)
			return rc;
		twin.host_port = port_of(*ret_fd);
		if (bind_once(n, &twin, &other, ret_floor) != EADDRINUSE)
			break;
	}
	return 0;
}

static void add_hold(struct net *n, struct hold *h)
{
	h->next = n->holds;
	n->holds = h;
	if (!n->loop || h->protocol != IPPROTO_TCP || h->handed)
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
	h->handed = n->porch || pub->host_ip.family == AF_INET6;
	h->owner = xstrdup(pub->owner);
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
		carry_put_num(own, "handed", h->handed);
		carry_put_num(own, "lent", h->lent);
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
	h->handed = carry_num(from, "handed", h->ip.family == AF_INET6);
	h->lent = carry_num(from, "lent", h->handed);
	if (ip && len == sizeof(h->ip.bytes))
		memcpy(h->ip.bytes, ip, len);
	h->owner = xstrdup(owner ? owner : "");
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
	uint16_t floor = 0;
	int fd = -1, rc;

	if (pub->twin && !pub->host_port)
		pub->host_port = pub[-1].host_port;
	rc = !pub->host_port && has_next && pub[1].twin ? bind_chosen(n, pub, pub + 1, &fd, &floor)
							: bind_port(n, pub, &fd, &floor);
	if (rc)
		return refuse(n, pub, rc, floor, err);
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
	bool all;	/* all are held: nothing passes without its socket */
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
		w->held = w->left <= RANGE_HELD_MAX || w->all || ip_is_loopback6(&pubs[i].host_ip);
	}
	w->left--;
	return true;
}

static int reserve_family(struct net *n, struct net_publish_spec *pubs, size_t count, bool six,
			  struct err *err)
{
	struct walk w = { .six = six, .all = n->porch };

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

int net_check_ports(struct net_publish_spec *pubs, size_t count, net_holder_fn *fn, void *arg,
		    struct err *err)
{
	struct net n = { .rtnl = -1, .nft = -1, .holder = fn, .holder_arg = arg };
	int rc = net_reserve(&n, pubs, count, err);

	holds_release(&n);
	return rc;
}
