/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nodeexec: `x-exec`, the commands that a lab configures a node with: one after the other in the container, when its wires and
 * networks carry and its program has started, at every start. What they write goes into the log of the service. One that fails
 * is told, and the next one runs: nothing waits for them. settle.c begins them and tells how each ended.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "sup/state.h"

/* Health checks wait for their turn meanwhile. */
enum { PATIENCE_MS = 60000 };

static const struct plan_hook *command(const struct sup_slot *slot)
{
	return &slot->plan->exec.v[slot->execing.at];
}

void sup_exec_begin(struct sup_slot *slot)
{
	slot->execing.at = 0;
	if (slot->plan->exec.n && !slot->oneoff)
		sup_inside_want(slot, ERRAND_EXEC);
}

void sup_exec_end(struct sup_slot *slot)
{
	ev_timer_stop(slot->sup->loop, &slot->exec_timer);
	sup_inside_drop(slot, ERRAND_EXEC);
}

int sup_exec_run(struct sup_slot *slot, struct err *err)
{
	slot->execing.late = false;
	sup_arm(slot->sup, &slot->exec_timer, PATIENCE_MS);
	return sup_hook_run(slot, command(slot), err);
}

void sup_exec_late(struct sup_slot *slot)
{
	if (!slot->box || slot->inside.running != ERRAND_EXEC)
		return;
	slot->execing.late = true;
	box_exec_cancel(slot->box); /* BOX_EXEC_DONE follows */
}

/* Line by line, so that none of them can pass for one of the service's. */
static void keep_output(struct sup_slot *slot)
{
	bool cut = strlen(slot->probe_output) == SUP_PROBE_OUTPUT;

	for (char *line = slot->probe_output, *end; *line; line = end) {
		end = line + strcspn(line, "\n");
		logs_say(slot->log, "x-exec[%zu]: %.*s", slot->execing.at, (int)(end - line), line);
		end += *end == '\n';
	}
	if (cut)
		logs_say(slot->log, "x-exec[%zu]: (what it wrote beyond %d bytes is lost)",
			 slot->execing.at, SUP_PROBE_OUTPUT);
}

static void tell_failure(struct sup_slot *slot, int status)
{
	char how[64];

	if (slot->execing.late)
		snprintf(how, sizeof(how), "ended because it took longer than %d s",
			 PATIENCE_MS / 1000);
	else if (WIFEXITED(status))
		snprintf(how, sizeof(how), "exited with code %d", WEXITSTATUS(status));
	else
		snprintf(how, sizeof(how), "ended by %s", sig_name(WTERMSIG(status)));
	slot->probe_output[strcspn(slot->probe_output, "\n")] = 0; /* its first line says most */
	sup_say(&slot->sup->opts->hooks, SUP_WARNING, slot->plan->name,
		"x-exec[%zu]: '%.80s' %s%s%.200s", slot->execing.at, command(slot)->argv[0], how,
		*slot->probe_output ? ": " : "", slot->probe_output);
	if (slot->log)
		logs_say(slot->log, "x-exec[%zu]: '%.80s' %s", slot->execing.at,
			 command(slot)->argv[0], how);
}

/* With its container it is not this one that has failed. */
static bool went_with_container(const struct sup_slot *slot, int status)
{
	return !slot->execing.late && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL &&
	       (!slot->box || !box_pid(slot->box));
}

void sup_exec_done(struct sup_slot *slot, int status)
{
	ev_timer_stop(slot->sup->loop, &slot->exec_timer);
	if (went_with_container(slot, status))
		return;
	if (slot->log)
		keep_output(slot);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		tell_failure(slot, status);
	if (++slot->execing.at < slot->plan->exec.n)
		sup_inside_want(slot, ERRAND_EXEC);
}
