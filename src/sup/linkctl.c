/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests about links: cables that are pulled and put back, and how all of them are. What is told is what the kernel says at that
 * moment. A link is called by either of its ends, as in the stack file.
 */
#include <stdio.h>

#include "sup/oneoff.h"

/* A wire, or (wire: SIZE_MAX) an attachment of a slot. */
struct link_ref {
	size_t wire;
	const struct sup_slot *slot;
	const struct net_port_spec *port;
};

struct link_refs VEC(struct link_ref);

/* SERVICE:INTERFACE for the only container of a service, SLOT:INTERFACE for each. */
static bool is_of_slot(const struct sup_slot *slot, const char *ifname, const char *text)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	const struct plan_slot *p = slot->plan;

	if (!colon || strcmp(colon + 1, ifname) != 0)
		return false;
	return (strlen(p->name) == len && !memcmp(p->name, text, len)) ||
	       (!slot->oneoff && p->index == 1 && strlen(p->service->name) == len &&
		!memcmp(p->service->name, text, len));
}

static bool is_of_wire(const struct sup *s, const struct net_wire_spec *w, const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(w->ends); i++) {
		const struct net_end_spec *e = &w->ends[i];

		if (e->kind == NET_END_SLOT ? is_of_slot(&s->slots[e->slot], e->ifname, text)
					    : !strcmp(e->text, text))
			return true;
	}
	return false;
}

/* Those that `text` names; NULL: all. */
static void find(const struct sup *s, const char *text, struct link_refs *ret)
{
	for (size_t i = 0; i < s->plan->net.n_wires; i++)
		if (!s->plan->net.wires[i].gone &&
		    (!text || is_of_wire(s, &s->plan->net.wires[i], text)))
			vec_push(ret, ((struct link_ref){ .wire = i }));
	for (size_t i = 0; i < s->n_slots; i++) {
		const struct sup_slot *slot = &s->slots[i];

		for (size_t k = 0; slot->plan && k < slot->plan->n_ports; k++) {
			const struct net_port_spec *port = &slot->plan->ports[k];

			if (!text || is_of_slot(slot, port->ifname, text))
				vec_push(ret, ((struct link_ref){ SIZE_MAX, slot, port }));
		}
	}
}

static struct net_link_state state_of(const struct sup *s, const struct link_ref *l)
{
	if (!l->port)
		return net_wire_state(s->net, l->wire);
	if (l->port->host_ifname[0])
		return net_port_state(s->net, l->port->host_ifname);
	return net_inner_state(l->slot->box ? box_slot_rtnl(l->slot->box) : -1, l->port->ifname);
}

static json_t *names(const struct sup *s, const struct link_ref *l)
{
	const struct net_bridge_spec *b;
	const struct net_wire_spec *w;
	const struct plan *plan;
	json_t *row;
	char *text;

	if (!l->port) {
		w = &s->plan->net.wires[l->wire];
		return json_pack("{s:s, s:s, s:s}", "a", w->ends[0].text, "b", w->ends[1].text,
				 "kind", "wire");
	}
	text = xasprintf("%s:%s",
			 l->slot->oneoff || l->slot->plan->index > 1 ? l->slot->plan->name
								     : l->slot->plan->service->name,
			 l->port->ifname);
	plan = l->slot->oneoff ? sup_oneoff_plan(l->slot) : s->plan;
	b = &plan->net.bridges[l->port->bridge];
	row = json_pack("{s:s, s:s, s:s}", "a", text, "b", b->altname ? b->altname : b->ifname,
			"kind", "network");
	free(text);
	return row;
}

static json_t *row_of(const struct sup *s, const struct link_ref *l)
{
	static const char *const words[] = {
		[NET_ABSENT] = "absent",
		[NET_PULLED] = "down",
		[NET_NO_CARRIER] = "no-carrier",
		[NET_CARRIER] = "up",
	};
	struct net_link_state state = state_of(s, l);
	json_t *row = names(s, l);

	json_object_set_new(row, "state", json_string(words[state.carrier]));
	json_object_set_new(row, "mtu", json_integer(state.mtu));
	return row;
}

static int pull(const struct sup *s, const struct link_ref *l, bool pulled, struct err *err)
{
	return l->port ? net_port_pull(s->net, l->port->host_ifname, pulled, err)
		       : net_wire_pull(s->net, l->wire, pulled, err);
}

static void refuse(struct sup_peer *p, const struct ctl_msg *m, const struct err *err)
{
	ctl_answer(p->fd, m, CTL_ERROR,
		   json_pack("{s:s, s:i}", "error", err->text, "code", err_exit_code(err)), true);
}

/* All or none: a name that is wrong is found before anything is pulled. */
static int find_named(const struct sup *s, const json_t *endpoints, struct link_refs *ret,
		      struct err *err)
{
	const json_t *one;
	size_t i;

	json_array_foreach(endpoints, i, one) {
		const char *text = json_string_value(one);
		size_t had = ret->n;

		if (text)
			find(s, text, ret);
		if (ret->n == had)
			return err_set(err, "'%.80s': there is no such link: see 'mstack link'",
				       text ? text : "");
	}
	return 0;
}

static void change(struct sup_peer *p, const struct ctl_msg *m, const struct link_refs *refs)
{
	bool up = json_is_true(json_object_get(m->body, "up"));
	struct sup_cause cause = sup_because_user(p, up ? "link up" : "link down");

	for (size_t i = 0; i < refs->n; i++) {
		bool was_down = state_of(p->sup, &refs->v[i]).carrier == NET_PULLED;
		struct err err = { 0 };
		json_t *row;

		if (pull(p->sup, &refs->v[i], !up, &err) < 0) {
			refuse(p, m, &err);
			return;
		}
		row = row_of(p->sup, &refs->v[i]);
		json_object_set_new(row, "changed", json_boolean(was_down == up));
		if (was_down == up)
			sup_note_link(p->sup, row, up, &cause);
		ctl_answer(p->fd, m, CTL_OK, row, false);
	}
	ctl_answer(p->fd, m, CTL_OK, NULL, true);
}

void sup_link_request(struct sup_peer *p, const struct ctl_msg *m)
{
	const json_t *endpoints = json_object_get(m->body, "endpoints");
	struct link_refs refs = { 0 };
	struct err err = { 0 };

	if (json_is_array(endpoints)) {
		if (find_named(p->sup, endpoints, &refs, &err) < 0)
			refuse(p, m, &err);
		else
			change(p, m, &refs);
		vec_fini(&refs);
		return;
	}
	find(p->sup, NULL, &refs);
	for (size_t i = 0; i < refs.n; i++)
		ctl_answer(p->fd, m, CTL_OK, row_of(p->sup, &refs.v[i]), false);
	ctl_answer(p->fd, m, CTL_OK, NULL, true);
	vec_fini(&refs);
}
