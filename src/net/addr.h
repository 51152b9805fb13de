/* SPDX-License-Identifier: GPL-2.0-or-later */
/* addr: addresses of interfaces, set and listed. */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <netinet/in.h>

#include "net/nl.h"

struct addr_info {
	int index;
	struct in_addr addr;
	unsigned prefix;
};

/* The mask of a prefix length, in network order. */
struct in_addr addr_mask(unsigned prefix);
bool addr_overlap(struct in_addr a, unsigned a_prefix, struct in_addr b, unsigned b_prefix);

void addr_put(struct nl_batch *b, int index, struct in_addr addr, unsigned prefix);
/* All IPv4 addresses of the namespace; caller frees *ret. */
int addr_list(int fd, struct addr_info **ret, size_t *ret_n, struct err *err);

#endif
