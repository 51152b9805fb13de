/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * writedown: a whole supervisor as a tree, for the program that takes its place (reexec.h). Called when nothing is on its way. Rooms below
 * write down what they hold; here is what only sup knows. Changes nothing.
 */
#include "sup/reexec.h"

/* ---- may it be now? -------------------------------------------------------------------------- */

static char *busy_slot(const struct sup_slot *slot, enum sup_busy *ret_how)
{
	const char *name = slot->plan ? slot->plan->name : "";

	if (slot->oneoff) {
		*ret_how = BUSY_NEVER;
		return xasprintf("the one-off container '%s' runs", name);
	}
	if (slot->clients) {
		*ret_how = BUSY_NEVER;
		return xasprintf("somebody is attached to '%s'", name);
	}
	if (slot->plan && slot->model != slot->sup->model) {
		*ret_how = BUSY_NEVER;
		return xasprintf("'%s' is still what an earlier stack file said", name);
	}
	if (slot->knock.fd >= 0 || slot->inside.running == ERRAND_PROBE)
		return xasprintf("the health of '%s' is being checked", name);
	if (slot->inside.running || slot->inside.waiting)
		return xasprintf("a hook of '%s' runs", name);
	if (slot->phase == PHASE_OPENING || (slot->todo & ~(unsigned)DO_START))
		return xasprintf("'%s' is being started", name);
	return NULL;
}

static char *busy_long(const struct sup *s)
{
	if (s->change)
		return xstrdup("the stack is being changed");
	if (s->verbs)
		return xstrdup("a command of a client is not through yet");
	return s->up_told ? NULL : xstrdup("the stack is still starting");
}

char *sup_carry_busy(const struct sup *s, enum sup_busy *ret_how)
{
	const char *name = box_busy(s->runtime);
	char *why = NULL;

	*ret_how = BUSY_NEVER;
	if (s->opts->client)
		return xstrdup("this supervisor was started by `mstack run`");
	if (s->ending != ENDING_NO)
		return xstrdup("the stack is being stopped");
	/* The next program reads the stack as it was started. */
	if (s->model->older)
		return xstrdup("the stack was changed by another `up` since it was started");
	*ret_how = BUSY_LONG;
	why = busy_long(s);
	if (why)
		return why;
	*ret_how = BUSY_SHORT;
	for (size_t i = 0; !why && i < s->n_slots; i++)
		why = busy_slot(&s->slots[i], ret_how);
	if (why)
		return why;
	if (name)
		return xasprintf("'%s' is being started or stopped", name);
	if (net_busy(s->net) || (s->uplink && net_busy(s->uplink)))
		return xstrdup("links are being made");
	return s->facts.n ? xstrdup("something is just happening") : NULL;
}

/* ---- slots ----------------------------------------------------------------------------------- */

static void put_timer(const struct sup *s, const ev_timer *t, const char *name, struct carry *to)
{
	double left = ev_is_active(t) ? ev_timer_remaining(s->loop, (ev_timer *)(uintptr_t)t) : 0;

	if (ev_is_active(t))
		carry_put_num(to, name, left > 0 ? (int64_t)(left * 1000) : 0);
}

/* By these the next program sees that it has planned the same. */
static void put_plan(const struct plan_slot *p, struct carry *to)
{
	for (size_t i = 0; i < p->n_ports; i++) {
		struct carry *port = carry_add(to, "port");

		carry_put(port, "interface", p->ports[i].ifname);
		carry_put(port, "ip4", ip_net_text(&p->ports[i].ip4).text);
		carry_put(port, "ip6", ip_net_text(&p->ports[i].ip6).text);
	}
	for (size_t i = 0; i < p->n_pubs; i++)
		carry_put_num(carry_add(to, "published"), "port", p->pubs[i].host_port);
}

static void put_slot(const struct sup_slot *slot, struct carry *to)
{
	const struct sup *s = slot->sup;

	carry_put(to, "name", slot->plan->name);
	carry_put_num(to, "place", (int64_t)slot->nr);
	carry_put(to, "image", slot->plan->image->id);
	put_plan(slot->plan, to);
	sup_fields_carry(FIELDS_SLOT, slot, to);
	sup_fields_carry(FIELDS_SVC, &slot->svc, carry_add(to, "svc"));
	sup_fields_carry(FIELDS_HEALTH, &slot->health, carry_add(to, "health"));
	sup_cause_carry(&slot->cause, carry_add(to, "cause"));
	put_timer(s, &slot->timer, "timer", to);
	put_timer(s, &slot->health_timer, "health-timer", to);
	carry_put(to, "error", slot->err.text);
	carry_put_num(to, "error-kind", slot->err.kind);
	carry_put(to, "upper", slot->upper);
	carry_put(to, "work", slot->work);
	carry_put(to, "probe-output", slot->probe_output);
	carry_put_fd(to, "input", slot->input);
	for (size_t i = 0; slot->impaired && i < slot->plan->n_ports; i++)
		sup_impaired_carry(&slot->impaired[i], carry_add(to, "link"));
	if (slot->log)
		logs_carry(slot->log, carry_add(to, "log"));
	if (slot->box)
		box_slot_carry(slot->box, carry_add(to, "box"));
}

/* ---- the stack ------------------------------------------------------------------------------- */

static void put_wire(const struct sup *s, size_t i, struct carry *to)
{
	carry_put(to, "name", s->plan->net.wires[i].ends[0].host_ifname);
	carry_put_num(to, "made", s->wires[i].made);
	carry_put_num(to, "ready", s->wires[i].ready);
	sup_impaired_carry(&s->wires[i].impaired, to);
}

static void put_rooms(const struct sup *s, struct carry *to)
{
	ledger_carry(s->ledger, carry_add(to, "ledger"));
	box_carry(s->runtime, carry_add(to, "box"));
	net_carry(s->net, carry_add(to, "net"));
	if (s->uplink)
		net_carry(s->uplink, carry_add(to, "uplink"));
	if (s->names)
		net_names_carry(s->names, carry_add(to, "names"));
}

static void put_own(const struct sup *s, struct carry *to)
{
	carry_put_num(to, "version", SUP_CARRY_VERSION);
	carry_put(to, "mstack", MSTACK_VERSION);
	carry_put_num(to, "pid", getpid());
	carry_put(to, "file", sup_file(s));
	carry_put_num(to, "oneoffs", s->oneoffs);
	carry_put_fd(to, "listen", s->listen_fd);
	carry_put_fd(to, "guard", s->guard_fd);
	carry_put_num(to, "guard-pid", s->guard);
	carry_put_fd(to, "volumes", s->model->volumes);
	carry_put_fd(to, "host-ns", s->host_ns);
	carry_put_fd(to, "stack-ns", s->stack_ns);
	for (size_t i = 0; i < s->root_locks.n; i++)
		carry_put_fd(carry_add(to, "root-lock"), "lock", s->root_locks.v[i]);
	sup_facts_carry(&s->model->prepared.facts, carry_add(to, "facts"));
	for (size_t i = 0; i < s->plan->net.n_wires; i++)
		put_wire(s, i, carry_add(to, "wire"));
}

struct carry *sup_carry(const struct sup *s, int *ret_document, struct err *err)
{
	int document = sup_document(s->model->stack, err);
	struct carry *root;

	if (document < 0)
		return NULL;
	root = carry_new();
	carry_put_fd(root, "document", document);
	put_own(s, root);
	put_rooms(s, root);
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].plan)
			put_slot(&s->slots[i], carry_add(root, "slot"));
	if (s->opts->hooks.carry)
		s->opts->hooks.carry(s->opts->hooks.arg, carry_add(root, "face"));
	*ret_document = document;
	return root;
}
