/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lan: what networks have that lead out of the stack: bridges of somebody else, devices for macvlans, tunnels to other hosts.
 * Called by bridge.c. What is there already is used as it is, and never changed.
 */
#include <errno.h>

#include "net/lan.h"
#include "net/lease.h"
#include "net/link.h"
#include "net/subif.h"
#include "net/vlan.h"

/* ---- what is there already ------------------------------------------------------------------- */

static int check_external(const struct net *n, size_t nr, struct err *err)
{
	const struct net_bridge_spec *br = &n->spec->bridges[nr];
	struct link_info l;
	int rc = link_find(n->rtnl, br->ifname, &l, err);

	if (rc < 0)
		return -1;
	if (rc)
		return err_set(err, "bridge '%s': this host has none of this name", br->ifname);
	if (strcmp(l.kind, "bridge") != 0)
		return err_set(err, "'%s' is no bridge", br->ifname);
	n->bridges[nr] = l.index;
	return 0;
}

/* A device that has to be made needs the one below it. */
static int check_parent(const struct net *n, size_t nr, struct err *err)
{
	const struct net_bridge_spec *br = &n->spec->bridges[nr];
	struct subif sub;
	struct link_info l;
	int rc = link_find(n->rtnl, br->ifname, &l, err);

	if (!rc)
		n->bridges[nr] = l.index;
	else if (rc > 0 && subif_parse(br->ifname, &sub))
		rc = link_find(n->rtnl, sub.base, &l, err);
	return rc > 0 ? err_set(err, "parent '%s': this host has no such device", br->ifname) : rc;
}

int lan_check(const struct net *n, size_t nr, struct err *err)
{
	switch (n->spec->bridges[nr].kind) {
	case NET_LAN_EXTERNAL:
		return check_external(n, nr, err);
	case NET_LAN_MACVLAN:
		return check_parent(n, nr, err);
	case NET_LAN_BRIDGE:
		break;
	}
	return 0;
}

/* ---- what is made ---------------------------------------------------------------------------- */

static int make_parent(struct net *n, size_t nr, struct err *err)
{
	struct lease_device dev = { .what = HOST_VLAN };
	struct link_info l;
	int rc;

	memcpy(dev.ifname, n->spec->bridges[nr].ifname, sizeof(dev.ifname));
	dev.index = host_switch_index(dev.what, dev.ifname);
	rc = lease_needed(&dev, err);
	if (rc > 0)
		rc = lease_take(n->ledger, &dev, n->spec->project, err);
	if (rc < 0)
		return -1;
	rc = link_find(n->rtnl, dev.ifname, &l, err);
	if (rc)
		return rc < 0 ? -1 : err_set(err, "parent '%s': it is gone", dev.ifname);
	n->bridges[nr] = l.index;
	return 0;
}

static void take_index(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	struct link_info l;

	(void)tag;
	link_parse(m, &l);
	*(int *)arg = l.index;
}

static int outer_device(const struct net *n, const struct net_tunnel *t, int *ret, struct err *err)
{
	struct link_info l;
	int rc = t->dev[0] ? link_find(n->rtnl, t->dev, &l, err) : 0;

	if (rc > 0)
		return err_set(err, "parent '%s': this host has no such device", t->dev);
	*ret = t->dev[0] && !rc ? l.index : 0;
	return rc;
}

static int create(const struct net *n, size_t nr, int dev, int *ret_index, struct err *err)
{
	const struct net_bridge_spec *br = &n->spec->bridges[nr];
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct nl_sink sink = { .message = take_index, .arg = ret_index };

	nl_batch_init(&b);
	link_put_vxlan(&b, &(struct link_vxlan){ .ifname = br->tunnel->ifname,
						 .remote = &br->tunnel->peers[0],
						 .dev = dev,
						 .master = n->bridges[nr],
						 .group = link_group(n->spec->id),
						 .vni = br->tunnel->vni,
						 .mtu = br->mtu,
						 .port = br->tunnel->port,
						 .learns = true });
	link_put_get(&b, br->tunnel->ifname);
	return nl_transact(n->rtnl, &b, &sink, err);
}

/* Its frames carry the tags of all VLANs, as between two switches. */
static int configure(const struct net *n, const struct net_bridge_spec *br, int index,
		     struct err *err)
{
	static const struct net_vids all = { 2, 4094 };
	static const struct net_port_spec trunk = { .trunk = &all, .n_trunk = 1 };
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	link_put_alias(&b, index, br->tunnel->alias);
	link_put_quiet(&b, index);
	for (size_t i = 1; i < br->tunnel->n_peers; i++)
		link_put_peer(&b, index, &br->tunnel->peers[i]);
	if (br->vlans)
		vlan_put_port(&b, index, &trunk);
	link_put_state(&b, index, true);
	return nl_transact(n->rtnl, &b, NULL, err);
}

static int make_tunnel(struct net *n, size_t nr, struct err *err)
{
	const struct net_bridge_spec *br = &n->spec->bridges[nr];
	uint32_t item = ledger_intend(n->ledger, "vxlan", 0, br->tunnel->ifname, err);
	int dev, index = 0;

	if (!item)
		return -1;
	if (outer_device(n, br->tunnel, &dev, err) || create(n, nr, dev, &index, err) ||
	    ledger_done(n->ledger, item, (uint64_t)index, 0, err) || configure(n, br, index, err))
		return err_wrap(err, "vxlan %u", br->tunnel->vni);
	return 0;
}

int lan_up(struct net *n, size_t nr, struct err *err)
{
	const struct net_bridge_spec *br = &n->spec->bridges[nr];

	if (br->kind == NET_LAN_MACVLAN)
		return make_parent(n, nr, err);
	return br->tunnel ? make_tunnel(n, nr, err) : 0;
}
