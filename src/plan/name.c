/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of kernel objects. Interface names end at 15 characters, so they are a short word and a hash; the real names are
 * written beside them as alias. The same stack gives the same names for ever: a second run finds what the first one made.
 */
#include <ctype.h>
#include <stdio.h>

#include "plan/planner.h"

static uint64_t hash_of(const char *a, const char *b, const char *c)
{
	_cleanup_free_ char *text = xasprintf("%s/%s/%s", a, b, c);

	return hash64_str(text);
}

/* Never 0: as a link group, 0 is the group of every link that has none. */
static uint32_t id_of(const char *project)
{
	uint64_t h = hash64_str(project);
	uint32_t id = (uint32_t)(h ^ h >> 32);

	return id ? id : 1;
}

/* Letters, digits and _ only: the listing of nft must load again. */
static void table_name(const char *project, uint32_t id, char *ret, size_t size)
{
	char word[16];
	size_t n = 0;

	for (const char *c = project; *c && n < sizeof(word) - 1; c++)
		word[n++] = isalnum((unsigned char)*c) ? *c : '_';
	word[n] = 0;
	snprintf(ret, size, "mstk_%s_%08x", word, id);
}

void plan_names(const char *project, struct net_spec *ret)
{
	ret->project = project;
	ret->id = id_of(project);
	table_name(project, ret->id, ret->table, sizeof(ret->table));
}

void planner_bridge_name(const struct planner *p, const char *network, char ret[IFNAMSIZ])
{
	uint64_t h = hash_of(p->stack->name, "network", network);

	snprintf(ret, IFNAMSIZ, "mstk%08x", (uint32_t)(h ^ h >> 32));
}

void planner_link_name(const struct planner *p, const char *slot, const char *network,
		       char ret[IFNAMSIZ])
{
	uint64_t h = hash_of(p->stack->name, slot, network);

	snprintf(ret, IFNAMSIZ, "mv%010llx", (unsigned long long)(h & 0xffffffffffULL));
}

void planner_tunnel_name(const struct planner *p, const char *network, char ret[IFNAMSIZ])
{
	uint64_t h = hash_of(p->stack->name, "tunnel", network);

	snprintf(ret, IFNAMSIZ, "mx%010llx", (unsigned long long)(h & 0xffffffffffULL));
}

void planner_wire_name(const struct planner *p, const char *end, char ret[IFNAMSIZ])
{
	uint64_t h = hash_of(p->stack->name, "wire", end);

	snprintf(ret, IFNAMSIZ, "mw%010llx", (unsigned long long)(h & 0xffffffffffULL));
}

/* Locally administered, unicast. A slot keeps its address for ever, so neighbours' tables stay true over a restart. */
void planner_mac(const struct planner *p, const char *slot, const char *network, uint8_t ret[6])
{
	uint64_t h = hash_of(p->stack->name, slot, network);

	ret[0] = 0x02;
	for (int i = 1; i < 6; i++)
		ret[i] = (uint8_t)(h >> (8 * i));
}
