/* SPDX-License-Identifier: GPL-2.0-or-later */
/* route: the routing table, set and listed. */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include "net/nl.h"

struct route_info {
	struct ip_net dst; /* prefix 0: a default route */
	uint32_t table, metric;
	int index; /* of the device; 0: none */
};

void route_put_default(struct nl_batch *b, int index, const struct ip *gateway);
/*
 * The unicast routes of both families, of all tables but the local one, 65,536 at most; caller frees
 * *ret.
 */
int route_list(int fd, struct route_info **ret, size_t *ret_n, struct err *err);

#endif
