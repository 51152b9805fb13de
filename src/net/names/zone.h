/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zone.h: which names there are on which network, and whose they are. Pure: told by control.c, asked by answer.c.
 */
#ifndef NET_NAMES_ZONE_H
#define NET_NAMES_ZONE_H

#include "mstack/base.h"
#include "mstack/base_ip.h"

/* Addresses of one name in one answer; further ones take part in the turns. */
enum { ZONE_ADDRESSES = 256 };

struct zone;

struct zone *zone_new(void);
void zone_free(struct zone *z);

void zone_network(struct zone *z, uint32_t network, const char *name);
void zone_subnet(struct zone *z, uint32_t network, const struct ip_net *subnet);
/* The slot is called so there, under these addresses (either may be none). canonical: the name that its addresses lead back to. */
void zone_add(struct zone *z, uint32_t slot, uint32_t network, const char *name,
	      const struct ip ips[2], bool canonical);
/* Does a program run in it? Of those with the same name only they are told, if there are any. */
void zone_up(struct zone *z, uint32_t slot, bool up);
/* All of its names. */
void zone_drop(struct zone *z, uint32_t slot);

/* The networks of who asks, in his order. */
struct zone_view {
	const uint32_t *networks;
	size_t n;
};

/*
 * The addresses of `family` (0: none wanted) behind a name in small letters, or behind NAME.NETWORK; the next of them first each
 * time. The first network that has any decides. Returns how many, or -1: nobody is called so.
 */
int zone_find(struct zone *z, const struct zone_view *v, const char *name, uint8_t family,
	      struct ip ret[ZONE_ADDRESSES]);

/* Is it of one of the networks? */
bool zone_has(const struct zone *z, const struct ip *ip);

/* What NAME.NETWORK an address has. 1; 0: nobody has it; -1: it is of no network of theirs. */
int zone_reverse(const struct zone *z, const struct zone_view *v, const struct ip *ip, char *ret,
		 size_t size);

#endif
