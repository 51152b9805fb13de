/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bundle: see base_bundle.h. Sent by a supervisor to its guard in each turn in which something has changed, and by a guard to whoever takes
 * the stack up. Looks at no value of the tree. Both ends are of one user: what comes is checked for its form only.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mstack/base_bundle.h"

/* Of 253 that the kernel takes in one message (SCM_MAX_FD); the first packet has the tree beside them. */
enum { PORTION = 200 };

static const char magic[8] = "mstbndl1";

struct packet {
	char magic[8];
	uint32_t number, total, at;
	uint32_t none; /* nothing is kept any more */
};

/* ---- sending --------------------------------------------------------------------------------- */

static int send_packet(int sock, const struct packet *head, const int *fds, size_t n,
		       struct err *err)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE((PORTION + 1) * sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)(uintptr_t)head, sizeof(*head) };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	if (n) {
		struct cmsghdr *c = &control.align;

		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		*c = (struct cmsghdr){ CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	while (sendmsg(sock, &m, MSG_NOSIGNAL) < 0) {
		if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
			return 1;
		if (errno != EINTR)
			return err_sys(err, errno, "hand over");
	}
	return 0;
}

int bundle_send(int sock, uint32_t number, int tree, const int *fds, size_t n, struct err *err)
{
	struct packet head = { .number = number, .total = (uint32_t)n };
	int some[PORTION + 1] = { tree };
	size_t extra = 1;
	int rc;

	memcpy(head.magic, magic, sizeof(magic));
	do {
		size_t now = n - head.at < PORTION ? n - head.at : PORTION;

		if (now)
			memcpy(some + extra, fds + head.at, now * sizeof(*fds));
		rc = send_packet(sock, &head, some, now + extra, err);
		head.at += (uint32_t)now;
		extra = 0;
	} while (rc == 0 && head.at < n);
	return rc;
}

int bundle_send_none(int sock, uint32_t number, struct err *err)
{
	struct packet head = { .number = number, .none = 1 };

	memcpy(head.magic, magic, sizeof(magic));
	return send_packet(sock, &head, NULL, 0, err);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cleanup_fd(&fds[i]);
}

static void forget_next(struct bundle *p)
{
	if (p->begun)
		cleanup_fd(&p->next_tree);
	close_all(p->next_fds.v, p->next_fds.n);
	vec_fini(&p->next_fds);
	p->begun = false;
}

static void forget_whole(struct bundle *p)
{
	if (p->whole)
		cleanup_fd(&p->tree);
	close_all(p->fds.v, p->fds.n);
	vec_fini(&p->fds);
	p->whole = false;
}

void bundle_fini(struct bundle *p)
{
	forget_next(p);
	forget_whole(p);
}

/* The padding of a message has room for more than it may have: what is too much is closed. */
static void take_fds(struct cmsghdr *c, int *ret_fds, size_t *ret_n)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		if (*ret_n <= PORTION)
			ret_fds[(*ret_n)++] = fd;
		else
			close(fd);
	}
}

/* *ret_fds holds PORTION + 1. EMFILE: there were more than may be open here. */
static ssize_t receive(int sock, struct packet *ret, int *ret_fds, size_t *ret_n)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE((PORTION + 1) * sizeof(int))];
	} control;
	struct iovec part = { ret, sizeof(*ret) };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n;

	*ret_n = 0;
	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			take_fds(c, ret_fds, ret_n);
	if (!(m.msg_flags & (MSG_CTRUNC | MSG_TRUNC)))
		return n;
	close_all(ret_fds, *ret_n);
	*ret_n = 0;
	errno = m.msg_flags & MSG_CTRUNC ? EMFILE : EMSGSIZE;
	return -1;
}

/* A first packet begins anew, whatever came before it. False: it does not belong here. */
static bool add(struct bundle *p, const struct packet *head, int *fds, size_t n)
{
	if (!head->at) {
		if (!n)
			return false;
		forget_next(p);
		p->begun = true;
		p->awaited = head->total;
		p->next_tree = take_fd(&fds[0]);
		fds++;
		n--;
	}
	if (!p->begun || head->at != p->next_fds.n || head->total != p->awaited ||
	    n > p->awaited - p->next_fds.n)
		return false;
	for (size_t i = 0; i < n; i++)
		vec_push(&p->next_fds, take_fd(&fds[i]));
	return true;
}

/* What is kept is closed only when the next one is whole. */
static void settle(struct bundle *p)
{
	forget_whole(p);
	p->tree = take_fd(&p->next_tree);
	p->fds = p->next_fds;
	p->next_fds = (struct bundle_fds){ 0 };
	p->begun = false;
	p->whole = true;
}

enum bundle_got bundle_recv(int sock, struct bundle *p)
{
	int fds[PORTION + 1];
	struct packet head = { 0 };
	size_t n;
	ssize_t len = receive(sock, &head, fds, &n);
	bool fits;

	if (len < 0 && errno == EAGAIN)
		return BUNDLE_EMPTY;
	if (len < 0 && errno == EMFILE) {
		p->number = head.number;
		forget_next(p);
		return BUNDLE_CUT;
	}
	if (len != sizeof(head) || memcmp(head.magic, magic, sizeof(magic)) != 0) {
		close_all(fds, n);
		return BUNDLE_CLOSED;
	}
	p->number = head.number;
	if (head.none) {
		close_all(fds, n);
		bundle_fini(p);
		return BUNDLE_NONE;
	}
	fits = add(p, &head, fds, n);
	close_all(fds, n);
	if (!fits)
		forget_next(p);
	if (!fits || p->next_fds.n < p->awaited)
		return BUNDLE_PART;
	settle(p);
	return BUNDLE_WHOLE;
}

/* ---- opening --------------------------------------------------------------------------------- */

struct carry *bundle_open(struct bundle *p, struct err *err)
{
	struct carry *tree = p->whole ? carry_read(p->tree, err) : NULL;

	if (!p->whole)
		err_set(err, "what is carried over: it did not come whole");
	if (!tree)
		return NULL;
	if (carry_set_fds(tree, p->fds.v, p->fds.n, err) < 0) {
		carry_free(tree);
		return NULL;
	}
	cleanup_fd(&p->tree);
	vec_fini(&p->fds);
	p->whole = false;
	return tree;
}
