/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reexec: SIGUSR2: the supervisor goes on as the program that lies now where ours came from, in the same process. First it waits until nothing
 * is on its way that reports to this program only (a start, a health check, a change), then the new program takes all up in a
 * child, to see whether it can (try-out), and only then does this one give way. Whatever fails before that leaves all as it was.
 */
#ifndef SUP_REEXEC_H
#define SUP_REEXEC_H

#include "mstack/net_resume.h"
#include "mstack/sup_carried.h"
#include "sup/state.h"

/* Of the names and meanings in the tree. What is only added to it needs no new one. */
#define SUP_CARRY_VERSION 2

/* reexec.c */
void sup_reexec_request(struct sup *s);
/* In each turn, when all facts have settled. */
void sup_look_at_reexec(struct sup *s);
/* Starts and health checks wait, so that there is a moment without any. Not for long. */
bool sup_reexec_holds(const struct sup *s);
/* At the end of the supervisor. */
void sup_reexec_stop(struct sup *s);

/* writedown.c */
/* SHORT: it passes when nothing new is begun. LONG: something has to be done first. NEVER: waiting does not help. */
enum sup_busy { BUSY_SHORT, BUSY_LONG, BUSY_NEVER };
/* Why it cannot be carried over now, in words; NULL: it can. */
char *sup_carry_busy(const struct sup *s, enum sup_busy *ret_how);
/*
 * NULL with err: no memory for a document. The descriptors stay the supervisor's. kept: for another process, after our death (keeping.h),
 * at any moment; what stands in the way of that is "unfit".
 */
struct carry *sup_carry(struct sup *s, bool kept, struct err *err);

/* carried.c: the stack of a tree that is there. */
int sup_carried_read(struct sup_carried *c, struct err *err);

/* takeup.c: all that begin() makes of a supervisor, from opts->carried. */
int sup_take_up(struct sup *s, struct err *err);

/* replan.c: the models and their plans; the tree must outlive them. The tree's slots have places below s->n_slots. */
int sup_plan_again(struct sup *s, struct carry *tree, struct err *err);
/* That a slot of the tree is of; NULL: there is none. */
struct sup_model *sup_model_of(const struct sup *s, const struct carry *slot);

/* carrynet.c: strings of the result live as long as the tree. */
void sup_bridges_carry(const struct net_spec *net, struct carry *to);
void sup_bridges_resume(const struct carry *from, struct arena *arena, struct net_spec *ret);

/* request.c: clients stay connected, so that whoever has just come to ask is answered; with them what they wait for (abort.c, resting.c, waiting.c). */
void sup_clients_carry(const struct sup *s, struct carry *to);
void sup_clients_resume(struct sup *s, struct carry *from);
void sup_abort_carry(const struct sup_peer *p, struct carry *to);
void sup_abort_resume(struct sup_peer *p, const struct carry *from);
void sup_rest_carry(const struct sup_peer *p, struct carry *to);
void sup_rest_resume(struct sup_peer *p, const struct carry *from);
/* Slots are there already. */
void sup_wait_carry(const struct sup_peer *p, struct carry *to);
void sup_wait_resume(struct sup_peer *p, const struct carry *from);

/* carryfields.c: plain numbers of structs, by their names. */
enum sup_fields { FIELDS_SVC, FIELDS_HEALTH, FIELDS_SLOT, FIELDS_BRIDGE, FIELDS_TUNNEL };
void sup_fields_carry(enum sup_fields which, const void *from, struct carry *to);
/* What is not there stays as it is. */
void sup_fields_resume(enum sup_fields which, void *to, const struct carry *from);
void sup_cause_carry(const struct sup_cause *c, struct carry *to);
void sup_cause_resume(struct sup_cause *c, const struct carry *from);
/* What of the host decided about the plan, as it was then: the rest of the facts stays. */
void sup_facts_carry(const struct net_facts *f, struct carry *to);
void sup_facts_resume(const struct carry *from, struct net_facts *ret);
/* carrysources.c: images and profiles of seccomp. NULL: nothing was carried over by that name, which then means what it means now. */
void sup_sources_carry(const struct sup_model *m, struct carry *to);
const struct carry *sup_image_then(const struct sup_prepared *p, const char *name);
const char *sup_profile_then(const struct sup_prepared *p, const char *name);
/* Impairments that somebody has set by hand are not in the document. */
void sup_impaired_carry(const struct impair_ways *w, struct carry *to);
void sup_impaired_resume(struct impair_ways *w, const struct carry *from);

#endif
