/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * escort: see escort.h. Cloned by enter.c with all signals blocked; ends with its command. Allocates
 * nothing. What comes from the container's side is looked at as coming from a stranger.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/escort.h"
#include "box/sys.h"

#define GRACE_MS 2000 /* from SIGHUP to SIGKILL, when the client is gone */

struct state {
	struct escort *e;
	int sock;     /* to the child's stages; -1 after its end */
	int one, two; /* pidfds; -1: none (any more) */
	int master;   /* the command's terminal, read once nobody else does */
	int status;
	bool ready, failed, cloned;
	uint64_t kill_at; /* 0: no */
	struct err err;
};

static void tell(struct state *s, enum child_msg_type type, int32_t number, const int *fd)
{
	struct child_msg m = { .type = type, .pid = number, .err = s->err };

	if (s->e->client >= 0)
		(void)sys_send(s->e->client, &m, sizeof(m), fd, fd ? 1 : 0);
}

/* ---- processes ------------------------------------------------------------------------------- */

static bool reap(int *pidfd, int *ret_status)
{
	siginfo_t si = { 0 };

	if (*pidfd < 0 || waitid(P_PIDFD, (id_t)*pidfd, &si, WEXITED | WNOHANG | __WALL) < 0 ||
	    !si.si_pid)
		return false;
	*ret_status = si.si_code == CLD_EXITED ? W_EXITCODE(si.si_status, 0) : si.si_status;
	cleanup_fd(pidfd);
	return true;
}

static void kill_both(struct state *s)
{
	if (s->one >= 0)
		sys_pidfd_kill(s->one, SIGKILL);
	if (s->two >= 0)
		sys_pidfd_kill(s->two, SIGKILL);
}

/* ---- the child ------------------------------------------------------------------------------- */

static void watch(struct state *s, pid_t pid)
{
	if (s->two >= 0)
		return;
	/* An unreaped child of ours: the number cannot mean another process. */
	s->two = sys_pidfd_open(pid);
	s->cloned = true;
	if (s->two >= 0)
		return;
	err_sys(&s->err, errno, "watch the command");
	s->failed = true;
	kill(pid, SIGKILL);
}

static void hear_child(struct state *s, const struct child_msg *m, int *fd)
{
	switch ((enum child_msg_type)m->type) {
	case CHILD_PID:
		watch(s, m->pid);
		break;
	case CHILD_TERM:
		if (s->master < 0 && *fd >= 0) {
			s->master = take_fd(fd);
			tell(s, CHILD_TERM, 0, &s->master);
		}
		break;
	case CHILD_READY:
		s->ready = true;
		break;
	case CHILD_FAIL:
		if (!s->failed)
			s->err = m->err;
		s->failed = true;
		break;
	case CHILD_GO:
	case CHILD_END:
	case CHILD_SIGNAL:
	case CHILD_LEAVE:
		break;
	}
}

/* Up to the end of file, which exec or the end of the child brings. */
static void read_child(struct state *s)
{
	struct child_msg m;
	int fd = -1;
	ssize_t n = sys_recv(s->sock, &m, sizeof(m), &fd, 1);

	if (n < 0 && (errno == EAGAIN || errno == ECONNRESET))
		return;
	if (n == (ssize_t)sizeof(m)) {
		m.err.text[sizeof(m.err.text) - 1] = '\0';
		hear_child(s, &m, &fd);
		cleanup_fd(&fd);
		return;
	}
	cleanup_fd(&fd);
	cleanup_fd(&s->sock);
	if (s->ready && !s->failed)
		tell(s, CHILD_READY, 0, NULL);
}

static int begin(struct state *s)
{
	struct child *c = &s->e->child;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    fd_nonblock(pair[0], true) < 0)
		return err_sys(&s->err, errno, "socket pair");
	s->sock = pair[0];
	c->sock = pair[1];
	pid = sys_clone(0, s->e->cgroup, &s->one);
	/*
	 * An ordinary user who is in a group that is not below the own ones, as after a login by ssh, may move nobody from there (cgroups(7)).
	 * In the container's namespace of processes the command is all the same, and ends with it.
	 */
	if (pid < 0 && errno == EACCES && s->e->child.level.nested)
		pid = sys_clone(0, -1, &s->one);
	if (pid < 0 && errno == EAGAIN)
		return err_set(&s->err,
			       "clone: no further process is allowed here: raise pids_limit");
	if (pid < 0)
		return err_sys(&s->err, errno, "clone into the container's cgroup");
	if (!pid)
		child_run(c, c->tables->exec_one);
	/* Their other ends are the command's alone. */
	cleanup_fd(&c->sock);
	cleanup_fd(&c->in);
	cleanup_fd(&c->out);
	cleanup_fd(&c->err_out);
	cleanup_fd(&c->join);
	cleanup_fd(&s->e->cgroup);
	return 0;
}

/* ---- the client ------------------------------------------------------------------------------ */

static void client_gone(struct state *s)
{
	cleanup_fd(&s->e->client);
	/* Not our session's terminal, so no job control keeps us from it. */
	if (s->e->user_term >= 0)
		tcsetattr(s->e->user_term, TCSANOW, &s->e->saved);
	cleanup_fd(&s->e->user_term);
	if (s->e->stays)
		return;
	/* As if a line had been cut: with its terminal the command's whole session hears of it. */
	cleanup_fd(&s->master);
	if (s->two >= 0)
		sys_pidfd_kill(s->two, SIGHUP);
	s->kill_at = time_mono_ms() + GRACE_MS;
}

static void read_client(struct state *s)
{
	struct child_msg m;
	ssize_t n = sys_recv(s->e->client, &m, sizeof(m), NULL, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n != (ssize_t)sizeof(m)) {
		client_gone(s);
	} else if (m.type == CHILD_SIGNAL && s->two >= 0) {
		sys_pidfd_kill(s->two, m.pid);
	} else if (m.type == CHILD_LEAVE) {
		s->e->stays = true;
		/* The client sets its terminal back itself. */
		cleanup_fd(&s->e->user_term);
	}
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* A terminal whose reader has left would fill up and stop the command. */
static void swallow(struct state *s)
{
	char block[4096];
	ssize_t n = read(s->master, block, sizeof(block));

	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
		cleanup_fd(&s->master);
}

static int patience(const struct state *s)
{
	uint64_t now = time_mono_ms();

	if (!s->kill_at)
		return -1;
	return s->kill_at > now ? (int)(s->kill_at - now) : 0;
}

static void turn(struct state *s)
{
	/*
	 * While the client is there, the terminal is its to read. Nobody is reaped before all is
	 * heard that it said.
	 */
	struct pollfd p[] = {
		{ s->sock, POLLIN, 0 },
		{ s->e->client, POLLIN, 0 },
		{ s->sock < 0 ? s->one : -1, POLLIN, 0 },
		{ s->sock < 0 ? s->two : -1, POLLIN, 0 },
		{ s->e->client < 0 ? s->master : -1, POLLIN, 0 },
	};
	int status = 0;

	if (poll(p, ARRAY_LEN(p), patience(s)) < 0)
		return;
	if (p[0].revents)
		read_child(s);
	if (p[1].revents)
		read_client(s);
	if (p[4].revents && s->e->client < 0 && s->master >= 0)
		swallow(s);
	if (s->kill_at && !patience(s)) {
		kill_both(s);
		s->kill_at = 0;
	}
	if (s->sock >= 0)
		return;
	if (reap(&s->one, &status) && !s->cloned)
		s->status = status;
	if (reap(&s->two, &status))
		s->status = status;
}

/* Of the client's descriptors none but those that are needed; not one of the host's terminal in 0 to 2. */
static void leave_client(struct escort *e)
{
	const struct child *c = &e->child;
	const int keep[] = { e->client, e->cgroup, e->user_term, c->proc,
			     c->join,	c->in,	   c->out,	 c->err_out };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	prctl(PR_SET_DUMPABLE, 0);
	for (int i = 0; null >= 0 && i < 3; i++)
		dup2(null, i);
	if (null < 0 || chdir("/") < 0 || sys_close_but(keep, ARRAY_LEN(keep)) < 0)
		_exit(125);
}

_Noreturn void escort_run(struct escort *e)
{
	struct state s = {
		.e = e, .sock = -1, .one = -1, .two = -1, .master = -1, .status = SIGKILL
	};

	leave_client(e);
	if (begin(&s) < 0)
		s.failed = true;
	while (s.sock >= 0 || s.one >= 0 || s.two >= 0)
		turn(&s);
	tell(&s, s.failed ? CHILD_FAIL : CHILD_END, s.status, NULL);
	_exit(0);
}
