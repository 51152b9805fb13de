/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guarding.h: what the guard (guard.c) and the standby (standby.c) share. Both are forks of the supervisor that wait for its death. The guard undoes
 * the stack then, and says so to the standby; that one undoes it when the guard has died as well, before or at its work.
 */
#ifndef SUP_GUARDING_H
#define SUP_GUARDING_H

#include "sup/state.h"

/* ---- guard.c: in the child --------------------------------------------------------------- */

/* A session and a name of its own, no signal held back, and no descriptor but these, which are put in order. */
void sup_guard_become(const char *name, int *keep, size_t n);
/* All of the stack. `group`: the cgroup to do it from, as box_group told it at the beginning. */
void sup_guard_undo(const char *project, const char *group);

/* ---- guard.c: in the supervisor ---------------------------------------------------------- */

/* Kills and reaps one of the two; both are set to none. */
void sup_guard_end(pid_t *pid, int *fd);

/* ---- standby.c --------------------------------------------------------------------------- */

/* Makes the sockets between the two, once: guards that come later use them as well. */
int sup_standby_prepare(struct sup *s, struct err *err);
/* In the guard, when its work is done: there is nothing left to stand by for. */
void sup_standby_release(int sock);

#endif
