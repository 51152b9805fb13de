/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan_diff: what lies between a stack that runs and the same one planned anew. A part of the door of plan. Pure: two plans in, a
 * list out that can be printed, sent and tested. What nobody has put into a class is made anew, never passed over.
 */
#ifndef MSTACK_PLAN_DIFF_H
#define MSTACK_PLAN_DIFF_H

#include "mstack/plan.h"

/* What a change costs, from nothing on: later ones contain earlier ones. */
enum plan_class {
	PLAN_SAME,
	PLAN_LIVE,		/* while it runs: connections and processes stay */
	PLAN_RESTART,		/* its process is stopped and started in the same slot: addresses and what it wrote stay */
	PLAN_RECREATE,		/* the slot is made anew */
	PLAN_CLASSES
};

struct plan_change {
	const char *name;	/* of a slot, a network, or an end of a wire */
	const char *key;	/* in the file, below the service, network or wire */
	const char *from, *to;	/* NULL: not there */
	enum plan_class how;
	const char *why;	/* of what no key says alone; NULL: the key says it */
};

/*
 * All zeros is empty. Texts are its own. stands_in: what box_stands_in says of the runtime of the slots that are compared, set by who begins.
 */
struct plan_diff {
	unsigned stands_in;
	struct arena *arena;
	struct plan_change *v;
	size_t n;
};
void plan_diff_fini(struct plan_diff *d);
void plan_diff_add(struct plan_diff *d, const struct plan_change *change);

/* "live", "restart", "recreate"; and the class of a key of a service. */
const char *plan_class_name(enum plan_class how);
enum plan_class plan_class_of(const char *key);

/* The same slot before and after. Adds what differs, and returns the highest class of it. `to` was made over what runs, and not placed yet. */
enum plan_class plan_diff_slot(struct plan_diff *d, const struct plan *from, const struct plan_slot *was,
			       const struct plan *to, const struct plan_slot *is);

#endif
