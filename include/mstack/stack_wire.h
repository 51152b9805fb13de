/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack_wire: `x-links`, wires between two services, as they are once they have been read and checked. A part of the door of
 * stack: include mstack/stack.h.
 */
#ifndef MSTACK_STACK_WIRE_H
#define MSTACK_STACK_WIRE_H

#include "mstack/stack_model.h"

enum stack_end_kind {
	STACK_END_SERVICE,		/* SERVICE:INTERFACE, SERVICE-INDEX:INTERFACE */
	STACK_END_HOST,			/* host:INTERFACE, which is made in the host's namespace */
	STACK_END_MACVLAN,		/* macvlan:DEVICE of the host */
	STACK_END_VXLAN,		/* vxlan:ADDRESS/VNI of another host */
};

struct stack_end {
	enum stack_end_kind kind;
	const char *text;		/* as in the file */
	const struct stack_service *service;	/* SERVICE */
	unsigned index;			/* SERVICE: of its containers, from 1 */
	const char *ifname;		/* SERVICE, HOST: of the interface; MACVLAN: of the device */
	struct ip remote;		/* VXLAN */
	uint32_t vni;
	uint8_t mac[6];			/* zeros: plan chooses it */
	struct ip_net ipv4, ipv6;	/* without a family: none */
};

struct stack_wire {
	struct stack_end ends[2];	/* one of them at least is a SERVICE */
	unsigned mtu;			/* 0: not given */
	const struct impair_ways *impair;	/* seen from the first end; NULL: none */
	struct stack_pos pos, impair_pos;
};

#endif
