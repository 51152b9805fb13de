/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * porchproc: the porch itself, a child of ours that was forked in the host's network and stays there; and its spare, which is the same and has
 * been asked for nothing yet. One loop; nothing waits but poll.
 * Whoever is at the desk is trusted with nothing but sockets without an address, as mstack-net of a stack of root's makes them by
 * itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/net.h"
#include "net/porch.h"
#include "net/wayout.h"

struct porch {
	int sock, desk, children; /* children: a signal descriptor */
	struct wayout way;
	bool way_told;
};

/* ---- answers --------------------------------------------------------------------------------- */

static uint16_t first_port(void)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	if (file_read(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", 16, &b) < 0)
		return 1024;
	return (uint16_t)atoi(buf_str(&b));
}

static void answer_bind(const struct porch *p, const struct porch_message *m)
{
	const struct net_publish_spec pub = { .protocol = m->protocol,
					      .host_ip = m->ip,
					      .host_port = m->port };
	struct porch_message answer = { .kind = PORCH_BOUND };
	_cleanup_fd_ int fd = hold_bind(&pub, true);

	if (fd < 0) {
		answer.error = errno;
		answer.floor = first_port();
	}
	(void)fd_send(p->sock, &answer, sizeof(answer), fd);
}

/* Without an address: for who sends from the host's network, as root's supervisor does by itself. */
static int plain_socket(const struct porch_wish *w)
{
	if ((w->family != AF_INET && w->family != AF_INET6) ||
	    (w->type != SOCK_STREAM && w->type != SOCK_DGRAM)) {
		errno = EINVAL;
		return -1;
	}
	return socket(w->family, w->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void answer_socket(const struct porch *p, const struct porch_message *m)
{
	_cleanup_fd_ int fd = plain_socket(&m->wish);
	const struct porch_message answer = { .kind = PORCH_BOUND, .error = fd < 0 ? errno : 0 };

	(void)fd_send(p->sock, &answer, sizeof(answer), fd);
}

static void tell(const struct porch *p, enum porch_kind kind, int error, const char *text)
{
	struct porch_message m = { .kind = kind, .error = error };

	snprintf(m.text, sizeof(m.text), "%s", text);
	(void)fd_send(p->sock, &m, sizeof(m), -1);
}

/* The first that is known is waited for; later it is news. Tries that fail are none. */
static void tell_way(struct porch *p, enum wayout_news news)
{
	_cleanup_free_ char *text = NULL;

	if (news == WAYOUT_NOTHING)
		return;
	if (!p->way_told)
		tell(p, PORCH_WAY_IS, news != WAYOUT_IS, p->way.words);
	else if (news == WAYOUT_IS)
		tell(p, PORCH_NOTE, 0, "way out: it is there again");
	else if (news == WAYOUT_GONE) {
		text = xasprintf("way out: %s: it is started again", p->way.words);
		tell(p, PORCH_NOTE, 0, text);
	}
	p->way_told = true;
}

static void begin_way(struct porch *p, int net)
{
	if (p->way.has_net)
		return;
	tell_way(p, wayout_begin(&p->way, net) < 0 ? WAYOUT_NOT : wayout_look(&p->way));
}

/* A child of the supervisor's as we are: it lives when we do not. Who asks us for one is asked by nobody else, so we are the porter. */
static void fork_spare(int sock)
{
	struct clone_args args = { .flags = CLONE_PARENT };

	prctl(PR_SET_NAME, PORCH_NAME);
	if (syscall(SYS_clone3, &args, sizeof(args)) == 0)
		porch_live(sock);
}

/* ---- what is heard --------------------------------------------------------------------------- */

/* False: nobody is there any more. */
static bool hear(struct porch *p)
{
	struct porch_message m = { 0 };
	_cleanup_fd_ int fd = -1;
	ssize_t n = fd_receive(p->sock, &m, sizeof(m), 0, &fd);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	if (n != sizeof(m))
		return true;
	if (m.kind == PORCH_BIND) {
		answer_bind(p, &m);
	} else if (m.kind == PORCH_SOCKET) {
		answer_socket(p, &m);
	} else if (m.kind == PORCH_WAY && fd >= 0) {
		begin_way(p, fd);
	} else if (m.kind == PORCH_SPARE && fd >= 0) {
		fork_spare(fd);
	} else if (m.kind == PORCH_DESK && fd >= 0) {
		/* Who does not take what was wished for is hung up on, and not waited for. */
		fd_nonblock(fd, true);
		cleanup_fd(&p->desk);
		p->desk = take_fd(&fd);
	}
	return true;
}

static void hear_desk(struct porch *p)
{
	struct porch_wish wish = { 0 };
	_cleanup_fd_ int sent = -1, fd = -1;
	ssize_t n = fd_receive(p->desk, &wish, sizeof(wish), MSG_DONTWAIT, &sent);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == sizeof(wish)) {
		fd = plain_socket(&wish);
		n = fd_send(p->desk, "", 1, fd);
	} else {
		n = -1;
	}
	if (n < 0)
		cleanup_fd(&p->desk);
}

static void hear_children(const struct porch *p)
{
	struct signalfd_siginfo si;

	while (read(p->children, &si, sizeof(si)) > 0)
		;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int patience(const struct porch *p)
{
	uint64_t now = time_mono_ms(), at = p->way.has_net ? p->way.again_ms : 0;

	return !at ? -1 : at <= now ? 0 : (int)(at - now);
}

static void run(struct porch *p)
{
	enum { SOCK, DESK, CHILDREN, READY, SAID, N };

	for (;;) {
		struct pollfd fds[N] = {
			[SOCK] = { p->sock, POLLIN, 0 },
			[DESK] = { p->desk, POLLIN, 0 },
			[CHILDREN] = { p->children, POLLIN, 0 },
			/* Before pasta opens it, and after, there is nobody, which poll would tell all the time. */
			[READY] = { p->way.up ? -1 : p->way.ready, POLLIN, 0 },
			[SAID] = { p->way.said, POLLIN, 0 },
		};

		if (poll(fds, N, patience(p)) < 0 && errno != EINTR)
			return;
		if (fds[SOCK].revents && !hear(p))
			return;
		if (fds[DESK].revents && p->desk == fds[DESK].fd)
			hear_desk(p);
		if (fds[CHILDREN].revents)
			hear_children(p);
		if (p->way.has_net)
			tell_way(p, wayout_look(&p->way));
	}
}

/* Nothing of the supervisor's but the socket: whoever waits for its end must hear it. */
static int settle(int sock)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), own;

	setsid();
	prctl(PR_SET_NAME, PORCH_SPARE_NAME);
	for (int i = 0; null >= 0 && i < 3; i++)
		dup2(null, i);
	own = fcntl(sock, F_DUPFD_CLOEXEC, 3);
	if (own != 3) {
		dup3(own, 3, O_CLOEXEC);
		own = 3;
	}
	syscall(SYS_close_range, 4, ~0U, 0);
	return own;
}

static void tell_here(const struct porch *p)
{
	const struct porch_message m = { .kind = PORCH_HERE, .pid = getpid() };
	_cleanup_fd_ int self = (int)syscall(SYS_pidfd_open, getpid(), 0);

	(void)fd_send(p->sock, &m, sizeof(m), self);
}

void porch_live(int sock)
{
	struct porch p = { .sock = settle(sock), .desk = -1, .way = { .ready = -1, .said = -1 } };
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	p.children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	tell_here(&p);
	if (p.children >= 0)
		run(&p);
	wayout_end(&p.way);
	_exit(0);
}
