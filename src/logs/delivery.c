/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * delivery: see delivery.h. Datagrams go out at once or not at all, each to the address, so that a receiver may come and go. A stream has a
 * buffer of limited size; when it breaks, the message that was cut goes again from its beginning, and lines that find no room are lost.
 */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "logs/delivery.h"
#include "logs/message.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET  "/dev/log"
#define WAITING_MAX    (1u << 20)
static const ev_tstamp AGAIN_S = 1;

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

struct delivery {
	struct ev_loop *loop;
	struct logs_remote to;
	struct message_from from;
	struct address address;
	char host[HOST_NAME_MAX + 1];
	int fd;
	bool stream;
	/* of a stream */
	bool connected;
	ev_io io;
	ev_timer again;
	struct buf waiting; /* whole messages */
	size_t sent;	    /* bytes of them that are gone */
	/* what was lost since delivery worked last, and in all */
	uint64_t lost, dropped;
	delivery_say_fn *say;
	void *arg;
};

/* ---- what is lost ---------------------------------------------------------------------------- */

static const char *receiver(const struct delivery *r)
{
	return r->to.journald ? "journald" : "syslog";
}

/* Told at the first one of a row only: who has no receiver would else fill his own log with that. */
static void lose(struct delivery *r, uint64_t n, int why)
{
	struct err err;

	if (!r->lost && r->say) {
		err_sys(&err, why, "lines are not delivered to %s", receiver(r));
		r->say(r->arg, err.text);
	}
	r->lost += n;
	r->dropped += n;
}

/* The end of such a row, with how long it was. */
static void delivered(struct delivery *r)
{
	char text[96];

	if (!r->lost)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " lines were not delivered to %s", r->lost,
		 receiver(r));
	r->lost = 0;
	if (r->say)
		r->say(r->arg, text);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static void set_path(struct address *a, const char *path)
{
	a->un.sun_family = AF_UNIX;
	snprintf(a->un.sun_path, sizeof(a->un.sun_path), "%s", path);
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(a->un.sun_path) + 1);
}

static void set_ip(struct address *a, const struct ip *ip, uint16_t port)
{
	if (ip->family == AF_INET) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(port);
		memcpy(&a->in.sin_addr, ip->bytes, sizeof(a->in.sin_addr));
		a->len = sizeof(a->in);
	} else {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(port);
		memcpy(&a->in6.sin6_addr, ip->bytes, sizeof(a->in6.sin6_addr));
		a->len = sizeof(a->in6);
	}
}

static int open_socket(const struct delivery *r, bool stream)
{
	int type = stream ? SOCK_STREAM : SOCK_DGRAM;

	return socket(r->address.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* /dev/log is of datagrams mostly, and of a stream with some daemons. */
static bool is_stream_socket(const struct delivery *r)
{
	_cleanup_fd_ int fd = open_socket(r, false);

	return fd >= 0 && connect(fd, &r->address.any, r->address.len) < 0 && errno == EPROTOTYPE;
}

/* ---- datagrams ------------------------------------------------------------------------------- */

/* Too large for a datagram: journald takes a memory file that nobody can change any more. */
static int send_file(const struct delivery *r, const struct buf *b)
{
	_cleanup_fd_ int fd = memfd_create("log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr m = { .msg_name = (void *)&r->address.any,
			    .msg_namelen = r->address.len,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	if (fd < 0 || fd_write_all(fd, b->data, b->len) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -1;
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(r->fd, &m, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* An error of an earlier datagram (nobody listens there) is told at the next one, which is then sent anew. */
static int send_bytes(const struct delivery *r, const struct buf *b)
{
	for (int i = 0; i < 2; i++) {
		if (sendto(r->fd, b->data, b->len, MSG_NOSIGNAL, &r->address.any, r->address.len) >=
		    0)
			return 0;
		if (errno != ECONNREFUSED && errno != EINTR)
			break;
	}
	return errno == EMSGSIZE && r->to.journald ? send_file(r, b) : -1;
}

/* The socket is made when it is needed, so that a start without descriptors left costs lines and not the service. */
static void send_datagram(struct delivery *r, const struct buf *b)
{
	if (r->fd < 0)
		r->fd = open_socket(r, false);
	if (r->fd < 0 || send_bytes(r, b) < 0)
		lose(r, 1, errno);
	else
		delivered(r);
}

/* ---- streams --------------------------------------------------------------------------------- */

static void begin(struct delivery *r);

/* What was sent in part goes again as a whole: half a message is none. */
static void broken(struct delivery *r)
{
	ev_io_stop(r->loop, &r->io);
	cleanup_fd(&r->fd);
	r->connected = false;
	while (r->sent > 0 && r->waiting.data[r->sent - 1] != '\n')
		r->sent--;
	ev_timer_set(&r->again, AGAIN_S, 0);
	ev_timer_start(r->loop, &r->again);
}

static void forget_sent(struct delivery *r)
{
	if (r->sent == r->waiting.len) {
		buf_fini(&r->waiting);
		r->sent = 0;
	}
}

/* As much as the receiver takes now; the loop goes on with the rest when there is room. */
static void push(struct delivery *r)
{
	while (r->sent < r->waiting.len) {
		ssize_t n = send(r->fd, r->waiting.data + r->sent, r->waiting.len - r->sent,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			broken(r);
			return;
		}
		if (n < 0)
			break;
		r->sent += (size_t)n;
	}
	forget_sent(r);
	if (r->waiting.len)
		ev_io_start(r->loop, &r->io);
	else
		ev_io_stop(r->loop, &r->io);
}

/* The first time this is the end of connecting, which may have failed. */
static void ready_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct delivery *r = w->data;
	int why = 0;
	socklen_t len = sizeof(why);

	(void)loop;
	(void)revents;
	if (!r->connected) {
		if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &why, &len) < 0 || why) {
			broken(r);
			return;
		}
		r->connected = true;
	}
	push(r);
}

static void again_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	begin(w->data);
}

/* The answer comes by the loop; a local one at once. */
static void begin(struct delivery *r)
{
	r->fd = open_socket(r, true);
	if (r->fd < 0 ||
	    (connect(r->fd, &r->address.any, r->address.len) < 0 && errno != EINPROGRESS)) {
		broken(r);
		return;
	}
	ev_io_set(&r->io, r->fd, EV_WRITE);
	ev_io_start(r->loop, &r->io);
}

/* Messages are ended by newlines, of which a line has none. */
static void send_on_stream(struct delivery *r, const struct buf *b)
{
	if (r->waiting.len - r->sent + b->len + 1 > WAITING_MAX) {
		lose(r, 1, r->connected ? EAGAIN : ENOTCONN);
		return;
	}
	if (r->sent > WAITING_MAX) {
		size_t whole = r->sent;

		while (whole > 0 && r->waiting.data[whole - 1] != '\n')
			whole--;
		memmove(r->waiting.data, r->waiting.data + whole, r->waiting.len - whole);
		r->waiting.len -= whole;
		r->sent -= whole;
	}
	buf_add(&r->waiting, b->data, b->len);
	buf_putc(&r->waiting, '\n');
	if (r->connected) {
		delivered(r);
		push(r);
	}
}

/* ---- both ------------------------------------------------------------------------------------ */

/* Whoever opens may free them: a log can outlive the plan that it was opened by. */
static void copy_texts(struct logs_remote *to)
{
	to->tag = xstrdup(to->tag);
	to->container = xstrdup(to->container);
	to->id = xstrdup(to->id);
	to->image = xstrdup(to->image);
	to->path = to->path ? xstrdup(to->path) : NULL;
}

struct delivery *delivery_open(struct ev_loop *loop, const struct logs_remote *to,
			       delivery_say_fn *say, void *arg)
{
	struct delivery *r = xcalloc(1, sizeof(*r));

	*r = (struct delivery){ .loop = loop, .to = *to, .fd = -1, .say = say, .arg = arg };
	copy_texts(&r->to);
	if (gethostname(r->host, sizeof(r->host) - 1) < 0)
		strcpy(r->host, "-");
	r->from = (struct message_from){ .host = r->host, .pid = getpid() };
	if (to->journald || to->way == LOGS_SOCKET)
		set_path(&r->address, to->path	     ? to->path
				      : to->journald ? JOURNAL_SOCKET
						     : SYSLOG_SOCKET);
	else
		set_ip(&r->address, &to->ip, to->port);
	ev_init(&r->io, ready_cb);
	ev_init(&r->again, again_cb);
	r->io.data = r->again.data = r;
	r->stream = !to->journald &&
		    (to->way == LOGS_TCP || (to->way == LOGS_SOCKET && is_stream_socket(r)));
	if (r->stream)
		begin(r);
	return r;
}

void delivery_send(struct delivery *r, const struct logs_line *line)
{
	struct buf b = { 0 };

	if (r->to.journald)
		message_journald(&b, &r->to, line);
	else
		message_syslog(&b, &r->to, &r->from, line);
	if (r->stream)
		send_on_stream(r, &b);
	else
		send_datagram(r, &b);
	buf_fini(&b);
}

uint64_t delivery_dropped(const struct delivery *r)
{
	return r->dropped;
}

void delivery_carry(const struct delivery *r, struct carry *to)
{
	size_t from = r->sent;

	while (from > 0 && r->waiting.data[from - 1] != '\n')
		from--;
	if (r->waiting.len > from)
		carry_put_bytes(to, "waiting", r->waiting.data + from, r->waiting.len - from);
	carry_put_num(to, "lost", (int64_t)r->lost);
	carry_put_num(to, "dropped", (int64_t)r->dropped);
}

/* It goes out when there is a connection. */
void delivery_resume(struct delivery *r, const struct carry *from)
{
	size_t len;
	const char *waiting = carry_bytes(from, "waiting", &len);

	if (r->stream && waiting)
		buf_add(&r->waiting, waiting, len);
	r->lost = (uint64_t)carry_num(from, "lost", 0);
	r->dropped = (uint64_t)carry_num(from, "dropped", 0);
}

void delivery_close(struct delivery *r)
{
	if (!r)
		return;
	if (r->connected)
		push(r);
	ev_io_stop(r->loop, &r->io);
	ev_timer_stop(r->loop, &r->again);
	cleanup_fd(&r->fd);
	buf_fini(&r->waiting);
	free((char *)r->to.tag);
	free((char *)r->to.container);
	free((char *)r->to.id);
	free((char *)r->to.image);
	free((char *)r->to.path);
	free(r);
}
