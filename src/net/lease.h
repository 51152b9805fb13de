/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lease: forwarding of the host's own devices, switched on while at least one stack needs
 * it.
 */
#ifndef NET_LEASE_H
#define NET_LEASE_H

#include "mstack/net.h"

struct lease_device {
	char ifname[IFNAMSIZ];
	int index;
};

struct lease_devices VEC(struct lease_device);

/*
 * The devices that forward only because of us: those with an IPv4 address whose forwarding
 * is off, or on by a lease.
 */
int lease_candidates(int rtnl, struct lease_devices *ret, struct err *err);
void lease_devices_fini(struct lease_devices *d);
/*
 * Enters the lease in the ledger and in the host's books, then switches forwarding on. A
 * device that is gone is none.
 */
int lease_take(struct ledger *l, const struct lease_device *dev, const char *project,
	       struct err *err);

/* The devices that the books say `project` holds; looks only, waits for no lock. */
int lease_find(const char *project, struct lease_devices *ret, struct err *err);

/* The ledger's key; caller frees. */
char *lease_key(const char *ifname, const char *project);
/*
 * By the ledger's key, "forwarding:DEVICE:PROJECT". lease_held: 1, 0. lease_drop: 0
 * dropped, 1 was none, -1 error.
 */
int lease_held(const char *key);
int lease_drop(const char *key, struct err *err);

#endif
