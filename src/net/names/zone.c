/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zone: see zone.h. One table of names, whose key is network and name, and one of addresses. Names are told once and asked for
 * all the time.
 */
#include <ctype.h>
#include <stdio.h>
#include <uthash.h>

#include "net/names/zone.h"

enum { KEY_MAX = 4 + 256 };

struct holder {
	uint32_t slot;
	struct ip ips[2];
};

/* A name on a network, or the way back from an address on a network. */
struct entry {
	UT_hash_handle hh;
	struct VEC(struct holder) holders;
	unsigned turn; /* who comes first in the next answer */
	char *name;    /* of the first holder; way back only */
	size_t key_len;
	uint8_t key[KEY_MAX];
};

struct network {
	uint32_t id;
	char *name;
	struct VEC(struct ip_net) subnets;
};

struct zone {
	struct entry *names, *ways_back;
	struct VEC(struct network) networks;
	struct VEC(bool) up; /* by number of the slot */
};

/* ---- keys ------------------------------------------------------------------------------------ */

/* 0: too long to be anybody's. */
static size_t name_key(uint8_t ret[KEY_MAX], uint32_t network, const char *name, size_t len)
{
	if (!len || len > KEY_MAX - sizeof(network))
		return 0;
	memcpy(ret, &network, sizeof(network));
	for (size_t i = 0; i < len; i++)
		ret[sizeof(network) + i] = (uint8_t)tolower((unsigned char)name[i]);
	return sizeof(network) + len;
}

static size_t address_key(uint8_t ret[KEY_MAX], uint32_t network, const struct ip *ip)
{
	memcpy(ret, &network, sizeof(network));
	ret[sizeof(network)] = ip->family;
	memcpy(ret + sizeof(network) + 1, ip->bytes, sizeof(ip->bytes));
	return sizeof(network) + 1 + sizeof(ip->bytes);
}

static struct entry *look_up(struct entry *table, const uint8_t *key, size_t len)
{
	struct entry *e = NULL;

	if (len)
		HASH_FIND(hh, table, key, len, e);
	return e;
}

static struct entry *make_entry(struct entry **table, const uint8_t *key, size_t len)
{
	struct entry *e = look_up(*table, key, len);

	if (e || !len)
		return e;
	e = xcalloc(1, sizeof(*e));
	memcpy(e->key, key, len);
	e->key_len = len;
	HASH_ADD(hh, *table, key, len, e);
	return e;
}

static void free_entry(struct entry **table, struct entry *e)
{
	HASH_DEL(*table, e);
	vec_fini(&e->holders);
	free(e->name);
	free(e);
}

/* ---- telling --------------------------------------------------------------------------------- */

struct zone *zone_new(void)
{
	return xcalloc(1, sizeof(struct zone));
}

static void free_table(struct entry **table)
{
	for (struct entry *e = *table, *next; e; e = next) {
		next = e->hh.next;
		free_entry(table, e);
	}
}

void zone_free(struct zone *z)
{
	if (!z)
		return;
	free_table(&z->names);
	free_table(&z->ways_back);
	for (size_t i = 0; i < z->networks.n; i++) {
		free(z->networks.v[i].name);
		vec_fini(&z->networks.v[i].subnets);
	}
	vec_fini(&z->networks);
	vec_fini(&z->up);
	free(z);
}

static const struct network *find_network(const struct zone *z, uint32_t id)
{
	for (size_t i = 0; i < z->networks.n; i++)
		if (z->networks.v[i].id == id)
			return &z->networks.v[i];
	return NULL;
}

static struct network *make_network(struct zone *z, uint32_t id)
{
	if (!find_network(z, id))
		vec_push(&z->networks, ((struct network){ .id = id }));
	return (struct network *)find_network(z, id);
}

void zone_network(struct zone *z, uint32_t id, const char *name)
{
	struct network *net = make_network(z, id);

	free(net->name);
	net->name = xstrdup(name);
}

void zone_subnet(struct zone *z, uint32_t id, const struct ip_net *subnet)
{
	struct network *net = make_network(z, id);

	vec_push(&net->subnets, *subnet);
}

static void hold(struct entry *e, uint32_t slot, const struct ip ips[2])
{
	/* Twice the same name, as alias and as service, is one. */
	for (size_t i = 0; i < e->holders.n; i++)
		if (e->holders.v[i].slot == slot)
			return;
	vec_push(&e->holders, ((struct holder){ slot, { ips[0], ips[1] } }));
}

void zone_add(struct zone *z, uint32_t slot, uint32_t network, const char *name,
	      const struct ip ips[2], bool canonical)
{
	uint8_t key[KEY_MAX];
	struct entry *e = make_entry(&z->names, key, name_key(key, network, name, strlen(name)));

	if (!e)
		return;
	hold(e, slot, ips);
	for (size_t i = 0; canonical && i < 2; i++) {
		if (!ips[i].family)
			continue;
		e = make_entry(&z->ways_back, key, address_key(key, network, &ips[i]));
		hold(e, slot, ips);
		if (!e->name)
			e->name = xstrdup(name);
	}
}

void zone_up(struct zone *z, uint32_t slot, bool up)
{
	while (z->up.n <= slot)
		vec_push(&z->up, false);
	z->up.v[slot] = up;
}

static void drop_from(struct entry **table, uint32_t slot)
{
	for (struct entry *e = *table, *next; e; e = next) {
		size_t kept = 0;

		next = e->hh.next;
		for (size_t i = 0; i < e->holders.n; i++)
			if (e->holders.v[i].slot != slot)
				e->holders.v[kept++] = e->holders.v[i];
		e->holders.n = kept;
		if (!kept)
			free_entry(table, e);
	}
}

void zone_drop(struct zone *z, uint32_t slot)
{
	drop_from(&z->names, slot);
	drop_from(&z->ways_back, slot);
	if (slot < z->up.n)
		z->up.v[slot] = false;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool is_up(const struct zone *z, const struct holder *h)
{
	return h->slot < z->up.n && z->up.v[h->slot];
}

static const struct ip *address_of(const struct holder *h, uint8_t family)
{
	for (size_t i = 0; family && i < 2; i++)
		if (h->ips[i].family == family)
			return &h->ips[i];
	return NULL;
}

/* Those that run; when none does, all: a name that is in the file never vanishes. */
static int collect(const struct zone *z, struct entry *e, uint8_t family,
		   struct ip ret[ZONE_ADDRESSES])
{
	size_t n = e->holders.n;
	bool any_up = false;
	int found = 0;

	for (size_t i = 0; i < n; i++)
		any_up |= is_up(z, &e->holders.v[i]);
	for (size_t i = 0; i < n && found < ZONE_ADDRESSES; i++) {
		const struct holder *h = &e->holders.v[(e->turn + i) % n];
		const struct ip *ip = address_of(h, family);

		if (ip && (!any_up || is_up(z, h)))
			ret[found++] = *ip;
	}
	if (found)
		e->turn = (unsigned)((e->turn + 1) % n);
	return found;
}

/* "web" out of "web.t_default"; 0: it is not of this network. */
static size_t without_network(const struct zone *z, uint32_t id, const char *name)
{
	const struct network *net = find_network(z, id);
	size_t len = strlen(name), tail = net && net->name ? strlen(net->name) : 0;

	if (!tail || len <= tail + 1 || name[len - tail - 1] != '.' ||
	    strcasecmp(name + len - tail, net->name) != 0)
		return 0;
	return len - tail - 1;
}

static struct entry *find_name(const struct zone *z, uint32_t network, const char *name)
{
	uint8_t key[KEY_MAX];
	struct entry *e = look_up(z->names, key, name_key(key, network, name, strlen(name)));

	if (e)
		return e;
	return look_up(z->names, key,
		       name_key(key, network, name, without_network(z, network, name)));
}

int zone_find(struct zone *z, const struct zone_view *v, const char *name, uint8_t family,
	      struct ip ret[ZONE_ADDRESSES])
{
	int known = -1;

	for (size_t i = 0; i < v->n; i++) {
		struct entry *e = find_name(z, v->networks[i], name);
		int n = e ? collect(z, e, family, ret) : -1;

		if (n > 0)
			return n;
		if (!n)
			known = 0;
	}
	return known;
}

static bool has_subnet(const struct network *net, const struct ip *ip)
{
	for (size_t i = 0; i < net->subnets.n; i++)
		if (ip_is_within(ip, &net->subnets.v[i]))
			return true;
	return false;
}

bool zone_has(const struct zone *z, const struct ip *ip)
{
	for (size_t i = 0; i < z->networks.n; i++)
		if (has_subnet(&z->networks.v[i], ip))
			return true;
	return false;
}

int zone_reverse(const struct zone *z, const struct zone_view *v, const struct ip *ip, char *ret,
		 size_t size)
{
	uint8_t key[KEY_MAX];
	int known = -1;

	for (size_t i = 0; i < v->n; i++) {
		const struct network *net = find_network(z, v->networks[i]);
		const struct entry *e =
			look_up(z->ways_back, key, address_key(key, v->networks[i], ip));

		if (e) {
			snprintf(ret, size, "%s%s%s", e->name, net && net->name ? "." : "",
				 net && net->name ? net->name : "");
			return 1;
		}
		if (net && has_subnet(net, ip))
			known = 0;
	}
	return known;
}
