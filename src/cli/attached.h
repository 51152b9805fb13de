/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attached: a command of a container and the terminal or the pipes of the one who called it, until the command ends. Used by
 * exec, run and attach.
 */
#ifndef CLI_ATTACHED_H
#define CLI_ATTACHED_H

#include <termios.h>

#include "cli/detachkeys.h"
#include "mstack/box.h"

/* The user's terminal; fd -1: none is used. */
struct cli_console {
	int fd;
	struct termios saved;
	bool raw;
	bool looks_only; /* its size counts, its keys are not for the command: it stays as it is */
};

/* Every key goes on as it is, Ctrl-C too. 0 or -1 with errno. */
int cli_console_raw(struct cli_console *c);
/* As it was before. May be called twice. */
void cli_console_restore(struct cli_console *c);

enum { CLI_ENDED, CLI_LEFT };

/* The other side: the command's streams as we hold them, and who speaks for it. */
struct cli_far {
	int *in, *out, *err_out; /* closed when they end; with a terminal the last is -1 */
	int sock;		 /* readable when `hear` has something to say */
	/* 1 it has ended (*ret_status as of wait(2)); 0 not yet; -1 nobody can say any more. Does not wait. */
	int (*hear)(void *arg, int *ret_status, struct err *err);
	void (*signal)(void *arg, int sig);
	void (*leave)(void *arg); /* from here on it goes on without us */
	void *arg;
	const int *term; /* its terminal, which is given the size of ours; NULL: `out` is it */
	bool stays;	 /* also when we end without `leave` */
};

/* A command that was entered by exec. */
struct cli_far cli_far_entered(struct box_entered *e);

struct cli_attached {
	const struct cli_far *far;
	struct cli_console *console;
	struct detachkeys *keys; /* with a terminal */
	int signals; /* of cli_signals_take */
};

/* As a shell counts, from a wait(2) status. */
int cli_exit_code(int status);
/* From here on signals that are meant for the command are taken by this descriptor. -1 with errno. */
int cli_signals_take(void);
/*
 * Until it ends (CLI_ENDED, *ret_status as of wait(2)), or the user typed the detach keys (CLI_LEFT); -1: nobody can say, or
 * a second SIGTERM or SIGHUP told us to go. The terminal is as it was before when this returns.
 */
int cli_attached_run(struct cli_attached *a, int *ret_status, struct err *err);

#endif
