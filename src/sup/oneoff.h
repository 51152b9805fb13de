/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oneoff: containers that a client asks for (CTL_RUN) beside those of the plan. One lives in a slot like others, with a plan of its
 * own, and is gone with its process: slot, links, ports, anonymous volumes. Called from the loop, the requests and the order.
 */
#ifndef SUP_ONEOFF_H
#define SUP_ONEOFF_H

#include "sup/state.h"

/* CTL_RUN. What it asks for begins at once, or is answered with an error. */
void sup_oneoff_request(struct sup_peer *p, const struct ctl_msg *m);
/* The client is gone: what it had asked for, and did not leave, ends. */
void sup_oneoff_peer_gone(struct sup_peer *p);

/* When all facts have settled: clients hear what has become of theirs, and what has ended is removed. */
void sup_look_at_oneoffs(struct sup *s);
/* What it has at rest and others may want: its volumes, and the images that its plan was made of. */
void sup_oneoff_let_go(struct sup_slot *slot);

/* NULL: the slot is none. Edges of it begin at the slot. */
const struct plan *sup_oneoff_plan(const struct sup_slot *slot);
/* Is it one beside a stack? Who is alone in a project is its service like others. */
bool sup_oneoff_is_beside(const struct sup_slot *slot);
/* Does one that is not at rest depend on slot `nr`? */
bool sup_oneoff_needs(const struct sup *s, size_t nr);
/* Its terminal or its client's pipes. False: it writes to a log. */
bool sup_oneoff_streams(struct sup_slot *slot, struct box_spec *spec);
/* box_spec.volumes: for one-offs their own. */
int sup_oneoff_volumes(const struct sup_slot *slot);
/* The addresses of all of them; those of services stand in the plan. Free the list. */
struct ip *sup_oneoff_addresses(const struct sup *s, size_t *ret_n);
/* The first of the errors, in one line. Returns -1. */
int sup_plan_error(const struct stack_diags *diags, struct err *err);
/* At the end of the supervisor: memory and descriptors only. */
void sup_oneoff_free(struct sup_slot *slot);

/* parting.c */
/*
 * Ends a supervisor in which nothing runs any more: from now on nobody finds it, and what others may want is free. False: somebody
 * has just connected, and it goes on.
 */
bool sup_part(struct sup *s);
/* Waits for those who have told their client the end already, and still remove: some seconds at most. */
void sup_wait_for_parting(void);
/* Has it networks of names or addresses that another stack may have, too? */
bool sup_has_names(const struct stack *stack);

#endif
