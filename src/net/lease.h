/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lease: switches of the host's own devices, forwarding above all, turned while at least one
 * stack needs them.
 */
#ifndef NET_LEASE_H
#define NET_LEASE_H

#include "mstack/net.h"
#include "net/hostswitch.h"

struct lease_device {
	enum host_switch what;
	char ifname[IFNAMSIZ]; /* or HOST_ALL */
	int index;	       /* of the device; 0: of all */
};

struct lease_devices VEC(struct lease_device);

/* What has to be switched, and through which devices packets come in that are forwarded because of us. */
struct lease_wanted {
	struct lease_devices switches; /* in the order in which they are to be taken */
	struct lease_devices uplinks;
};
void lease_wanted_fini(struct lease_wanted *w);
/*
 * Of a family: AF_INET, AF_INET6. Devices with an address of it, whose forwarding is off, or on by a lease. Where the kernel
 * can switch IPv6 for the whole host only, that, after their devices were told to go on listening to routers.
 */
int lease_candidates(int rtnl, int family, struct lease_wanted *ret, struct err *err);
void lease_devices_fini(struct lease_devices *d);
/* Is this switch off, or on by leases only? 1, 0, -1 */
int lease_needed(const struct lease_device *dev, struct err *err);
/*
 * Enters the lease in the ledger and in the host's books, then turns the switch. A
 * device that is gone is none.
 */
int lease_take(struct ledger *l, const struct lease_device *dev, const char *project,
	       struct err *err);

/* Whoever the books name, once for each lease. */
void lease_owners(void (*found)(void *arg, const char *project), void *arg);
/* What the books say that `project` holds; looks only, waits for no lock. */
int lease_find(const char *project, struct lease_devices *ret, struct err *err);

/* The ledger's key; caller frees. */
char *lease_key(const struct lease_device *dev, const char *project);
/*
 * By the ledger's key, "SWITCH:DEVICE:PROJECT". lease_held: 1, 0. lease_drop: 0
 * dropped, 1 was none, -1 error.
 */
int lease_held(const char *key);
int lease_drop(const char *key, struct err *err);

#endif
