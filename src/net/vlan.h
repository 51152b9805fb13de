/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vlan: messages about VLANs of bridges and their ports. Called by bridge.c and veth.c. */
#ifndef NET_VLAN_H
#define NET_VLAN_H

#include "mstack/net.h"
#include "net/nl.h"

/* The bridge tells VLANs apart from here on. */
void vlan_put_filtering(struct nl_batch *b, int bridge);
/* Those of a port, which is in the first one when it is made. */
void vlan_put_port(struct nl_batch *b, int index, const struct net_port_spec *port);

#endif
