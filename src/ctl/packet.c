/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet: one message as bytes and descriptors, and back. Called by both sides, and by call.c. What
 * comes in is the word of a stranger: every length is checked, nothing is half taken over, and a
 * descriptor that came with a packet which is refused is closed.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "mstack/ctl.h"

#define MAGIC 0x6b74736du /* "mstk"; both ends are on one machine, so the byte order is its own */

struct header {
	uint32_t magic, version;
	uint32_t type, id, flags;
	uint32_t body_len;
};

/* How long descriptors that others hand over may be on their way. */
enum { TRIES = 1000, TRY_US = 10000 };

union fd_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * CTL_FDS_MAX)];
};

void ctl_msg_fini(struct ctl_msg *m)
{
	if (!m)
		return;
	json_decref(m->body);
	for (size_t i = 0; i < m->n_fds; i++)
		cleanup_fd(&m->fds[i]);
	*m = (struct ctl_msg){ 0 };
}

/* ---- sending --------------------------------------------------------------------------------- */

static void attach_fds(struct msghdr *mh, union fd_space *space, const struct ctl_msg *m)
{
	struct cmsghdr *c;

	if (m->n_fds == 0)
		return;
	*space = (union fd_space){ 0 };
	mh->msg_control = space->bytes;
	mh->msg_controllen = CMSG_SPACE(sizeof(int) * m->n_fds);
	c = CMSG_FIRSTHDR(mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * m->n_fds);
	memcpy(CMSG_DATA(c), m->fds, sizeof(int) * m->n_fds);
}

/*
 * Of one user no more descriptors may be on their way than the sender may have open (unix(7), ETOOMANYREFS), and a supervisor of his that hands all of a
 * stack over to its guard has so many for a moment. Who may wait waits.
 */
static bool wait_for_others(int fd, unsigned *tries)
{
	if (errno != ETOOMANYREFS || ++*tries > TRIES || fcntl(fd, F_GETFL) & O_NONBLOCK)
		return false;
	usleep(TRY_US);
	return true;
}

int ctl_send(int fd, const struct ctl_msg *m, struct err *err)
{
	struct header h = { MAGIC, CTL_VERSION, m->type, m->id, m->flags, 0 };
	char body[CTL_BODY_MAX];
	struct iovec iov[] = { { &h, sizeof(h) }, { body, 0 } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = ARRAY_LEN(iov) };
	union fd_space space;
	unsigned tries = 0;
	ssize_t n;

	assert(m->n_fds <= CTL_FDS_MAX);
	assert(!m->body || json_is_object(m->body));
	if (m->body) {
		size_t len = json_dumpb(m->body, body, sizeof(body), JSON_COMPACT);

		if (len == 0 || len > sizeof(body))
			return err_sys(err, EMSGSIZE,
				       "control message %u: body of %zu bytes, at most %d go",
				       (unsigned)m->type, len, CTL_BODY_MAX);
		h.body_len = (uint32_t)len;
		iov[1].iov_len = len;
	}
	attach_fds(&mh, &space, m);
	do
		n = sendmsg(fd, &mh, MSG_NOSIGNAL);
	while (n < 0 && (errno == EINTR || wait_for_others(fd, &tries)));
	if (n < 0 && errno == EAGAIN)
		return 1;
	if (n < 0)
		return err_sys(err, errno, "control message %u: send", (unsigned)m->type);
	return 0;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void collect_fds(struct msghdr *mh, struct ctl_msg *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		const unsigned char *data = CMSG_DATA(c);
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		/*
		 * The kernel makes one header of all; the space that it was given holds no more
		 * than the limit.
		 */
		assert(m->n_fds + n <= CTL_FDS_MAX);
		memcpy(&m->fds[m->n_fds], data, n * sizeof(int));
		m->n_fds += n;
	}
}

static int parse(const struct msghdr *mh, const struct header *h, const char *body, size_t n,
		 struct ctl_msg *m, struct err *err)
{
	json_error_t why;

	if (n < sizeof(*h) || h->magic != MAGIC)
		return err_sys(err, EBADMSG, "control message: not a message of mstack");
	if (h->version != CTL_VERSION)
		return err_sys(
			err, EPROTONOSUPPORT,
			"control message: the other side speaks version %u, this one %u: use the same mstack",
			h->version, CTL_VERSION);
	if (mh->msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return err_sys(err, EBADMSG, "control message %u: too long or too many descriptors",
			       h->type);
	if (h->body_len != n - sizeof(*h))
		return err_sys(err, EBADMSG, "control message %u: says %u bytes, has %zu", h->type,
			       h->body_len, n - sizeof(*h));
	if (h->body_len > 0) {
		m->body = json_loadb(body, h->body_len, JSON_REJECT_DUPLICATES, &why);
		if (!json_is_object(m->body))
			return err_sys(err, EBADMSG,
				       "control message %u: its body is no JSON object", h->type);
	}
	m->type = h->type;
	m->id = h->id;
	m->flags = h->flags;
	return 0;
}

/* A reset is told ahead of the packets that came before it, once; they are still there. */
static ssize_t receive(int fd, struct msghdr *mh)
{
	size_t space = mh->msg_controllen;
	ssize_t n;

	do {
		mh->msg_controllen = space;
		n = recvmsg(fd, mh, MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	return n;
}

int ctl_recv(int fd, struct ctl_msg *ret, struct err *err)
{
	_cleanup_(ctl_msg_fini) struct ctl_msg m = { 0 };
	struct header h = { 0 };
	char body[CTL_BODY_MAX];
	struct iovec iov[] = { { &h, sizeof(h) }, { body, sizeof(body) } };
	union fd_space space;
	struct msghdr mh = {
		.msg_iov = iov,
		.msg_iovlen = ARRAY_LEN(iov),
		.msg_control = space.bytes,
		.msg_controllen = sizeof(space.bytes),
	};
	ssize_t n = receive(fd, &mh);

	if (n < 0 && errno == EAGAIN)
		return 1;
	if (n < 0)
		return err_sys(err, errno, "control message: receive");
	collect_fds(&mh, &m);
	/* An empty packet looks the same; nobody who speaks this protocol sends one. */
	if (n == 0)
		return 2;
	if (parse(&mh, &h, body, (size_t)n, &m, err) < 0)
		return -1;
	*ret = m;
	m = (struct ctl_msg){ 0 };
	return 0;
}
