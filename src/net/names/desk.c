/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * desk: sockets to servers of the host. We are in the host's network ourselves, but for a stack of an ordinary user's: then the porch of that
 * stack is, and makes them (net/porch.h). Called by forward.c.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/names/nameserver.h"
#include "net/porchwish.h"

int desk_socket(const struct names *n, int family, int type)
{
	const struct porch_wish wish = { family, type };
	ssize_t len;
	char done;
	int fd;

	if (!n->outside)
		return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->desk < 0 || fd_send(n->desk, &wish, sizeof(wish), -1) < 0)
		return -1;
	do
		len = fd_receive(n->desk, &done, sizeof(done), 0, &fd);
	while (len < 0 && errno == EINTR);
	return fd;
}
