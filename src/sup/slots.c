/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slots: the places of a supervisor, in which slots come and go. A slot stays where it is, whatever comes or goes beside it: its
 * watchers are there, and the number of its place is what box, net and the names know it by. Called by run.c, oneoff.c and
 * whatever adds or removes services. Starts and stops nothing.
 */
#include <fcntl.h>

#include "sup/oneoff.h"

/* Longer than anything that box or net may still tell of a slot that is gone (net waits 200 ms for a bridge). */
#define REST_MS 1000

bool sup_is_service(const struct sup_slot *slot)
{
	return slot->plan && !slot->oneoff;
}

/* Memory that nobody has touched costs nothing, so there is room for what may never come. */
void sup_slots_open(struct sup *s, size_t n)
{
	s->n_places = n + SUP_ONEOFFS_MAX + SUP_PLACES_MORE;
	s->slots = xcalloc(s->n_places, sizeof(*s->slots));
}

static bool is_free(const struct sup_slot *slot, uint64_t now)
{
	return !slot->plan && !slot->oneoff && !slot->reserved && now - slot->left_ms >= REST_MS;
}

static struct sup_slot *next_place(struct sup *s)
{
	uint64_t now = time_mono_ms();

	for (size_t i = 0; i < s->n_slots; i++)
		if (is_free(&s->slots[i], now))
			return &s->slots[i];
	return s->n_slots < s->n_places ? &s->slots[s->n_slots++] : NULL;
}

struct sup_slot *sup_slot_take(struct sup *s, struct err *err)
{
	struct sup_slot *slot = next_place(s);

	if (!slot) {
		err_kind(
			err, ERR_CREATE,
			"stack '%s': %zu containers have come since it was started: take it down and up for more",
			s->opts->stack->name, s->n_places);
		return NULL;
	}
	*slot = (struct sup_slot){ .sup = s, .nr = (size_t)(slot - s->slots) };
	sup_slot_watchers_init(slot);
	return slot;
}

static void detach(const struct sup_slot *slot)
{
	const struct plan_slot *p = slot->plan;

	if (!slot->attached || !slot->box || !p)
		return;
	net_detach(&(struct net_attach){ .rtnl_fd = box_slot_rtnl(slot->box),
					 .netns_fd = box_slot_netns(slot->box),
					 .ports = p->ports,
					 .n_ports = p->n_ports });
}

void sup_slots_detach(struct sup *s)
{
	for (size_t i = 0; i < s->n_slots; i++)
		detach(&s->slots[i]);
}

/* What has a name outside: ports, names, folders, the namespace. Links go with that. */
static void remove_outside(struct sup_slot *slot)
{
	const struct plan_slot *p = slot->plan;
	struct err ignored = { 0 };

	if (slot->attached && p->n_pubs)
		sup_publish(slot->sup, p->pubs, p->n_pubs, false, &ignored);
	sup_release(slot->sup, p->name);
	sup_names_drop(slot);
	sup_netns_unlink(slot->sup, p->name);
	detach(slot);
	box_slot_close(take_ptr(&slot->box));
	logs_close(take_ptr(&slot->log));
	path_remove_tree(AT_FDCWD, p->dir);
}

/* Memory, and what only we know of. */
static void forget(struct sup_slot *slot)
{
	logs_close(take_ptr(&slot->log));
	sup_oneoff_free(slot);
	free(slot->impaired);
	free(slot->upper);
	free(slot->work);
}

struct sup_slot *sup_slot_find(struct sup *s, const char *name)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (sup_is_service(&s->slots[i]) && !strcmp(s->slots[i].plan->name, name))
			return &s->slots[i];
	return NULL;
}

void sup_slot_drop(struct sup_slot *slot)
{
	struct sup *s = slot->sup;
	size_t nr = slot->nr;

	if (slot->plan) {
		sup_note_slot_gone(slot);
		remove_outside(slot);
	}
	ev_timer_stop(s->loop, &slot->timer);
	ev_timer_stop(s->loop, &slot->health_timer);
	ev_timer_stop(s->loop, &slot->probe_timer);
	ev_timer_stop(s->loop, &slot->exec_timer);
	sup_knock_end(slot);
	sup_streams_stop(slot);
	forget(slot);
	*slot = (struct sup_slot){ .sup = s, .nr = nr, .left_ms = time_mono_ms() };
	sup_slot_watchers_init(slot);
}

bool sup_is_removed(const struct sup_slot *slot)
{
	return slot->removed && slot->svc.state == SVC_IDLE;
}

int sup_slot_clear(struct sup_slot *slot, struct err *err)
{
	const struct svc_policy policy = slot->svc.policy;
	const struct svc_health_policy health = slot->health.policy;

	if (slot->plan->box_slot.tmp_upper)
		return err_set(
			err,
			"%s: what it wrote is in memory for as long as it has its addresses: "
			"take the stack down for that",
			slot->plan->name);
	if (store_slot_layer_drop(slot->model->prepared.store, slot->sup->opts->stack->name,
				  slot->plan->name, slot->sup->ledger, err) < 0)
		return -1;
	free(take_ptr(&slot->upper));
	free(take_ptr(&slot->work));
	svc_init(&slot->svc, &policy);
	svc_health_init(&slot->health, &health);
	slot->oom = slot->stepped = false;
	slot->err = (struct err){ 0 };
	slot->created_wall = time_wall_ns();
	slot->removed = true;
	sup_note_slot_gone(slot);
	return 0;
}

void sup_slots_free(struct sup *s)
{
	for (size_t i = 0; i < s->n_slots; i++)
		forget(&s->slots[i]);
	s->n_slots = 0;
	free(take_ptr(&s->slots));
}
