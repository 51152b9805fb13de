/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * member: what mstack-net has to know of a slot and of a network, as the messages that tell it. They are kept, so that a new process
 * can be told everything once more. Made here from the specs of net_names.h; sent by helper.c.
 */
#ifndef NET_MEMBER_H
#define NET_MEMBER_H

#include "mstack/net_names.h"
#include "net/helper.h"

struct messages VEC(struct helper_message);

struct member {
	uint32_t slot;
	bool listens, up;
	struct net_names_sockets sockets;
	struct helper_message asker;
	struct messages names, sees;
};

/* Its names, and whom it asks when it does; nobody has been told yet. The spec is copied. */
struct member *member_new(uint32_t slot, const struct net_names_spec *spec);
void member_free(struct member *who);
/* What is told of network number `nr`, behind what is in the list already. */
void member_networks(struct messages *list, uint32_t nr, const struct net_bridge_spec *b);

#endif
