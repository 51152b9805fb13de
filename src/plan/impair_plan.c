/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the links of a slot do to packets, and whether this host's kernel can: said here, before anything is made. Called by
 * address.c for each attachment, and by planwire.c for each wire.
 */
#include "plan/planner.h"

/* `link`: "service 'a': network 'b'", for the messages. */
static void check(struct planner *p, const struct impair_ways *ways, struct stack_pos pos,
		  const char *link)
{
	const struct impair_facts *f = p->host->impair;
	struct err err = { 0 };

	for (size_t i = 0; f && i < IMPAIR_WAYS; i++) {
		const struct impair *im = &ways->way[i];

		if (impair_possible(f, im, &err) < 0) {
			p->host_errors++;
			stack_diag_add(p->diags, STACK_ERROR, pos, NULL, "%s: %s", link, err.text);
			return;
		}
		if (!f->seed && (im->given & IMPAIR_BIT(IMPAIR_SEED)) && impair_is_set(im)) {
			stack_diag_add(
				p->diags, STACK_WARNING, pos, NULL,
				"%s: seed: this kernel takes none (Linux 6.6 does): each run differs",
				link);
			return;
		}
	}
}

/* By a queue in the slot alone. */
static bool is_possible_within(const struct planner *p, const struct impair_ways *ways)
{
	return !impair_is_set(&ways->way[IMPAIR_INGRESS]) &&
	       !(p->host->impair && !p->host->impair->netem &&
		 ways->way[IMPAIR_EGRESS].value[IMPAIR_LOSS]);
}

void planner_impair(struct planner *p, struct plan_slot *slot, const struct stack_attach *a,
		    struct plan_link *ret)
{
	ret->network = a->network->key;
	if (!a->impair)
		return;
	ret->impair = *a->impair;
	if (p->plan->net.bridges[slot->ports[slot->n_ports].bridge].kind == NET_LAN_MACVLAN &&
	    !is_possible_within(p, a->impair)) {
		stack_diag_add(p->diags, STACK_ERROR, a->impair_pos,
			       "impair what goes out, with 'egress', or take a bridge",
			       "service '%s': network '%s': what comes in by a macvlan cannot be "
			       "impaired, nor without netem be lost: it has no end on the host",
			       slot->service->name, a->network->key);
		return;
	}
	check(p, a->impair, a->impair_pos,
	      arena_printf(p->arena, "service '%s': network '%s'", slot->service->name,
			   a->network->key));
}

void planner_impair_wire(struct planner *p, const struct stack_wire *w, struct impair_ways *ret)
{
	*ret = (struct impair_ways){ 0 };
	if (!w->impair)
		return;
	*ret = *w->impair;
	check(p, w->impair, w->impair_pos,
	      arena_printf(p->arena, "x-links: '%s'", w->ends[0].text));
}
