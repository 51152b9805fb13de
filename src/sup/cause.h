/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cause: why a state changed. Used by whoever has a wish for a slot (sup_wish) or ends the stack (sup_end_for).
 *
 * A fact (a process started, ended, a timer fired) is its own cause and needs none. A wish comes from somebody: make the
 * cause with one of these, so that `mstack why` can say from whom.
 */
#ifndef SUP_CAUSE_H
#define SUP_CAUSE_H

#include "mstack/base.h"

struct sup_peer;

enum sup_why {
	WHY_SELF,	/* the supervisor's own doing; what: in words, or "" */
	WHY_USER,	/* somebody with a command; what: its name */
	WHY_SIGNAL,	/* somebody sent the supervisor a signal */
	WHY_DEPENDENCY, /* another service; what: its name */
	WHY_UNHEALTHY,	/* its health check */
	WHY_CHANGED,	/* the stack file says something else; what: in words, or "" */
	WHY_LATE,	/* a grace period or a time-out is over */
	WHY_ABORT, /* another service ended, and an option of `up` says that all end then; what: its name */
};

struct sup_cause {
	enum sup_why why;
	char what[64];
	char program[16]; /* of WHY_SIGNAL: who sent it, "" unknown */
	pid_t pid;	  /* of WHY_USER, WHY_SIGNAL; 0: unknown */
	uid_t uid;	  /* (uid_t)-1: of a user whom this level has no id for */
	int signo;
};

/* `what` is copied, and may be NULL. */
struct sup_cause sup_because(enum sup_why why, const char *what);
/* The client of this connection with its command, "restart"; its process and user are asked of the kernel. */
struct sup_cause sup_because_user(const struct sup_peer *p, const char *command);
/* The one who started us. */
struct sup_cause sup_because_started(const char *command);
/* A signal that came to us, with the sender that signalfd(2) told of. */
struct sup_cause sup_because_signal(int signo, pid_t pid, uid_t uid);

#endif
