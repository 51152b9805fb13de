/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net: the network of one running stack, as the files of this room share it.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "mstack/net.h"
#include "net/nl.h"

struct portwatch;
struct beside;
struct hold;

struct net {
	struct ev_loop *loop;
	const struct net_spec *spec;
	struct ledger *ledger;
	int rtnl;     /* in the host's namespace */
	int nft;      /* owns the table: what is closed with it is gone */
	bool has_table;
	bool has_drops; /* the table of what is lost without netem */
	bool has_uplinks; /* leases were taken, as there is a way out */
	size_t first;	  /* of the bridges that are being made: those before it are up */
	int *bridges; /* index of the link of each network; 0 until it is up */
	struct portwatch *watch;
	struct beside *beside;
	struct hold *holds; /* reserved ports */
};

/* bridge.c: are the names and subnets still free? Then all bridges, with address, up. */
int bridges_check(const struct net *n, struct err *err);
int bridges_up(struct net *n, struct err *err);

/* hold.c: gives back all reserved ports. */
void holds_release(struct net *n);

#endif
