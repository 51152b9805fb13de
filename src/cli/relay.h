/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relay: a small process that prints for the foreground supervisor. A terminal that is stopped (Ctrl-S) or a reader that is
 * slow must never hold up restarts and health checks; the relay waits in the supervisor's place.
 */
#ifndef CLI_RELAY_H
#define CLI_RELAY_H

#include "mstack/base.h"
#include "mstack/base_carry.h"

struct cli_relay {
	int fd; /* -1: nobody prints any more */
	int pidfd;
	bool stuck;	  /* the last text found no room */
	uint64_t dropped; /* texts since then */
};

/* Forks it. Standard output and error are the caller's own. */
int cli_relay_open(struct cli_relay *ret, struct err *err);
/* The process goes on printing for the program that takes our place. Resumed: as cli_relay_open when it was not carried over. */
void cli_relay_carry(const struct cli_relay *r, struct carry *to);
int cli_relay_resume(struct cli_relay *ret, struct carry *from, struct err *err);
/*
 * Prints on descriptor `to` (1 or 2), in the order of the calls. Waits for a tenth of a second at most, once; while the reader is stuck
 * texts are dropped, counted, and the count is printed when it goes on. A reader that has gone is no error: printing for it just ends.
 */
void cli_relay_print(struct cli_relay *r, int to, const char *text, size_t len);
/* Prints what is left (at most for two seconds) and ends the process. */
void cli_relay_close(struct cli_relay *r);

#endif
