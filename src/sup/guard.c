/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard: a fork of the supervisor that does nothing but wait for its death and then replays the ledger. It has a session
 * of its own, so a Ctrl-C on the terminal does not reach it; it holds no descriptor but the supervisor's pidfd, so
 * nothing of the supervisor's lives longer because of it. When it dies it is started again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sup/state.h"

/* Everything but `keep` and the standard descriptors, which become /dev/null. */
static void close_others(int keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		dup2(null, i);
	if (keep > 3)
		syscall(SYS_close_range, 3, keep - 1, 0);
	syscall(SYS_close_range, keep + 1, ~0U, 0);
}

/* Our own supervisor has written the ledger, so one that cannot be read was spoilt: what there is, is found by its names. */
static void clean_without(const char *project)
{
	_cleanup_free_ char *ledger = sup_ledger_path(project);

	unlink(ledger);
	sup_cleanup(project, NULL, &(struct err){ 0 });
}

static _Noreturn void guard(const char *project, int supervisor)
{
	struct pollfd p = { .fd = supervisor, .events = POLLIN };
	struct err err = { 0 };
	sigset_t none;

	setsid();
	prctl(PR_SET_NAME, SUP_GUARD_NAME);
	close_others(supervisor);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	if (sup_cleanup(project, NULL, &err) < 0 && err.sys == EBADMSG)
		clean_without(project);
	_exit(0);
}

int sup_guard_start(struct sup *s, struct err *err)
{
	pid_t pid;

	if (s->self_fd < 0)
		s->self_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (s->self_fd < 0)
		return err_sys(err, errno, "guard: pidfd_open");
	pid = fork();
	if (pid < 0)
		return err_sys(err, errno, "guard: fork");
	if (pid == 0)
		guard(s->opts->stack->name, s->self_fd);
	s->guard = pid;
	s->guard_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return s->guard_fd < 0 ? err_sys(err, errno, "guard: pidfd_open") : 0;
}

void sup_guard_died(struct sup *s)
{
	struct err err = { 0 };

	sup_guard_stop(s);
	if (sup_guard_start(s, &err) < 0) {
		sup_say(&s->opts->hooks, SUP_WARNING, NULL,
			"%s: nobody cleans up if this supervisor is killed", err.text);
		return;
	}
	ev_io_set(&s->guard_io, s->guard_fd, EV_READ);
	ev_io_start(s->loop, &s->guard_io);
}

/*
 * By its descriptor: it may have been reaped as a stranger, and its number be another's. Where that cannot be, a child that is
 * not reaped yet has its number still. Whatever happens, we do not wait for one that nobody told.
 */
static void end_guard(const struct sup *s)
{
	if (syscall(SYS_pidfd_send_signal, s->guard_fd, SIGKILL, NULL, 0) < 0 &&
	    waitpid(s->guard, NULL, WNOHANG) == 0)
		kill(s->guard, SIGKILL);
}

void sup_guard_stop(struct sup *s)
{
	if (s->guard <= 0)
		return;
	end_guard(s);
	while (waitpid(s->guard, NULL, 0) < 0 && errno == EINTR)
		; /* ECHILD: it was reaped as a stranger */
	s->guard = 0;
	if (s->guard_fd >= 0)
		close(take_fd(&s->guard_fd));
}
