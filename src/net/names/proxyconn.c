/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proxyconn: connections of TCP that are handed on. What one end sends goes through a pipe to the other by splice(2): no byte of
 * it is ever in this process. An end that is closed for sending is closed so at the other side, a reset stays one, and who
 * reads slowly holds up nobody but his own other end. Called by proxy.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "net/names/proxy.h"

/* One end, and what it has sent: in its pipe, on the way to the other one. */
struct side {
	struct source source;
	uint32_t wants;
	int pipe[2]; /* only while there is something in it */
	size_t held;
	bool ended, told; /* nothing more comes from it, and the other one knows */
};

enum { CLIENT, SERVER, SIDES };

struct proxyconn {
	struct proxyconn *prev, *next;	   /* of all */
	struct proxyconn *earlier, *later; /* of those that are not connected yet */
	struct proxies *all;
	const struct proxy *of;
	struct side sides[SIDES];
	bool connected;
	uint64_t due;
};

/* ---- pipes ----------------------------------------------------------------------------------- */

static int pipe_take(struct proxies *p, int ret[2])
{
	if (p->pipes.n >= 2) {
		ret[1] = p->pipes.v[--p->pipes.n];
		ret[0] = p->pipes.v[--p->pipes.n];
		return 0;
	}
	return pipe2(ret, O_CLOEXEC | O_NONBLOCK);
}

/* An empty one is as good as new. */
static void pipe_give(struct proxies *p, struct side *s)
{
	if (s->pipe[0] < 0)
		return;
	if (s->held || p->pipes.n >= 2 * PROXY_PIPES) {
		close(s->pipe[0]);
		close(s->pipe[1]);
	} else {
		vec_push(&p->pipes, s->pipe[0]);
		vec_push(&p->pipes, s->pipe[1]);
	}
	s->pipe[0] = s->pipe[1] = -1;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void is_connected(struct proxyconn *c)
{
	if (!c->connected)
		DL_DELETE2(c->all->connecting, c, earlier, later);
	c->connected = true;
}

/* From here on closing it resets it. */
static void set_reset(int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void end(struct proxyconn *c, bool reset)
{
	struct proxies *p = c->all;

	is_connected(c);
	for (size_t i = 0; i < SIDES; i++) {
		if (reset && c->sides[i].source.fd >= 0)
			set_reset(c->sides[i].source.fd);
		source_close(&c->sides[i].source);
		pipe_give(p, &c->sides[i]);
	}
	DL_DELETE(p->conns, c);
	p->n_conns--;
	names_bury(p->names, c);
	proxy_resume(p);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static bool wait_more(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static int take_in(struct proxies *p, struct side *from)
{
	ssize_t n;

	if (from->held || from->ended)
		return 0;
	if (from->pipe[0] < 0 && pipe_take(p, from->pipe) < 0)
		return -1;
	n = splice(from->source.fd, NULL, from->pipe[1], NULL, PROXY_BLOCK,
		   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (n < 0)
		return wait_more() ? 0 : -1;
	from->held = (size_t)n;
	from->ended = n == 0;
	return 0;
}

static int give_out(struct side *from, const struct side *to)
{
	while (from->held) {
		ssize_t n = splice(from->pipe[0], NULL, to->source.fd, NULL, from->held,
				   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

		if (n <= 0)
			return n < 0 && wait_more() ? 0 : -1;
		from->held -= (size_t)n;
	}
	if (from->ended && !from->told) {
		from->told = true;
		/* It may be gone already, which its own end tells. */
		shutdown(to->source.fd, SHUT_WR);
	}
	return 0;
}

/* What `way` has sent, one block of it. 0, or -1. */
static int move(struct proxyconn *c, size_t way)
{
	struct side *from = &c->sides[way], *to = &c->sides[SIDES - 1 - way];

	if (take_in(c->all, from) < 0 || give_out(from, to) < 0)
		return -1;
	if (!from->held)
		pipe_give(c->all, from);
	return 0;
}

/* ---- events ---------------------------------------------------------------------------------- */

static uint32_t wanted(const struct proxyconn *c, size_t way)
{
	const struct side *s = &c->sides[way], *other = &c->sides[SIDES - 1 - way];

	if (!c->connected)
		return way == SERVER ? EPOLLOUT : 0;
	return (s->held || s->ended ? 0 : EPOLLIN) | (other->held ? EPOLLOUT : 0);
}

static int look(struct proxyconn *c)
{
	for (size_t i = 0; i < SIDES; i++)
		if (proxy_look(c->all, &c->sides[i].source, wanted(c, i), &c->sides[i].wants) < 0)
			return -1;
	return 0;
}

static int connected(struct proxyconn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->sides[SERVER].source.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
		return -1;
	is_connected(c);
	return 0;
}

static void go_on(struct proxyconn *c, uint32_t events)
{
	int rc = events & EPOLLERR ? -1 : 0;

	if (!rc && !c->connected)
		rc = connected(c);
	for (size_t i = 0; !rc && i < SIDES; i++)
		rc = move(c, i);
	if (!rc)
		rc = look(c);
	if (rc)
		end(c, true);
	else if (c->sides[CLIENT].told && c->sides[SERVER].told)
		end(c, false);
}

static void near_ready(struct names *n, struct source *s, uint32_t events)
{
	(void)n;
	go_on(source_owner(s, struct proxyconn, sides[CLIENT].source), events);
}

static void far_ready(struct names *n, struct source *s, uint32_t events)
{
	(void)n;
	go_on(source_owner(s, struct proxyconn, sides[SERVER].source), events);
}

/* ---- the beginning --------------------------------------------------------------------------- */

/* Small messages go at once, as they came. */
static void set_quick(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void begin(struct proxy *of, int *client, int *server)
{
	struct proxies *p = of->all;
	struct proxyconn *c = xcalloc(1, sizeof(*c));

	set_quick(*client);
	set_quick(*server);
	*c = (struct proxyconn){
		.all = p,
		.of = of,
		.sides = { { .source = { take_fd(client), near_ready }, .pipe = { -1, -1 } },
			   { .source = { take_fd(server), far_ready }, .pipe = { -1, -1 } } },
		.due = time_mono_ms() + PROXY_CONNECT_MS
	};
	DL_APPEND(p->conns, c);
	DL_APPEND2(p->connecting, c, earlier, later);
	p->n_conns++;
	if (look(c) < 0)
		end(c, true);
}

/* Who comes now waits in the kernel. */
static void pause_all(struct proxies *p, uint64_t again)
{
	struct proxy *one;

	p->paused = true;
	p->again = again;
	DL_FOREACH(p->list, one) {
		struct epoll_event none = { .data.ptr = &one->socket };

		if (one->protocol == IPPROTO_TCP)
			epoll_ctl(p->epoll, EPOLL_CTL_MOD, one->socket.fd, &none);
	}
}

void proxyconn_accept(struct names *n, struct source *s, uint32_t events)
{
	struct proxy *of = source_owner(s, struct proxy, socket);
	struct sockaddr_storage from = { 0 }, by = { 0 };
	socklen_t from_len = sizeof(from), by_len = sizeof(by);
	_cleanup_fd_ int client = -1, server = -1;
	struct proxy_visit v;

	(void)n;
	(void)events;
	if (of->all->n_conns >= of->all->conns_max) {
		pause_all(of->all, 0);
		return;
	}
	client = accept4(s->fd, (struct sockaddr *)&from, &from_len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client < 0 && (errno == EMFILE || errno == ENFILE))
		pause_all(of->all, time_mono_ms() + PROXY_AGAIN_MS);
	if (client < 0)
		return;
	getsockname(client, (struct sockaddr *)&by, &by_len);
	v = proxy_visit(&from, &by);
	server = proxy_serves(of, &v) ? proxy_connect(of, &v, SOCK_STREAM) : -1;
	if (server < 0)
		set_reset(client);
	else
		begin(of, &client, &server);
}

void proxyconn_drop(struct proxies *p, const struct proxy *of)
{
	struct proxyconn *c, *next;

	DL_FOREACH_SAFE(p->conns, c, next)
		if (c->of == of)
			end(c, true);
}

int proxyconn_timers(struct proxies *p, uint64_t now)
{
	while (p->connecting && p->connecting->due <= now)
		end(p->connecting, true);
	return p->connecting ? (int)(p->connecting->due - now) : -1;
}
