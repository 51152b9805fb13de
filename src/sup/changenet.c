/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changenet: what an outlook means for networks and wires, as a client is told it. Bridges and wires of the new plan keep the numbers of
 * those that stay, and what is not there any more is marked as gone, so nothing has to be compared but that. Called by changereq.c.
 */
#include "mstack/stack_compare.h"
#include "sup/change.h"

/* One end of the telling. */
struct telling {
	struct sup_peer *peer;
	const struct ctl_msg *m;
	const char *network;
};

static void tell(struct sup_peer *p, const struct ctl_msg *m, const char *what, const char *name,
		 const char *action)
{
	json_t *o = json_object();

	sup_change_text(o, what, name);
	sup_change_text(o, "action", action);
	ctl_answer(p->fd, m, CTL_OK, o, false);
}

/* ---- networks -------------------------------------------------------------------------------- */

/* As the file calls it; who has another name for it has a reason. */
static const char *key_of(const struct stack *stack, const char *name)
{
	for (size_t i = 0; i < stack->n_networks; i++)
		if (!strcmp(stack->networks[i].name, name))
			return stack->networks[i].key;
	return name;
}

/* The number of one of this name that is there, among those from `first` on. */
static bool has_bridge(const struct net_spec *net, size_t first, size_t n, const char *name)
{
	for (size_t i = first; i < n; i++)
		if (!net->bridges[i].gone && !strcmp(net->bridges[i].altname, name))
			return true;
	return false;
}

static void on_key(void *arg, const struct stack_difference *d)
{
	const struct telling *t = arg;
	json_t *o = json_object();

	sup_change_text(o, "network", t->network);
	sup_change_text(o, "key", d->key);
	sup_change_text(o, "from", d->from);
	sup_change_text(o, "to", d->to);
	sup_change_text(o, "class", plan_class_name(PLAN_RECREATE));
	ctl_answer(t->peer->fd, t->m, CTL_OK, o, false);
}

static void tell_networks(struct sup_peer *p, const struct ctl_msg *m, const struct plan *was,
			  const struct plan *is)
{
	size_t had = was->net.n_bridges, n = is->net.n_bridges;

	for (size_t i = 0; i < n; i++) {
		const char *name = is->net.bridges[i].altname;
		const char *key = key_of(i < had ? was->stack : is->stack, name);
		struct telling t = { p, m, key };

		if (i < had && !was->net.bridges[i].gone && is->net.bridges[i].gone) {
			bool again = has_bridge(&is->net, had, n, name);

			tell(p, m, "network", key, again ? "recreate" : "remove");
			if (again)
				stack_compare(was->stack, is->stack, "networks", key, on_key, &t);
		} else if (i >= had && !has_bridge(&was->net, 0, had, name)) {
			tell(p, m, "network", key, "create");
		}
	}
}

/* ---- wires ----------------------------------------------------------------------------------- */

static bool same_ends(const struct net_wire_spec *a, const struct net_wire_spec *b)
{
	return !strcmp(a->ends[0].text, b->ends[0].text) &&
	       !strcmp(a->ends[1].text, b->ends[1].text);
}

static bool has_wire(const struct net_spec *net, size_t first, size_t n,
		     const struct net_wire_spec *w)
{
	for (size_t i = first; i < n; i++)
		if (!net->wires[i].gone && same_ends(&net->wires[i], w))
			return true;
	return false;
}

static const char *action_of(const struct plan *was, const struct plan *is, size_t i)
{
	size_t had = was->net.n_wires, n = is->net.n_wires;
	const struct net_wire_spec *w = &is->net.wires[i];

	if (i >= had)
		return w->gone || has_wire(&was->net, 0, had, w) ? NULL : "create";
	if (was->net.wires[i].gone)
		return NULL;
	if (w->gone)
		return has_wire(&is->net, had, n, &was->net.wires[i]) ? "recreate" : "remove";
	return sup_same_ways(&was->wires[i], &is->wires[i]) ? NULL : "update";
}

static void tell_wires(struct sup_peer *p, const struct ctl_msg *m, const struct plan *was,
		       const struct plan *is)
{
	for (size_t i = 0; i < is->net.n_wires; i++) {
		const struct plan *of = i < was->net.n_wires ? was : is;
		const struct net_end_spec *ends = of->net.wires[i].ends;
		_cleanup_free_ char *name = xasprintf("%s %s", ends[0].text, ends[1].text);
		const char *action = action_of(was, is, i);

		if (action)
			tell(p, m, "wire", name, action);
	}
}

void sup_change_tell_net(struct sup_peer *p, const struct ctl_msg *m, const struct sup_change *c)
{
	tell_networks(p, m, p->sup->plan, c->model->prepared.plan);
	tell_wires(p, m, p->sup->plan, c->model->prepared.plan);
}
