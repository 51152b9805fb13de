/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resting: clients that wait until services have ended for good (CTL_REST): an `up` in the foreground that only looks on. Called by request.c,
 * and once per turn when all facts have settled.
 */
#include "sup/change.h"
#include "sup/reexec.h"
#include "sup/reload.h"

/* Who is restarted, by his policy or by somebody, has not. */
static bool all_rest(const struct sup *s, const json_t *services)
{
	for (size_t i = 0; i < s->n_slots; i++) {
		const struct sup_slot *slot = &s->slots[i];

		if (sup_is_service(slot) && sup_is_meant(services, slot->plan->service->name) &&
		    !sup_at_rest(&slot->svc))
			return false;
	}
	return true;
}

void sup_rest_request(struct sup_peer *p, const struct ctl_msg *m)
{
	json_decref(p->rest);
	p->rest = m->body ? json_incref(m->body) : json_object();
	p->rest_id = m->id;
}

void sup_look_at_rest(struct sup *s)
{
	if (!s->up_told || s->ending != ENDING_NO || s->change || s->reload ||
	    sup_verbs_busy(s))
		return;
	for (size_t i = 0; i < SUP_PEERS_MAX; i++) {
		struct sup_peer *p = &s->peers[i];
		const struct ctl_msg request = { .type = CTL_REST, .id = p->rest_id };

		if (p->fd < 0 || !p->rest || !all_rest(s, json_object_get(p->rest, "services")))
			continue;
		ctl_answer(p->fd, &request, CTL_OK, NULL, true);
		json_decref(take_ptr(&p->rest));
	}
}

void sup_rest_carry(const struct sup_peer *p, struct carry *to)
{
	char *text;

	if (!p->rest)
		return;
	text = json_dumps(p->rest, JSON_COMPACT);
	carry_put(to, "rest", text);
	carry_put_num(to, "rest-id", p->rest_id);
	free(text);
}

void sup_rest_resume(struct sup_peer *p, const struct carry *from)
{
	const char *text = carry_text(from, "rest");

	p->rest = text ? json_loads(text, 0, NULL) : NULL;
	p->rest_id = (uint32_t)carry_num(from, "rest-id", 0);
}

void sup_rest_peer_gone(struct sup_peer *p)
{
	json_decref(take_ptr(&p->rest));
}
