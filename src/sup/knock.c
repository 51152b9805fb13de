/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knock: probes of ours (`x-probe`), which start no process: somebody accepts a connection, answers a request of HTTP, or has written
 * a line. Called by probing.c; lines come from the slot's log. Never waits: a socket that is not ready is watched. What the
 * container says is not trusted: of an answer only the first words are kept, and no more than READ_MAX of it is read.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sup/state.h"

enum { READ_MAX = 65536, REQUEST_MAX = 4096, STATUS_LINE = 12 /* "HTTP/1.1 200" */ };

static void tell(struct sup_slot *slot, bool ok)
{
	sup_knock_end(slot);
	sup_queue(slot->sup, &(struct sup_fact){ .kind = FACT_PROBED,
						 .slot = slot->nr,
						 .box = { .status = ok ? 0 : 1 << 8 } });
}

static void MSTACK_PRINTF(2, 3) fail(struct sup_slot *slot, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(slot->probe_output, sizeof(slot->probe_output), fmt, ap);
	va_end(ap);
	tell(slot, false);
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static void ask(struct sup_slot *slot)
{
	const struct stack_probe *p = slot->plan->own_probe;
	char request[REQUEST_MAX];
	int n = snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: mstack\r\nAccept: */*\r\n"
			 "Connection: close\r\n\r\n",
			 p->text, p->host);

	/* The form keeps both short, and a new socket has room for it. */
	if (send(slot->knock.fd, request, (size_t)n, MSG_NOSIGNAL) != n) {
		fail(slot, "cannot be asked: %s", strerror(errno));
		return;
	}
	slot->knock.asked = true;
	ev_io_stop(slot->sup->loop, &slot->knock.io);
	ev_io_set(&slot->knock.io, slot->knock.fd, EV_READ);
	slot->knock.io.data = slot;
	ev_io_start(slot->sup->loop, &slot->knock.io);
}

/* "HTTP/1.1 204": good is what is not an error; where it leads to is nobody's business here. */
static void judge(struct sup_slot *slot)
{
	const char *h = slot->knock.head;
	int code = 0;

	if (strncmp(h, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)h[7]) || h[8] != ' ') {
		fail(slot, "does not answer in HTTP");
		return;
	}
	for (size_t i = 9; i < STATUS_LINE; i++)
		code = isdigit((unsigned char)h[i]) ? code * 10 + h[i] - '0' : 1000;
	if (code >= 200 && code < 400)
		tell(slot, true);
	else if (code < 1000)
		fail(slot, "HTTP status %d", code);
	else
		fail(slot, "does not answer in HTTP");
}

/* What has come is taken, so that the connection is closed and not torn off. */
static void hear(struct sup_slot *slot)
{
	struct sup_knock *k = &slot->knock;
	size_t total = 0;
	char buf[4096];
	ssize_t n = 0;

	while (total < READ_MAX && (n = recv(k->fd, buf, sizeof(buf), 0)) > 0) {
		size_t take = STATUS_LINE - k->len;

		take = take < (size_t)n ? take : (size_t)n;
		memcpy(k->head + k->len, buf, take);
		k->len += take;
		total += (size_t)n;
	}
	if (k->len == STATUS_LINE)
		judge(slot);
	else if (n == 0)
		fail(slot, "closes the connection without an answer");
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		fail(slot, "%s", strerror(errno));
}

/* ---- connections ----------------------------------------------------------------------------- */

static void connect_tcp(struct sup_slot *slot);

/* A server may have bound itself to ::1 alone. */
static void refused(struct sup_slot *slot, int sys)
{
	const struct stack_probe *p = slot->plan->own_probe;

	if (p->kind != STACK_PROBE_UNIX && !p->ip.family && !slot->knock.six) {
		slot->knock.six = true;
		sup_knock_end(slot);
		connect_tcp(slot);
		return;
	}
	if (p->kind == STACK_PROBE_UNIX)
		fail(slot, "socket '%s': %s", p->text, strerror(sys));
	else
		fail(slot, "port %u: %s", p->port, strerror(sys));
}

static void connected(struct sup_slot *slot)
{
	if (slot->plan->own_probe->kind == STACK_PROBE_HTTP)
		ask(slot);
	else
		tell(slot, true);
}

static void decided(struct sup_slot *slot)
{
	socklen_t len = sizeof(int);
	int sys = 0;

	if (getsockopt(slot->knock.fd, SOL_SOCKET, SO_ERROR, &sys, &len) < 0)
		sys = errno;
	if (sys)
		refused(slot, sys);
	else
		connected(slot);
}

static void io_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct sup_slot *slot = w->data;

	(void)loop;
	(void)revents;
	if (slot->knock.asked)
		hear(slot);
	else
		decided(slot);
}

/* Within one host all of a connection is made in the call itself, only that connect(2) does not say so. */
static bool is_decided(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1;
}

static void go(struct sup_slot *slot, const struct sockaddr *to, socklen_t len)
{
	struct sup_knock *k = &slot->knock;

	if (connect(k->fd, to, len) == 0) {
		connected(slot);
	} else if (errno != EINPROGRESS) {
		refused(slot, errno);
	} else if (is_decided(k->fd)) {
		decided(slot);
	} else {
		ev_io_init(&k->io, io_cb, k->fd, EV_WRITE);
		k->io.data = slot;
		ev_io_start(slot->sup->loop, &k->io);
	}
}

static void connect_tcp(struct sup_slot *slot)
{
	const struct stack_probe *p = slot->plan->own_probe;
	bool six = p->ip.family ? p->ip.family == AF_INET6 : slot->knock.six;
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(p->port) };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(p->port) };
	struct err err = { 0 };

	to4.sin_addr.s_addr = p->ip.family ? ip_to4(&p->ip).s_addr : htonl(INADDR_LOOPBACK);
	to6.sin6_addr = in6addr_loopback;
	if (p->ip.family == AF_INET6)
		memcpy(&to6.sin6_addr, p->ip.bytes, sizeof(to6.sin6_addr));
	slot->knock.fd = box_slot_dial(slot->box, six ? AF_INET6 : AF_INET, &err);
	if (slot->knock.fd < 0)
		fail(slot, "%s", err.text);
	else if (six)
		go(slot, (struct sockaddr *)&to6, sizeof(to6));
	else
		go(slot, (struct sockaddr *)&to4, sizeof(to4));
}

/* By a descriptor, because the path is the container's: no link of it may lead out of there. */
static void connect_unix(struct sup_slot *slot)
{
	const char *path = slot->plan->own_probe->text;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct err err = { 0 };
	_cleanup_fd_ int root = box_root(slot->box, &err);
	_cleanup_fd_ int fd = root < 0 ? -1 : path_open_in(root, path, O_PATH, 0);

	if (root < 0) {
		fail(slot, "%s", err.text);
		return;
	}
	if (fd < 0) {
		refused(slot, errno);
		return;
	}
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d", fd);
	slot->knock.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (slot->knock.fd < 0)
		fail(slot, "socket: %s", strerror(errno));
	else
		go(slot, (struct sockaddr *)&to, sizeof(to));
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* With the line the wait is over: health need not look for it at its next turn. */
void sup_knock_line(struct sup_slot *slot, const struct logs_line *line)
{
	const struct stack_probe *p = slot->plan ? slot->plan->own_probe : NULL;

	if (!p || p->kind != STACK_PROBE_LOG || slot->knock.seen || line->fd == LOGS_MSTACK ||
	    !memmem(line->text, line->len, p->text, strlen(p->text)))
		return;
	slot->knock.seen = true;
	if (slot->health.state == HEALTH_PROBING || slot->health.state == HEALTH_BAD)
		sup_queue(slot->sup,
			  &(struct sup_fact){ .kind = FACT_HEALTH_TIMER, .slot = slot->nr });
}

/* ---- all ------------------------------------------------------------------------------------- */

void sup_knock_init(struct sup_slot *slot)
{
	slot->knock = (struct sup_knock){ .fd = -1 };
	ev_init(&slot->knock.io, io_cb);
}

void sup_knock_begin(struct sup_slot *slot)
{
	const struct stack_probe *p = slot->plan->own_probe;

	sup_knock_end(slot);
	slot->knock.six = false;
	if (p->kind == STACK_PROBE_LOG && slot->knock.seen)
		tell(slot, true);
	else if (p->kind == STACK_PROBE_LOG)
		fail(slot, "'%.80s' is not in the log yet", p->text);
	else if (!slot->box)
		fail(slot, "its container has ended");
	else if (p->kind == STACK_PROBE_UNIX)
		connect_unix(slot);
	else
		connect_tcp(slot);
}

void sup_knock_end(struct sup_slot *slot)
{
	ev_io_stop(slot->sup->loop, &slot->knock.io);
	cleanup_fd(&slot->knock.fd);
	slot->knock.asked = false;
	slot->knock.len = 0;
}
