/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * homeward: the way back to clients of published ports whose connections are handed on under their own addresses.
 */
#ifndef NET_HOMEWARD_H
#define NET_HOMEWARD_H

#include "net/nft.h"

/*
 * Makes the network namespace that we are in, which is ours alone, a router, and leads what containers answer to such a client to the
 * socket that has the client's address, instead of out. All of it goes with the namespace.
 */
int homeward_open(struct err *err);
/* Its table of rules alone, as one transaction. */
void homeward_put(struct nl_batch *b);

#endif
