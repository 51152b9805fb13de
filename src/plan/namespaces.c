/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose namespaces a slot has: its own, the host's, or those of another service's slot. And with them whose ids: the kernel lets
 * nobody mount proc, mqueue or sysfs for a namespace that belongs to another user namespace than his own.
 */
#include "plan/planner.h"

/* Those that decide: each belongs to the user namespace of whoever made it. */
enum { DECIDING = 3 };
static const char *const keys[DECIDING] = { "pid", "ipc", "network_mode" };

static const struct stack_namespace *deciding(const struct stack_service *s, size_t i)
{
	const struct stack_namespace *const list[DECIDING] = { &s->pid, &s->ipc, &s->net };

	return list[i];
}

/* Through all that it joins, to the one that made the user namespace; NULL: the host's. There are no cycles. */
static const struct stack_service *owner_of_ids(const struct stack_service *s)
{
	if (s->userns_host)
		return NULL;
	for (size_t i = 0; i < DECIDING; i++)
		if (deciding(s, i)->share == STACK_OF_HOST)
			return NULL;
	for (size_t i = 0; i < DECIDING; i++)
		if (deciding(s, i)->share == STACK_OF_SERVICE)
			return owner_of_ids(deciding(s, i)->of);
	return s;
}

bool plan_host_ids(const struct stack_service *s)
{
	return !owner_of_ids(s);
}

static void complain(struct planner *p, const struct stack_service *s, const char *key,
		     const struct stack_namespace *ns)
{
	stack_diag_add(
		p->diags, STACK_ERROR, ns->pos, "write `userns_mode: host` in both, or in neither",
		"service '%s': %s: service '%s' is in another user namespace, and a container "
		"can be in one only",
		s->name, key, ns->of->name);
}

/* With the host's network a container would get that of the stack instead, and nobody would see why nothing answers. */
static void check_host(struct planner *p, const struct stack_service *s)
{
	static const char *const cures[DECIDING] = {
		"run the stack as root, or leave it out",
		"write `ipc: shareable` in one service and `ipc: service:NAME` in the others",
		"publish the ports that others need, or run the stack as root",
	};

	for (size_t i = 0; i < DECIDING; i++)
		if (deciding(s, i)->share == STACK_OF_HOST)
			planner_needs_root(p, deciding(s, i)->pos, cures[i],
					   arena_printf(p->arena, "service '%s': `%s: host`",
							s->name, keys[i]));
}

static void check_ids(struct planner *p, const struct stack_service *s)
{
	for (size_t i = 0; i < DECIDING; i++) {
		const struct stack_namespace *ns = deciding(s, i);

		if (ns->share == STACK_OF_SERVICE && owner_of_ids(ns->of) != owner_of_ids(s))
			complain(p, s, keys[i], ns);
	}
}

/* The first slot of a service is the one that others join. */
static size_t slot_of(const struct planner *p, const struct stack_service *s)
{
	size_t i = 0;

	while (i < p->plan->n_slots && p->plan->slots[i].service != s)
		i++;
	return i < p->plan->n_slots ? i : PLAN_NO_SLOT;
}

static const enum box_share words[] = {
	[STACK_OWN] = BOX_OWN,	    [STACK_SHAREABLE] = BOX_OWN,   [STACK_BARE] = BOX_OWN,
	[STACK_OF_HOST] = BOX_HOST, [STACK_OF_SERVICE] = BOX_JOIN,
};

static void share_one(struct planner *p, struct plan_slot *slot, int nr,
		      const struct stack_namespace *ns)
{
	slot->box.ns[nr].share = words[ns->share];
	slot->joins[nr] = ns->share == STACK_OF_SERVICE ? slot_of(p, ns->of) : PLAN_NO_SLOT;
}

/*
 * Whose user namespace it joins: of a slot that it waits for, which may have joined it itself. So the one who made it need
 * not have been started by name.
 */
static size_t ids_from(const struct planner *p, const struct plan_slot *slot)
{
	const struct stack_service *s = slot->service, *owner = owner_of_ids(s);

	for (size_t i = 0; owner && owner != s && i < DECIDING; i++)
		if (deciding(s, i)->share == STACK_OF_SERVICE)
			return slot_of(p, deciding(s, i)->of);
	return PLAN_NO_SLOT;
}

void planner_share(struct planner *p, struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;

	share_one(p, slot, BOX_PID, &s->pid);
	share_one(p, slot, BOX_IPC, &s->ipc);
	share_one(p, slot, BOX_UTS, &s->uts);
	share_one(p, slot, BOX_CGROUP, &s->cgroup);
	slot->box.no_shm = s->ipc.share == STACK_BARE;
	slot->box_slot.net = words[s->net.share];
	slot->net_of = s->net.share == STACK_OF_SERVICE ? slot_of(p, s->net.of) : PLAN_NO_SLOT;
	slot->box_slot.host_ids = plan_host_ids(s);
	slot->ids_of = ids_from(p, slot);
	check_host(p, s);
	check_ids(p, s);
}
