/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keptrows: the containers of a stack that goes on without a supervisor, as that one would tell of them (status.c): what it knew last, and what the
 * kernel says now. Called by cli through sup_keep.h. Asks the guard that keeps the stack, and changes nothing.
 */
#include <errno.h>

#include "sup/keeping.h"
#include "sup/reexec.h"

/* What nobody looks at any more is not told of: its health, and when it would be restarted. */
static void set_state(const struct carry *from, bool runs, json_t *row)
{
	struct sup_slot then = { 0 };
	struct carry *svc = carry_next(from, "svc", NULL);

	sup_fields_resume(FIELDS_SLOT, &then, from);
	if (svc)
		sup_fields_resume(FIELDS_SVC, &then.svc, svc);
	json_object_set_new(row, "Health", json_string(""));
	if (then.svc.state == SVC_BACKOFF) {
		json_object_set_new(row, "Status", json_string("Restarting (when it is adopted)"));
	} else if (runs || then.svc.state == SVC_EXITED || then.svc.state == SVC_IDLE) {
		json_object_set_new(row, "Status", sup_status_words(&then));
	} else {
		json_object_set_new(row, "State", json_string("exited"));
		json_object_set_new(row, "Status", json_string("Exited (nobody saw how)"));
	}
}

static json_t *row_of(pid_t keeper, const struct carry *from)
{
	const char *text = carry_text(from, "row"), *name = carry_text(from, "name");
	json_t *row = text ? json_loads(text, 0, NULL) : NULL;
	struct box_running *r;

	if (!row || !name)
		return row;
	r = box_running_get(keeper, name, &(struct err){ 0 });
	json_object_set_new(row, "Pid", json_integer(r ? r->pid : 0));
	set_state(from, r != NULL, row);
	box_running_free(r);
	return row;
}

int sup_kept_rows(const char *project, json_t **ret, struct err *err)
{
	struct carry *tree = sup_kept(project, err);
	pid_t keeper = tree ? sup_keeper(project) : 0;
	json_t *rows;

	if (!tree)
		return err->sys == ENOENT ? 1 : -1;
	rows = json_array();
	for (const struct carry *c = NULL; (c = carry_next(tree, "slot", c));) {
		json_t *row = row_of(keeper, c);

		if (row)
			json_array_append_new(rows, row);
	}
	carry_free(tree);
	*ret = rows;
	return 0;
}
