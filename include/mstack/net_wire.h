/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_wire: lab wires, a part of the door of net. A wire joins two ends without a bridge: each is a veth whose inner end is
 * what a slot (or the host) uses and whose host end is held in the host's namespace, under a short hashed name; a rule
 * `fwd` at the ingress of each host end hands every frame to the other one, whatever it is. So nothing is filtered or learned
 * on the way (LLDP, LACP, STP, VLAN tags, jumbo frames pass), the host says nothing on it, and at the host ends a wire can be
 * cut, impaired and looked at without anything inside of a slot. A second end may be a macvlan or a VXLAN tunnel instead of a
 * veth. The rules stand in one `table netdev` of the stack, owned like its inet table.
 */
#ifndef MSTACK_NET_WIRE_H
#define MSTACK_NET_WIRE_H

#include <net/if.h>
#include <netinet/in.h>

#include "mstack/base.h"

struct net;

enum net_end_kind {
	NET_END_SLOT,		/* an interface in a slot */
	NET_END_HOST,		/* one in the host's namespace, which must not be there yet */
	NET_END_MACVLAN,	/* what is behind a device of the host */
	NET_END_VXLAN,		/* another host, which has the other end of the tunnel */
};

struct net_end_spec {
	enum net_end_kind kind;
	const char *text;		/* "r1:eth1", as the file has it; for errors */
	const char *alias;		/* of the host end: "mstack:PROJECT:..." */
	char host_ifname[IFNAMSIZ];	/* "mwXXXXXXXXXX" */
	char ifname[IFNAMSIZ];		/* SLOT, HOST: of the inner end; MACVLAN: the device */
	uint8_t mac[6];			/* SLOT, HOST */
	struct ip_net addrs[2];		/* SLOT, HOST; one without a family is none */
	struct ip remote;		/* VXLAN */
	uint32_t vni;
	size_t slot;			/* SLOT: whose, in the caller's words; not looked at here */
};

struct net_wire_spec {
	struct net_end_spec ends[2];	/* one of them at least is a SLOT */
	unsigned mtu;			/* 0: that of the macvlan's device, else 1500 */
	unsigned line;			/* in the stack file, for errors */
	bool gone;			/* only its number is still there: all of it was removed, or was never made */
};

/* A wire to be made. Event NET_WIRED with its number as the token follows when it carries frames, or 200 ms later. */
struct net_connect {
	size_t wire;			/* index into net_spec.wires */
	struct {
		int netns_fd, rtnl_fd;	/* of SLOT, as in struct net_attach; rtnl_fd is borrowed while it is there */
		uint32_t ledger_parent;
	} ends[2];
	struct err err;			/* result: err.text[0] == 0 when it worked */
};

/* Makes them, up and with their addresses. Failures are told in each entry's err; -1 (with err) when nothing could be sent. */
int net_connect(struct net *n, struct net_connect *wires, size_t count, struct err *err);
/* Takes one away, with both of its ends; it can be made again. */
void net_disconnect(struct net *n, size_t wire);

/*
 * The cable: pulled, both inner ends lose their carrier and keep all of their configuration. A wire whose end was taken down
 * from within loses its carrier at the other end too, as a cable does, and gets it back.
 */
int net_wire_pull(struct net *n, size_t wire, bool pulled, struct err *err);
/* The same for the attachment with this host end. */
int net_port_pull(struct net *n, const char *host_ifname, bool pulled, struct err *err);

/* ABSENT: not made yet. NO_CARRIER: down at an inner end, or at the device or peer behind the wire. */
enum net_carrier { NET_ABSENT, NET_PULLED, NET_NO_CARRIER, NET_CARRIER };
struct net_link_state { enum net_carrier carrier; unsigned mtu; };	/* mtu: of the inner ends; 0 while ABSENT */
struct net_link_state net_wire_state(struct net *n, size_t wire);
struct net_link_state net_port_state(struct net *n, const char *host_ifname);
/* Of an attachment without a host end, by the socket of its slot (see struct net_attach). */
struct net_link_state net_inner_state(int rtnl_fd, const char *ifname);

#endif
