/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dial: what a probe needs to knock at a container without a process in it: a socket of its network, and its root. Called by sup
 * through box.h. Nothing here waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "box/runtime.h"

static int tcp_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
}

/*
 * A socket belongs to the network in which it was made (network_namespaces(7)). The one that the slot was born with is no help: to use
 * it again after a connection it would have to be torn off, which servers see as an error.
 */
static int socket_in(int netns, int home, int family)
{
	int fd, sys;

	if (setns(netns, CLONE_NEWNET) < 0)
		return -1;
	fd = tcp_socket(family);
	sys = errno;
	/* Whatever we did from here on would be done to the container's network. */
	if (setns(home, CLONE_NEWNET) < 0)
		abort();
	errno = sys;
	return fd;
}

int box_slot_dial(const struct box_slot *s, int family, struct err *err)
{
	int netns = box_slot_netns(s);
	int fd = netns < 0 ? tcp_socket(family) : socket_in(netns, s->rt->home, family);

	return fd < 0 ? err_sys(err, errno, "socket in the network of slot '%s'", s->name) : fd;
}

/* A child of ours that we have not reaped, so that the number means no other process. */
int box_root(const struct box_slot *s, struct err *err)
{
	pid_t pid = box_pid(s);
	char path[48];
	int fd;

	if (!pid)
		return err_set(err, "slot '%s' runs no container", s->name);
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, errno, "root of slot '%s'", s->name) : fd;
}
