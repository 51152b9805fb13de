/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * change: a running stack becomes what another document says. First an outlook is made, which touches nothing (outlook.c) and
 * can be told to a client (changereq.c); then it is carried out over several turns (change.c): what has to end ends in reverse
 * order, then networks and slots are made, then all starts in order. What may change while it runs does so at once (live.c).
 */
#ifndef SUP_CHANGE_H
#define SUP_CHANGE_H

#include "mstack/plan_diff.h"
#include "sup/document.h"
#include "sup/oneoff.h"

/* A slot before and after. */
struct sup_entry {
	struct sup_slot *was;	     /* NULL: it comes */
	const struct plan_slot *is;  /* in the new plan; NULL: it goes */
	enum plan_class how;	     /* of one that is before and after */
	const char *why;	     /* when nothing of its own has changed; or NULL */
	bool left_alone;	     /* it stays as it is, whatever the document says: nobody asked */
	bool orphan;		     /* no file has its service */
	bool changed;		     /* the file says something else of it than before */
	bool starts, told;	     /* it is to be started; to stop */
	size_t place;		     /* of `is` */
};

enum sup_change_phase { CHANGE_OUTLOOK, CHANGE_STOPPING, CHANGE_CLEARING, CHANGE_STARTING };

struct sup_change {
	struct sup *sup;
	struct sup_model *model; /* NULL: it has become the stack's */
	struct plan_diff diff;
	struct VEC(struct sup_entry) entries;
	json_t *wishes;	     /* of the request; owned */
	enum sup_change_phase phase;
	struct sup_peer *peer; /* who waits; NULL: nobody */
	uint32_t id;
	struct sup_cause cause, asker; /* of what has changed in the file, and of what has not: who asked for it */
	ev_timer again;
	struct err err; /* the first thing that went wrong */
};

/* outlook.c: what the document of this descriptor asks for. Nothing is touched. NULL on error. */
struct sup_change *sup_outlook(struct sup *s, int document, json_t *wishes, struct err *err);
void sup_outlook_free(struct sup_change *c);
bool sup_change_wants(const struct sup_change *c, const char *wish);
/* Does its process end for it? */
bool sup_entry_stops(const struct sup_entry *e);

/* change.c: begins; nothing has been touched when this fails. It is the supervisor's from then on. */
int sup_change_begin(struct sup_change *c, struct err *err);
/* In each turn, when all facts have settled. */
void sup_look_at_change(struct sup *s);
/* Is this one stopped for a change that is under way? */
bool sup_change_stops(const struct sup_slot *slot);
/*
 * Why nobody could go on with the stack as it is now when we were dead, in words; NULL: who takes it up finds a whole one, which is what it was or what
 * it is to be, and another `up` does the rest.
 */
const char *sup_change_unfit(const struct sup *s);
/* Before anybody is started: who keeps the stack hears of it first. */
void sup_change_tell_start(struct sup *s);
/* At the end of the supervisor. */
void sup_change_stop(struct sup *s);

/* live.c: can it have the limits that it is to have? Nothing is touched. */
int sup_live_check(const struct sup *s, const struct sup_entry *e, struct err *err);
/* live.c: a slot that goes on gives up the ports that it will not have. For all of them before the next: one may get what another has. */
int sup_live_close(struct sup_slot *slot, const struct plan_slot *is, struct err *err);
/* It becomes the one of the new plan, with all that can change while it runs. On error it stays what it was. */
int sup_live_change(struct sup_slot *slot, struct sup_model *model, const struct plan_slot *is, struct err *err);
/* Wires of the new plan that were there do to packets what it says. */
int sup_live_wires(struct sup *s, const struct plan *was, struct err *err);

bool sup_same_ways(const struct impair_ways *a, const struct impair_ways *b);

/* changenet.c: a message for each network and wire that comes, goes, is made anew or does something else to packets, and for each key of these. */
void sup_change_tell_net(struct sup_peer *p, const struct ctl_msg *m, const struct sup_change *c);
/* changereq.c: a text of a message, cut when it is long; NULL: it has none. */
void sup_change_text(json_t *o, const char *key, const char *text);

/* changereq.c: CTL_APPLY, CTL_PLAN. */
void sup_change_request(struct sup_peer *p, const struct ctl_msg *m);
void sup_change_peer_gone(struct sup_peer *p);
/* It has come to its end; err without a text: well. */
void sup_change_answer(struct sup_change *c, const struct err *err);

#endif
