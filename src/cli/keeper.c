/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper: see keeper.h. Called by run. It has a session of its own, so that no key and no signal for us reaches it, and holds two
 * descriptors: the terminal, and a socket whose other end only we have.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "cli/keeper.h"

enum { TERMINAL, SOCKET, FREE };

/* A byte is our word that all is well; the end of it is ours. */
static _Noreturn void keep(int terminal, int sock, const struct termios *saved)
{
	char word;
	ssize_t n;

	setsid();
	prctl(PR_SET_NAME, "mstack-keeper");
	terminal = fcntl(terminal, F_DUPFD, FREE);
	sock = fcntl(sock, F_DUPFD, FREE);
	dup2(terminal, TERMINAL);
	dup2(sock, SOCKET);
	close_range(FREE, ~0u, 0);
	while ((n = read(SOCKET, &word, 1)) < 0 && errno == EINTR)
		;
	if (n == 0)
		tcsetattr(TERMINAL, TCSANOW, saved);
	_exit(0);
}

int keeper_start(int fd)
{
	struct termios saved;
	int pair[2];
	pid_t pid;

	if (fd < 0 || tcgetattr(fd, &saved) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	pid = fork();
	if (!pid)
		keep(fd, pair[1], &saved);
	close(pair[1]);
	if (pid > 0)
		return pair[0];
	close(pair[0]);
	return -1;
}

void keeper_release(int keeper)
{
	if (keeper < 0)
		return;
	(void)!send(keeper, "", 1, MSG_NOSIGNAL);
	close(keeper);
}
