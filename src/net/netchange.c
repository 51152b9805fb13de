/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netchange: a network that is up becomes another one: bridges and wires go, others come, and whatever stays is not touched. Called by sup
 * when the stack file has changed. Slots that were on a bridge that goes are gone before; leases and accept rules stay until the end.
 */
#include <errno.h>

#include "mstack/net_resume.h"
#include "net/drops.h"
#include "net/lan.h"
#include "net/link.h"
#include "net/net.h"
#include "net/wirewatch.h"

static void forget(struct net *n, const char *kind, const char *key)
{
	const struct ledger_item *item = ledger_find(n->ledger, kind, key);

	if (item)
		ledger_gone(n->ledger, item->id, &(struct err){ 0 });
}

static int remove_link(struct net *n, int index, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	link_put_delete(&b, index);
	nl_tolerate(&b, ENODEV);
	return nl_transact(n->rtnl, &b, NULL, err) ? -1 : 0;
}

static void remove_tunnel(struct net *n, const struct net_tunnel *t)
{
	struct link_info l;

	if (!t)
		return;
	if (link_find(n->rtnl, t->ifname, &l, NULL) == 0 && link_is_ours(&l))
		remove_link(n, l.index, &(struct err){ 0 });
	forget(n, "vxlan", t->ifname);
}

static int remove_bridge(struct net *n, size_t nr, struct err *err)
{
	const char *ifname = n->spec->bridges[nr].ifname;

	if (!n->bridges[nr])
		return 0;
	/* What it is built on belongs to somebody else; a device made for it stays until the end. */
	if (!lan_is_bridge(&n->spec->bridges[nr])) {
		n->bridges[nr] = 0;
		return 0;
	}
	remove_tunnel(n, n->spec->bridges[nr].tunnel);
	if (table_leave(n, nr, err) < 0 || remove_link(n, n->bridges[nr], err) < 0)
		return err_wrap(err, "network '%s'", n->spec->bridges[nr].altname);
	n->bridges[nr] = 0;
	forget(n, "bridge", ifname);
	return 0;
}

static void forget_end(struct net *n, const char *ifname)
{
	static const char *const kinds[] = { "veth", "macvlan", "vxlan" };

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		forget(n, kinds[k], ifname);
}

static void disconnect_forgotten(struct net *n, size_t wire)
{
	fwd_leave(n, wire);
	for (size_t i = 0; i < ARRAY_LEN(n->wires[wire].index); i++) {
		const char *ifname = n->spec->wires[wire].ends[i].host_ifname;

		if (veth_clear_leftover(n, ifname))
			forget_end(n, ifname);
	}
}

/* A name on the host would be in the way of the next change, or stay when the wire leaves the stack. */
void net_forgotten(struct net *n)
{
	_cleanup_free_ char *table = fwd_table(n->spec);

	n->has_fwd = n->has_fwd || net_has_table(n, table);
	for (size_t i = 0; i < n->spec->n_wires; i++)
		if (!n->spec->wires[i].gone && !n->wires[i].index[0])
			disconnect_forgotten(n, i);
	drops_forgotten(n);
}

void net_disconnect(struct net *n, size_t wire)
{
	struct wire *w = &n->wires[wire];

	if (!w->index[0] && !w->index[1])
		return;
	fwd_leave(n, wire);
	for (size_t i = 0; i < ARRAY_LEN(w->index); i++) {
		const char *ifname = n->spec->wires[wire].ends[i].host_ifname;

		if (w->index[i])
			remove_link(n, w->index[i], &(struct err){ 0 });
		w->index[i] = 0;
		forget_end(n, ifname);
	}
	w->pulled = w->awaited = false;
}

static void grow_lists(struct net *n, const struct net_spec *spec)
{
	size_t bridges = n->spec->n_bridges, wires = n->spec->n_wires;

	n->bridges = xrealloc(n->bridges, (spec->n_bridges + 1) * sizeof(*n->bridges));
	for (size_t i = bridges; i <= spec->n_bridges; i++)
		n->bridges[i] = 0;
	n->wires = xrealloc(n->wires, (spec->n_wires + 1) * sizeof(*n->wires));
	for (size_t i = wires; i <= spec->n_wires; i++)
		n->wires[i] = (struct wire){ 0 };
}

int net_change(struct net *n, const struct net_spec *spec, struct err *err)
{
	for (size_t i = 0; i < n->spec->n_wires; i++)
		if (spec->wires[i].gone)
			net_disconnect(n, i);
	for (size_t i = 0; i < n->spec->n_bridges; i++)
		if (spec->bridges[i].gone && remove_bridge(n, i, err) < 0)
			return -1;
	grow_lists(n, spec);
	n->spec = spec;
	if (wires_check(n, err) || wires_watch(n, err))
		return -1;
	return net_grow(n, err);
}
