/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * task: see task.h. Called by mounted.c and fill.c, before the loop runs.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/sys.h"
#include "box/task.h"

int task_answer(struct child *c, int answer, int fd)
{
	struct child_msg m = { .type = CHILD_READY, .pid = answer };

	return sys_send(c->sock, &m, sizeof(m), &fd, fd < 0 ? 0 : 1) < 0
		       ? err_sys(&c->err, errno, "report")
		       : 0;
}

/* Until it closes its end. -1 with errno 0 when it said nothing that counts. */
static int hear(int sock, int *ret_fd, struct err *err)
{
	struct child_msg m;
	int answer = -1, fd;
	ssize_t n;

	errno = 0;
	while ((n = sys_recv(sock, &m, sizeof(m), &fd, 1)) > 0) {
		if (n == (ssize_t)sizeof(m) && m.type == CHILD_READY) {
			answer = m.pid;
			cleanup_fd(ret_fd);
			*ret_fd = take_fd(&fd);
		} else if (n == (ssize_t)sizeof(m) && m.type == CHILD_FAIL) {
			m.err.text[sizeof(m.err.text) - 1] = '\0';
			*err = m.err;
			answer = -1;
			errno = ECANCELED;
		}
		cleanup_fd(&fd);
	}
	return answer;
}

int task_run(struct child *c, uint64_t namespaces, const struct child_step *steps, int *ret_fd,
	     struct err *err)
{
	_cleanup_fd_ int ours = -1, theirs = -1, pidfd = -1, fd = -1;
	struct err said = { 0 };
	int pair[2], answer;
	siginfo_t si;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "socket pair");
	ours = pair[0];
	theirs = c->sock = pair[1];
	pid = sys_clone(namespaces, -1, &pidfd);
	if (pid < 0)
		return err_sys(err, errno, "clone");
	if (!pid) {
		close(ours);
		child_run(c, steps);
	}
	cleanup_fd(&theirs);
	answer = hear(ours, &fd, &said);
	while (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | __WALL) < 0 && errno == EINTR)
		;
	if (answer < 0 && said.text[0]) {
		*err = said;
		return -1;
	}
	if (answer < 0)
		return err_set(err, "the process that does it was ended");
	if (ret_fd)
		*ret_fd = take_fd(&fd);
	return answer;
}
