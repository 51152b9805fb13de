/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lan: networks that lead out of the stack. Called by bridge.c and veth.c. */
#ifndef NET_LAN_H
#define NET_LAN_H

#include "net/net.h"

static inline bool lan_is_bridge(const struct net_bridge_spec *br)
{
	return br->kind == NET_LAN_BRIDGE;
}

/* Of EXTERNAL, MACVLAN: is what it is built on there? Its index is that of the network from then on. */
int lan_check(const struct net *n, size_t nr, struct err *err);
/* Devices for macvlans that have to be made; tunnels of bridges, which are there by now. */
int lan_up(struct net *n, size_t nr, struct err *err);

#endif
