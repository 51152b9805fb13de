/* SPDX-License-Identifier: GPL-2.0-or-later */
/* addr: addresses of interfaces, set and listed. */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include "net/nl.h"

struct addr_info {
	int index;
	struct ip_net net;
};

/*
 * IPv6 ones without duplicate address detection: they are usable at once, and nobody else on the
 * link gives out any.
 */
void addr_put(struct nl_batch *b, int index, const struct ip_net *net);
/* All addresses of the namespace, of both families; caller frees *ret. */
int addr_list(int fd, struct addr_info **ret, size_t *ret_n, struct err *err);

#endif
