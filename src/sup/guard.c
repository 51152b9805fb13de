/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard: a fork of the supervisor that does nothing but wait for its death and then replays the ledger. It has a session
 * of its own, so a Ctrl-C on the terminal does not reach it; it holds no descriptor but the supervisor's pidfd, the ledger and sockets to it and to the
 * standby (guarding.h), so nothing of the supervisor's lives longer because of it, unless it was handed over to be kept (keeping.h). When it
 * dies it is started again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sup/guarding.h"
#include "sup/keeping.h"

/* What a killed one may take for its end. */
enum { AWAY_MS = 2000 };

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Everything but these and the standard descriptors, which become /dev/null. */
static void close_others(int *keep, size_t n)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), from = STDERR_FILENO + 1;

	for (int i = 0; i < from; i++)
		dup2(null, i);
	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		if (from < keep[i])
			close_range((unsigned)from, (unsigned)keep[i] - 1, 0);
		from = keep[i] + 1;
	}
	close_range((unsigned)from, ~0U, 0);
}

void sup_guard_become(const char *name, int *keep, size_t n)
{
	sigset_t none;

	setsid();
	prctl(PR_SET_NAME, name);
	close_others(keep, n);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Our own supervisor has written the ledger, so one that cannot be read was spoilt: what there is, is found by its names. */
static void clean_without(const char *project)
{
	_cleanup_free_ char *ledger = sup_ledger_path(project);

	unlink(ledger);
	sup_cleanup(project, NULL, &(struct err){ 0 });
}

void sup_guard_undo(const char *project, const char *group)
{
	struct err err = { 0 };

	/* Who is below the stack's group dies with it. */
	box_come_back(group, getpid());
	if (sup_cleanup(project, NULL, &err) < 0 && err.sys == EBADMSG)
		clean_without(project);
}

/* group: in which it was born. */
static _Noreturn void guard(const char *project, const char *group, int supervisor,
			    struct ledger *ledger, int sock, int standby)
{
	struct bundle kept = { 0 };
	int door, keep[] = { supervisor, ledger_fd(ledger), sock, standby };

	sup_guard_become(SUP_GUARD_NAME, keep, ARRAY_LEN(keep));
	if (sup_mind(project, supervisor, sock, &kept, &door))
		sup_keep(project, ledger, &kept, door);
	sup_guard_undo(project, group);
	sup_standby_release(standby);
	_exit(0);
}

int sup_guard_start(struct sup *s, struct err *err)
{
	/* Ours, and its until it is put apart, which may be before it runs. */
	_cleanup_free_ char *group = box_group();
	_cleanup_fd_ int theirs = -1;
	int pair[2];
	pid_t pid;

	if (s->self_fd < 0)
		s->self_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (s->self_fd < 0)
		return err_sys(err, errno, "guard: pidfd_open");
	if (sup_standby_prepare(s, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_sys(err, errno, "guard: socket pair");
	s->handing.sock = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return err_sys(err, errno, "guard: fork");
	if (pid == 0)
		guard(s->opts->stack->name, group, s->self_fd, s->ledger, theirs,
		      s->standby.guards);
	s->guard = pid;
	s->guard_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return s->guard_fd < 0 ? err_sys(err, errno, "guard: pidfd_open") : 0;
}

static const ev_tstamp AGAIN_S = 0.5;

/* Memory, processes or descriptors are short: that may be over in a moment. */
static void try_again(struct sup *s, const struct err *err)
{
	sup_guard_stop(s);
	if (!s->unguarded)
		sup_say(&s->opts->hooks, SUP_WARNING, NULL,
			"%s: nobody cleans up if this supervisor is killed, until there is a guard again",
			err->text);
	s->unguarded = true;
	ev_timer_set(&s->guard_again, AGAIN_S, 0);
	ev_timer_start(s->loop, &s->guard_again);
}

void sup_guard_died(struct sup *s)
{
	struct err err = { 0 };

	ev_timer_stop(s->loop, &s->guard_again);
	sup_guard_stop(s);
	if (sup_guard_start(s, &err) < 0) {
		try_again(s, &err);
		return;
	}
	if (s->unguarded)
		sup_say(&s->opts->hooks, SUP_NOTE, NULL, "guard: there is one again");
	s->unguarded = false;
	if (s->model->stack->keep && sup_keep_prepare(s, s->model->stack, &err) < 0)
		sup_say(&s->opts->hooks, SUP_WARNING, NULL, "%s", err.text);
	sup_handing_begin(s);
	ev_io_set(&s->guard_io, s->guard_fd, EV_READ);
	ev_io_start(s->loop, &s->guard_io);
}

/*
 * By its descriptor: it may have been reaped as a stranger, and its number be another's. Where that cannot be, a child that is
 * not reaped yet has its number still. Whatever happens, we do not wait for one that nobody told.
 */
void sup_guard_end(pid_t *pid, int *fd)
{
	if (*pid <= 0)
		return;
	if (syscall(SYS_pidfd_send_signal, *fd, SIGKILL, NULL, 0) < 0 &&
	    waitpid(*pid, NULL, WNOHANG) == 0)
		kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		; /* ECHILD: it was reaped as a stranger */
	*pid = 0;
	cleanup_fd(fd);
}

void sup_guard_stop(struct sup *s)
{
	sup_handing_stop(s);
	sup_guard_end(&s->guard, &s->guard_fd);
}

/* ---- one in place of another ------------------------------------------------------------------ */

/* For what it holds to be free, but not for ever: a debugger may have it, or the kernel. Then it is reaped as a stranger. */
static void put_away(pid_t pid, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd >= 0 && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0)
		(void)poll(&p, 1, AWAY_MS);
	waitpid(pid, NULL, WNOHANG);
	cleanup_fd(&fd);
}

/* Before the loop runs nobody watches yet. */
static void watch(struct sup *s)
{
	if (!ev_is_active(&s->pump) || s->guard_fd < 0)
		return;
	sup_handing_begin(s);
	ev_io_set(&s->guard_io, s->guard_fd, EV_READ);
	ev_io_start(s->loop, &s->guard_io);
}

static int start_to_keep(struct sup *s, struct err *err)
{
	if (sup_guard_start(s, err) < 0 || sup_keep_prepare(s, s->model->stack, err) < 0)
		return -1;
	return sup_handing_now(s, err);
}

int sup_guard_replace(struct sup *s, struct err *err)
{
	struct sup_handing had;
	pid_t pid = s->guard;
	int fd = s->guard_fd, rc;

	ev_io_stop(s->loop, &s->guard_io);
	ev_io_stop(s->loop, &s->handing.io);
	had = s->handing;
	s->handing.sock = -1;
	s->handing.number = s->handing.acked = 0;
	s->handing.lost = s->handing.deaf = false;
	s->guard = 0;
	s->guard_fd = -1;
	rc = start_to_keep(s, err);
	if (rc < 0) {
		sup_guard_stop(s);
		s->handing = had;
		s->guard = pid;
		s->guard_fd = fd;
	} else {
		put_away(pid, fd);
		close(had.sock);
	}
	watch(s);
	return rc;
}
