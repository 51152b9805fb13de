/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attached: a command of a container and the terminal or the pipes of the one who called it, until the command ends.
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
};

/* Every key goes on as it is, Ctrl-C too. 0 or -1 with errno. */
int cli_console_raw(struct cli_console *c);
/* As it was before. May be called twice. */
void cli_console_restore(struct cli_console *c);

enum { CLI_ENDED, CLI_LEFT };

struct cli_attached {
	struct box_entered *entered;
	struct cli_console *console;
	struct detachkeys *keys; /* with a terminal */
	int signals; /* of cli_signals_take */
};

/* From here on signals that are meant for the command are taken by this descriptor. -1 with errno. */
int cli_signals_take(void);
/*
 * Until it ends (CLI_ENDED, *ret_status as of wait(2)), or the user typed the detach keys (CLI_LEFT); -1: nobody can say, or
 * a second SIGTERM or SIGHUP told us to go. The terminal is as it was before when this returns.
 */
int cli_attached_run(struct cli_attached *a, int *ret_status, struct err *err);

#endif
