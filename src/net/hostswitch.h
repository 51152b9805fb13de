/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostswitch: the switches of the host's own devices that a lease turns, and how they are read and written. By /proc and not by
 * rtnetlink: only there the kernel also switches off receive offload (LRO), which must not be on where packets are forwarded,
 * and those of IPv6 are nowhere else.
 */
#ifndef NET_HOSTSWITCH_H
#define NET_HOSTSWITCH_H

#include "mstack/base.h"

enum host_switch {
	HOST_FORWARDING,       /* of IPv4, for each device */
	HOST_FORCE_FORWARDING, /* of IPv6, for each device (Linux 6.17 and later) */
	HOST_FORWARDING6, /* of IPv6, for all devices at once; that it makes a router of the host, the table's rules undo */
	HOST_ACCEPT_RA, /* 2: a device listens to routers although the host forwards */
	HOST_VLAN,	/* a device "BASE.VID" is there, for macvlans on it: see subif.h */
	HOST_SWITCHES,
};

#define HOST_ALL "all" /* the switch of the host, in the place of a device */

/* The name in the books of leases. */
const char *host_switch_name(enum host_switch s);
/* What it is when nobody needs us to turn it, and what we turn it to. */
char host_switch_off(enum host_switch s);
char host_switch_on(enum host_switch s);
/* Of the device that the switch belongs to; 0: not there. */
int host_switch_index(enum host_switch s, const char *ifname);
/* '0', '1', '2'; -1 with errno, ENOENT when there is no such device, or the kernel has no such switch. */
int host_switch_read(enum host_switch s, const char *ifname);
/* A device that is gone needs no switching. */
int host_switch_write(enum host_switch s, const char *ifname, char value, struct err *err);

#endif
