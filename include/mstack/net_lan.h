/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_lan: what networks are made of, and what of the host they may be built on. A part of the door of net, included by net.h.
 *
 * A network is a bridge of ours, with or without tunnels to bridges of other hosts; or a bridge that somebody else has made, to
 * which slots are attached and which is never changed; or no bridge at all: then each attachment is a macvlan of a device of the
 * host, and only that device's network knows the addresses.
 */
#ifndef MSTACK_NET_LAN_H
#define MSTACK_NET_LAN_H

#include <net/if.h>
#include <netinet/in.h>

#include "mstack/base.h"

/* ---- the host -------------------------------------------------------------------------------- */

struct net_prefix { struct ip_net net; char dev[IFNAMSIZ]; };

/* A link of the host. altname: of those that it has the first, or "" */
struct net_device {
	char name[IFNAMSIZ], altname[128], kind[IFNAMSIZ];
	bool tells_vlans;		/* a bridge that filters them */
	unsigned mtu;
};
/* The address that a slot of some stack has on this bridge. */
struct net_guest { char dev[IFNAMSIZ], project[128]; struct ip ip; };

/* What plan must know of the host. */
struct net_facts {
	struct net_prefix *prefixes;	/* routes and addresses of the host, but default routes, loopback and link-local ones */
	size_t n_prefixes;
	struct net_prefix *addresses;	/* likewise, its own addresses only, as they are */
	size_t n_addresses;
	struct net_device *devices;
	size_t n_devices;
	struct net_guest *guests;
	size_t n_guests;
	unsigned mtu;			/* of the device of the default route of either family; 1500 without one */
	bool has_default;
};

int net_facts_get(struct net_facts *ret, struct err *err);
void net_facts_fini(struct net_facts *f);

/* ---- networks -------------------------------------------------------------------------------- */

enum { NET_SUBNETS_MAX = 8 };		/* of one network */

struct net_subnet { struct ip_net net; struct ip gateway; };

enum net_lan_kind {
	NET_LAN_BRIDGE,
	NET_LAN_EXTERNAL,		/* a bridge of somebody else */
	NET_LAN_MACVLAN,		/* none */
};

enum net_macvlan { NET_MACVLAN_BRIDGE, NET_MACVLAN_PRIVATE, NET_MACVLAN_VEPA, NET_MACVLAN_PASSTHRU };

/* Tunnels to the bridges of other hosts: VXLAN (RFC 7348). What is for all goes to each peer; who is where is learned. */
struct net_tunnel {
	char ifname[IFNAMSIZ];		/* "mxXXXXXXXXXX" */
	const char *alias;		/* "mstack:PROJECT:..." */
	uint32_t vni;
	uint16_t port;			/* 0: 4789 */
	char dev[IFNAMSIZ];		/* by which it goes out; "": as routes lead */
	const struct ip *peers;		/* all of one family */
	size_t n_peers;
};

struct net_bridge_spec {
	enum net_lan_kind kind;
	char ifname[IFNAMSIZ];		/* of the bridge: "mstkXXXXXXXX", short and hashed, or as the file says; MACVLAN: of the device */
	const char *altname;		/* "PROJECT_KEY", set as alternative name where it fits (<= 127) */
	/* BRIDGE: the gateways are its addresses. IPv4 first; of a family that is off there is none. */
	struct net_subnet subnets[NET_SUBNETS_MAX];
	size_t n_subnets;
	bool internal;			/* no way out, nothing published */
	bool routed;			/* what goes out keeps its address */
	bool isolated;			/* its ports see the bridge, not each other */
	bool vlans;			/* ports are in VLANs, the bridge itself and who says nothing in number 1 */
	const struct net_tunnel *tunnel;	/* BRIDGE; NULL: none */
	/* MACVLAN. A device "BASE.VID" that is not there is made, for as long as a stack needs it. */
	enum net_macvlan mode;
	unsigned mtu;			/* 0: that of the device */
	unsigned line;			/* in the stack file, for errors */
	bool gone;			/* only its number is still there: it was removed */
};

#endif
