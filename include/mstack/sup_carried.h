/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sup_carried: a supervisor that was told to go on as another program (SIGUSR2), as that program finds it. A part of the door of sup.
 * The process, its containers and its descriptors are the same; what was in memory comes in a memory file. Before that the new program
 * is tried out: it takes all of it up in a child of the old one, which goes on as it was when that fails.
 */
#ifndef MSTACK_SUP_CARRIED_H
#define MSTACK_SUP_CARRIED_H

#include "mstack/base_carry.h"
#include "mstack/stack.h"

/* What tells the new program: the descriptor; then a word when it is only tried out. Nobody else sets it. */
#define SUP_CARRIED_VARIABLE "MSTACK_CARRIED"

struct ledger;
struct net_porch;

struct sup_carried {
	struct carry *tree;
	bool try_out;			/* nothing may be changed, and sup_run does not return */
	struct stack *stack;		/* as it was read once; given away by setting it to NULL, and so are diags */
	struct stack_diags *diags;
	int document;			/* the text of the stack */
	struct carry *face;		/* what hooks.carry has put there */
	struct ledger *ledger;		/* adopted from a supervisor that is no more (sup_keep.h): ours, locked; else NULL */
	int keeper;			/* who kept it, until it hears that we have it; -1 */
	struct net_porch *porch;	/* adopted by an ordinary user: forked on the way, in the host's network (net_porch_resume); else NULL */
};

/* 1: we are such a program, and *ret is filled in; 0: we are not; -1 it cannot be read. Takes the variable away. */
int sup_carried_open(struct sup_carried *ret, struct err *err);
void sup_carried_close(struct sup_carried *c);

#endif
