/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * macvlan: attachments that are no port of a bridge: a second hardware address of a device of the host, whose network they are
 * on. Called by veth.c, and by sup at their end. Nothing of them is in the host's namespace.
 */
#include <errno.h>
#include <time.h>

#include "net/lan.h"
#include "net/link.h"
#include "net/macvlan.h"

enum { TRIES = 1000, PAUSE_NS = 2000000 };

bool macvlan_is(const struct net *n, const struct net_port_spec *port)
{
	return n->spec->bridges[port->bridge].kind == NET_LAN_MACVLAN;
}

void macvlan_put(struct nl_batch *b, const struct net *n, const struct net_port_spec *port,
		 int netns_fd)
{
	const struct net_bridge_spec *br = &n->spec->bridges[port->bridge];

	link_put_macvlan(b, &(struct link_macvlan){ .ifname = port->ifname,
						    .mac = port->mac,
						    .nic = n->bridges[port->bridge],
						    .netns_fd = netns_fd,
						    .mode = br->mode,
						    .mtu = br->mtu });
}

static int raise_one(const struct net_attach *slot, const char *ifname, struct err *err)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	for (int i = 0;; i++) {
		_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

		nl_batch_init(&b);
		link_put_quiet_named(&b, ifname);
		link_put_up(&b, ifname);
		if (!nl_transact(slot->rtnl_fd, &b, NULL, err))
			return 0;
		if (err->sys != EADDRINUSE || i == TRIES)
			return err_wrap(err, "link '%s', within", ifname);
		nanosleep(&pause, NULL);
	}
}

void net_detach(const struct net_attach *slot)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	for (size_t i = 0; slot->rtnl_fd >= 0 && i < slot->n_ports; i++) {
		struct link_info l;

		if (slot->ports[i].host_ifname[0] ||
		    link_find(slot->rtnl_fd, slot->ports[i].ifname, &l, NULL))
			continue;
		link_put_delete(&b, l.index);
		nl_tolerate(&b, ENODEV);
	}
	nl_transact(slot->rtnl_fd, &b, NULL, NULL);
}

int macvlan_raise(const struct net *n, const struct net_attach *slot, struct err *err)
{
	for (size_t i = 0; i < slot->n_ports; i++)
		if (macvlan_is(n, &slot->ports[i]) && raise_one(slot, slot->ports[i].ifname, err))
			return -1;
	return 0;
}
