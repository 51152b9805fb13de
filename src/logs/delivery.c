/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * delivery: see delivery.h. Datagrams go each to the address, so that a receiver may come and go, and wait when one is there that is slow. What waits has
 * limited room; when a stream breaks, the message that was cut goes again from its beginning, and lines that find no room are lost.
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
#include "logs/spool.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET  "/dev/log"
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
	size_t sent; /* bytes of the first message that waits */
	ev_timer again;
	struct spool waiting;
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

/* ---- what waits ------------------------------------------------------------------------------ */

/* False with errno: it cannot. */
static bool wait_for_room(struct delivery *r, const struct buf *b)
{
	if (!r->waiting.file && spool_open(&r->waiting) < 0)
		return false;
	errno = r->stream && !r->connected ? ENOTCONN : EAGAIN;
	return spool_put(&r->waiting, b);
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
	int type = stream ? SOCK_STREAM : SOCK_DGRAM, family = r->address.any.sa_family;

	if (r->to.socket && family != AF_UNIX)
		return r->to.socket(r->to.socket_arg, family, type);
	return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
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

/*
 * An error of an earlier datagram (nobody listens there) is told at the next one, which is then sent anew. The socket is made when it is needed, so that a
 * start without descriptors left costs lines and not the service.
 */
static int send_bytes(struct delivery *r, const struct buf *b)
{
	if (r->fd < 0)
		r->fd = open_socket(r, false);
	if (r->fd < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		if (sendto(r->fd, b->data, b->len, MSG_NOSIGNAL, &r->address.any, r->address.len) >=
		    0)
			return 0;
		if (errno != ECONNREFUSED && errno != EINTR)
			break;
	}
	return errno == EMSGSIZE && r->to.journald ? send_file(r, b) : -1;
}

/* Who is connected hears of room at the other end; each time anew, as another one may have come in its place. */
static void wait_for_receiver(struct delivery *r, bool slow)
{
	ev_io_stop(r->loop, &r->io);
	ev_timer_stop(r->loop, &r->again);
	if (slow && connect(r->fd, &r->address.any, r->address.len) == 0) {
		ev_io_set(&r->io, r->fd, EV_WRITE);
		ev_io_start(r->loop, &r->io);
	} else {
		ev_timer_set(&r->again, AGAIN_S, 0);
		ev_timer_start(r->loop, &r->again);
	}
}

static void push_datagrams(struct delivery *r)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	while (spool_first(&r->waiting, &b)) {
		if (send_bytes(r, &b) < 0) {
			wait_for_receiver(r, errno == EAGAIN);
			return;
		}
		spool_drop(&r->waiting);
		delivered(r);
	}
	ev_io_stop(r->loop, &r->io);
}

/* One that is slow is waited for. */
static void send_datagram(struct delivery *r, const struct buf *b)
{
	bool first = spool_is_empty(&r->waiting);

	if (first && send_bytes(r, b) == 0)
		delivered(r);
	else if ((first && errno != EAGAIN) || !wait_for_room(r, b))
		lose(r, 1, errno);
	else if (first)
		push_datagrams(r);
}

/* ---- streams --------------------------------------------------------------------------------- */

static void begin(struct delivery *r);

/* What was sent in part goes again as a whole: half a message is none. */
static void broken(struct delivery *r)
{
	ev_io_stop(r->loop, &r->io);
	cleanup_fd(&r->fd);
	r->connected = false;
	r->sent = 0;
	ev_timer_set(&r->again, AGAIN_S, 0);
	ev_timer_start(r->loop, &r->again);
}

/* As much as the receiver takes now; the loop goes on with the rest when there is room. */
static void push(struct delivery *r)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	while (spool_first(&r->waiting, &b)) {
		ssize_t n = send(r->fd, b.data + r->sent, b.len - r->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			broken(r);
			return;
		}
		r->sent += n > 0 ? (size_t)n : 0;
		if (r->sent < b.len) {
			ev_io_start(r->loop, &r->io);
			return;
		}
		spool_drop(&r->waiting);
		r->sent = 0;
	}
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
	if (!r->stream) {
		push_datagrams(r);
		return;
	}
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
	struct delivery *r = w->data;

	(void)loop;
	(void)revents;
	if (r->stream)
		begin(r);
	else
		push_datagrams(r);
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
static void send_on_stream(struct delivery *r, struct buf *b)
{
	buf_putc(b, '\n');
	if (!wait_for_room(r, b)) {
		lose(r, 1, errno);
	} else if (r->connected) {
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

	*r = (struct delivery){
		.loop = loop, .to = *to, .fd = -1, .waiting.fd = -1, .say = say, .arg = arg
	};
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
	/* By the loop: a program that is only tried out takes up what there is and runs none. */
	ev_timer_set(&r->again, 0, 0);
	if (r->stream)
		ev_timer_start(loop, &r->again);
	(void)spool_open(&r->waiting);
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
	spool_carry(&r->waiting, to);
	carry_put_num(to, "lost", (int64_t)r->lost);
	carry_put_num(to, "dropped", (int64_t)r->dropped);
}

static void resume_waiting(struct delivery *r, struct carry *from)
{
	struct spool had;
	size_t len;
	const char *text = carry_bytes(from, "waiting", &len); /* by an older program */
	struct buf all = { 0 };

	if (spool_resume(&had, from) > 0) {
		spool_close(&r->waiting);
		r->waiting = had;
	} else if (text && r->waiting.file) {
		buf_add(&all, text, len);
		spool_put(&r->waiting, &all);
		buf_fini(&all);
	}
}

/* It goes out by the loop, when there is a connection or room. */
void delivery_resume(struct delivery *r, struct carry *from)
{
	resume_waiting(r, from);
	if (!r->stream && !spool_is_empty(&r->waiting))
		ev_timer_start(r->loop, &r->again);
	r->lost = (uint64_t)carry_num(from, "lost", 0);
	r->dropped = (uint64_t)carry_num(from, "dropped", 0);
}

void delivery_close(struct delivery *r)
{
	if (!r)
		return;
	if (r->connected)
		push(r);
	else if (!r->stream)
		push_datagrams(r);
	ev_io_stop(r->loop, &r->io);
	ev_timer_stop(r->loop, &r->again);
	cleanup_fd(&r->fd);
	spool_close(&r->waiting);
	free((char *)r->to.tag);
	free((char *)r->to.container);
	free((char *)r->to.id);
	free((char *)r->to.image);
	free((char *)r->to.path);
	free(r);
}
