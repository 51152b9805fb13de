/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolving: the names of slots, told to net, which has them answered (net_names.h). Called when slots come and go. All slots of
 * the plan have their names before the first one starts, so nobody can be too early to find somebody.
 */
#include "mstack/net_resume.h"
#include "sup/keeping.h"
#include "sup/oneoff.h"

static const char resolv_conf[] = "/etc/resolv.conf";

static bool asks(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_slots; i++)
		if (plan->slots[i].naming.asks)
			return true;
	return false;
}

static int open_names(struct sup *s, struct err *err)
{
	if (s->names)
		return 0;
	s->names = net_names_open(s->loop, resolv_conf, s->porch, sup_is_to_keep(s), sup_net_event,
				  s, err);
	if (!s->names)
		return -1;
	net_names_networks(s->names, &s->plan->net, 0);
	return 0;
}

static struct net_names_sockets sockets_of(const struct sup_slot *slot)
{
	return (struct net_names_sockets){ .udp = box_slot_socket(slot->box, BOX_UDP),
					   .tcp = box_slot_socket(slot->box, BOX_TCP),
					   .nft = box_slot_socket(slot->box, BOX_NFT) };
}

int sup_names_open(struct sup *s, struct err *err)
{
	if (!asks(s->plan))
		return 0;
	if (open_names(s, err) < 0)
		return -1;
	for (size_t i = 0; i < s->n_slots; i++)
		if (sup_is_service(&s->slots[i]))
			net_names_add(s->names, (uint32_t)i, &s->slots[i].plan->naming);
	return 0;
}

static void resume_slot(struct sup *s, const struct sup_slot *slot)
{
	uint32_t nr = (uint32_t)slot->nr;

	net_names_add(s->names, nr, &slot->plan->naming);
	if (!slot->box)
		return;
	if (slot->attached && slot->plan->naming.asks) {
		const struct net_names_sockets sockets = sockets_of(slot);

		net_names_listens(s->names, nr, &sockets);
	}
	if (slot->attached)
		sup_proxy(s, slot->plan->pubs, slot->plan->n_pubs, true);
	if (box_pid(slot->box))
		net_names_up(s->names, nr, true);
}

static bool anybody_asks(const struct sup *s)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (sup_is_service(&s->slots[i]) && s->slots[i].plan->naming.asks)
			return true;
	return asks(s->plan);
}

void sup_names_resume(struct sup *s)
{
	if (!anybody_asks(s))
		return;
	s->names = net_names_resume(s->loop, resolv_conf, s->porch, sup_is_to_keep(s),
				    sup_net_event, s);
	net_names_networks(s->names, &s->plan->net, 0);
	for (size_t i = 0; i < s->n_slots; i++)
		if (sup_is_service(&s->slots[i]))
			resume_slot(s, &s->slots[i]);
}

int sup_names_add(struct sup_slot *slot, struct err *err)
{
	if (!slot->plan->naming.asks)
		return 0;
	if (open_names(slot->sup, err) < 0)
		return -1;
	net_names_add(slot->sup->names, (uint32_t)slot->nr, &slot->plan->naming);
	return 0;
}

void sup_names_networks(struct sup *s, size_t first)
{
	if (s->names)
		net_names_networks(s->names, &s->plan->net, first);
}

void sup_names_outlive(struct sup *s)
{
	if (s->names)
		net_names_outlive(s->names, sup_is_to_keep(s));
}

int sup_names_listen(const struct sup_slot *slot, struct err *err)
{
	const struct net_names_sockets sockets = sockets_of(slot);

	if (!slot->plan->naming.asks)
		return 0;
	return net_names_listen(slot->sup->names, (uint32_t)slot->nr, &sockets, err);
}

void sup_names_up(const struct sup_slot *slot, bool up)
{
	if (slot->sup->names)
		net_names_up(slot->sup->names, (uint32_t)slot->nr, up);
}

void sup_names_drop(const struct sup_slot *slot)
{
	if (slot->sup->names)
		net_names_drop(slot->sup->names, (uint32_t)slot->nr);
}
