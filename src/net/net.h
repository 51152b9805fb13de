/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net: the network of one running stack, as the files of this room share it.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "mstack/base_carry.h"
#include "mstack/net.h"
#include "net/nl.h"

struct portwatch;
struct beside;
struct wirewatch;
struct hold;

/* What is there of a wire of the spec. */
struct wire {
	int index[2]; /* of its host ends; 0: not there */
	unsigned mtu; /* of its inner ends */
	bool pulled;  /* by net_wire_pull */
	bool awaited; /* NET_WIRED has not been told yet */
};

struct net {
	struct ev_loop *loop;
	net_event_fn *fn;
	void *arg;
	const struct net_spec *spec;
	struct ledger *ledger;
	int rtnl; /* in the host's namespace */
	int nft;  /* owns the table: what is closed with it is gone */
	bool has_table;
	bool has_drops;			 /* the table of what is lost without netem */
	bool has_uplinks4, has_uplinks6; /* leases were taken, as there is a way out */
	bool has_udp;			 /* published ports of it */
	size_t first; /* of the bridges that are being made: those before it are up */
	int *bridges; /* index of the link of each network; 0 until it is up */
	struct portwatch *watch;
	struct beside *beside;
	struct hold *holds; /* reserved ports */
	net_holder_fn *holder; /* who may know who has others; or NULL */
	void *holder_arg;
	uint64_t given_back_ms;	 /* when the last of them that mstack-net hands on was; 0: none */
	struct net_porch *porch; /* who reserves them on the host; NULL: we are there */
	struct wire *wires; /* as those of the spec */
	bool has_fwd;	    /* the table of the wires is there */
	bool no_guard;	    /* this kernel cannot keep the host off the wires: see fwd.c */
	struct wirewatch *wire_watch;
};

/* bridge.c: are the names and subnets still free? Then all bridges, with address, up. */
int bridges_check(const struct net *n, struct err *err);
int bridges_up(struct net *n, struct err *err);
/* net.c: takes all of a bridge out of the table. */
int table_leave(struct net *n, size_t bridge, struct err *err);

/* wire.c: are the names on the host still free, are the devices there? */
int wires_check(const struct net *n, struct err *err);
/* net.c: once there are wires their carriers are followed. */
int wires_watch(struct net *n, struct err *err);

/* veth.c: takes a host end of ours away whose slot is gone. Returns whether another try makes sense. */
bool veth_clear_leftover(const struct net *n, const char *ifname);

/* fwd.c: what comes in at either host end of these wires goes out of the other one. */
int fwd_join(struct net *n, const size_t *wires, size_t count, struct err *err);
/* The other way round; what is not there needs no word. */
void fwd_leave(struct net *n, size_t wire);
/* Is a table of this stack there by that name? One that it does not know of was made by a supervisor that died in that moment: our socket owns it. */
bool net_has_table(const struct net *n, const char *table);
char *fwd_table(const struct net_spec *spec);
/* For the probe: a chain at the ingress of a device, whose frames go to the one of that index. */
void fwd_put(struct nl_batch *b, const char *table, const char *from, int to);

/* hold.c: gives back all reserved ports. */
void holds_release(struct net *n);
void holds_carry(const struct net *n, struct carry *to);
void holds_resume(struct net *n, const struct carry *from);
/*
 * The socket that reserves a port where we are; -1 with errno. handed: whoever connects is accepted by mstack-net, so nobody is listened to
 * before that is told.
 */
int hold_bind(const struct net_publish_spec *pub, bool handed);
/* The socket of a reserved port, borrowed; -1: there is none. */
int hold_lend(const struct net *n, const struct net_publish_spec *pub);

#endif
