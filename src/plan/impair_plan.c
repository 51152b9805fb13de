/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the links of a slot do to packets, and whether this host's kernel can: said here, before anything is made. Called by
 * address.c for each attachment.
 */
#include "plan/planner.h"

static void check(struct planner *p, const char *service, const struct stack_attach *a)
{
	const struct impair_facts *f = p->host->impair;
	struct err err = { 0 };

	for (size_t i = 0; f && i < IMPAIR_WAYS; i++) {
		const struct impair *im = &a->impair->way[i];

		if (impair_possible(f, im, &err) < 0) {
			p->host_errors++;
			stack_diag_add(p->diags, STACK_ERROR, a->impair_pos, NULL,
				       "service '%s': network '%s': %s", service, a->network->key,
				       err.text);
			return;
		}
		if (!f->seed && (im->given & IMPAIR_BIT(IMPAIR_SEED)) && impair_is_set(im)) {
			stack_diag_add(
				p->diags, STACK_WARNING, a->impair_pos, NULL,
				"service '%s': network '%s': seed: this kernel takes none (Linux 6.6 does): each run differs",
				service, a->network->key);
			return;
		}
	}
}

void planner_impair(struct planner *p, struct plan_slot *slot, const struct stack_attach *a,
		    struct plan_link *ret)
{
	ret->network = a->network->key;
	if (!a->impair)
		return;
	ret->impair = *a->impair;
	check(p, slot->service->name, a);
}
