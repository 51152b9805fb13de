/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_impair: what links do to packets (mstack/base_impair.h), set and taken away while they carry traffic. A part of the door of net.
 *
 * What comes to a service is impaired at the host end of its link, what leaves it at its own end, or, on a wire, at the host end
 * of the other one. By netem where the kernel has it; without it a rate is kept by tbf, and loss is a rule of nftables.
 * Either way segments that were sent as one packet (TSO, GSO) are taken apart before, so that 1 % are 1 % of the packets.
 * Queues die with their link, so nothing of this is in the ledger but the table of the rules.
 */
#ifndef MSTACK_NET_IMPAIR_H
#define MSTACK_NET_IMPAIR_H

#include "mstack/base.h"

struct net;

/* What of it this kernel can do: tries it in a child's network namespace. -1 when that could not be made. May wait for modules to be loaded. */
int net_impair_probe(struct impair_facts *ret, struct err *err);

/* One end of a link. Descriptors as in struct net_attach, borrowed; rtnl_fd -1: it leads into no slot. */
struct net_impair_end {
	const char *host_ifname;	/* NULL, "": there is none */
	const char *ifname;		/* in the slot */
	int netns_fd, rtnl_fd;
};
/* A wire, or an attachment to a bridge: the second end is all zeros but for its rtnl_fd, -1. One of them is of a slot. */
struct net_impair_spec {
	struct net_impair_end ends[2];
	struct impair_ways now;		/* as it is, seen from the first end; all zeros at first */
	struct impair_ways want;
};
/* Makes each way what is wanted, if it is not so now. A failure is told, and leaves the link as it can. */
int net_impair(struct net *n, const struct impair_facts *f, const struct net_impair_spec *spec, struct err *err);

#endif
