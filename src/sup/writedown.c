/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * writedown: a whole supervisor as a tree, for the program that takes its place (reexec.h). Called when nothing is on its way. Rooms below
 * write down what they hold; here is what only sup knows. Changes nothing.
 */
#include <unistd.h>

#include "mstack/base_program.h"
#include "sup/change.h"
#include "sup/keeping.h"
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
	if (slot->knock.fd >= 0 || slot->inside.running == ERRAND_PROBE)
		return xasprintf("the health of '%s' is being checked", name);
	if (slot->stepping.running)
		return xasprintf("'pre_start' of '%s' runs", name);
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
	if (s->reload)
		return xstrdup("the stack file is being read again");
	if (sup_verbs_busy(s))
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
		carry_put_num(port, "bridge", (int64_t)p->ports[i].bridge);
		carry_put(port, "ip4", ip_net_text(&p->ports[i].ip4).text);
		carry_put(port, "ip6", ip_net_text(&p->ports[i].ip6).text);
	}
	for (size_t i = 0; i < p->n_pubs; i++)
		carry_put_num(carry_add(to, "published"), "port", p->pubs[i].host_port);
}

static int64_t model_nr(const struct sup_slot *slot)
{
	int64_t nr = 0;

	for (const struct sup_model *m = slot->sup->model; m != slot->model; m = m->older)
		nr++;
	return nr;
}

/* Somebody else cannot go on with it. */
static bool is_between(const struct sup_slot *slot)
{
	const unsigned ours = ERRAND_HOOK | ERRAND_EXEC;

	return slot->between || slot->svc.state == SVC_STARTING || (slot->inside.running & ours) ||
	       (slot->inside.waiting & ours);
}

static void put_slot(const struct sup_slot *slot, struct carry *to)
{
	const struct sup *s = slot->sup;

	carry_put(to, "name", slot->plan->name);
	carry_put(to, "service", slot->plan->service->name);
	carry_put_num(to, "model", model_nr(slot));
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
	carry_put_num(to, "between", is_between(slot));
	if (slot->log)
		logs_carry(slot->log, carry_add(to, "log"));
	if (slot->box && box_slot_made(slot->box))
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

/* Not for another process: the ledger's lock is the process's own, and a door that somebody holds looks as if he answered. */
static void put_process(const struct sup *s, struct carry *to)
{
	ledger_carry(s->ledger, carry_add(to, "ledger"));
	carry_put_fd(to, "listen", s->listen_fd);
	carry_put_fd(to, "guard", s->guard_fd);
	carry_put_num(to, "guard-pid", s->guard);
	carry_put_fd(to, "standby", s->standby.fd);
	sup_clients_carry(s, to);
	if (s->opts->hooks.carry)
		s->opts->hooks.carry(s->opts->hooks.arg, carry_add(to, "face"));
}

/* Who supervises it then is to be called as we are: by that it knows the file, and what its variables are. */
static void put_words(struct carry *to)
{
	_cleanup_(buf_fini) struct buf text = { 0 }, variables = { 0 };
	_cleanup_free_ char **words = program_words(&text);
	char dir[PATH_MAX];

	if (words)
		carry_put_bytes(to, "words", text.data, text.len);
	for (char **v = environ; *v; v++)
		buf_add(&variables, *v, strlen(*v) + 1);
	carry_put_bytes(to, "environment", variables.data, variables.len);
	carry_put(to, "folder", getcwd(dir, sizeof(dir)));
}

/* How it would be told of, for who looks at it while nobody supervises it. */
static void put_row(const struct sup_slot *slot, struct carry *to)
{
	json_t *row = sup_slot_json(slot);
	char *text = json_dumps(row, JSON_COMPACT);

	carry_put(to, "row", text);
	free(text);
	json_decref(row);
}

/* Somebody else takes it up much later. */
static void put_kept(const struct sup *s, struct carry *to)
{
	put_words(to);
	carry_put_num(to, "written", (int64_t)time_mono_ms());
	for (const struct sup_model *m = s->model; m; m = m->older)
		if (m->prepared.store)
			store_carry(m->prepared.store, carry_add(to, "store"));
	sup_oneoffs_carry(s, to);
	carry_put(to, "unfit", sup_change_unfit(s));
}

static void put_rooms(const struct sup *s, struct carry *to)
{
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
	carry_put_num(to, "foreground", s->opts->foreground);
	carry_put_num(to, "places", (int64_t)s->n_slots);
	net_porch_carry(s->porch, to);
	carry_put_fd(to, "host-ns", s->host_ns);
	carry_put_fd(to, "stack-ns", s->stack_ns);
	for (size_t i = 0; i < s->root_locks.n; i++)
		carry_put_fd(carry_add(to, "root-lock"), "lock", s->root_locks.v[i]);
	sup_bridges_carry(&s->plan->net, to);
	for (size_t i = 0; i < s->plan->net.n_wires; i++)
		put_wire(s, i, carry_add(to, "wire"));
}

static int put_models(const struct sup *s, struct carry *to, struct err *err)
{
	for (struct sup_model *m = s->model; m; m = m->older) {
		struct carry *model = carry_add(to, "model");
		int text = sup_model_text(m, err);

		if (text < 0)
			return -1;
		carry_put_fd(model, "document", text);
		carry_put_fd(model, "volumes", m->volumes);
		sup_facts_carry(&m->prepared.facts, carry_add(model, "facts"));
		sup_sources_carry(m, model);
	}
	return 0;
}

struct carry *sup_carry(struct sup *s, bool kept, struct err *err)
{
	struct carry *root = carry_new();

	put_own(s, root);
	if (kept)
		put_kept(s, root);
	else
		put_process(s, root);
	if (put_models(s, root, err) < 0) {
		carry_free(root);
		return NULL;
	}
	put_rooms(s, root);
	for (size_t i = 0; i < s->n_slots; i++) {
		struct carry *slot;

		if (!sup_is_service(&s->slots[i]))
			continue;
		slot = carry_add(root, "slot");
		put_slot(&s->slots[i], slot);
		if (kept)
			put_row(&s->slots[i], slot);
	}
	return root;
}
