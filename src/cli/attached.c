/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attached: see attached.h. Called by exec, run and attach. One loop over the streams, the signals and the word of the command's end. What
 * keeps the terminal right when this process is killed is exec's escort (src/box/escort.h).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/attached.h"
#include "cli/pump.h"

/* ---- the user's terminal --------------------------------------------------------------------- */

int cli_console_raw(struct cli_console *c)
{
	struct termios raw;

	if (c->fd < 0 || c->looks_only)
		return 0;
	if (!c->raw && tcgetattr(c->fd, &c->saved) < 0)
		return -1;
	raw = c->saved;
	cfmakeraw(&raw);
	if (tcsetattr(c->fd, TCSADRAIN, &raw) < 0)
		return -1;
	c->raw = true;
	return 0;
}

void cli_console_restore(struct cli_console *c)
{
	if (c->raw)
		tcsetattr(c->fd, TCSADRAIN, &c->saved);
	c->raw = false;
}

static void pass_size(const struct cli_attached *a)
{
	const int *term = a->far->term ? a->far->term : a->far->out;
	struct winsize size;

	if (a->console->fd >= 0 && !ioctl(a->console->fd, TIOCGWINSZ, &size))
		ioctl(*term, TIOCSWINSZ, &size);
}

int cli_exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- a command that was entered -------------------------------------------------------------- */

static int entered_hear(void *e, int *ret_status, struct err *err)
{
	return box_entered_hear(e, ret_status, err);
}

static void entered_signal(void *e, int sig)
{
	box_entered_signal(e, sig);
}

static void entered_leave(void *e)
{
	box_entered_leave(e);
}

struct cli_far cli_far_entered(struct box_entered *e)
{
	return (struct cli_far){
		.in = &e->in,
		.out = &e->out,
		.err_out = &e->err_out,
		.sock = e->sock,
		.hear = entered_hear,
		.signal = entered_signal,
		.leave = entered_leave,
		.arg = e,
	};
}

/* ---- signals --------------------------------------------------------------------------------- */

int cli_signals_take(void)
{
	static const int taken[] = { SIGHUP,  SIGINT,  SIGQUIT,	 SIGTERM,
				     SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		sigaddset(&set, taken[i]);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* True when it is the second one that tells us to go: the command may not heed any. */
static bool pass_signal(struct cli_attached *a, int sig, unsigned *ends)
{
	if (sig == SIGWINCH) {
		pass_size(a);
	} else if (sig == SIGCONT) {
		/* The shell has set the terminal as it likes it while we were stopped. */
		if (a->console->raw)
			cli_console_raw(a->console);
		pass_size(a);
	} else {
		a->far->signal(a->far->arg, sig);
		if (sig == SIGTERM || sig == SIGHUP)
			return ++*ends > 1;
	}
	return false;
}

/* The signal that ends us, or 0. */
static int take_signals(struct cli_attached *a, unsigned *ends)
{
	struct signalfd_siginfo si;

	while (read(a->signals, &si, sizeof(si)) == sizeof(si))
		if (pass_signal(a, (int)si.ssi_signo, ends))
			return (int)si.ssi_signo;
	return 0;
}

/* ---- the loop -------------------------------------------------------------------------------- */

enum { IN, OUT, ERR, STREAMS };

struct streams {
	struct pump pumps[STREAMS];
	struct pollfd polled[STREAMS + 2]; /* and signals, and the end */
	bool ended;
};

static void begin(struct streams *s, const struct cli_attached *a)
{
	const struct cli_far *far = a->far;

	pump_init(&s->pumps[IN], *far->in < 0 ? -1 : STDIN_FILENO, *far->in,
		  a->console->fd >= 0 ? a->keys : NULL);
	pump_init(&s->pumps[OUT], *far->out, STDOUT_FILENO, NULL);
	pump_init(&s->pumps[ERR], *far->err_out, STDERR_FILENO, NULL);
}

/* After the command's end only what it has left in its pipes is waited for, and only if it finds no room. */
static int patience(const struct streams *s)
{
	bool full =
		s->pumps[OUT].full || s->pumps[OUT].len || s->pumps[ERR].full || s->pumps[ERR].len;

	return s->ended && !full ? 0 : -1;
}

/* What the command has closed, or what the user has, is closed on the other side too. */
static void turn(struct streams *s, struct cli_attached *a)
{
	int *const ends[STREAMS] = { a->far->in, a->far->out, a->far->err_out };

	for (size_t i = 0; i < STREAMS; i++)
		if (s->polled[i].revents && !pump_turn(&s->pumps[i]))
			cleanup_fd(ends[i]);
}

static int wait_for_any(struct streams *s, const struct cli_attached *a)
{
	for (size_t i = 0; i < STREAMS; i++)
		s->polled[i] = pump_wants(&s->pumps[i]);
	if (s->ended)
		s->polled[IN].fd = -1;
	s->polled[STREAMS] = (struct pollfd){ a->signals, POLLIN, 0 };
	s->polled[STREAMS + 1] = (struct pollfd){ s->ended ? -1 : a->far->sock, POLLIN, 0 };
	return poll(s->polled, ARRAY_LEN(s->polled), patience(s));
}

static int run(struct cli_attached *a, int *ret_status, struct err *err)
{
	struct streams s = { .ended = false };
	unsigned ends = 0;
	int sig;

	begin(&s, a);
	for (;;) {
		int n = wait_for_any(&s, a), heard = 0;

		if (n < 0 && errno != EINTR)
			return err_sys(err, errno, "poll");
		if (!n)
			return CLI_ENDED;
		if (n < 0)
			continue;
		turn(&s, a);
		if (s.pumps[IN].detach)
			return CLI_LEFT;
		sig = take_signals(a, &ends);
		if (sig)
			return err_set(err, "told twice to end (%s): the command %s", sig_name(sig),
				       a->far->stays ? "goes on" : "is ended too");
		if (s.polled[STREAMS + 1].revents)
			heard = a->far->hear(a->far->arg, ret_status, err);
		if (heard < 0)
			return -1;
		s.ended |= heard > 0;
	}
}

int cli_attached_run(struct cli_attached *a, int *ret_status, struct err *err)
{
	int r;

	if (cli_console_raw(a->console) < 0)
		return err_sys(err, errno, "terminal");
	r = run(a, ret_status, err);
	cli_console_restore(a->console);
	if (r == CLI_LEFT)
		a->far->leave(a->far->arg);
	return r;
}
