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
void box_slot_carry(const struct box_slot *s, struct carry *to);

/* As box_open and box_slot_open, without making anything: the slot is ready, and runs what it ran. */
struct box_runtime *box_resume(struct ev_loop *loop, struct carry *from, struct ledger *ledger,
			       void (*fn)(void *arg, const struct box_event *ev), void *arg, struct err *err);
/*
 * runs: with what it would be started now. Looked at when a mstack of another version started it, which wrote down what a command in it
 * needs in a way that we cannot read. On error its processes live on.
 */
struct box_slot *box_slot_resume(struct box_runtime *rt, const struct box_slot_spec *spec, struct carry *from,
				 const struct box_spec *runs, struct err *err);

#endif
