/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verbs: a request that goes on until the state has arrived, as verbs.c and verbpick.c share it.
 */
#ifndef SUP_VERBS_H
#define SUP_VERBS_H

#include "sup/state.h"

enum verb_step {
	STEP_START, /* to be started, when all that is to be stopped has ended */
	STEP_STARTING,
	STEP_STOP, /* to be stopped, when those that depend on it have ended */
	STEP_STOPPING,
	STEP_KILL,
	STEP_REMOVE,
	STEP_CREATE,
	STEP_WAIT,
	STEP_DONE,
};

struct verb_work {
	struct sup_slot *slot;
	enum verb_step step;
	uint64_t created_wall; /* of the slot: another one in its place is not meant */
	uint64_t ended_wall;   /* of its last run before */
};

struct verb_kind;

struct sup_verb {
	struct sup_verb *next;
	struct sup *sup;
	struct sup_peer *peer; /* NULL: gone */
	uint32_t id;
	const struct verb_kind *kind;
	struct sup_cause cause;
	int64_t timeout_ms; /* -1: the services' own */
	int signo;
	bool wait_healthy;
	bool volumes; /* anonymous ones go along */
	bool any; /* one that has ended is enough */
	struct verb_work *work;
	size_t n;
	bool failed;
	struct err err; /* the first */
};

/* Told to stop, within this time instead of its own; -1: its own. */
void sup_stop(struct sup_slot *slot, int64_t timeout_ms, const struct sup_cause *cause);
/* "timeout" of a request, in seconds; -1: not given. */
int64_t sup_timeout_ms(const json_t *timeout);

/* NULL: it is none. */
const struct verb_kind *sup_verb_kind(enum ctl_type type);

/* verbpick.c: fills in the slots that are meant. Without any an error may be set; with one there are none. */
void sup_verb_pick(struct sup_verb *v, enum ctl_type type, const json_t *body, struct err *err);

#endif
