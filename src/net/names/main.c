/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mstack-net: the process that reads what containers send to their DNS server, so that the one which owns them need not. Started
 * by the room net, see net/helper.h for what it is told.
 */
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mstack/shed.h"
#include "net/names/nameserver.h"

/* To whoever started us, who tells it on. */
static int complain(const struct err *err)
{
	(void)send(STDIN_FILENO, err->text, strlen(err->text), MSG_NOSIGNAL | MSG_DONTWAIT);
	return 1;
}

static bool is_ours(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_SEQPACKET;
}

int main(int argc, char **argv)
{
	struct names *n = xcalloc(1, sizeof(*n));
	struct err err = { 0 };
	int rc = 2;

	n->desk = -1;
	for (int i = 1; i < argc; i++) {
		n->outside = n->outside || !strcmp(argv[i], HELPER_OUTSIDE);
		n->outlives = n->outlives || !strcmp(argv[i], HELPER_OUTLIVES);
	}

	if (!is_ours(STDIN_FILENO))
		fputs(HELPER_NAME ": this program is started by mstack\n", stderr);
	else if (shed_descriptors(STDERR_FILENO + 1) < 0 || names_open(n, &err) < 0 ||
		 names_confine(n, &err) < 0 ||
		 source_open(n, &n->control, STDIN_FILENO, EPOLLIN) < 0)
		rc = complain(&err);
	else
		rc = names_run(n);
	names_close(n);
	free(n);
	return rc;
}
