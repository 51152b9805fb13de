/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changereq: CTL_APPLY and CTL_PLAN, in the table of requests. Both make an outlook and tell it, slot by slot and key by key, and what becomes of networks (changenet.c); one of them
 * carries it out, and answers a last time when it has come to its end.
 */
#include <errno.h>
#include <stdio.h>

#include "sup/change.h"
#include "sup/reload.h"

/* One message holds a difference, so neither side of it goes in whole when it is long. */
enum { TEXT_MAX = 4096 };

static void refuse(struct sup_peer *p, const struct ctl_msg *m, const struct err *err)
{
	ctl_answer(p->fd, m, CTL_ERROR,
		   json_pack("{s:s%, s:i, s:b, s:b}", "error", err->text, strlen(err->text), "code",
			     err_exit_code(err), "busy", err->sys == EALREADY || err->sys == ESHUTDOWN,
			     "ending", err->sys == ESHUTDOWN),
		   true);
}

/* ---- telling --------------------------------------------------------------------------------- */

static const char *action_of(const struct sup_entry *e)
{
	static const char *const words[PLAN_CLASSES] = { "keep", "update", "restart", "recreate" };

	if (!e->is)
		return !e->left_alone ? "remove" : e->orphan ? "orphan" : "keep";
	if (!e->was)
		return "create";
	return e->left_alone ? "keep" : words[e->how];
}

static const struct plan_slot *slot_of(const struct sup_entry *e)
{
	return e->is ? e->is : e->was->plan;
}

static void tell_entry(struct sup_peer *p, const struct ctl_msg *m, const struct sup_change *c,
		       const struct sup_entry *e)
{
	const struct plan_slot *slot = slot_of(e);
	bool same = e->was && e->is && (e->left_alone || e->how < PLAN_RECREATE);
	bool old_volumes =
		same && sup_change_wants(c, "renew_volumes") && sup_has_anonymous(e->was);

	ctl_answer(p->fd, m, CTL_OK,
		   json_pack("{s:s, s:s, s:s, s:b, s:s*, s:b}", "slot", slot->name, "service",
			     slot->service->name, "action", action_of(e), "starts", e->starts,
			     "why", e->why, "old_volumes", old_volumes),
		   false);
}

void sup_change_text(json_t *o, const char *key, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return;
	if (len > TEXT_MAX)
		len = TEXT_MAX;
	while (len && len == TEXT_MAX && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--; /* not inside a character of UTF-8 */
	json_object_set_new(o, key, json_stringn_nocheck(text, len));
}

static void tell_difference(struct sup_peer *p, const struct ctl_msg *m, const struct sup_entry *e,
			    const struct plan_change *change)
{
	json_t *o =
		json_pack("{s:s, s:s}", "slot", change->name, "service", slot_of(e)->service->name);

	sup_change_text(o, "key", change->key);
	sup_change_text(o, "from", change->from);
	sup_change_text(o, "to", change->to);
	json_object_set_new(o, "class", json_string(plan_class_name(change->how)));
	sup_change_text(o, "why", change->why);
	ctl_answer(p->fd, m, CTL_OK, o, false);
}

static void tell(struct sup_peer *p, const struct ctl_msg *m, const struct sup_change *c)
{
	for (size_t i = 0; i < c->entries.n; i++) {
		const struct sup_entry *e = &c->entries.v[i];

		tell_entry(p, m, c, e);
		for (size_t k = 0; e->is && e->was && !e->left_alone && k < c->diff.n; k++)
			if (!strcmp(c->diff.v[k].name, e->is->name))
				tell_difference(p, m, e, &c->diff.v[k]);
	}
	sup_change_tell_net(p, m, c);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* What ends by itself: who asked waits for that, and asks again. */
static int not_now(int sys, const char *what, struct err *err)
{
	err_set(err, "%s", what);
	err->sys = sys;
	return -1;
}

static int check(const struct sup_peer *p, const struct ctl_msg *m, struct err *err)
{
	struct sup_cause who = sup_because_user(p, "up");
	struct sup *s = p->sup;

	if (m->n_fds != 1)
		return err_set(err, "the request has no document");
	if (s->ending != ENDING_NO && m->type == CTL_PLAN)
		return err_set(err, "the stack is being stopped");
	if (s->ending != ENDING_NO)
		return not_now(ESHUTDOWN, "the stack is being stopped", err);
	if (s->transient)
		return err_set(err, "only one-off containers run in this stack: it ends with them");
	if (m->type == CTL_PLAN)
		return 0;
	if (s->change && sup_reload_asks(s, &who)) {
		sup_reload_later(s);
		return err_set(
			err,
			"the stack is being changed by somebody else: after that it is read once more");
	}
	if (s->change)
		return not_now(EALREADY, "the stack is being changed by somebody else", err);
	/* What was made from here on could not be found again when we are dead. */
	if (ledger_lost(s->ledger))
		return err_set(
			err,
			"the stack is already up, only its ledger was removed: `mstack down`, then up");
	if (!s->up_told)
		return not_now(EALREADY, "the stack is still being started", err);
	return 0;
}

static int begin(struct sup_peer *p, const struct ctl_msg *m, struct sup_change *c, struct err *err)
{
	const char *command = json_string_value(json_object_get(c->wishes, "command"));
	bool reload;

	c->asker = sup_because_user(p, command ? command : "up");
	reload = sup_reload_asks(p->sup, &c->asker);
	c->cause = c->asker;
	c->cause.why = WHY_CHANGED;
	if (c->asker.why == WHY_SIGNAL)
		snprintf(c->cause.what, sizeof(c->cause.what), "reload");
	if (sup_change_begin(c, err) < 0)
		return -1;
	if (reload)
		sup_reload_began(p->sup);
	c->peer = p;
	c->id = m->id;
	return 0;
}

void sup_change_request(struct sup_peer *p, const struct ctl_msg *m)
{
	struct sup *s = p->sup;
	struct sup_change *c = NULL;
	struct err err = { 0 };

	if (check(p, m, &err) == 0)
		c = sup_outlook(s, m->fds[0], m->body, &err);
	if (!c) {
		refuse(p, m, &err);
		return;
	}
	if (m->type == CTL_PLAN) {
		tell(p, m, c);
		sup_outlook_free(c);
		ctl_answer(p->fd, m, CTL_OK, NULL, true);
	} else if (tell(p, m, c), begin(p, m, c, &err) < 0) {
		sup_outlook_free(c);
		refuse(p, m, &err);
	}
}

void sup_change_peer_gone(struct sup_peer *p)
{
	struct sup_change *c = p->sup->change;

	if (!c || c->peer != p)
		return;
	/* What was begun goes on, and is done when all has been started: nobody waits for more. */
	c->peer = NULL;
	json_object_set_new(c->wishes, "wait", json_false());
}

void sup_change_answer(struct sup_change *c, const struct err *err)
{
	const struct ctl_msg request = { .type = CTL_APPLY, .id = c->id };

	if (!c->peer)
		return;
	if (err->text[0])
		refuse(c->peer, &request, err);
	else
		ctl_answer(c->peer->fd, &request, CTL_OK, NULL, true);
}
