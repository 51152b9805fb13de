/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adopting: what was on its way when the supervisor died. Called by takeup.c. What the tree says may be older than what was done last: so whatever runs
 * in a slot beside the process that the tree knows is ended, and what was begun goes on by policy, as after an end that nobody saw.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sup/keeping.h"
#include "sup/reexec.h"

static void queue(struct sup_slot *slot, enum box_event_kind kind, const char *why)
{
	struct sup_fact fact = { .kind = FACT_BOX, .slot = slot->nr };

	fact.box.kind = kind;
	fact.box.status = SIGKILL;
	if (why)
		err_kind(&fact.box.err, ERR_CREATE, "%s", why);
	sup_queue(slot->sup, &fact);
}

/* A timer that is to fire and does not run: what it would do is due. */
static void arm_lost(struct sup_slot *slot)
{
	struct sup *s = slot->sup;
	bool waits = slot->svc.state == SVC_BACKOFF || slot->svc.state == SVC_STOPPING;

	if (waits && !ev_is_active(&slot->timer))
		sup_arm(s, &slot->timer, 1);
	/* A check that was under way has no result. */
	slot->health.probing = false;
	if (slot->health.state != HEALTH_NONE && !slot->health.paused &&
	    !ev_is_active(&slot->health_timer))
		sup_arm(s, &slot->health_timer, 1);
}

/* `rm` had taken it away, and that could not be handed over any more: the next start makes one. */
static void forget_layer(struct sup_slot *slot)
{
	if (!slot->upper || access(slot->upper, F_OK) == 0 || errno != ENOENT)
		return;
	free(take_ptr(&slot->upper));
	free(take_ptr(&slot->work));
}

static void adopt_slot(struct sup_slot *slot)
{
	bool between = slot->between;
	bool runs = slot->box && box_pid(slot->box);

	slot->between = false;
	/* Whoever starts it begins with the first. */
	slot->stepping = (struct sup_stepping){ 0 };
	slot->todo = slot->health_todo = 0;
	if (!slot->box) {
		slot->phase = PHASE_NONE;
		slot->attached = slot->network_up = false;
	}
	/* Nobody waits for its links any more: by now they are up. */
	slot->network_up = slot->network_up || slot->attached;
	forget_layer(slot);
	arm_lost(slot);
	if (slot->svc.state == SVC_STARTING)
		queue(slot, BOX_START_FAILED, "its supervisor died while it was being started");
	else if ((slot->svc.state == SVC_RUNNING || slot->svc.state == SVC_STOPPING) && !runs)
		queue(slot, BOX_EXITED, NULL);
	else if (between && runs)
		box_kill(slot->box, &(struct err){ 0 });
}

/* As the links of slots: what was made carries frames by now, and nobody would say so any more. */
static void adopt_wires(struct sup *s)
{
	for (size_t i = 0; i < s->plan->net.n_wires; i++)
		s->wires[i].ready = s->wires[i].ready || s->wires[i].made;
	net_forgotten(s->net);
}

int sup_adopt_rest(struct sup *s, struct carry *tree, struct err *err)
{
	if (box_clear_rest(s->runtime, err) < 0)
		return -1;
	sup_oneoffs_end(s, tree);
	sup_netns_link_again(s);
	adopt_wires(s);
	for (struct carry *c = NULL; (c = carry_next(tree, "slot", c));)
		adopt_slot(&s->slots[carry_num(c, "place", 0)]);
	return 0;
}

static void add_end(const struct sup_slot *slot, struct buf *b)
{
	int status;

	if (!slot->box || !box_exit(slot->box, &status))
		return;
	/* In the foreground its exit is told when it is settled, in a line of its own. */
	if (status >= 0 && slot->sup->opts->foreground)
		return;
	buf_printf(b, "; '%s' had ended ", slot->plan->name);
	if (status < 0)
		buf_puts(b, "in a way that nobody saw");
	else if (WIFEXITED(status))
		buf_printf(b, "with code %d", WEXITSTATUS(status));
	else
		buf_printf(b, "by %s", sig_name(WTERMSIG(status)));
}

void sup_adopt_tell(struct sup *s, const struct carry *tree)
{
	_cleanup_(buf_fini) struct buf ended = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < s->n_slots; i++) {
		if (!sup_is_service(&s->slots[i]))
			continue;
		n += s->slots[i].box && box_pid(s->slots[i].box);
		add_end(&s->slots[i], &ended);
	}
	sup_say(&s->opts->hooks, SUP_NOTE, NULL,
		"adopted %zu container%s of supervisor %lld, which is no more%s", n,
		n == 1 ? "" : "s", (long long)carry_num(tree, "pid", 0), buf_str(&ended));
}
