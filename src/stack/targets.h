/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * targets: paths in the container at which something appears: mounts, devices, secrets. Lists of them have one entry for each
 * path, and a later entry takes the place of an earlier one, as the compose specification has it for overrides.
 */
#ifndef STACK_TARGETS_H
#define STACK_TARGETS_H

#include "stack/reader.h"

struct targets {
	struct node_items items;
	struct strmap seen;
};

/* Puts `entry` in. The one whose place it took, or NULL. `path` must outlive the list. */
struct node *targets_put(struct targets *t, const char *path, struct node *entry);
bool targets_have(const struct targets *t, const char *path);
/* Says that `entry` took the place of `old`, unless it is an override, which does that on purpose. */
void targets_warn(struct reader *r, const struct where *w, const char *path, const struct node *old,
		  const struct node *entry);
struct node *targets_done(struct reader *r, struct stack_pos pos, struct targets *t);
/* The absolute path `text`, cleaned, as a part of `n`; NULL with an error. */
struct node *target_form(struct reader *r, const struct where *w, const struct node *n, const char *text);

#endif
