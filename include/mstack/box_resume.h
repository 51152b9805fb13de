/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * box_resume: a runtime and its slots, handed to the program that takes our place by execve (base_carry.h). Part of the door of box,
 * included by box.h. Containers notice nothing, and what they do meanwhile is heard of afterwards.
 */
#ifndef MSTACK_BOX_RESUME_H
#define MSTACK_BOX_RESUME_H

#include "mstack/base_carry.h"
#include "mstack/box_spec.h"

struct ev_loop;
struct ledger;
struct box_runtime;
struct box_slot;
struct box_event;

/* A slot that is neither empty nor running: made, started, ended, closed, or with a command in it. NULL: none; then it can be carried. */
const char *box_busy(const struct box_runtime *rt);
void box_carry(const struct box_runtime *rt, struct carry *to);
/* A start is not carried over, only the slot; a command in it neither. */
void box_slot_carry(const struct box_slot *s, struct carry *to);
/* Has it namespaces yet? Only then can it be carried. */
bool box_slot_made(const struct box_slot *s);

/* Can it be taken up from here, where an ordinary user may not begin processes in each group of his? Errors name the cure. */
int box_resume_check(const struct carry *from, struct err *err);
/* As box_open and box_slot_open, without making anything: the slot is ready, and runs what it ran. */
struct box_runtime *box_resume(struct ev_loop *loop, struct carry *from, struct ledger *ledger,
			       void (*fn)(void *arg, const struct box_event *ev), void *arg, struct err *err);
/*
 * runs: with what it would be started now. Looked at when a mstack of another version started it, which wrote down what a command in it
 * needs in a way that we cannot read. NULL: that is not gone on with, and box_clear_rest ends it. On error its processes live on.
 */
struct box_slot *box_slot_resume(struct box_runtime *rt, const struct box_slot_spec *spec, struct carry *from,
				 const struct box_spec *runs, struct err *err);
/* Has its process ended, before the loop could hear of it? *ret_status: -1 when nobody can tell how. */
bool box_exit(const struct box_slot *s, int *ret_status);
/*
 * For who has taken up a stack whose supervisor is no more: ends what runs in slots that run nothing as far as they know, and in groups of the
 * stack that are no slot's, and removes these. May wait for 5 s.
 */
int box_clear_rest(struct box_runtime *rt, struct err *err);

/*
 * A process of ours with its children into a group of its own below the stack's, where the end of a session or of a systemd unit does not find it. Who is there when
 * the stack is removed dies with it: box_come_back, in time. An error of it names the cure. Where an ordinary user has no groups nothing is done; that is refused in a service,
 * which ends all in it.
 */
int box_apart(const struct box_runtime *rt, pid_t pid, struct err *err);
/* Can that be, where the stack's groups are? The same error; touches nothing. */
int box_apart_check(const struct box_runtime *rt, struct err *err);
char *box_group(void);	/* of this process, as box_come_back wants it; the caller's. NULL: unknown */
/* Into this group, or when it is gone to the top. */
void box_come_back(const char *group, pid_t pid);

#endif
