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

/* A link that a request can mean: a wire, or (wire: SIZE_MAX) an attachment of a slot. */
struct target {
	struct sup_slot *slot; /* whose interface it is called by */
	size_t port, wire;
	size_t side; /* of the wire, its end here; ways are told as they are seen from it */
};

static struct net_impair_end end_of(const struct sup_slot *slot, const char *host_ifname,
				    const char *ifname)
{
	return (struct net_impair_end){
		.host_ifname = host_ifname,
		.ifname = ifname,
		.netns_fd = slot ? box_slot_netns(slot->box) : -1,
		.rtnl_fd = slot ? box_slot_rtnl(slot->box) : -1,
	};
}

/* `now` becomes what is wanted. */
static int impair_link(struct sup *s, struct net_impair_spec *spec, struct impair_ways *now,
		       const struct impair_ways *want, struct err *err)
{
	bool any = false;

	for (size_t i = 0; i < IMPAIR_WAYS; i++)
		any = any || impair_is_set(&now->way[i]) || impair_is_set(&want->way[i]);
	spec->now = *now;
	spec->want = *want;
	if (any && sup_impair_look(&s->model->prepared, err) < 0)
		return -1;
	if (any && net_impair(s->net, &s->model->prepared.impair, spec, err) < 0) {
		/* One way may have come as far as it was wanted. */
		spec->now = *want;
		spec->want = *now;
		net_impair(s->net, &s->model->prepared.impair, spec, &(struct err){ 0 });
		return -1;
	}
	/* Values without an effect are kept: others may be set beside them. */
	*now = *want;
	return 0;
}

int sup_impair_port(struct sup_slot *slot, size_t port, const struct impair_ways *want,
		       struct err *err)
{
	const struct net_port_spec *p = &slot->plan->ports[port];
	struct net_impair_spec spec = {
		.ends = { end_of(slot, p->host_ifname, p->ifname), end_of(NULL, NULL, NULL) },
	};

	return impair_link(slot->sup, &spec, &slot->impaired[port], want, err);
}

static int impair_wire(struct sup *s, size_t wire, const struct impair_ways *want, struct err *err)
{
	const struct net_end_spec *ends = s->plan->net.wires[wire].ends;
	struct net_impair_spec spec = { 0 };

	for (size_t i = 0; i < 2; i++)
		spec.ends[i] = end_of(ends[i].kind == NET_END_SLOT ? &s->slots[ends[i].slot] : NULL,
				      ends[i].host_ifname, ends[i].ifname);
	return impair_link(s, &spec, &s->wires[wire].impaired, want, err);
}

int sup_impair_slot(struct sup_slot *slot, struct err *err)
{
	slot->impaired = xcalloc(slot->plan->n_ports + 1, sizeof(*slot->impaired));
	for (size_t i = 0; i < slot->plan->n_ports; i++)
		if (sup_impair_port(slot, i, &slot->plan->links[i].impair, err) < 0)
			return -1;
	return 0;
}

int sup_impair_wire(struct sup *s, size_t wire, struct err *err)
{
	if (impair_wire(s, wire, &s->plan->wires[wire], err) == 0)
		return 0;
	return err_wrap(err, "x-links: '%s'", s->plan->net.wires[wire].ends[0].text);
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

/* As it is seen from one end of it, and back: a wire's ways are kept as its first end sees them. */
static struct impair_ways seen_from(const struct impair_ways *w, size_t side)
{
	struct impair_ways out = *w;

	if (side) {
		out.way[IMPAIR_EGRESS] = w->way[IMPAIR_INGRESS];
		out.way[IMPAIR_INGRESS] = w->way[IMPAIR_EGRESS];
	}
	return out;
}

static struct impair_ways now_of(const struct sup *s, const struct target *t)
{
	return t->wire == SIZE_MAX ? t->slot->impaired[t->port]
				   : seen_from(&s->wires[t->wire].impaired, t->side);
}

static void tell(struct sup_peer *p, const struct ctl_msg *m, const struct target *t)
{
	bool wired = t->wire != SIZE_MAX;
	const struct net_end_spec *ends = wired ? p->sup->plan->net.wires[t->wire].ends : NULL;
	struct impair_ways now = now_of(p->sup, t);

	ctl_answer(p->fd, m, CTL_OK,
		   json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "service",
			     t->slot->plan->service->name, "slot", t->slot->plan->name, "interface",
			     wired ? ends[t->side].ifname : t->slot->plan->ports[t->port].ifname,
			     wired ? "wire" : "network",
			     wired ? ends[!t->side].text : t->slot->plan->links[t->port].network,
			     "egress", values(&now.way[IMPAIR_EGRESS]), "ingress",
			     values(&now.way[IMPAIR_INGRESS])),
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

static int change(struct sup *s, const struct target *t, const struct ctl_msg *m, struct err *err)
{
	struct impair_ways want = now_of(s, t);

	if (sup_impair_look(&s->model->prepared, err) < 0)
		return -1;
	for (size_t i = 0; i < IMPAIR_WAYS; i++) {
		const json_t *map = json_object_get(m->body, ways[i]);

		if (json_is_true(json_object_get(m->body, "clear")) || json_is_true(map))
			want.way[i] = (struct impair){ 0 };
		if (json_is_object(map) && read_way(map, &want.way[i], err) < 0)
			return -1;
		if (impair_possible(&s->model->prepared.impair, &want.way[i], err) < 0)
			return -1;
	}
	if (t->wire == SIZE_MAX)
		return sup_impair_port(t->slot, t->port, &want, err);
	want = seen_from(&want, t->side);
	return impair_wire(s, t->wire, &want, err);
}

static bool find_wire(struct sup *s, struct sup_slot *slot, const char *name, struct target *ret)
{
	for (size_t i = 0; i < s->plan->net.n_wires; i++) {
		const struct net_wire_spec *w = &s->plan->net.wires[i];

		for (size_t k = 0; k < 2; k++) {
			const struct net_end_spec *e = &w->ends[k];

			if (e->kind != NET_END_SLOT || e->slot != slot->nr ||
			    strcmp(e->ifname, name) != 0 || !s->wires[i].made)
				continue;
			*ret = (struct target){ .slot = slot, .wire = i, .side = k };
			return true;
		}
	}
	return false;
}

/* By its name in the container, or by that of its network. */
static bool find_target(struct sup_slot *slot, const char *name, struct target *ret)
{
	const struct plan_slot *p = slot->plan;

	if (find_wire(slot->sup, slot, name, ret))
		return true;
	*ret = (struct target){ .slot = slot, .wire = SIZE_MAX };
	for (; slot->impaired && ret->port < p->n_ports; ret->port++)
		if (!strcmp(p->ports[ret->port].ifname, name))
			return true;
	for (ret->port = 0; slot->impaired && ret->port < p->n_ports; ret->port++)
		if (!strcmp(p->links[ret->port].network, name))
			return true;
	return false;
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
	struct target t;

	if (!slot)
		return err_set(err, "service '%s': there is none of this name and number", service);
	if (!find_target(slot, iface ? iface : "", &t))
		return err_set(err, "service '%s': has no interface or network '%s' now", service,
			       iface ? iface : "");
	if (change(p->sup, &t, m, err) < 0)
		return err_wrap(err, "%s:%s", service, iface);
	tell(p, m, &t);
	return 0;
}

/* Wires once, by the first of their ends that is a service's. */
static void answer_all(struct sup_peer *p, const struct ctl_msg *m)
{
	struct sup *s = p->sup;

	for (size_t i = 0; i < s->n_slots; i++) {
		struct target t = { .slot = &s->slots[i], .wire = SIZE_MAX };

		for (; t.slot->impaired && t.port < t.slot->plan->n_ports; t.port++)
			tell(p, m, &t);
	}
	for (size_t i = 0; i < s->plan->net.n_wires; i++) {
		const struct net_end_spec *ends = s->plan->net.wires[i].ends;
		struct target t = { .wire = i, .side = ends[0].kind != NET_END_SLOT };

		t.slot = &s->slots[ends[t.side].slot];
		if (s->wires[i].made)
			tell(p, m, &t);
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
