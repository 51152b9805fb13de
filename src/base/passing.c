/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * passing: a message with a descriptor over a socket, sent and received. Called wherever one process makes something for another.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "mstack/base.h"

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

int fd_send(int sock, const void *data, size_t len, int fd)
{
	union control control = { 0 };
	struct iovec part = { (void *)(uintptr_t)data, len };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c;

		m.msg_control = &control;
		m.msg_controllen = sizeof(control.space);
		c = CMSG_FIRSTHDR(&m);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}

/* A message has one descriptor; the padding has room for a second one, which only somebody strange sends. */
static int only_one(struct msghdr *m)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			cleanup_fd(&fd);
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		}
	}
	return fd;
}

ssize_t fd_receive(int sock, void *data, size_t len, int flags, int *ret_fd)
{
	union control control = { 0 };
	struct iovec part = { data, len };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control.space) };
	ssize_t got = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | flags);

	*ret_fd = got < 0 ? -1 : only_one(&m);
	return got;
}
