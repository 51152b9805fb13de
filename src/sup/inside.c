/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inside: see inside.h. A command that cannot be begun ends at once, with the code of the shell for that and the reason as its
 * output, so that who waits for it need not know the difference.
 */
#include "sup/state.h"

void sup_inside_want(struct sup_slot *slot, enum sup_errand errand)
{
	slot->inside.waiting |= errand;
}

void sup_inside_drop(struct sup_slot *slot, enum sup_errand errand)
{
	slot->inside.waiting &= ~(unsigned)errand;
	if (slot->inside.running != errand || slot->inside.dropped)
		return;
	slot->inside.dropped = true;
	if (slot->box)
		box_exec_cancel(slot->box); /* BOX_EXEC_DONE follows */
}

static int begin(struct sup_slot *slot, enum sup_errand errand, struct err *err)
{
	if (!slot->box)
		return err_set(err, "its container has ended");
	switch (errand) {
	case ERRAND_HOOK:
		return sup_hook_begin(slot, err);
	case ERRAND_EXEC:
		return sup_exec_run(slot, err);
	case ERRAND_PROBE:
		return sup_probe_run(slot, err);
	case ERRAND_NONE:
		break;
	}
	return -1;
}

static void fail(struct sup_slot *slot, const struct err *err)
{
	struct sup_fact fact = { .kind = FACT_BOX, .slot = slot->nr };

	snprintf(slot->probe_output, sizeof(slot->probe_output), "%s", err->text);
	fact.box.kind = BOX_EXEC_DONE;
	fact.box.status = err_exit_code(err) << 8;
	sup_queue(slot->sup, &fact);
}

void sup_inside_execute(struct sup_slot *slot)
{
	struct sup_inside *in = &slot->inside;
	struct err err = { 0 };

	if (in->running || !in->waiting)
		return;
	in->running = in->waiting & ERRAND_HOOK	  ? ERRAND_HOOK
		      : in->waiting & ERRAND_EXEC ? ERRAND_EXEC
						  : ERRAND_PROBE;
	in->waiting &= ~(unsigned)in->running;
	in->dropped = false;
	slot->probe_output[0] = 0;
	if (begin(slot, in->running, &err) < 0)
		fail(slot, &err);
}

enum sup_errand sup_inside_done(struct sup_slot *slot)
{
	enum sup_errand what = slot->inside.dropped ? ERRAND_NONE : slot->inside.running;

	slot->inside.running = ERRAND_NONE;
	slot->inside.dropped = false;
	return what;
}
