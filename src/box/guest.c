/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest: a cloned child as the supervisor sees it: its socket, its processes, its deadline. Called
 * by slot.c, start.c and exec.c, which decide what the facts mean. Reaps with waitid on a pidfd, so
 * no other child of ours is ever touched.
 */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/runtime.h"
#include "box/sys.h"

/* ---- processes ------------------------------------------------------------------------------- */

static int wait_status(const siginfo_t *si)
{
	switch (si->si_code) {
	case CLD_EXITED:
		return W_EXITCODE(si->si_status, 0);
	case CLD_DUMPED:
		return si->si_status | WCOREFLAG;
	default:
		return si->si_status;
	}
}

/* True when it was reaped by this call. */
static bool reap(struct guest_proc *p)
{
	siginfo_t si = { 0 };

	if (!p->pid || p->gone)
		return false;
	if (waitid(P_PIDFD, (id_t)p->fd, &si, WEXITED | WNOHANG | __WALL) < 0) {
		/* Somebody else's: taken up from a supervisor that is no more, or reaped as a stranger. */
		if (errno != ECHILD || !sys_pidfd_ended(p->fd))
			return false;
		if (!p->status && !sys_pidfd_status(p->fd, p->pid, &p->status))
			p->status = SIGKILL; /* that it is gone is all that is known */
	} else if (!si.si_pid) {
		return false;
	} else {
		p->status = wait_status(&si);
	}
	p->gone = true;
	ev_io_stop(p->guest->slot->rt->loop, &p->io);
	return true;
}

static bool drain(struct guest *g);

static void on_proc(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct guest_proc *p = w->data;

	(void)loop;
	(void)revents;
	if (!reap(p))
		return;
	/* What it said before it ended comes first. */
	drain(p->guest);
	p->guest->changed(p->guest);
}

static void watch(struct guest *g, struct guest_proc *p, pid_t pid, int fd)
{
	*p = (struct guest_proc){ .guest = g, .pid = pid, .fd = fd };
	ev_io_init(&p->io, on_proc, fd, EV_READ);
	p->io.data = p;
	ev_io_start(g->slot->rt->loop, &p->io);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void hear(struct guest *g, const struct child_msg *m)
{
	int fd;

	switch ((enum child_msg_type)m->type) {
	case CHILD_PID:
		/* An unreaped child of ours: the number cannot mean another process. */
		fd = g->two.pid ? -1 : sys_pidfd_open(m->pid);
		if (fd >= 0) {
			watch(g, &g->two, m->pid, fd);
		} else if (!g->two.pid && !g->failed) {
			/* Too many open files: without a descriptor nobody would hear of its end. */
			err_sys(&g->err, errno, "watch the container");
			g->failed = true;
			kill(m->pid, SIGKILL);
		}
		break;
	case CHILD_READY:
		g->ready = true;
		break;
	case CHILD_FAIL:
		if (!g->failed)
			g->err = m->err;
		g->failed = true;
		break;
	case CHILD_GO:
	case CHILD_TERM:
	case CHILD_END:
	case CHILD_SIGNAL:
	case CHILD_LEAVE:
		break;
	}
}

/* Descriptors come once; what else comes is not kept. */
static void keep_fds(struct guest *g, int *fds)
{
	for (size_t i = 0; i < ARRAY_LEN(g->fds); i++) {
		if (g->fds[i] < 0)
			g->fds[i] = take_fd(&fds[i]);
		cleanup_fd(&fds[i]);
	}
}

/* Hears all that it has said up to now. True when there was anything, its end included. */
static bool drain(struct guest *g)
{
	struct child_msg m;
	int fds[ARRAY_LEN(g->fds)];
	bool any = false;
	ssize_t n;

	while (!g->eof) {
		n = sys_recv(g->sock, &m, sizeof(m), fds, ARRAY_LEN(fds));
		if (n < 0 && errno == EAGAIN)
			break;
		/*
		 * It ended before it read what we sent. The kernel tells this once, ahead of what
		 * it had said before.
		 */
		if (n < 0 && errno == ECONNRESET)
			continue;
		any = true;
		if (n == (ssize_t)sizeof(m)) {
			keep_fds(g, fds);
			m.err.text[sizeof(m.err.text) - 1] = '\0';
			hear(g, &m);
			continue;
		}
		g->eof = true;
		ev_io_stop(g->slot->rt->loop, &g->io);
		cleanup_fd(&g->sock);
	}
	return any;
}

static void on_sock(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct guest *g = w->data;

	(void)loop;
	(void)revents;
	drain(g);
	g->changed(g);
}

static void on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct guest *g = w->data;

	(void)loop;
	(void)revents;
	if (!g->failed)
		err_kind(&g->err, ERR_CREATE, "not ready after %.0f s", BOX_DEADLINE_S);
	g->failed = true;
	guest_kill(g);
	g->changed(g);
}

/* ---- life ------------------------------------------------------------------------------------ */

int guest_go(struct guest *g)
{
	struct child_msg m = { .type = CHILD_GO };

	return sys_send(g->sock, &m, sizeof(m), NULL, 0);
}

static void start_watching(struct guest *g, pid_t pid, int pidfd)
{
	struct ev_loop *loop = g->slot->rt->loop;

	watch(g, &g->one, pid, pidfd);
	ev_io_init(&g->io, on_sock, g->sock, EV_READ);
	g->io.data = g;
	ev_io_start(loop, &g->io);
	ev_timer_init(&g->deadline, on_deadline, BOX_DEADLINE_S, 0.);
	g->deadline.data = g;
	ev_timer_start(loop, &g->deadline);
}

int guest_begin(struct guest *g, struct box_slot *s, guest_fn *changed, uint64_t namespaces,
		struct child *c, const struct child_step *steps, bool go, struct err *err)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	int pair[2], pidfd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "socket pair");
	ours = pair[0];
	theirs = pair[1];
	*g = (struct guest){ .slot = s, .changed = changed, .sock = ours };
	g->one.fd = g->two.fd = -1;
	for (size_t i = 0; i < ARRAY_LEN(g->fds); i++)
		g->fds[i] = -1;
	if (fd_nonblock(ours, true) < 0 || (go && guest_go(g) < 0))
		return err_sys(err, errno, "prepare the socket");
	c->sock = theirs;
	pid = sys_clone(namespaces, s->cgroup.fd, &pidfd);
	if (pid < 0)
		return err_sys(err, errno, "clone into cgroup '%s'",
			       s->cgroup.path ? s->cgroup.path : "of our own");
	if (!pid)
		child_run(c, steps);
	g->sock = take_fd(&ours);
	g->begun = true;
	start_watching(g, pid, pidfd);
	return 0;
}

void guest_resume(struct guest *g, struct box_slot *s, guest_fn *changed, pid_t pid, int pidfd,
		  int status)
{
	*g = (struct guest){ .slot = s, .changed = changed, .sock = -1, .begun = true };
	g->ready = g->eof = g->one.gone = true;
	g->one.fd = -1;
	for (size_t i = 0; i < ARRAY_LEN(g->fds); i++)
		g->fds[i] = -1;
	watch(g, &g->two, pid, pidfd);
	g->two.status = status;
}

void guest_kill(struct guest *g)
{
	if (g->begun && g->one.pid && !g->one.gone)
		sys_pidfd_kill(g->one.fd, SIGKILL);
	if (g->begun && g->two.pid && !g->two.gone)
		sys_pidfd_kill(g->two.fd, SIGKILL);
}

void guest_hang_up(struct guest *g)
{
	if (g->begun && g->sock >= 0)
		shutdown(g->sock, SHUT_RDWR);
}

bool guest_settled(const struct guest *g)
{
	return !g->begun || (g->eof && g->one.gone && (!g->two.pid || g->two.gone));
}

bool guest_is_untold(const struct guest *g)
{
	return !g->two.pid && g->one.status != W_EXITCODE(125, 0);
}

void guest_catch_up(struct guest *g)
{
	if (g->begun && drain(g))
		g->changed(g);
}

bool guest_claim(struct guest *g, pid_t pid)
{
	struct guest_proc *p = g->one.pid == pid && !g->one.gone   ? &g->one
			       : g->two.pid == pid && !g->two.gone ? &g->two
								   : NULL;

	if (!g->begun || !p || !reap(p))
		return false;
	drain(g);
	g->changed(g);
	return true;
}

void guest_fini(struct guest *g)
{
	struct ev_loop *loop;

	if (!g->begun)
		return;
	loop = g->slot->rt->loop;
	ev_io_stop(loop, &g->io);
	ev_timer_stop(loop, &g->deadline);
	ev_io_stop(loop, &g->one.io);
	if (g->two.pid)
		ev_io_stop(loop, &g->two.io);
	cleanup_fd(&g->sock);
	cleanup_fd(&g->one.fd);
	cleanup_fd(&g->two.fd);
	for (size_t i = 0; i < ARRAY_LEN(g->fds); i++)
		cleanup_fd(&g->fds[i]);
	g->begun = false;
}
