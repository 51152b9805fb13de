/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oneoffrest: what is left of one-off containers when their supervisor has died and another one takes the stack up (keeping.h): nobody waits for
 * them any more, so they end, and with them goes all that has a name outside: ports, folders, namespaces. Called by writedown.c and
 * adopting.c, there when their processes have ended.
 */
#include <fcntl.h>

#include "sup/keeping.h"
#include "sup/oneoff.h"

/* ---- writing it down ------------------------------------------------------------------------- */

static void put_port(const struct net_publish_spec *pub, struct carry *to)
{
	carry_put_num(to, "protocol", pub->protocol);
	carry_put(to, "host-ip", ip_text(&pub->host_ip).text);
	carry_put_num(to, "host-port", pub->host_port);
	carry_put(to, "ip", ip_text(&pub->addr).text);
	carry_put_num(to, "port", pub->port);
	for (size_t i = 0; i < pub->n_allow; i++)
		carry_put(carry_add(to, "allow"), "net", ip_net_text(&pub->allow[i]).text);
}

static void put_oneoff(const struct sup_slot *slot, const struct plan *plan, struct carry *to)
{
	const struct plan_slot *p = slot->plan;

	carry_put(to, "name", p->name);
	carry_put(to, "folder", p->dir);
	for (size_t i = 0; slot->attached && i < p->n_pubs; i++)
		put_port(&p->pubs[i], carry_add(to, "published"));
	for (size_t i = 0; i < plan->n_volumes; i++)
		if (plan->volumes[i].anonymous)
			carry_put(carry_add(to, "volume"), "name", plan->volumes[i].name);
}

void sup_oneoffs_carry(const struct sup *s, struct carry *to)
{
	for (size_t i = 0; i < s->n_slots; i++) {
		const struct plan *plan = sup_oneoff_plan(&s->slots[i]);

		if (plan && s->slots[i].plan)
			put_oneoff(&s->slots[i], plan, carry_add(to, "oneoff"));
	}
	/* Whoever takes it up may die as well before he has ended them. */
	for (const struct carry *c = NULL;
	     s->oneoffs_left && (c = carry_next(s->oneoffs_left, "oneoff", c));)
		carry_add_copy(to, c);
}

/* ---- removing it ----------------------------------------------------------------------------- */

static void take_allowed(const struct carry *from, struct arena *arena,
			 struct net_publish_spec *ret)
{
	struct ip_net *allow;
	size_t n = 0;

	for (const struct carry *c = NULL; (c = carry_next(from, "allow", c));)
		n++;
	ret->allow = allow = arena_array(arena, struct ip_net, n + 1);
	for (const struct carry *c = NULL; (c = carry_next(from, "allow", c));) {
		const char *text = carry_text(c, "net");

		if (text && ip_net_parse(text, &allow[ret->n_allow]))
			ret->n_allow++;
	}
}

static bool take_port(const struct carry *from, struct arena *arena, struct net_publish_spec *ret)
{
	const char *host_ip = carry_text(from, "host-ip"), *ip = carry_text(from, "ip");

	*ret = (struct net_publish_spec){ .protocol = (uint8_t)carry_num(from, "protocol", 0),
					  .host_port = (uint16_t)carry_num(from, "host-port", 0),
					  .port = (uint16_t)carry_num(from, "port", 0),
					  .owner = "" };
	take_allowed(from, arena, ret);
	return host_ip && ip_parse(host_ip, &ret->host_ip) && ip && ip_parse(ip, &ret->addr);
}

/* An address that they led to may be another container's tomorrow. */
static void withdraw(struct sup *s, const struct carry *from)
{
	struct arena *arena = arena_new();
	struct VEC(struct net_publish_spec) pubs = { 0 };

	for (const struct carry *c = NULL; (c = carry_next(from, "published", c));) {
		struct net_publish_spec pub;

		if (take_port(c, arena, &pub))
			vec_push(&pubs, pub);
	}
	if (pubs.n)
		sup_publish(s, pubs.v, pubs.n, false, &(struct err){ 0 });
	vec_fini(&pubs);
	arena_free(arena);
}

static void end(struct sup *s, const struct carry *from)
{
	const char *name = carry_text(from, "name"), *folder = carry_text(from, "folder");
	struct store *store = s->model->prepared.store;

	withdraw(s, from);
	sup_release(s, name);
	sup_netns_unlink(s, name);
	(void)store_slot_layer_drop(store, s->opts->stack->name, name, s->ledger,
				    &(struct err){ 0 });
	path_remove_tree(AT_FDCWD, folder);
	for (const struct carry *c = NULL; (c = carry_next(from, "volume", c));)
		(void)store_volume_remove(store, carry_text(c, "name"), &(struct err){ 0 });
}

void sup_oneoffs_end(struct sup *s, const struct carry *tree)
{
	for (const struct carry *c = NULL; (c = carry_next(tree, "oneoff", c));)
		if (carry_text(c, "name") && carry_text(c, "folder"))
			end(s, c);
	s->oneoffs_left = NULL;
}
