/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reload: SIGHUP: the stack file is read again as it was when the stack was started, and the stack becomes what it says. A child does the
 * reading: it executes our own program with the words that we were called with, which then is an ordinary client that asks for a change
 * (changereq.c). So whatever is wrong with the file costs that child, and nothing waits for an image.
 */
#ifndef SUP_RELOAD_H
#define SUP_RELOAD_H

#include "sup/state.h"

/* Not for a signal: what `up` was called for, of a stack that it has just taken up. */
void sup_reload_first(struct sup *s);
void sup_reload_request(struct sup *s, const struct sup_fact *fact);
/* In each turn, when all facts have settled. */
void sup_look_at_reload(struct sup *s);
/* At the end of the supervisor. */
void sup_reload_stop(struct sup *s);
/* Is it the reading child that asks? `c` becomes what made it read then: a signal, or `up`. */
bool sup_reload_asks(struct sup *s, struct sup_cause *c);
/* What it has asked for is being done. */
void sup_reload_began(struct sup *s);
/* What it asks for cannot be now: it is done once more, after the change that is under way. */
void sup_reload_later(struct sup *s);
/* May a SIGHUP mean that the terminal is gone? Asked once, at the beginning: is there one, and shall we end with it? */
bool sup_has_terminal(void);

#endif
