/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots that have namespaces of other slots: may one start now, and with whom. An edge of the plan lets its first start wait;
 * this is for restarts as well: a namespace of processes ends with its PID 1, and takes everybody in it along.
 */
#include "sup/state.h"

static const struct sup_slot *joined(const struct sup_slot *slot, size_t nr)
{
	size_t other = slot->plan->joins[nr];

	return other == PLAN_NO_SLOT ? NULL : &slot->sup->slots[other];
}

/* One that has just been killed is not heard of at once: then the start fails, and is tried again as the service wants it. */
static enum sup_gate look_at(const struct sup_slot *other)
{
	if (other->svc.state == SVC_RUNNING && other->box && box_pid(other->box))
		return GATE_OPEN;
	return sup_at_rest(&other->svc) ? GATE_FAILED : GATE_WAIT;
}

enum sup_gate sup_joining_gate(const struct sup_slot *slot, struct err *err)
{
	enum sup_gate all = GATE_OPEN;

	for (size_t i = 0; i < BOX_NAMESPACES; i++) {
		const struct sup_slot *other = joined(slot, i);
		enum sup_gate g = other ? look_at(other) : GATE_OPEN;

		if (g == GATE_FAILED)
			err_kind(err, ERR_CREATE,
				 "service '%s', whose namespaces it joins, has ended",
				 other->plan->service->name);
		if (g == GATE_FAILED)
			return g;
		if (g == GATE_WAIT)
			all = g;
	}
	return all;
}

void sup_joining_fill(const struct sup_slot *slot, struct box_spec *spec)
{
	for (size_t i = 0; i < BOX_NAMESPACES; i++)
		if (joined(slot, i))
			spec->ns[i].of = joined(slot, i)->box;
}
