/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * delivery: lines on their way to journald or syslog. Used by stream. Never waits, and never fails: what cannot be delivered is counted.
 */
#ifndef LOGS_DELIVERY_H
#define LOGS_DELIVERY_H

#include "mstack/logs.h"

struct delivery;

/* A word for the service's own log; once for each time that delivery fails, and once when it goes on. */
typedef void delivery_say_fn(void *arg, const char *text);

/* The spec is copied, with its texts. */
struct delivery *delivery_open(struct ev_loop *loop, const struct logs_remote *to,
			       delivery_say_fn *say, void *arg);
void delivery_send(struct delivery *r, const struct logs_line *line);
uint64_t delivery_dropped(const struct delivery *r);
/* What waits, for who takes our place, as it is then; a message that was sent in part goes again as a whole. */
void delivery_carry(const struct delivery *r, struct carry *to);
void delivery_resume(struct delivery *r, struct carry *from);
/* Tries once more to get rid of what waits. */
void delivery_close(struct delivery *r);

#endif
