/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * porch: our side of the processes in the host's network; see net_porch.h. Called by sup, by hold.c for ports and by helper.c for
 * mstack-net. What is asked for is answered by a process of ours that does nothing else, so it is waited for; one that does
 * not answer in time counts as dead, and its spare is asked.
 */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/homeward.h"
#include "net/net.h"
#include "net/porch.h"

enum { ANSWER_S = 20 };

/* The first wait before a spare that has died is forked anew, doubled with each that does not say that it is there. */
#define AGAIN_S	     0.1
#define AGAIN_LAST_S 60.0

/* Who stands on the porch; its number and its pidfd are known when it has said that it is there. */
struct porter {
	int sock; /* -1: there is none */
	pid_t pid;
	int pidfd;
	struct ev_io io;
};

struct net_porch {
	struct porter porter, spare;
	int net;       /* to which the way out leads; -1: it is not asked for yet */
	bool known;    /* how it stands with the way out */
	bool renewed;  /* the next that is heard of it is that of another porter */
	char why[200]; /* that there is none; "" */
	double again_s;
	struct ev_timer again; /* for a spare */
	struct ev_loop *loop;
	net_event_fn *fn;
	void *arg;
	void (*on_renewal)(void *arg);
	void *renewal_arg;
};

static void note(const struct net_porch *p, const char *text)
{
	if (p->fn)
		p->fn(p->arg, &(struct net_event){ .kind = NET_NOTE, .text = text });
}

/* Ours waits for no answer longer than that. */
static int make_pair(int *ret_ours, int *ret_theirs)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
	return 0;
}

/* ---- one process ----------------------------------------------------------------------------- */

static void porter_is_here(struct porter *w, const struct porch_message *m, int *fd)
{
	w->pid = m->pid;
	cleanup_fd(&w->pidfd);
	w->pidfd = take_fd(fd);
}

static void porter_kill(const struct porter *w)
{
	syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
}

static void porter_watch(struct net_porch *p, struct porter *w)
{
	if (!p->loop || w->sock < 0)
		return;
	ev_io_set(&w->io, w->sock, EV_READ);
	ev_io_start(p->loop, &w->io);
}

static void porter_unwatch(const struct net_porch *p, struct porter *w)
{
	if (p->loop)
		ev_io_stop(p->loop, &w->io);
}

/* It has died, or does not answer, and then it shall not come to itself later. Whoever reaps strangers reaps it. */
static void porter_drop(const struct net_porch *p, struct porter *w)
{
	porter_unwatch(p, w);
	cleanup_fd(&w->sock);
	if (w->pidfd >= 0)
		porter_kill(w);
	cleanup_fd(&w->pidfd);
	w->pid = 0;
}

/* `to` is none. */
static void porter_move(struct net_porch *p, struct porter *to, struct porter *from)
{
	porter_unwatch(p, from);
	to->sock = take_fd(&from->sock);
	to->pidfd = take_fd(&from->pidfd);
	to->pid = from->pid;
	from->pid = 0;
	porter_watch(p, to);
}

/*
 * It has been told that nobody is there any more, upon which it ends pasta and then itself. Also when it is no child of ours: one that was
 * forked for a supervisor who is no more.
 */
static void porter_await_end(struct porter *w)
{
	struct pollfd end = { .events = POLLIN };
	struct porch_message m = { 0 };
	siginfo_t si;
	int fd = -1;

	while (w->sock >= 0 && !w->pid && fd_receive(w->sock, &m, sizeof(m), 0, &fd) == sizeof(m)) {
		if (m.kind == PORCH_HERE)
			porter_is_here(w, &m, &fd);
		cleanup_fd(&fd);
	}
	cleanup_fd(&w->sock);
	end.fd = w->pidfd;
	if (w->pidfd < 0)
		return;
	while (poll(&end, 1, ANSWER_S * 1000) < 0 && errno == EINTR)
		;
	porter_kill(w);
	while (waitid(P_PIDFD, (id_t)w->pidfd, &si, WEXITED) < 0 && errno == EINTR)
		; /* ECHILD: it was reaped as a stranger */
	cleanup_fd(&w->pidfd);
}

/* ---- one after the other --------------------------------------------------------------------- */

static void call_later(struct net_porch *p)
{
	if (!p->loop)
		return;
	ev_timer_stop(p->loop, &p->again);
	ev_timer_set(&p->again, p->again_s, 0);
	ev_timer_start(p->loop, &p->again);
	p->again_s = p->again_s * 2 < AGAIN_LAST_S ? p->again_s * 2 : AGAIN_LAST_S;
}

/* The porter forks it. If it cannot, it closes the socket, as one that dies does. One who is dead already forks none. */
static void call_spare(struct net_porch *p)
{
	const struct porch_message m = { .kind = PORCH_SPARE };
	_cleanup_fd_ int theirs = -1;

	if (make_pair(&p->spare.sock, &theirs) < 0 ||
	    fd_send(p->porter.sock, &m, sizeof(m), theirs) < 0) {
		cleanup_fd(&p->spare.sock);
		call_later(p);
		return;
	}
	porter_watch(p, &p->spare);
}

/* What one who is dead is told is told to the next one, when it is heard that the first is dead. */
static void tell_porter(struct net_porch *p)
{
	const struct porch_message way = { .kind = PORCH_WAY };

	/* First of all. */
	call_spare(p);
	if (p->net >= 0)
		(void)fd_send(p->porter.sock, &way, sizeof(way), p->net);
}

static void nobody_is_left(struct net_porch *p)
{
	if (!p->known)
		snprintf(p->why, sizeof(p->why), PORCH_NAME " has ended");
	p->known = true;
	note(p,
	     "way out: " PORCH_NAME " and " PORCH_SPARE_NAME
	     " have ended: the stack has no way out any more and can publish no further port, until 'mstack down' "
	     "and 'mstack up'");
}

/* The next message: 1, 0 there is none at the moment, -1 it has ended. */
static int hear_porter(const struct porter *w, int flags, struct porch_message *ret, int *ret_fd)
{
	ssize_t n;

	do
		n = fd_receive(w->sock, ret, sizeof(*ret), flags, ret_fd);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(*ret)) {
		ret->text[sizeof(ret->text) - 1] = '\0';
		return 1;
	}
	cleanup_fd(ret_fd);
	return n < 0 && errno == EAGAIN && flags & MSG_DONTWAIT ? 0 : -1;
}

/*
 * One who was called and has not said that it is there may never come: while a process ends the kernel still takes in what is sent to it, and for a
 * moment more than one call to those who were never forked.
 */
static bool has_come(struct net_porch *p)
{
	struct porch_message m = { 0 };
	int fd = -1;

	if (p->spare.sock < 0 || p->spare.pid)
		return p->spare.sock >= 0;
	if (hear_porter(&p->spare, 0, &m, &fd) > 0 && m.kind == PORCH_HERE) {
		porter_is_here(&p->spare, &m, &fd);
		return true;
	}
	cleanup_fd(&fd);
	porter_drop(p, &p->spare);
	return false;
}

static void has_died(struct net_porch *p)
{
	porter_drop(p, &p->porter);
	if (!has_come(p)) {
		nobody_is_left(p);
		return;
	}
	porter_move(p, &p->porter, &p->spare);
	p->renewed = true;
	tell_porter(p);
	if (p->on_renewal)
		p->on_renewal(p->renewal_arg);
	note(p, "way out: " PORCH_NAME " has ended: another one takes its place");
}

static void on_again(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct net_porch *p = w->data;

	(void)loop;
	(void)revents;
	if (p->porter.sock >= 0 && p->spare.sock < 0)
		call_spare(p);
}

/* ---- what is heard --------------------------------------------------------------------------- */

static void take_way(struct net_porch *p, const struct porch_message *m)
{
	bool renewed = p->renewed;

	p->known = true;
	p->renewed = false;
	snprintf(p->why, sizeof(p->why), "%s", m->error ? m->text : "");
	if (renewed) {
		_cleanup_free_ char *text =
			xasprintf("way out: %s", m->error ? m->text : "it is there again");

		note(p, text);
	}
}

static void take(struct net_porch *p, const struct porch_message *m, int *fd)
{
	if (m->kind == PORCH_HERE)
		porter_is_here(&p->porter, m, fd);
	else if (m->kind == PORCH_WAY_IS)
		take_way(p, m);
	else if (m->kind == PORCH_NOTE)
		note(p, m->text);
	cleanup_fd(fd);
}

/* As hear_porter: after -1 there is another one, or none. */
static int hear(struct net_porch *p, int flags, struct porch_message *ret, int *ret_fd)
{
	int rc = hear_porter(&p->porter, flags, ret, ret_fd);

	if (rc < 0)
		has_died(p);
	return rc;
}

static void on_message(struct ev_loop *loop, ev_io *w, int revents)
{
	struct net_porch *p = w->data;
	struct porch_message m;
	int fd = -1;

	(void)loop;
	(void)revents;
	while (p->porter.sock >= 0 && hear(p, MSG_DONTWAIT, &m, &fd) > 0)
		take(p, &m, &fd);
}

static void on_spare(struct ev_loop *loop, ev_io *w, int revents)
{
	struct net_porch *p = w->data;
	struct porch_message m;
	int fd = -1, rc = hear_porter(&p->spare, MSG_DONTWAIT, &m, &fd);

	(void)loop;
	(void)revents;
	if (rc > 0 && m.kind == PORCH_HERE) {
		porter_is_here(&p->spare, &m, &fd);
		p->again_s = AGAIN_S;
	}
	cleanup_fd(&fd);
	if (rc < 0) {
		porter_drop(p, &p->spare);
		call_later(p);
	}
}

/* ---- its life -------------------------------------------------------------------------------- */

static struct net_porch *porch_new(int sock)
{
	struct net_porch *p = xcalloc(1, sizeof(*p));

	*p = (struct net_porch){ .porter = { .sock = sock, .pidfd = -1 },
				 .spare = { .sock = -1, .pidfd = -1 },
				 .net = -1,
				 .again_s = AGAIN_S };
	ev_init(&p->porter.io, on_message);
	ev_init(&p->spare.io, on_spare);
	ev_init(&p->again, on_again);
	p->porter.io.data = p->spare.io.data = p->again.data = p;
	return p;
}

struct net_porch *net_porch_open(struct err *err)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	pid_t pid;

	if (make_pair(&ours, &theirs) < 0) {
		err_sys(err, errno, "way out: socket");
		return NULL;
	}
	pid = fork();
	if (pid == 0)
		porch_live(theirs);
	if (pid > 0)
		return porch_new(take_fd(&ours));
	err_sys(err, errno, "way out: fork");
	return NULL;
}

int net_porch_enter(struct net_porch *p, struct err *err)
{
	p->net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (p->net < 0)
		return err_sys(err, errno, "way out: our network namespace");
	if (homeward_open(err) < 0)
		return err_wrap(err, "way back to clients of published ports");
	tell_porter(p);
	return 0;
}

const char *net_porch_await(struct net_porch *p)
{
	struct porch_message m;
	int fd = -1;

	while (!p->known && p->porter.sock >= 0)
		if (hear(p, 0, &m, &fd) > 0)
			take(p, &m, &fd);
	return *p->why ? p->why : NULL;
}

void net_porch_hear(struct net_porch *p, struct ev_loop *loop, net_event_fn *fn, void *arg)
{
	p->loop = loop;
	p->fn = fn;
	p->arg = arg;
	porter_watch(p, &p->porter);
	porter_watch(p, &p->spare);
}

void net_porch_pids(const struct net_porch *p, pid_t ret[NET_PORTERS])
{
	ret[0] = p->porter.pid;
	ret[1] = p->spare.pid;
}

bool net_porch_is_lost(const struct net_porch *p)
{
	return p && p->porter.sock < 0;
}

void porch_on_renewal(struct net_porch *p, void (*fn)(void *arg), void *arg)
{
	p->on_renewal = fn;
	p->renewal_arg = arg;
}

/* Both hear it before one is waited for. By a shutdown, as others may have the sockets, too. */
void net_porch_close(struct net_porch *p)
{
	if (!p)
		return;
	if (p->loop)
		ev_timer_stop(p->loop, &p->again);
	porter_unwatch(p, &p->porter);
	porter_unwatch(p, &p->spare);
	shutdown(p->porter.sock, SHUT_WR);
	shutdown(p->spare.sock, SHUT_WR);
	porter_await_end(&p->porter);
	porter_await_end(&p->spare);
	cleanup_fd(&p->net);
	free(p);
}

/* A spare is left to who goes on in our process: who adopts has one of his own. */
void net_porch_carry(const struct net_porch *p, struct carry *to)
{
	if (!p)
		return;
	carry_put_num(to, "porch-pid", p->porter.pid);
	carry_put_fd(to, "porch", p->porter.sock);
	carry_put_fd(to, "porch-process", p->porter.pidfd);
	carry_put_num(to, "porch-spare-pid", p->spare.pid);
	carry_put_fd(to, "porch-spare", p->spare.sock);
	carry_put_fd(to, "porch-spare-process", p->spare.pidfd);
	carry_put_fd(to, "porch-net", p->net);
	carry_put_num(to, "porch-renewed", p->renewed);
}

struct net_porch *net_porch_resume(struct carry *from, struct net_porch *fresh)
{
	struct net_porch *p;

	if (carry_num(from, "porch-pid", -1) < 0)
		return NULL;
	p = porch_new(carry_take_fd(from, "porch"));
	p->porter.pid = (pid_t)carry_num(from, "porch-pid", 0);
	p->porter.pidfd = carry_take_fd(from, "porch-process");
	p->net = carry_take_fd(from, "porch-net");
	p->known = true;
	p->renewed = carry_num(from, "porch-renewed", 0);
	if (fresh) {
		porter_move(p, &p->spare, &fresh->porter);
		return p;
	}
	p->spare.pid = (pid_t)carry_num(from, "porch-spare-pid", 0);
	p->spare.sock = carry_take_fd(from, "porch-spare");
	p->spare.pidfd = carry_take_fd(from, "porch-spare-process");
	return p;
}

/* ---- sockets --------------------------------------------------------------------------------- */

void net_use_porch(struct net *n, struct net_porch *p)
{
	n->porch = p;
}

/* 0, or the errno of the other side; ret: what it says. Whatever else comes before is taken. -1: it has ended. */
static int ask_porter(struct net_porch *p, const struct porch_message *question,
		      struct porch_message *ret, int *ret_fd)
{
	if (fd_send(p->porter.sock, question, sizeof(*question), -1) < 0) {
		has_died(p);
		return -1;
	}
	while (hear(p, 0, ret, ret_fd) > 0) {
		if (ret->kind == PORCH_BOUND)
			return *ret_fd >= 0 ? 0 : ret->error ? ret->error : EIO;
		take(p, ret, ret_fd);
	}
	return -1;
}

/* Two of them, not more: it might be the question that they die of. */
static int ask(struct net_porch *p, const struct porch_message *question, struct porch_message *ret,
	       int *ret_fd)
{
	*ret_fd = -1;
	for (int tries = 0; tries < 2 && p->porter.sock >= 0; tries++) {
		int rc = ask_porter(p, question, ret, ret_fd);

		if (rc >= 0)
			return rc;
	}
	return EPIPE;
}

int porch_bind(struct net_porch *p, const struct net_publish_spec *pub, int *ret_fd,
	       uint16_t *ret_floor)
{
	const struct porch_message m = { .kind = PORCH_BIND,
					 .protocol = pub->protocol,
					 .ip = pub->host_ip,
					 .port = pub->host_port };
	struct porch_message answer = { 0 };
	int rc = ask(p, &m, &answer, ret_fd);

	*ret_floor = answer.floor;
	return rc;
}

int net_porch_socket(struct net_porch *p, int family, int type)
{
	const struct porch_message m = { .kind = PORCH_SOCKET, .wish = { family, type } };
	struct porch_message answer;
	int fd, rc = ask(p, &m, &answer, &fd);

	errno = rc;
	return fd;
}

pid_t porch_pid(const struct net_porch *p)
{
	return p->porter.pid;
}

pid_t porch_spare_pid(const struct net_porch *p)
{
	return p->spare.pid;
}

int porch_desk(const struct net_porch *p)
{
	const struct porch_message m = { .kind = PORCH_DESK };
	_cleanup_fd_ int ours = -1, theirs = -1;

	if (p->porter.sock < 0 || make_pair(&ours, &theirs) < 0)
		return -1;
	return fd_send(p->porter.sock, &m, sizeof(m), theirs) < 0 ? -1 : take_fd(&ours);
}
