/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl: settings of the container's own namespaces. Stage two writes them with the rights of the container's root. Some
 * belong to the container and yet only the host's root may write them (before Linux 6.11 those of ipc, at all times those of
 * uts): these are written by a helper, a process that stage one clones before it gives up its own rights, and that joins
 * the namespaces which stage two sends.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/child.h"
#include "box/sys.h"

/* ---- the helper ------------------------------------------------------------------------------ */

static int write_as_host(const struct child *c, uint32_t nr)
{
	_cleanup_fd_ int sys = openat(c->proc, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct launch_sysctl *s = &c->launch->sysctls[nr];

	return sys < 0 ? -1 : file_put(sys, s->path, s->value);
}

/* The number of a setting comes, with its ipc and uts namespace; an errno goes back. */
static int serve(const struct child *c, int sock)
{
	int fds[2], why = 0;
	uint32_t nr;

	if (sys_recv(sock, &nr, sizeof(nr), fds, ARRAY_LEN(fds)) != (ssize_t)sizeof(nr))
		return -1;
	if (nr >= c->launch->n_sysctls || setns(fds[0], CLONE_NEWIPC) < 0 ||
	    setns(fds[1], CLONE_NEWUTS) < 0 || write_as_host(c, nr) < 0)
		why = errno;
	cleanup_fd(&fds[0]);
	cleanup_fd(&fds[1]);
	return sys_send(sock, &why, sizeof(why), NULL, 0);
}

static _Noreturn void help(struct child *c, int sock)
{
	/* What is said to the supervisor ends with stage one and two. */
	cleanup_fd(&c->sock);
	if (!child_die_with_supervisor(c))
		while (!serve(c, sock))
			;
	_exit(0);
}

int child_begin_helper(struct child *c)
{
	_cleanup_fd_ int theirs = -1;
	int pair[2];
	pid_t pid;

	if (!c->ids.own || !c->launch->n_sysctls)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(&c->err, errno, "socket pair");
	c->helper = pair[0];
	theirs = pair[1];
	pid = sys_clone(0, -1, &c->helper_pidfd);
	if (pid < 0)
		return err_sys(&c->err, errno, "clone");
	if (!pid) {
		cleanup_fd(&c->helper);
		help(c, theirs);
	}
	return 0;
}

/* It ends with the last holder of the other end, which is stage two. */
int child_end_helper(struct child *c)
{
	siginfo_t si;

	if (c->helper < 0)
		return 0;
	cleanup_fd(&c->helper);
	waitid(P_PIDFD, (id_t)c->helper_pidfd, &si, WEXITED | __WALL);
	cleanup_fd(&c->helper_pidfd);
	return 0;
}

/* 0, or -1 with errno. */
static int ask_helper(const struct child *c, uint32_t nr)
{
	_cleanup_fd_ int ipc = openat(c->root, "proc/self/ns/ipc", O_RDONLY | O_CLOEXEC),
			 uts = openat(c->root, "proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	const int fds[] = { ipc, uts };
	int why = EPIPE;

	if (ipc < 0 || uts < 0 || sys_send(c->helper, &nr, sizeof(nr), fds, ARRAY_LEN(fds)) < 0)
		return -1;
	if (recv(c->helper, &why, sizeof(why), 0) != (ssize_t)sizeof(why))
		why = EPIPE;
	errno = why;
	return why ? -1 : 0;
}

/* ---- the step -------------------------------------------------------------------------------- */

static int put(const struct child *c, int sys, uint32_t nr)
{
	const struct launch_sysctl *s = &c->launch->sysctls[nr];

	if (!file_put(sys, s->path, s->value))
		return 0;
	return (errno == EACCES || errno == EPERM) && c->helper >= 0 ? ask_helper(c, nr) : -1;
}

/* Which settings of the network a user namespace has at all is for the kernel to say; net.core came with Linux 6.3. */
static void explain(struct child *c, const struct launch_sysctl *s, int why)
{
	static const char none[] = "not a setting of the container's own namespaces";

	if (why == ENOENT && c->ids.own && !strncmp(s->path, "net/", 4))
		err_set(&c->err,
			"'%s' is %s, or one that this kernel hides from user namespaces (those of "
			"net.core before Linux 6.3): leave it out, or write `userns_mode: host`",
			s->key, none);
	else if (why == ENOENT || why == EACCES)
		err_set(&c->err, "'%s' is %s", s->key, none);
	else
		err_sys(&c->err, why, "'%s' to '%s'", s->key, s->value);
	c->err.line = s->line;
}

int child_set_sysctls(struct child *c)
{
	_cleanup_fd_ int sys = sys_open_plain(c->root, "proc/sys", O_PATH | O_DIRECTORY);

	if (sys < 0)
		return err_sys(&c->err, errno, "open '/proc/sys'");
	for (uint32_t i = 0; i < c->launch->n_sysctls; i++) {
		if (!put(c, sys, i))
			continue;
		explain(c, &c->launch->sysctls[i], errno);
		return -1;
	}
	cleanup_fd(&c->helper);
	cleanup_fd(&c->helper_pidfd);
	return 0;
}
