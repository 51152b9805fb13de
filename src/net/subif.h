/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * subif: a device "BASE.VID" for what has a VLAN tag on another device of the host, as a switch that leases count: on, it is there.
 * Called by hostswitch.c, and by lan.c, which asks for leases.
 */
#ifndef NET_SUBIF_H
#define NET_SUBIF_H

#include <net/if.h>

#include "mstack/base.h"

struct subif {
	char base[IFNAMSIZ];
	uint16_t vid; /* 1 to 4094 */
};

/* By its name; false: it is not such a one. */
bool subif_parse(const char *ifname, struct subif *ret);
/* As host_switch_read and host_switch_write. One that is not ours is not taken away. */
int subif_read(const char *ifname);
int subif_write(const char *ifname, char value, struct err *err);

#endif
