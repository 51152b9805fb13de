/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The standby: a second guard, for the case that the first one is killed together with the supervisor. Death signals end most of a stack
 * even then, but not who has changed its ids or shares the host's processes, nor bridges. It works only when both are gone: the supervisor has
 * died by its pidfd, and nobody else has the other end of a socket that guards have. A stack that outlives its supervisor has none:
 * when its guard is gone as well, it still goes on. When it dies it is started again.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sup/guarding.h"
#include "sup/keeping.h"

int sup_standby_prepare(struct sup *s, struct err *err)
{
	int pair[2];

	if (s->standby.own >= 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "standby: socket pair");
	s->standby.own = pair[0];
	s->standby.guards = pair[1];
	return 0;
}

void sup_standby_release(int sock)
{
	(void)send(sock, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- the process ----------------------------------------------------------------------------- */

/* Until the supervisor has died, and then until a guard has done its work (true) or none is left. */
static bool wait_for_guard(int supervisor, int sock)
{
	struct pollfd death = { .fd = supervisor, .events = POLLIN };
	char word;
	ssize_t n;

	while (poll(&death, 1, -1) < 0)
		;
	while ((n = recv(sock, &word, sizeof(word), 0)) < 0 && errno == EINTR)
		;
	return n > 0;
}

static _Noreturn void stand_by(const char *project, int supervisor, int sock)
{
	_cleanup_free_ char *group = box_group();
	int keep[] = { supervisor, sock };

	sup_guard_become(SUP_STANDBY_NAME, keep, ARRAY_LEN(keep));
	if (!wait_for_guard(supervisor, sock))
		sup_guard_undo(project, group);
	_exit(0);
}

/* ---- the supervisor -------------------------------------------------------------------------- */

static void on_end(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)revents;
	ev_io_stop(loop, w);
	sup_queue(w->data, &(struct sup_fact){ .kind = FACT_STANDBY_DIED });
}

void sup_standby_watch(struct sup *s)
{
	struct sup_standby *b = &s->standby;

	if (b->fd < 0)
		return;
	ev_io_init(&b->io, on_end, b->fd, EV_READ);
	b->io.data = s;
	ev_io_start(s->loop, &b->io);
}

int sup_standby_start(struct sup *s, struct err *err)
{
	struct sup_standby *b = &s->standby;

	if (b->pid > 0 || sup_is_to_keep(s))
		return 0;
	b->pid = fork();
	if (b->pid < 0)
		return err_sys(err, errno, "standby: fork");
	if (b->pid == 0)
		stand_by(s->opts->stack->name, s->self_fd, b->own);
	b->fd = (int)syscall(SYS_pidfd_open, b->pid, 0);
	return b->fd < 0 ? err_sys(err, errno, "standby: pidfd_open") : 0;
}

static void stop(struct sup *s)
{
	if (s->loop && ev_is_active(&s->standby.io))
		ev_io_stop(s->loop, &s->standby.io);
	sup_guard_end(&s->standby.pid, &s->standby.fd);
}

void sup_standby_renew(struct sup *s)
{
	struct err err = { 0 };

	stop(s);
	if (sup_standby_start(s, &err) < 0)
		sup_say(&s->opts->hooks, SUP_WARNING, NULL,
			"%s: nobody cleans up if this supervisor and its guard are killed at once",
			err.text);
	sup_standby_watch(s);
}

void sup_standby_follow(struct sup *s)
{
	bool is_there = s->standby.pid > 0;

	if (is_there == sup_is_to_keep(s))
		sup_standby_renew(s);
}

void sup_standby_stop(struct sup *s)
{
	stop(s);
	cleanup_fd(&s->standby.own);
	cleanup_fd(&s->standby.guards);
}
