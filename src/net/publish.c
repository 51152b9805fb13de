/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish: published ports as elements of the table's maps. Called by sup through
 * net_publish. A port is an element and never a rule, so adding one costs the same however
 * many there are.
 */
#include <arpa/inet.h>

#include "net/net.h"
#include "net/nft.h"

struct elems VEC(struct nft_elem);

static void add_field(uint8_t *fields, uint8_t *len, const void *value, size_t size)
{
	memcpy(fields + *len, value, size);
	*len += 4; /* each field takes whole registers */
}

static struct nft_elem make_elem(const struct net_publish_spec *pub)
{
	uint16_t host_port = htons(pub->host_port), port = htons(pub->port);
	struct nft_elem e = { 0 };

	if (!ip_is_zero(&pub->host_ip))
		add_field(e.key, &e.key_len, pub->host_ip.bytes, 4);
	add_field(e.key, &e.key_len, &pub->protocol, sizeof(pub->protocol));
	add_field(e.key, &e.key_len, &host_port, sizeof(host_port));
	add_field(e.data, &e.data_len, pub->addr.bytes, 4);
	add_field(e.data, &e.data_len, &port, sizeof(port));
	return e;
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
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct elems any = { 0 }, one = { 0 };

	for (size_t i = 0; i < count; i++)
		if (check(n, &pubs[i], err))
			return -1;
	if (!count)
		return 0;
	for (size_t i = 0; i < count; i++)
		vec_push(ip_is_zero(&pubs[i].host_ip) ? &any : &one, make_elem(&pubs[i]));
	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_elems(&b, n->spec->table, "pub4", any.v, any.n, add);
	nft_put_elems(&b, n->spec->table, "pubip4", one.v, one.n, add);
	nft_end(&b);
	vec_fini(&any);
	vec_fini(&one);
	if (nl_transact(n->nft, &b, NULL, err))
		return err_wrap(err, "nftables table '%s': %s %zu ports", n->spec->table,
				add ? "publish" : "withdraw", count);
	return 0;
}
