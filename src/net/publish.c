/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish: published ports as elements of the table's maps. Called by sup through
 * net_publish. A port is an element and never a rule, so adding one costs the same however
 * many there are.
 */
#include <arpa/inet.h>

#include "net/flows.h"
#include "net/net.h"
#include "net/nft.h"

struct elems VEC(struct nft_elem);

/* The maps and sets of one family, by their place in `names`. */
enum { ANY, ONE, RANGE, LIMITED, ALLOW, N_SETS };
static const char *const names[2][N_SETS] = {
	{ "pub4", "pubip4", "rng4", "limited4", "allow4" },
	{ "pub6", "pubip6", "rng6", "limited6", "allow6" },
};

/* The elements of all sets, by family. */
struct changes {
	struct elems sets[2][N_SETS];
};

/* Ports that follow each other and stay what they are, to one address. */
struct run {
	const struct net_publish_spec *first;
	uint16_t last;
};

static void add_field(uint8_t *fields, uint8_t *len, const void *value, size_t size)
{
	memcpy(fields + *len, value, size);
	*len += (uint8_t)((size + 3) / 4 * 4); /* each field takes whole registers */
}

/* A field of a key with ranges: from, to. */
static void add_range(struct nft_elem *e, const void *from, const void *to, size_t size)
{
	uint8_t len = e->key_len;

	add_field(e->key, &e->key_len, from, size);
	add_field(e->key_end, &len, to, size);
	e->ranges = true;
}

static void add_net(struct nft_elem *e, const struct ip_net *net)
{
	struct ip first = ip_first(net), last = ip_last(net);

	add_range(e, first.bytes, last.bytes, ip_bits(&first) / 8);
}

/* Where it comes to: one address of the host or any, the protocol, the ports. */
static void add_to(struct nft_elem *e, const struct run *r)
{
	const struct net_publish_spec *pub = r->first;
	uint16_t first = htons(pub->host_port), last = htons(r->last);
	struct ip_net host = { pub->host_ip, 0 };

	host.prefix = (uint8_t)(ip_is_zero(&pub->host_ip) ? 0 : ip_bits(&pub->host_ip));
	add_net(e, &host);
	add_range(e, &pub->protocol, &pub->protocol, sizeof(pub->protocol));
	add_range(e, &first, &last, sizeof(first));
}

static struct nft_elem range_elem(const struct run *r)
{
	struct nft_elem e = { 0 };

	add_to(&e, r);
	add_field(e.data, &e.data_len, r->first->addr.bytes, ip_bits(&r->first->addr) / 8);
	return e;
}

static struct nft_elem port_elem(const struct net_publish_spec *pub)
{
	uint16_t host_port = htons(pub->host_port), port = htons(pub->port);
	size_t bytes = ip_bits(&pub->addr) / 8;
	struct nft_elem e = { 0 };

	if (!ip_is_zero(&pub->host_ip))
		add_field(e.key, &e.key_len, pub->host_ip.bytes, bytes);
	add_field(e.key, &e.key_len, &pub->protocol, sizeof(pub->protocol));
	add_field(e.key, &e.key_len, &host_port, sizeof(host_port));
	add_field(e.data, &e.data_len, pub->addr.bytes, bytes);
	add_field(e.data, &e.data_len, &port, sizeof(port));
	return e;
}

/* A part of another one that is allowed: the kernel's ranges must not overlap. Of equal ones the first counts. */
static bool is_covered(const struct net_publish_spec *pub, size_t nr)
{
	const struct ip_net *net = &pub->allow[nr];

	for (size_t i = 0; i < pub->n_allow; i++) {
		const struct ip_net *other = &pub->allow[i];

		if (i != nr && ip_is_within(&net->ip, other) &&
		    (other->prefix < net->prefix || (other->prefix == net->prefix && i < nr)))
			return true;
	}
	return false;
}

static void add_allowed(struct elems *sets, const struct run *r)
{
	const struct net_publish_spec *pub = r->first;
	struct nft_elem limited = { 0 };

	add_to(&limited, r);
	vec_push(&sets[LIMITED], limited);
	for (size_t i = 0; i < pub->n_allow; i++) {
		struct nft_elem e = { 0 };

		if (pub->allow[i].ip.family != pub->addr.family || is_covered(pub, i))
			continue;
		add_net(&e, &pub->allow[i]);
		add_to(&e, r);
		vec_push(&sets[ALLOW], e);
	}
}

static void add_run(struct changes *c, const struct run *r)
{
	const struct net_publish_spec *pub = r->first;
	struct elems *sets = c->sets[pub->addr.family == AF_INET6];

	if (r->last > pub->host_port)
		vec_push(&sets[RANGE], range_elem(r));
	else
		vec_push(&sets[ip_is_zero(&pub->host_ip) ? ANY : ONE], port_elem(pub));
	if (pub->n_allow)
		add_allowed(sets, r);
}

/* `b` goes on where the run ends. */
static bool continues(const struct run *r, const struct net_publish_spec *b)
{
	const struct net_publish_spec *a = r->first;

	return a->port == a->host_port && b->port == b->host_port && b->port == r->last + 1 &&
	       a->protocol == b->protocol && ip_equal(&a->host_ip, &b->host_ip) &&
	       ip_equal(&a->addr, &b->addr) && a->n_allow == b->n_allow &&
	       !memcmp(a->allow ? a->allow : (const struct ip_net[1]){ 0 },
		       b->allow ? b->allow : (const struct ip_net[1]){ 0 },
		       a->n_allow * sizeof(*a->allow));
}

/* A port that is published for both families stands twice, one behind the other. */
static void collect_family(const struct net_publish_spec *pubs, size_t count, int family,
			   struct changes *c)
{
	struct run r = { NULL, 0 };

	for (size_t i = 0; i < count; i++) {
		/* The kernel has no way by ::1: mstack-net hands that on. */
		if (pubs[i].addr.family != family || ip_is_loopback6(&pubs[i].host_ip))
			continue;
		if (r.first && continues(&r, &pubs[i])) {
			r.last++;
			continue;
		}
		if (r.first)
			add_run(c, &r);
		r = (struct run){ &pubs[i], pubs[i].host_port };
	}
	if (r.first)
		add_run(c, &r);
}

static int commit(struct net *n, struct changes *c, bool add, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	nft_begin(&b);
	for (size_t f = 0; f < 2; f++)
		for (size_t i = 0; i < N_SETS; i++) {
			nft_put_elems(&b, n->spec->table, names[f][i], c->sets[f][i].v,
				      c->sets[f][i].n, add);
			vec_fini(&c->sets[f][i]);
		}
	nft_end(&b);
	return nl_transact(n->nft, &b, NULL, err);
}

static bool has(const struct net_bridge_spec *br, const struct ip *ip)
{
	for (size_t i = 0; i < br->n_subnets; i++)
		if (ip_is_within(ip, &br->subnets[i].net))
			return true;
	return false;
}

static int check(const struct net *n, const struct net_publish_spec *pub, struct err *err)
{
	for (size_t i = 0; i < n->spec->n_bridges; i++) {
		const struct net_bridge_spec *br = &n->spec->bridges[i];

		if (!br->internal || !has(br, &pub->addr))
			continue;
		err_set(err, "port %u (%s): its network is internal, nothing is published there",
			pub->host_port, pub->owner);
		err->line = pub->line;
		return -1;
	}
	return 0;
}

int net_publish(struct net *n, const struct net_publish_spec *pubs, size_t count, bool add,
		struct err *err)
{
	struct changes c = { 0 };

	for (size_t i = 0; i < count; i++)
		if (check(n, &pubs[i], err))
			return -1;
	if (!count)
		return 0;
	collect_family(pubs, count, AF_INET, &c);
	collect_family(pubs, count, AF_INET6, &c);
	if (commit(n, &c, add, err))
		return err_wrap(err, "nftables table '%s': %s %zu ports", n->spec->table,
				add ? "publish" : "withdraw", count);
	flows_forget(n, pubs, count);
	return 0;
}
