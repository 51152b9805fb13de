/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * waiting: `mstack wait` over SIGUSR2. What its services have come to is verbs.c's; here the request is written down and taken up, with those of
 * its slots that it has not told of yet. Called by request.c.
 */
#include "sup/reexec.h"
#include "sup/verbs.h"

void sup_wait_carry(const struct sup_peer *p, struct carry *to)
{
	const struct sup_verb *v = p->verb;

	if (!v)
		return;
	to = carry_add(to, "wait");
	carry_put_num(to, "id", v->id);
	carry_put_num(to, "any", v->any);
	for (size_t i = 0; i < v->n; i++) {
		const struct verb_work *w = &v->work[i];
		struct carry *slot;

		/* One that left the stack in this very turn has nothing more to come to. */
		if (w->step == STEP_DONE || !w->slot->plan)
			continue;
		slot = carry_add(to, "slot");
		carry_put(slot, "name", w->slot->plan->name);
		carry_put_num(slot, "created", (int64_t)w->created_wall);
		carry_put_num(slot, "ended", (int64_t)w->ended_wall);
	}
}

void sup_wait_resume(struct sup_peer *p, const struct carry *from)
{
	const struct carry *wait = carry_next(from, "wait", NULL);
	struct VEC(struct verb_work) work = { 0 };
	struct sup_verb *v;

	if (!wait)
		return;
	for (const struct carry *c = NULL; (c = carry_next(wait, "slot", c));) {
		const char *name = carry_text(c, "name");
		struct verb_work w = {
			.slot = name ? sup_slot_find(p->sup, name) : NULL,
			.step = STEP_WAIT,
			.created_wall = (uint64_t)carry_num(c, "created", 0),
			.ended_wall = (uint64_t)carry_num(c, "ended", 0),
		};

		if (w.slot)
			vec_push(&work, w);
	}
	v = xcalloc(1, sizeof(*v));
	*v = (struct sup_verb){ .next = p->sup->verbs,
				.sup = p->sup,
				.peer = p,
				.id = (uint32_t)carry_num(wait, "id", 0),
				.kind = sup_verb_kind(CTL_WAIT),
				.cause = sup_because_user(p, "wait"),
				.timeout_ms = -1,
				.any = carry_num(wait, "any", 0),
				.work = work.v,
				.n = work.n };
	p->verb = p->sup->verbs = v;
}
