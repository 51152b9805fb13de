/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * termguard: see termguard.h. Called by attach; a command of exec has its escort for this. It is in a session of its own, where
 * neither a hang-up nor job control reaches it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli/termguard.h"

/* A byte is the word that all is well; the end without it means that we were killed. */
static _Noreturn void guard_main(int from, int term, const struct termios *saved)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char byte;
	ssize_t n;

	setsid();
	prctl(PR_SET_NAME, "mstack-term");
	/* Of our own descriptors none may be held here, least of all the end of a pipeline. */
	dup2(from, STDERR_FILENO + 1);
	dup2(term, STDERR_FILENO + 2);
	for (int i = 0; i <= STDERR_FILENO; i++)
		dup2(null, i);
	close_range(STDERR_FILENO + 3, ~0U, 0);
	do
		n = read(STDERR_FILENO + 1, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		tcsetattr(STDERR_FILENO + 2, TCSANOW, saved);
	_exit(0);
}

int cli_termguard_begin(struct cli_termguard *ret, int fd, struct err *err)
{
	struct termios saved;
	int pair[2];
	pid_t pid;

	*ret = (struct cli_termguard){ .fd = -1 };
	if (fd < 0)
		return 0;
	if (tcgetattr(fd, &saved) < 0 || pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "terminal");
	pid = fork();
	if (!pid) {
		/* Out of the way of the numbers that they get. */
		int from = fcntl(pair[0], F_DUPFD_CLOEXEC, 16),
		    term = fcntl(fd, F_DUPFD_CLOEXEC, 16);

		close(pair[1]);
		guard_main(from, term, &saved);
	}
	close(pair[0]);
	if (pid < 0) {
		err_sys(err, errno, "process for the terminal");
		close(pair[1]);
		return -1;
	}
	*ret = (struct cli_termguard){ .fd = pair[1], .pid = pid };
	return 0;
}

void cli_termguard_end(struct cli_termguard *g)
{
	if (g->fd < 0)
		return;
	(void)!write(g->fd, "", 1);
	cleanup_fd(&g->fd);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
