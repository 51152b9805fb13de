/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replan: the stack and its plans out of what another program has written down (reexec.h). Each model that counts or of which a slot is
 * is planned from its own document and the facts of its time, over what runs: so whatever runs keeps its numbers, subnets and addresses,
 * and what it was when it was planned first. Called by takeup.c, which looks whether that is so. Makes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "sup/oneoff.h"
#include "sup/reexec.h"

/* ---- what runs ------------------------------------------------------------------------------- */

static struct sup_model *model_nr(const struct sup *s, int64_t nr)
{
	struct sup_model *m = s->model;

	while (m && nr-- > 0)
		m = m->older;
	return m;
}

struct sup_model *sup_model_of(const struct sup *s, const struct carry *slot)
{
	return model_nr(s, carry_num(slot, "model", 0));
}

static void take_port(const struct carry *from, struct net_port_spec *ret)
{
	const char *ip4 = carry_text(from, "ip4"), *ip6 = carry_text(from, "ip6");

	ret->bridge = (size_t)carry_num(from, "bridge", -1);
	if (ip4 && !ip_net_parse(ip4, &ret->ip4))
		ret->ip4 = (struct ip_net){ 0 };
	if (ip6 && !ip_net_parse(ip6, &ret->ip6))
		ret->ip6 = (struct ip_net){ 0 };
}

/* Its addresses, and what its own file has said of them. */
static void take_slot(const struct sup *s, const struct carry *from, struct arena *arena,
		      struct plan_slot *ret)
{
	const struct sup_model *m = sup_model_of(s, from);
	const char *service = carry_text(from, "service");
	size_t n = 0;

	ret->name = carry_text(from, "name");
	ret->service = m && service ? stack_find_service(m->stack, service) : NULL;
	for (const struct carry *c = NULL; (c = carry_next(from, "port", c));)
		n++;
	ret->ports = arena_array(arena, struct net_port_spec, n + 1);
	for (const struct carry *c = NULL; (c = carry_next(from, "port", c));)
		take_port(c, &ret->ports[ret->n_ports++]);
}

static int take_running(struct sup *s, const struct carry *tree, struct arena *arena,
			struct plan *ret, struct err *err)
{
	ret->slots = arena_array(arena, struct plan_slot, s->n_slots + 1);
	ret->n_slots = s->n_slots;
	sup_bridges_resume(tree, arena, &ret->net);
	for (const struct carry *c = NULL; (c = carry_next(tree, "slot", c));) {
		struct plan_slot *slot = &ret->slots[carry_num(c, "place", 0)];

		take_slot(s, c, arena, slot);
		if (!slot->name || !slot->service)
			return err_set(err, "slot '%s': its service was not carried over",
				       slot->name ? slot->name : "");
	}
	return 0;
}

/* ---- models ---------------------------------------------------------------------------------- */

static int read_model(struct sup *s, struct sup_model *m, struct carry *from, struct err *err)
{
	_cleanup_fd_ int text = -1;

	m->volumes = carry_take_fd(from, "volumes");
	m->prepared.then = from;
	if (!carry_next(from, "facts", NULL))
		return err_set(err, "what is known of the host was not carried over");
	/* The newest was read already, when nobody knew what else there is. */
	if (m == s->model) {
		m->stack = s->opts->stack;
		m->text = fcntl(s->opts->carried->document, F_DUPFD_CLOEXEC, 3);
		return m->text < 0 ? err_sys(err, errno, "document") : 0;
	}
	text = carry_take_fd(from, "document");
	return text < 0 ? err_set(err, "an earlier stack was not carried over")
			: sup_model_read(m, text, err);
}

static int read_models(struct sup *s, struct carry *tree, struct err *err)
{
	struct sup_model **at = &s->model;

	for (struct carry *c = NULL; (c = carry_next(tree, "model", c)); at = &(*at)->older) {
		*at = sup_model_new();
		if (read_model(s, *at, c, err) < 0)
			return -1;
	}
	return s->model ? 0 : err_set(err, "the stack was not carried over");
}

/* ---- numbers --------------------------------------------------------------------------------- */

static size_t place_of(const struct carry *tree, const char *name)
{
	for (const struct carry *c = NULL; (c = carry_next(tree, "slot", c));)
		if (!strcmp(carry_text(c, "name"), name))
			return (size_t)carry_num(c, "place", 0);
	return SIZE_MAX;
}

/* What is planned and is not there, because it could not be made, or is of an older plan and went, has a number that nobody has. */
static void place(const struct sup *s, const struct carry *tree, struct plan *plan)
{
	_cleanup_free_ size_t *places = xcalloc(plan->n_slots + 1, sizeof(*places));
	size_t next = s->n_slots;

	for (size_t i = 0; i < plan->n_slots; i++) {
		places[i] = place_of(tree, plan->slots[i].name);
		if (places[i] == SIZE_MAX)
			places[i] = next++;
	}
	plan_place(plan, places);
}

/* They are planned in the order of the file. */
static void number_wires(const struct carry *tree, struct plan *plan)
{
	static const struct net_end_spec none = { .kind = NET_END_HOST, .text = "" };
	size_t had = plan->net.n_wires, n = 0;
	const struct net_wire_spec *wires = plan->net.wires;
	struct net_wire_spec *all;
	struct impair_ways *ways;
	bool *placed = xcalloc(had + 1, sizeof(*placed));

	for (const struct carry *c = NULL; (c = carry_next(tree, "wire", c));)
		n++;
	all = arena_array(plan->arena, struct net_wire_spec, n + had + 1);
	ways = arena_array(plan->arena, struct impair_ways, n + had + 1);
	n = 0;
	for (const struct carry *c = NULL; (c = carry_next(tree, "wire", c)); n++) {
		const char *name = carry_text(c, "name");

		all[n] = (struct net_wire_spec){ .gone = true, .ends = { none, none } };
		for (size_t i = 0; name && *name && i < had; i++) {
			if (placed[i] || strcmp(wires[i].ends[0].host_ifname, name) != 0)
				continue;
			all[n] = wires[i];
			ways[n] = plan->wires[i];
			placed[i] = true;
		}
	}
	for (size_t i = 0; i < had; i++) {
		if (placed[i])
			continue;
		all[n] = wires[i];
		ways[n++] = plan->wires[i];
	}
	free(placed);
	plan->net.wires = all;
	plan->net.n_wires = n;
	plan->wires = ways;
}

/* ---- plans ----------------------------------------------------------------------------------- */

static int prepare(struct sup *s, struct sup_model *m, const struct plan *running, struct err *err)
{
	struct stack_diags *diags = m->document ? stack_diags_new() : NULL;
	struct sup_opts opts = *s->opts;
	int rc;

	opts.stack = m->stack;
	if (diags)
		opts.diags = diags; /* of a file that was another one: told once, then */
	m->prepared.running = running;
	rc = sup_prepare(&opts, &m->prepared, err);
	m->prepared.running = NULL;
	if (rc < 0 && diags && stack_diags_errors(diags))
		sup_plan_error(diags, err);
	stack_diags_free(diags);
	return rc;
}

/* The oldest first: the way out of an isolated stack is of that one. */
static int plan_all(struct sup *s, struct sup_model *m, const struct carry *tree,
		    struct plan *running, struct err *err)
{
	if (m->older && plan_all(s, m->older, tree, running, err) < 0)
		return -1;
	running->stack = m->stack;
	if (prepare(s, m, running, err) < 0)
		return -1;
	if (!m->older)
		running->uplink = m->prepared.plan->uplink;
	place(s, tree, m->prepared.plan);
	return 0;
}

/* A network that only who is left as it was would need is in the file, and was not made. */
static void disown_bridges(struct net_spec *net, size_t had)
{
	for (size_t i = had; i < net->n_bridges; i++) {
		net->bridges[i].gone = true;
		net->bridges[i].n_subnets = 0;
	}
}

int sup_plan_again(struct sup *s, struct carry *tree, struct err *err)
{
	struct arena *arena = arena_new();
	struct plan running = { 0 };
	int rc = read_models(s, tree, err);

	if (rc == 0)
		rc = take_running(s, tree, arena, &running, err);
	if (rc == 0)
		rc = plan_all(s, s->model, tree, &running, err);
	if (rc == 0) {
		s->plan = s->model->prepared.plan;
		disown_bridges(&s->model->prepared.plan->net, running.net.n_bridges);
		number_wires(tree, s->model->prepared.plan);
	}
	arena_free(arena);
	return rc;
}
