/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostnames: `x-hosts`: how the host itself calls the containers of a stack, by its hosts file. Called when a stack begins, before
 * anything of it starts, and when its slots become others. Names are such as nothing else has, "web.shop" and the
 * container's: a lab must not take "db" or "mail" away from the machine that it runs on.
 */
#include "sup/state.h"

struct lines VEC(struct net_hosts_line);

static void add_slot(const struct sup_slot *slot, const char *project, struct arena *a,
		     struct lines *all)
{
	const struct net_names_spec *n = &slot->plan->naming;
	const char **names = arena_array(a, const char *, 2);

	names[0] = arena_printf(a, "%s.%s", slot->plan->service->name, project);
	names[1] = slot->plan->container;
	for (size_t i = 0; i < n->n_at; i++)
		for (size_t k = 0; k < ARRAY_LEN(n->at[i].ips); k++)
			if (n->at[i].ips[k].family)
				vec_push(all,
					 ((struct net_hosts_line){ n->at[i].ips[k], names, 2 }));
}

int sup_hostnames_write(struct sup *s, struct err *err)
{
	const char *project = s->opts->stack->name;
	const struct sup_model *m = s->model;
	struct lines all = { 0 };
	struct arena *a;
	int rc;

	/* A change may take them away again. Where there never were any nothing is opened. */
	if (!m->stack->hosts && !(m->older && m->older->stack->hosts))
		return 0;
	if (!m->stack->hosts)
		return net_hosts_write(s->ledger, NET_HOSTS_FILE, project, NULL, 0, err);
	if (s->plan->uplink) {
		sup_say(&s->opts->hooks, SUP_WARNING, NULL,
			"x-hosts: left out, because the host has no way to the addresses of an isolated stack");
		return 0;
	}
	a = arena_new();
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].plan && !s->slots[i].oneoff)
			add_slot(&s->slots[i], project, a, &all);
	rc = net_hosts_write(s->ledger, NET_HOSTS_FILE, project, all.v, all.n, err);
	vec_fini(&all);
	arena_free(a);
	return rc < 0 ? err_wrap(err, "x-hosts") : 0;
}
