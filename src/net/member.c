/* SPDX-License-Identifier: GPL-2.0-or-later */
/* member: see member.h. Sends nothing, and knows of no process. Called by helper.c, which owns what is made here. */
#include <stdio.h>

#include "net/member.h"

static void set_name(struct helper_message *m, const char *name)
{
	snprintf(m->name, sizeof(m->name), "%s", name);
}

void member_networks(struct messages *list, uint32_t nr, const struct net_bridge_spec *b)
{
	struct helper_message m = { .kind = HELPER_NETWORK, .network = nr };

	set_name(&m, b->altname);
	vec_push(list, m);
	for (size_t k = 0; k < b->n_subnets; k++) {
		m = (struct helper_message){ .kind = HELPER_SUBNET,
					     .network = nr,
					     .subnet = b->subnets[k].net };
		vec_push(list, m);
	}
}

static void add_names(struct member *who, const struct net_names_at *at)
{
	for (size_t i = 0; i < at->n_names; i++) {
		struct helper_message m = { .kind = HELPER_NAMED,
					    .slot = who->slot,
					    .network = at->network,
					    .canonical = i == 0,
					    .ips = { at->ips[0], at->ips[1] } };

		/* Nobody can ask for what does not fit into a question. */
		if (strlen(at->names[i]) >= sizeof(m.name))
			continue;
		set_name(&m, at->names[i]);
		vec_push(&who->names, m);
	}
}

static void fill_asker(struct member *who, const struct net_names_spec *spec)
{
	struct helper_message *m = &who->asker;

	*m = (struct helper_message){ .kind = HELPER_ASKER,
				      .slot = who->slot,
				      .flag = spec->internal };
	for (size_t i = 0; i < spec->n_servers && i < HELPER_SERVERS; i++)
		m->servers.v[m->servers.n++].ip = spec->servers[i];
	for (size_t i = 0; i < spec->n_at; i++)
		vec_push(&who->sees, ((struct helper_message){ .kind = HELPER_SEES,
							       .slot = who->slot,
							       .network = spec->at[i].network }));
}

struct member *member_new(uint32_t slot, const struct net_names_spec *spec)
{
	struct member *who = xcalloc(1, sizeof(*who));

	who->slot = slot;
	for (size_t i = 0; i < spec->n_at; i++)
		add_names(who, &spec->at[i]);
	if (spec->asks)
		fill_asker(who, spec);
	return who;
}

void member_free(struct member *who)
{
	vec_fini(&who->names);
	vec_fini(&who->sees);
	free(who);
}
