/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * carrier: cables that are pulled and put back, of wires and of attachments, and how they are.
 * Called by sup for `mstack link`. All of it happens at host ends: an interface that is taken down
 * from within loses its default route and its static IPv6 addresses, one without carrier keeps both.
 */
#include <errno.h>

#include "net/link.h"
#include "net/wirewatch.h"

/* Behind glibc's own, which lacks IFF_LOWER_UP. */
#include <linux/if.h>

int net_wire_pull(struct net *n, size_t wire, bool pulled, struct err *err)
{
	struct wire *w = &n->wires[wire];

	if (!w->index[0] || !w->index[1])
		return err_sys(err, ENOENT, "link '%s': not made yet",
			       n->spec->wires[wire].ends[0].text);
	w->pulled = pulled;
	return wirewatch_follow(n, wire, err);
}

/* Of a host end that is ours: 0, 1 it is not there, -1. */
static int find_port(struct net *n, const char *host_ifname, struct link_info *ret, struct err *err)
{
	int rc = link_find(n->rtnl, host_ifname, ret, err);

	return !rc && !link_is_ours(ret) ? 1 : rc;
}

int net_port_pull(struct net *n, const char *host_ifname, bool pulled, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct link_info l;
	int rc = host_ifname[0] ? find_port(n, host_ifname, &l, err) : -1;

	if (!host_ifname[0])
		return err_set(err, "a macvlan has no cable of its own: it has that of its parent");
	if (rc > 0)
		return err_sys(err, ENOENT, "link '%s': not made yet", host_ifname);
	if (rc)
		return -1;
	nl_batch_init(&b);
	link_put_state(&b, l.index, !pulled);
	return nl_transact(n->rtnl, &b, NULL, err) ? err_wrap(err, "link '%s'", host_ifname) : 0;
}

static enum net_carrier carrier_of(unsigned flags)
{
	if (!(flags & IFF_UP))
		return NET_PULLED;
	return flags & IFF_LOWER_UP ? NET_CARRIER : NET_NO_CARRIER;
}

struct net_link_state net_port_state(struct net *n, const char *host_ifname)
{
	struct link_info l;

	if (!host_ifname[0] || find_port(n, host_ifname, &l, NULL))
		return (struct net_link_state){ NET_ABSENT, 0 };
	return (struct net_link_state){ carrier_of(l.flags), l.mtu };
}

struct net_link_state net_inner_state(int rtnl_fd, const char *ifname)
{
	struct link_info l;

	if (rtnl_fd < 0 || link_find(rtnl_fd, ifname, &l, NULL))
		return (struct net_link_state){ NET_ABSENT, 0 };
	return (struct net_link_state){ l.flags & IFF_LOWER_UP ? NET_CARRIER : NET_NO_CARRIER,
					l.mtu };
}

/* As the worse of its ends; one that is down because the other one has no carrier is not pulled. */
struct net_link_state net_wire_state(struct net *n, size_t wire)
{
	const struct wire *w = &n->wires[wire];
	struct net_link_state ret = { NET_CARRIER, w->mtu };

	for (int i = 0; i < 2; i++) {
		struct link_info l;

		if (!w->index[i] ||
		    link_find(n->rtnl, n->spec->wires[wire].ends[i].host_ifname, &l, NULL))
			return (struct net_link_state){ NET_ABSENT, 0 };
		if (carrier_of(l.flags) != NET_CARRIER)
			ret.carrier = NET_NO_CARRIER;
	}
	if (w->pulled)
		ret.carrier = NET_PULLED;
	return ret;
}
