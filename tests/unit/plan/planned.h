/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * planned: a plan made of a text, over what runs or not, with all that it borrows, as tests of differences need several.
 */
#ifndef TESTS_PLAN_PLANNED_H
#define TESTS_PLAN_PLANNED_H

#include "mstack/plan.h"

enum { PLANNED_SERVICES_MAX = 8 };

struct planned {
	struct stack_diags *diags;
	struct stack *stack;
	struct plan *plan;
	struct net_facts facts;
	struct store_image images[PLANNED_SERVICES_MAX];
	struct store_user users[PLANNED_SERVICES_MAX];
};

/* `p` is all zeros. image_id: of the first service's image; NULL: none. What is wrong with the text fails the test. */
void planned_make(struct planned *p, const char *yaml, const struct plan *running, const char *image_id);
void planned_fini(struct planned *p);

#endif
