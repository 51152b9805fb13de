/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeping: `x-on-supervisor-death: keep`. The supervisor hands all that it is to its guard (handing.c), as the tree of SIGUSR2 with the descriptors
 * that it names, each time that something has changed. When it dies, the guard keeps what it has (minding.c): nothing of the stack notices.
 * The next `up` takes it up (outlived.c, adopting.c), or it is let go, and then the ledger is undone as always.
 */
#ifndef SUP_KEEPING_H
#define SUP_KEEPING_H

#include "mstack/base_bundle.h"
#include "mstack/sup_keep.h"
#include "sup/state.h"

/* ---- the supervisor: handing.c --------------------------------------------------------------- */

/* Does the stack ask for it? */
bool sup_is_to_keep(const struct sup *s);
/* Does it go on without us now? Not while it begins or ends, and not what `run` has begun. */
bool sup_keeps(const struct sup *s);
/* Can a stack that says so be kept here? Touches nothing. Errors name the cure. */
int sup_keep_check(const struct sup *s, const struct stack *stack, struct err *err);
/* The guard, which is there, goes where it can keep it. Before anything of the stack is made. */
int sup_keep_prepare(struct sup *s, const struct stack *stack, struct err *err);
/* In each turn, when all facts have settled; `changed`: there were any. Never waits, but for a new guard in place of one that takes nothing. */
void sup_look_at_handing(struct sup *s, bool changed);
/* A guard that was just started gets it all. */
void sup_handing_begin(struct sup *s);
void sup_handing_stop(struct sup *s);
/* Before the loop runs: hands over and waits until the guard has it. */
int sup_handing_now(struct sup *s, struct err *err);
/* Before something is begun of which the guard must know already when we die in it. */
void sup_handing_tell(struct sup *s);
/* guard.c: another guard, which has all that is kept, in place of one that does not take it. -1: there is none, and all is as it was. */
int sup_guard_replace(struct sup *s, struct err *err);
/* The guard lets go of ports of the host that were released: before others are reserved. */
void sup_handing_refresh(struct sup *s);
/* The stack ends: from here on its guard undoes it, as every guard. */
void sup_handing_end(struct sup *s);

/* ---- the guard: minding.c -------------------------------------------------------------------- */

/* Until the supervisor has died. True: something is kept; false: it is to be undone. *ret_door: -1, another guard still has it. */
bool sup_mind(const char *project, int supervisor, int sock, struct bundle *ret,
	      int *ret_door);
/*
 * Until somebody has taken it up, or wants it to be forgotten. Does not return. The run-time folder with `ledger`, which was the supervisor's, and the
 * door is made anew when it is removed.
 */
_Noreturn void sup_keep(const char *project, struct ledger *ledger, struct bundle *p, int door);

/* ---- who comes next -------------------------------------------------------------------------- */

/* outlived.c. Says so to who keeps the stack, and waits until it has let go. 0 also when nobody does. */
int sup_kept_release(const char *project, enum ctl_type why, struct err *err);
char *sup_keeper_path(const char *project);

/* adopting.c: what was on its way when the supervisor died, after all was taken up: ended, and told to the machines. */
int sup_adopt_rest(struct sup *s, struct carry *tree, struct err *err);
/* oneoffrest.c: containers of `mstack run`, which are not gone on with; when nothing runs in them any more. */
void sup_oneoffs_carry(const struct sup *s, struct carry *to);
void sup_oneoffs_end(struct sup *s, const struct carry *tree);
/* In one line, what there was. */
void sup_adopt_tell(struct sup *s, const struct carry *tree);

#endif
