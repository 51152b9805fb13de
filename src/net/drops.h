/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drops: loss where the kernel has no netem: a rule of nftables at the ingress of a device, which drops packets by a random
 * number.
 */
#ifndef NET_DROPS_H
#define NET_DROPS_H

#include "net/nl.h"

struct net;

struct drops {
	const char *table; /* of the family netdev */
	const char *dev;
	const char *
		comment; /* the table is made now, and goes with the socket; NULL: it is there, or may be */
	bool there;
	bool had; /* there is a rule for this device, which goes */
};

/* As much loss as `want` says, or none: one transaction. fd: a netfilter socket of the device's namespace. */
int drops_set(int fd, const struct drops *d, const struct impair *want, struct err *err);
/* The same in the table of the stack, which is made and entered in the ledger before its first rule. */
int drops_set_host(struct net *n, const struct drops *d, const struct impair *want,
		   struct err *err);
void drops_down(struct net *n);
/* As net_forgotten. */
void drops_forgotten(struct net *n);

#endif
