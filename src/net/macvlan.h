/* SPDX-License-Identifier: GPL-2.0-or-later */
/* macvlan: the attachment of a slot to a device of the host. Called by veth.c, which treats what is within alike. */
#ifndef NET_MACVLAN_H
#define NET_MACVLAN_H

#include "net/net.h"

/* Is it one of those? */
bool macvlan_is(const struct net *n, const struct net_port_spec *port);
/* Made in the slot's namespace, by a socket of the host's; down. It is in no ledger: it goes with that namespace. */
void macvlan_put(struct nl_batch *b, const struct net *n, const struct net_port_spec *port,
		 int netns_fd);
/*
 * Up, before the others do it. Its hardware address may still be that of a slot of this name whose supervisor was killed: waits
 * until the kernel has ended that namespace, which takes it some tens of milliseconds; two seconds at most.
 */
int macvlan_raise(const struct net *n, const struct net_attach *slot, struct err *err);

#endif
