/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net: opens, brings up and closes the network of one stack. Called by sup. The parts are
 * made elsewhere: bridge.c, veth.c, ruleset.c, lease.c, beside.c; here is their order: the rules
 * that protect the host stand before there is anything to protect.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "net/beside.h"
#include "net/drops.h"
#include "net/flows.h"
#include "net/lan.h"
#include "net/lease.h"
#include "net/link.h"
#include "net/net.h"
#include "net/nft.h"
#include "net/portwatch.h"
#include "net/wirewatch.h"

struct net *net_open(struct ev_loop *loop, const struct net_spec *spec, struct ledger *ledger,
		     net_event_fn *fn, void *arg, struct err *err)
{
	struct net *n = xcalloc(1, sizeof(*n));

	*n = (struct net){ .loop = loop,
			   .spec = spec,
			   .ledger = ledger,
			   .rtnl = -1,
			   .nft = -1,
			   .fn = fn,
			   .arg = arg };
	n->bridges = xcalloc(spec->n_bridges + 1, sizeof(*n->bridges));
	n->wires = xcalloc(spec->n_wires + 1, sizeof(*n->wires));
	n->rtnl = nl_socket(NETLINK_ROUTE, err);
	if (n->rtnl >= 0)
		n->nft = nl_socket(NETLINK_NETFILTER, err);
	if (n->nft >= 0 && loop)
		n->watch = portwatch_open(loop, fn, arg, err);
	if (n->nft >= 0)
		n->beside = beside_open(n, fn, arg, err);
	if (!n->beside || (loop && !n->watch) || wires_watch(n, err)) {
		net_close(n);
		return NULL;
	}
	return n;
}

void net_close(struct net *n)
{
	if (!n)
		return;
	portwatch_close(n->watch);
	beside_close(n->beside);
	wirewatch_close(n->wire_watch);
	holds_release(n);
	cleanup_fd(&n->rtnl);
	cleanup_fd(&n->nft);
	free(n->bridges);
	free(n->wires);
	free(n);
}

int wires_watch(struct net *n, struct err *err)
{
	if (n->loop && n->spec->n_wires && !n->wire_watch) {
		n->wire_watch = wirewatch_open(n, n->fn, n->arg, err);
		return n->wire_watch ? 0 : -1;
	}
	return 0;
}

struct elems VEC(struct nft_elem);

/* What of the host has to forward for the bridges that are being made. */
struct ways_out {
	struct lease_wanted four, six;
};

/* Bridges whose elements are put in, or taken out. */
struct span {
	size_t first, end;
	bool add;
};

static void ways_fini(struct ways_out *w)
{
	lease_wanted_fini(&w->four);
	lease_wanted_fini(&w->six);
}

/*
 * Names are padded with zeros to the size of a field, which is how the kernel compares
 * them.
 */
static struct nft_elem name_elem(const char *ifname)
{
	struct nft_elem e = { .key_len = IFNAMSIZ };

	snprintf((char *)e.key, IFNAMSIZ, "%s", ifname);
	return e;
}

static void put_names(struct nl_batch *b, const struct net *n, const struct span *s,
		      const char *set, bool internal_only)
{
	struct elems elems = { 0 };

	for (size_t i = s->first; i < s->end; i++)
		if (lan_is_bridge(&n->spec->bridges[i]) &&
		    (!internal_only || n->spec->bridges[i].internal))
			vec_push(&elems, name_elem(n->spec->bridges[i].ifname));
	nft_put_elems(b, n->spec->table, set, elems.v, elems.n, s->add);
	vec_fini(&elems);
}

static void put_pairs(struct nl_batch *b, const struct net *n, const struct span *s)
{
	struct elems elems = { 0 };

	for (size_t i = s->first; i < s->end; i++) {
		struct nft_elem e = name_elem(n->spec->bridges[i].ifname);

		if (!lan_is_bridge(&n->spec->bridges[i]))
			continue;
		memcpy(e.key + IFNAMSIZ, e.key, IFNAMSIZ);
		e.key_len = 2 * IFNAMSIZ;
		e.accept = true;
		vec_push(&elems, e);
	}
	nft_put_elems(b, n->spec->table, "pairs", elems.v, elems.n, s->add);
	vec_fini(&elems);
}

/*
 * An interval is two elements: its first key, and the first one behind it unless that is
 * beyond the last address.
 */
static void add_interval(struct elems *elems, const struct ip_net *net)
{
	uint8_t len = (uint8_t)(ip_bits(&net->ip) / 8);
	struct nft_elem first = { .key_len = len }, behind = { .key_len = len, .end = true };
	struct ip last = ip_last(net), next = ip_plus(&last, 1);

	memcpy(first.key, net->ip.bytes, len);
	memcpy(behind.key, next.bytes, len);
	vec_push(elems, first);
	if (!ip_is_zero(&next))
		vec_push(elems, behind);
}

/* Has it a way out that leads through this host? */
static bool goes_out(const struct net_bridge_spec *br)
{
	return lan_is_bridge(br) && !br->internal;
}

static void put_subnets(struct nl_batch *b, const struct net *n, const struct span *s,
			const char *set, int family, bool routed_only)
{
	struct elems elems = { 0 };

	for (size_t i = s->first; i < s->end; i++) {
		const struct net_bridge_spec *br = &n->spec->bridges[i];

		for (size_t k = 0; goes_out(br) && k < br->n_subnets; k++)
			if (br->subnets[k].net.ip.family == family && (br->routed || !routed_only))
				add_interval(&elems, &br->subnets[k].net);
	}
	nft_put_elems(b, n->spec->table, set, elems.v, elems.n, s->add);
	vec_fini(&elems);
}

static void put_uplinks(struct nl_batch *b, const struct net *n, const char *set,
			const struct lease_devices *uplinks)
{
	struct elems elems = { 0 };

	for (size_t i = 0; i < uplinks->n; i++)
		vec_push(&elems, name_elem(uplinks->v[i].ifname));
	nft_put_elems(b, n->spec->table, set, elems.v, elems.n, true);
	vec_fini(&elems);
}

static void put_bridges(struct nl_batch *b, const struct net *n, const struct span *s)
{
	put_names(b, n, s, "brs", false);
	put_names(b, n, s, "internal", true);
	put_pairs(b, n, s);
	put_subnets(b, n, s, "sub4", AF_INET, false);
	put_subnets(b, n, s, "sub6", AF_INET6, false);
	put_subnets(b, n, s, "routed4", AF_INET, true);
	put_subnets(b, n, s, "routed6", AF_INET6, true);
}

static void put_elements(struct nl_batch *b, const struct net *n, const struct ways_out *ways)
{
	put_bridges(b, n, &(struct span){ n->first, n->spec->n_bridges, true });
	put_uplinks(b, n, "uplinks4", &ways->four.uplinks);
	put_uplinks(b, n, "uplinks6", &ways->six.uplinks);
}

bool net_has_table(const struct net *n, const char *table)
{
	_cleanup_free_ char *want = xasprintf(LINK_OWNER "%s", n->spec->project);
	char comment[128];

	return nft_find(n->nft, table, comment, sizeof(comment), &(struct err){ 0 }) == 0 &&
	       !strcmp(comment, want);
}

static int make_table(struct net *n, const struct ways_out *ways, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	_cleanup_free_ char *comment = xasprintf(LINK_OWNER "%s", n->spec->project);
	uint32_t item = ledger_intend(n->ledger, "nft-table", 0, n->spec->table, err);

	if (!item)
		return -1;
	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_table(&b, n->spec->table, comment);
	ruleset_put(&b, n->spec->table);
	put_elements(&b, n, ways);
	nft_end(&b);
	if (nl_transact(n->nft, &b, NULL, err))
		return err_wrap(err, "nftables table '%s'", n->spec->table);
	n->has_table = true;
	return ledger_done(n->ledger, item, 0, 0, err);
}

/* What comes to a table that is there. */
static int extend_table(struct net *n, const struct ways_out *ways, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	nft_begin(&b);
	put_elements(&b, n, ways);
	nft_end(&b);
	return nl_transact(n->nft, &b, NULL, err)
		       ? err_wrap(err, "nftables table '%s'", n->spec->table)
		       : 0;
}

int table_leave(struct net *n, size_t bridge, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	nft_begin(&b);
	put_bridges(&b, n, &(struct span){ bridge, bridge + 1, false });
	nft_end(&b);
	return nl_transact(n->nft, &b, NULL, err)
		       ? err_wrap(err, "nftables table '%s'", n->spec->table)
		       : 0;
}

/* Do those that are made now need devices of the host to forward this family, which none before them did? */
static bool wants_uplinks(const struct net *n, int family, bool has)
{
	for (size_t i = n->first; !has && i < n->spec->n_bridges; i++) {
		const struct net_bridge_spec *br = &n->spec->bridges[i];

		for (size_t k = 0; goes_out(br) && k < br->n_subnets; k++)
			if (br->subnets[k].net.ip.family == family)
				return true;
	}
	return false;
}

static int find_way(struct net *n, int family, bool *has, struct lease_wanted *ret, struct err *err)
{
	if (!wants_uplinks(n, family, *has))
		return 0;
	if (lease_candidates(n->rtnl, family, ret, err))
		return -1;
	*has = true;
	return 0;
}

static int take_leases(struct net *n, const struct lease_wanted *wanted, struct err *err)
{
	for (size_t i = 0; i < wanted->switches.n; i++)
		if (lease_take(n->ledger, &wanted->switches.v[i], n->spec->project, err))
			return -1;
	return 0;
}

/* The bridges from n->first on. */
static int raise_bridges(struct net *n, struct err *err)
{
	_cleanup_(ways_fini) struct ways_out ways = { 0 };

	if (bridges_check(n, err) || find_way(n, AF_INET, &n->has_uplinks4, &ways.four, err) ||
	    find_way(n, AF_INET6, &n->has_uplinks6, &ways.six, err))
		return -1;
	if ((n->has_table ? extend_table(n, &ways, err) : make_table(n, &ways, err)) ||
	    bridges_up(n, err) || beside_accept(n->beside, err))
		return -1;
	/* Those that are there already work. */
	for (size_t i = n->first; n->watch && i < n->spec->n_bridges; i++)
		if (lan_is_bridge(&n->spec->bridges[i]) &&
		    portwatch_bridges(n->watch, &n->bridges[i], 1, err))
			return -1;
	if (take_leases(n, &ways.four, err) || take_leases(n, &ways.six, err))
		return -1;
	n->first = n->spec->n_bridges;
	return 0;
}

int net_up(struct net *n, struct err *err)
{
	if (wires_check(n, err))
		return -1;
	/* By net_grow, for somebody who was quick. */
	if (n->has_table && n->first == n->spec->n_bridges)
		return 0;
	return raise_bridges(n, err);
}

int net_grow(struct net *n, struct err *err)
{
	size_t had = n->first;

	if (n->spec->n_bridges == had)
		return 0;
	n->bridges = xrealloc(n->bridges, (n->spec->n_bridges + 1) * sizeof(*n->bridges));
	memset(n->bridges + had, 0, (n->spec->n_bridges + 1 - had) * sizeof(*n->bridges));
	return raise_bridges(n, err);
}

/* ---- down ------------------------------------------------------------------------------------ */

static void delete_links(struct net *n)
{
	size_t made = 0, max = n->spec->n_bridges + 2 * n->spec->n_wires + 1;
	_cleanup_free_ const char **names = xcalloc(max, sizeof(*names));

	/* One that could not be made may be somebody else's. */
	for (size_t i = 0; i < n->spec->n_bridges; i++)
		if (n->bridges[i] && lan_is_bridge(&n->spec->bridges[i]))
			names[made++] = n->spec->bridges[i].ifname;
	for (size_t i = 0; i < 2 * n->spec->n_wires; i++)
		if (n->wires[i / 2].index[i % 2])
			names[made++] = n->spec->wires[i / 2].ends[i % 2].host_ifname;
	if (made)
		link_delete_all(n->rtnl, names, made, NULL);
}

static void delete_tables(struct net *n)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	_cleanup_free_ char *fwd = fwd_table(n->spec);

	if (!n->has_table && !n->has_fwd)
		return;
	nl_batch_init(&b);
	nft_begin(&b);
	if (n->has_table)
		nft_put_delete(&b, n->spec->table);
	if (n->has_fwd)
		nft_put_delete(&b, fwd);
	nft_end(&b);
	nl_transact(n->nft, &b, NULL, NULL);
	n->has_table = n->has_fwd = false;
}

void net_down(struct net *n)
{
	/* What is taken out from now on is taken out by us. */
	beside_close(n->beside);
	n->beside = NULL;
	holds_release(n);
	delete_links(n);
	drops_down(n);
	delete_tables(n);
	/* Last: as long as there are rules, who goes on sending begins the same flow anew. */
	flows_forget_all(n);
}
