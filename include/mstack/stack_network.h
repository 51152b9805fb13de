/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack_network: a network of the stack file as it is once it has been read and checked. A part of the door of stack: included by
 * mstack/stack_model.h.
 */
#ifndef MSTACK_STACK_NETWORK_H
#define MSTACK_STACK_NETWORK_H

#include "mstack/base.h"

/* A place in one of the loaded files. */
struct stack_pos {
	uint32_t file;		/* index into stack->files */
	uint32_t line, col;	/* from 1; 0: no place */
};

struct stack_str { const char *text; struct stack_pos pos; };		/* text NULL: not given */

struct stack_aux { const char *name; struct ip ip; struct stack_pos pos; };	/* somebody else's address: not given out */

struct stack_subnet {				/* an entry of ipam.config */
	struct ip_net net, range;		/* range: out of this one addresses are given out; none: the whole */
	struct ip gateway;			/* none: the first address */
	const struct stack_aux *aux;
	size_t n_aux;
	struct stack_pos pos, gateway_pos;
};

enum stack_net_driver {
	STACK_BRIDGE,
	STACK_MACVLAN,			/* no bridge: each attachment is a second address of a device of the host */
	STACK_VXLAN,			/* a bridge that leads through tunnels to those of other hosts */
	STACK_NET_DRIVERS,
};
enum stack_macvlan { STACK_MACVLAN_BRIDGE, STACK_MACVLAN_PRIVATE, STACK_MACVLAN_VEPA, STACK_MACVLAN_PASSTHRU };

struct stack_driver {			/* `driver`, and what of `driver_opts` is for one driver */
	enum stack_net_driver kind;
	struct stack_str bridge;	/* BRIDGE, VXLAN: name of the link; text NULL: plan chooses it */
	bool no_icc, no_masquerade;	/* likewise: containers do not see each other; go out with their own addresses */
	struct ip bind4;		/* likewise: where ports are published that name no address; none: everywhere */
	struct stack_str parent;	/* MACVLAN: the device; VXLAN: that of the tunnels; text NULL: as routes lead */
	enum stack_macvlan mode;
	uint32_t vni;			/* VXLAN */
	uint16_t port;
	const struct ip *peers;		/* the other hosts, all of one family; at least one */
	size_t n_peers;
	struct stack_pos pos;
};

struct stack_network {
	const char *key, *name;			/* name: PROJECT_KEY unless `name:` */
	struct stack_pos pos;
	bool internal, used;			/* used: by any service */
	bool external;				/* a bridge of the host by this name: it is there already, and stays */
	bool ipv4, ipv6;			/* `enable_ipv4`, `enable_ipv6`; at least one */
	const struct stack_subnet *subnets;	/* of families that are on; of one without any plan chooses it */
	size_t n_subnets;
	struct stack_driver driver;
	unsigned mtu;				/* 0: as the driver has it */
	struct stack_pos mtu_pos;
};

#endif
