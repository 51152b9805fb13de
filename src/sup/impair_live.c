/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * impair_live: what links do to packets, from the plan when they are made, and later as clients ask (CTL_IMPAIR). Called from
 * execute.c and the table of requests. What is set belongs to the link, so it stays over restarts of the service.
 */
#include "sup/state.h"

static const char *const ways[] = { [IMPAIR_EGRESS] = "egress", [IMPAIR_INGRESS] = "ingress" };

int sup_impair_look(struct sup_prepared *p, struct err *err)
{
	if (!p->impair_known && net_impair_probe(&p->impair, err) < 0)
		return -1;
	p->impair_known = true;
	return 0;
}

/* One link is made as it is wanted. */
static int impair_link(struct sup_slot *slot, size_t port, const struct impair_ways *want,
		       struct err *err)
{
	const struct net_port_spec *p = &slot->plan->ports[port];
	struct sup_prepared *known = &slot->sup->prepared;
	struct net_impair_spec spec = {
		.host_ifname = p->host_ifname,
		.ifname = p->ifname,
		.netns_fd = box_slot_netns(slot->box),
		.rtnl_fd = box_slot_rtnl(slot->box),
		.now = slot->impaired[port],
		.want = *want,
	};

	if (sup_impair_look(known, err) < 0 ||
	    net_impair(slot->sup->net, &known->impair, &spec, err) < 0)
		return -1;
	slot->impaired[port] = *want;
	return 0;
}

int sup_impair_slot(struct sup_slot *slot, struct err *err)
{
	slot->impaired = xcalloc(slot->plan->n_ports + 1, sizeof(*slot->impaired));
	for (size_t i = 0; i < slot->plan->n_ports; i++) {
		const struct impair_ways *want = &slot->plan->links[i].impair;

		if (impair_is_set(&want->way[IMPAIR_EGRESS]) ||
		    impair_is_set(&want->way[IMPAIR_INGRESS])) {
			if (impair_link(slot, i, want, err) < 0)
				return -1;
		}
		/* Values without an effect are kept: others may be set beside them. */
		slot->impaired[i] = *want;
	}
	return 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

static json_t *values(const struct impair *im)
{
	json_t *o = json_object();

	for (enum impair_key key = 0; key < IMPAIR_KEYS; key++) {
		_cleanup_(buf_fini) struct buf text = { 0 };

		if (!(im->given & IMPAIR_BIT(key)))
			continue;
		impair_value_text(im, key, &text);
		json_object_set_new(o, impair_name(key), json_string(buf_str(&text)));
	}
	return o;
}

static void tell(struct sup_peer *p, const struct ctl_msg *m, const struct sup_slot *slot,
		 size_t port)
{
	const struct impair_ways *now = &slot->impaired[port];

	ctl_answer(p->fd, m, CTL_OK,
		   json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "service", slot->plan->service->name,
			     "slot", slot->plan->name, "interface", slot->plan->ports[port].ifname,
			     "network", slot->plan->links[port].network, "egress",
			     values(&now->way[IMPAIR_EGRESS]), "ingress",
			     values(&now->way[IMPAIR_INGRESS])),
		   false);
}

/* What one way is to become. */
static int read_way(const json_t *map, struct impair *im, struct err *err)
{
	struct impair over = { 0 };
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)map, name, value) {
		enum impair_key key = impair_find(name);

		if (key == IMPAIR_KEYS || !json_is_string(value))
			return err_kind(err, ERR_USAGE, "'%s': no impairment is called so", name);
		if (impair_parse(key, json_string_value(value), &over, err) < 0) {
			err->kind = ERR_USAGE;
			return err_wrap(err, "%s", name);
		}
	}
	impair_merge(im, &over);
	if (impair_check(im, err) == 0)
		return 0;
	err->kind = ERR_USAGE;
	return -1;
}

static int change(struct sup_slot *slot, size_t port, const struct ctl_msg *m, struct err *err)
{
	struct sup_prepared *known = &slot->sup->prepared;
	struct impair_ways want = slot->impaired[port];

	if (sup_impair_look(known, err) < 0)
		return -1;
	for (size_t i = 0; i < IMPAIR_WAYS; i++) {
		const json_t *map = json_object_get(m->body, ways[i]);

		if (json_is_true(json_object_get(m->body, "clear")) || json_is_true(map))
			want.way[i] = (struct impair){ 0 };
		if (json_is_object(map) && read_way(map, &want.way[i], err) < 0)
			return -1;
		if (impair_possible(&known->impair, &want.way[i], err) < 0)
			return -1;
	}
	return impair_link(slot, port, &want, err);
}

/* By its name in the container, or by that of its network. */
static size_t find_port(const struct sup_slot *slot, const char *name)
{
	for (size_t i = 0; i < slot->plan->n_ports; i++)
		if (!strcmp(slot->plan->ports[i].ifname, name))
			return i;
	for (size_t i = 0; i < slot->plan->n_ports; i++)
		if (!strcmp(slot->plan->links[i].network, name))
			return i;
	return slot->plan->n_ports;
}

static struct sup_slot *find_slot(struct sup *s, const char *service, json_int_t index)
{
	for (size_t i = 0; i < s->n_slots; i++) {
		struct sup_slot *slot = &s->slots[i];

		if (slot->plan && !slot->oneoff && !strcmp(slot->plan->service->name, service) &&
		    slot->plan->index == (unsigned)index)
			return slot;
	}
	return NULL;
}

static int answer_change(struct sup_peer *p, const struct ctl_msg *m, const char *service,
			 struct err *err)
{
	const char *iface = json_string_value(json_object_get(m->body, "iface"));
	json_t *index = json_object_get(m->body, "index");
	struct sup_slot *slot =
		find_slot(p->sup, service, json_is_integer(index) ? json_integer_value(index) : 1);
	size_t port;

	if (!slot)
		return err_set(err, "service '%s': there is none of this name and number", service);
	if (!slot->impaired)
		return err_set(err, "service '%s': has no links yet", service);
	port = find_port(slot, iface ? iface : "");
	if (port == slot->plan->n_ports)
		return err_set(err, "service '%s': has no interface or network '%s'", service,
			       iface ? iface : "");
	if (change(slot, port, m, err) < 0)
		return err_wrap(err, "%s:%s", service, iface);
	tell(p, m, slot, port);
	return 0;
}

static void answer_all(struct sup_peer *p, const struct ctl_msg *m)
{
	for (size_t i = 0; i < p->sup->n_slots; i++) {
		const struct sup_slot *slot = &p->sup->slots[i];

		for (size_t k = 0; slot->impaired && k < slot->plan->n_ports; k++)
			tell(p, m, slot, k);
	}
}

void sup_impair_request(struct sup_peer *p, const struct ctl_msg *m)
{
	const char *service = json_string_value(json_object_get(m->body, "service"));
	struct err err = { 0 };

	if (!service) {
		answer_all(p, m);
	} else if (answer_change(p, m, service, &err) < 0) {
		ctl_answer(p->fd, m, CTL_ERROR,
			   json_pack("{s:s, s:i}", "error", err.text, "code", err_exit_code(&err)),
			   true);
		return;
	}
	ctl_answer(p->fd, m, CTL_OK, NULL, true);
}
