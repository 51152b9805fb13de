/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots that have namespaces of other slots: may one start now, and with whom. An edge of the plan lets its first start wait;
 * this is for restarts as well: a namespace of processes ends with its PID 1, and takes everybody in it along. A network does not:
 * it stays with the other slot, whether anybody runs there or not.
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

static const struct sup_slot *network_of(const struct sup_slot *slot)
{
	size_t other = slot->plan->net_of;

	return other == PLAN_NO_SLOT ? NULL : &slot->sup->slots[other];
}

/* Has the other slot a network by now, with all its links? */
static enum sup_gate look_at_network(const struct sup_slot *other)
{
	if (other->phase == PHASE_READY && other->attached)
		return GATE_OPEN;
	return sup_at_rest(&other->svc) ? GATE_FAILED : GATE_WAIT;
}

static enum sup_gate network_gate(const struct sup_slot *slot, struct err *err)
{
	const struct sup_slot *other = network_of(slot);
	enum sup_gate g = other ? look_at_network(other) : GATE_OPEN;

	if (slot->plan->box_slot.net == BOX_JOIN && !other)
		g = GATE_FAILED;
	if (g == GATE_FAILED)
		err_kind(err, ERR_CREATE,
			 "service '%s', whose network it joins, has not been started",
			 slot->plan->service->net.of->name);
	return g;
}

enum sup_gate sup_joining_gate(const struct sup_slot *slot, struct err *err)
{
	enum sup_gate all = network_gate(slot, err);

	if (all == GATE_FAILED)
		return all;

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

void sup_joining_open(const struct sup_slot *slot, struct box_slot_spec *spec)
{
	if (slot->plan->ids_of != PLAN_NO_SLOT)
		spec->ids_of = slot->sup->slots[slot->plan->ids_of].box;
	if (network_of(slot))
		spec->net_of = network_of(slot)->box;
}

void sup_joining_fill(const struct sup_slot *slot, struct box_spec *spec)
{
	for (size_t i = 0; i < BOX_NAMESPACES; i++)
		if (joined(slot, i))
			spec->ns[i].of = joined(slot, i)->box;
}
