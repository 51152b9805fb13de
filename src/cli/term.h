/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * term: what standard output and standard error are, and how progress is told there. Text of containers for a terminal
 * is made harmless here.
 */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include "cli/option.h"
#include "mstack/sup.h"

enum cli_progress { PROGRESS_TTY, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_QUIET };

struct cli_term {
	bool out_tty; /* text of others must be made harmless */
	bool out_colour, err_colour;
	enum cli_progress progress; /* on standard error */
};

struct cli_term cli_term_get(const struct cli_options *o);

/* One line of progress, newline included; nothing when it is not wanted. */
void cli_say_add(const struct cli_term *t, enum sup_say kind, const char *slot, const char *text,
		 struct buf *out);
/* The same on standard error. Usable as sup_hooks.say, with a struct cli_term as arg. */
void cli_say(void *term, enum sup_say kind, const char *slot, const char *text);

/* -1 with an error that has been printed already: only the exit code is left of it. */
int cli_told(struct err *err, enum err_kind kind);

/*
 * Adds text of a container for a terminal. Control characters become visible (^[ \x9b); of the escape sequences only SGR
 * (colours, bold) passes, and only with `colour`, else it is left out. Tabs and correct UTF-8 stay, but no marks that turn the
 * direction of text. Returns whether a sequence passed: the caller resets the colour at the end of the line.
 */
bool cli_harmless(const char *text, size_t len, bool colour, struct buf *out);

#endif
